#!/bin/sh
# Brings the cluster of the current kubectl context to a release: the schema first, then the services.
# Usage: release.sh local|staging|production|production-gpu
set -eu
overlay="$(dirname "$0")/overlays/${1:?name an overlay}"
namespace=$(kubectl kustomize "$overlay" | sed -n 's/^  namespace: //p' | head -n 1)

# A job cannot be changed, so the last release's goes.
kubectl delete job protea-migrate --namespace "$namespace" --ignore-not-found
kubectl apply --kustomize "$overlay/migrate"
kubectl wait job/protea-migrate --namespace "$namespace" --for=condition=complete --timeout=30m

kubectl apply --kustomize "$overlay"
kubectl rollout status deployment --namespace "$namespace" --selector app.kubernetes.io/part-of=protea --timeout=15m
