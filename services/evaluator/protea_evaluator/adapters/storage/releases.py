"""The releases of the Gene Ontology that everything else is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select

from protea_common.errors import PermanentError
from protea_common.orm import OntologySnapshot

__all__ = ["OntologyNotFoundError", "OntologyRelease", "select_release"]


class OntologyNotFoundError(PermanentError):
    """No ontology has this id."""

    slug: ClassVar[str] = "ontology-not-found"
    status: ClassVar[int] = 404


@dataclass(frozen=True, slots=True)
class OntologyRelease:
    """A loaded release of the Gene Ontology.

    Attributes
    ----------
    id
        Its snapshot.
    version
        As the release calls itself, for people.
    sha256
        Digest of its file, decompressed.
    """

    id: UUID
    version: str
    sha256: str


def select_release() -> Any:
    """Select what an `OntologyRelease` says of a snapshot, in the order of its fields."""
    return select(OntologySnapshot.id, OntologySnapshot.obo_version, OntologySnapshot.obo_sha256)
