"""A measurement as a Process Run Crate: what went in, what came out, and what did it, with digests."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Ingredient", "Run", "pack_crate", "write_metadata"]

_RO_CRATE = "https://w3id.org/ro/crate/1.1"
_PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
_CONTEXT = [f"{_RO_CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]
_LICENCE = "https://spdx.org/licenses/CC-BY-4.0"

_METADATA = "ro-crate-metadata.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of each file in the archive, the earliest that it can hold: the same run gives the same bytes."""

_MEDIA_TYPES = {"json": "application/json", "parquet": "application/vnd.apache.parquet"}


@dataclass(frozen=True, slots=True)
class Ingredient:
    """What went in and is not in the crate.

    Attributes
    ----------
    identifier
        Fragment of this crate, such as ``#ontology``.
    sha256
        Digest of its content; ``None`` where none was kept.
    description
        What else is needed to have it again.
    """

    identifier: str
    name: str
    sha256: str | None
    description: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One measurement.

    Attributes
    ----------
    payload
        Of the operation, which does the same again.
    version, code_sha256
        Of PROTEA, and of the modules that measured; ``None`` for a result that was kept without.
    """

    identifier: str
    operation: str
    payload: Mapping[str, Any]
    version: str
    code_sha256: str | None
    finished_at: datetime
    frame: Mapping[str, str]
    ingredients: Sequence[Ingredient]


def pack_crate(run: Run, files: Mapping[str, bytes]) -> bytes:
    """Pack a run with its files into a zip archive; the same run and files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted({_METADATA: write_metadata(run, files), **files}.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def write_metadata(run: Run, files: Mapping[str, bytes]) -> bytes:
    """Write the description of a run and its files as JSON-LD.

    References
    ----------
    RO-Crate 1.1; Process Run Crate 0.5 (Leo et al. 2024, PLoS ONE 19:e0309210).
    """
    graph = [
        _descriptor(),
        _root(run, files),
        _profile(),
        {"@id": _LICENCE, "@type": "CreativeWork", "name": "Creative Commons Attribution 4.0 International"},
        _application(run),
        _action(run, files),
        {
            "@id": "#payload",
            "@type": "PropertyValue",
            "name": "payload",
            "value": json.dumps(run.payload, sort_keys=True),
        },
        *map(_ingredient, run.ingredients),
        *(_file(name, content) for name, content in sorted(files.items())),
    ]
    return json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=2, sort_keys=True).encode()


def _descriptor() -> dict[str, Any]:
    return {
        "@id": _METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": _RO_CRATE},
    }


def _root(run: Run, files: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"PROTEA evaluation {run.identifier}",
        "description": f"Predictions measured in the frame {run.frame['name']} ({run.frame['digest']}).",
        "datePublished": run.finished_at.isoformat(),
        "license": {"@id": _LICENCE},
        "conformsTo": {"@id": _PROCESS_RUN},
        "hasPart": [{"@id": name} for name in sorted(files)],
        "mentions": {"@id": "#run"},
    }


def _profile() -> dict[str, Any]:
    return {"@id": _PROCESS_RUN, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}


def _application(run: Run) -> dict[str, Any]:
    entity = {"@id": "#protea", "@type": "SoftwareApplication", "name": "PROTEA", "softwareVersion": run.version}
    return entity if run.code_sha256 is None else entity | {"sha256": run.code_sha256}


def _action(run: Run, files: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "@id": "#run",
        "@type": "CreateAction",
        "name": run.operation,
        "instrument": {"@id": "#protea"},
        "description": f"Measured by PROTEA {run.version} with the parameters in #payload.",
        "endTime": run.finished_at.isoformat(timespec="milliseconds"),
        "object": [{"@id": "#payload"}, *({"@id": each.identifier} for each in run.ingredients)],
        "result": [{"@id": name} for name in sorted(files)],
    }


def _ingredient(ingredient: Ingredient) -> dict[str, Any]:
    entity = {"@id": ingredient.identifier, "@type": "CreativeWork", "name": ingredient.name}
    told = {"sha256": ingredient.sha256, "description": ingredient.description}
    return entity | {name: value for name, value in told.items() if value}


def _file(name: str, content: bytes) -> dict[str, Any]:
    return {
        "@id": name,
        "@type": "File",
        "name": name,
        "encodingFormat": _MEDIA_TYPES[name.rpartition(".")[2]],
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
