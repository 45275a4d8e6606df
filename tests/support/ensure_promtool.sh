#!/bin/sh
# Makes sure that the tests can check Prometheus rules: promtool installed, or installed now where we may.
set -eu

if command -v promtool >/dev/null 2>&1; then
    exit 0
fi
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" -eq 0 ]; then
        as_root=""
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo"
    else
        as_root="none"
    fi
    if [ "$as_root" != "none" ]; then
        echo "installing prometheus (for promtool) through apt, once"
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null
        exit 0
    fi
fi
echo "The tests check the alerts with promtool. Install it (apt-get install prometheus, or Prometheus' own archive)." >&2
exit 1
