"""The validator of RO-Crates that we did not write, as a program of its own in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["CrateValidator"]

_PACKAGES: Final = ("roc-validator==0.13.0", "rocrate==0.16.0")
"""The second has RO-Crate's JSON-LD context, which the first would fetch."""

_PROGRAM: Final = """
import io, json, sys, urllib.request
from email.message import Message
from importlib import resources
from urllib.response import addinfourl
import requests

CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": (resources.files("rocrate") / "data" / "ro-crate.jsonld").read_bytes(),
    "https://w3id.org/ro/terms/workflow-run/context": json.dumps(
        {"@context": {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}}
    ).encode(),
}

def opened(request, *_args, **_options):
    url = request if isinstance(request, str) else request.full_url
    headers = Message()
    headers["Content-Type"] = "application/ld+json"
    return addinfourl(io.BytesIO(CONTEXTS[url]), headers, url, 200)

def requested(_session, _method, url, **_options):
    answer = requests.Response()
    answer.status_code, answer.url = (200 if url in CONTEXTS else 404), url
    answer._content = CONTEXTS.get(url, b"")
    answer.headers["Content-Type"] = "application/ld+json"
    return answer

urllib.request.urlopen = opened
requests.Session.request = requested
import rdflib._networking
from rocrate_validator import models, services
rdflib._networking.urlopen = opened
settings = services.ValidationSettings(
    rocrate_uri=sys.argv[1],
    profile_identifier="process-run-crate",
    requirement_severity=models.Severity.RECOMMENDED,
    no_cache=True,
)
issues = services.validate(settings).get_issues()
print(json.dumps([[issue.severity.name, issue.message] for issue in issues]))
"""
"""It validates as its command does, and reads the two contexts from here instead of the network."""


class CrateValidator:
    """Checks crates against RO-Crate 1.1 and Process Run Crate 0.5.

    Parameters
    ----------
    folder
        Where its environment is made, once.
    """

    def __init__(self, folder: Path) -> None:
        self._python = folder / "bin" / "python"
        if not self._python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(self._python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, *_PACKAGES], check=True)

    def issues(self, crate: Path) -> set[tuple[str, str]]:
        """Give severity (``REQUIRED``, ``RECOMMENDED``) and words of each finding."""
        arguments = [str(self._python), "-c", _PROGRAM, str(crate)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return {(severity, message) for severity, message in json.loads(done.stdout.splitlines()[-1])}
