"""All SQL of the ingest service: proteins, ontology releases and annotation sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Text, any_, cast, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from protea_common.db import copy_rows
from protea_common.errors import PermanentError
from protea_common.orm import AnnotationSet, GOTerm, GOTermRelationship, OntologySnapshot, Protein
from protea_common.sequence_store import SequenceStore
from protea_ingest.domain.annotation_filter import AnnotationRow, TermIds
from protea_ingest.domain.obo import OntologyDocument
from protea_ingest.domain.protein_rows import ProteinRow

__all__ = [
    "AnnotationSetStore",
    "IncomingAnnotations",
    "IncomingProteins",
    "NewAnnotationSet",
    "OntologySnapshotNotFoundError",
    "OntologyStore",
    "ProteinCounts",
    "ProteinStore",
    "Release",
    "StoredRelease",
]

_NAMED_CONFLICTS = 5
"""Accessions that a warning names; more would bury its message."""

_ROWS_PER_FETCH = 5_000
"""Rows read at a time; fewer cost round trips, more hold the event loop longer."""

_CREATE_INCOMING_PROTEIN = text("""
    CREATE TEMPORARY TABLE incoming_protein (
        accession text, canonical_accession text, is_canonical boolean, isoform_index integer, entry_name text,
        reviewed boolean, taxonomy_id integer, organism text, gene_name text, length integer,
        sequence_hash varchar(32), sequence text
    ) ON COMMIT DROP
""")

_COUNT_INCOMING_PROTEINS = text("""
    SELECT count(*) AS records, count(*) FILTER (WHERE NOT is_canonical) AS isoforms,
           count(DISTINCT sequence_hash) AS sequences
    FROM incoming_protein
""")

# The length belongs to the sequence, so it is filled in with it and never from another one. In the order of the key:
# of two jobs that write the same proteins the second waits, and neither deadlocks.
_INSERT_OR_FILL_IN_PROTEINS = text("""
    WITH written AS (
        INSERT INTO protein AS known
            (accession, canonical_accession, is_canonical, isoform_index, entry_name, reviewed, taxonomy_id, organism,
             gene_name, length, sequence_id)
        SELECT accession, canonical_accession, is_canonical, isoform_index, entry_name, reviewed, taxonomy_id,
               organism, gene_name, incoming_protein.length, sequence.id
        FROM incoming_protein JOIN sequence USING (sequence_hash)
        ORDER BY accession
        ON CONFLICT (accession) DO UPDATE SET
            canonical_accession = EXCLUDED.canonical_accession,
            is_canonical = EXCLUDED.is_canonical,
            isoform_index = EXCLUDED.isoform_index,
            entry_name = coalesce(known.entry_name, EXCLUDED.entry_name),
            reviewed = coalesce(known.reviewed, EXCLUDED.reviewed),
            taxonomy_id = coalesce(known.taxonomy_id, EXCLUDED.taxonomy_id),
            organism = coalesce(known.organism, EXCLUDED.organism),
            gene_name = coalesce(known.gene_name, EXCLUDED.gene_name),
            length = CASE WHEN coalesce(known.sequence_id, EXCLUDED.sequence_id) = EXCLUDED.sequence_id
                          THEN EXCLUDED.length ELSE known.length END,
            sequence_id = coalesce(known.sequence_id, EXCLUDED.sequence_id),
            updated_at = now()
        WHERE known.canonical_accession <> EXCLUDED.canonical_accession
           OR known.is_canonical <> EXCLUDED.is_canonical
           OR known.isoform_index IS DISTINCT FROM EXCLUDED.isoform_index
           OR (known.entry_name IS NULL AND EXCLUDED.entry_name IS NOT NULL)
           OR (known.reviewed IS NULL AND EXCLUDED.reviewed IS NOT NULL)
           OR (known.taxonomy_id IS NULL AND EXCLUDED.taxonomy_id IS NOT NULL)
           OR (known.organism IS NULL AND EXCLUDED.organism IS NOT NULL)
           OR (known.gene_name IS NULL AND EXCLUDED.gene_name IS NOT NULL)
           OR known.sequence_id IS NULL
           OR (known.sequence_id = EXCLUDED.sequence_id AND known.length IS DISTINCT FROM EXCLUDED.length)
        RETURNING xmax = 0 AS inserted
    )
    SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated FROM written
""")

_FIND_SEQUENCE_CONFLICTS = text("""
    SELECT count(*) AS number, (array_agg(accession ORDER BY accession))[1 : :named] AS accessions
    FROM incoming_protein JOIN sequence USING (sequence_hash) JOIN protein USING (accession)
    WHERE protein.sequence_id <> sequence.id
""").bindparams(named=_NAMED_CONFLICTS)

_CREATE_INCOMING_ANNOTATION = text("""
    CREATE TEMPORARY TABLE incoming_annotation (
        place bigint GENERATED ALWAYS AS IDENTITY, protein_accession text, go_term_id bigint, qualifier text,
        is_negated boolean, evidence_code text, assigned_by text, db_reference text, with_from text,
        annotation_date varchar(8)
    ) ON COMMIT DROP
""")

_INSERT_DISTINCT_ANNOTATIONS = text("""
    INSERT INTO protein_go_annotation
        (annotation_set_id, protein_accession, go_term_id, qualifier, is_negated, evidence_code, assigned_by,
         db_reference, with_from, annotation_date)
    SELECT DISTINCT ON (protein_accession, go_term_id, evidence_code, is_negated)
           CAST(:annotation_set_id AS uuid), protein_accession, go_term_id, qualifier, is_negated, evidence_code,
           assigned_by, db_reference, with_from, annotation_date
    FROM incoming_annotation
    ORDER BY protein_accession, go_term_id, evidence_code, is_negated, annotation_date, place
""")


class OntologySnapshotNotFoundError(PermanentError):
    """No ontology release has this id."""

    slug: ClassVar[str] = "ontology-snapshot-not-found"
    status: ClassVar[int] = 404


@dataclass(frozen=True, slots=True)
class ProteinCounts:
    """What a load of proteins came to.

    Attributes
    ----------
    records, isoforms
        Records of the file, and those of them that are isoforms.
    inserted, updated
        New proteins, and known ones of which something was missing or derived anew.
    sequences_inserted, sequences_reused
        Distinct sequences of the file that were new, and that were there.
    conflicts
        Known proteins whose sequence is another one than the file's; it was left as it is.
    conflicting
        The first few of their accessions.
    """

    records: int
    isoforms: int
    inserted: int
    updated: int
    sequences_inserted: int
    sequences_reused: int
    conflicts: int
    conflicting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """One ontology file, as its row describes it."""

    obo_url: str
    obo_version: str
    obo_sha256: str
    ia_url: str | None


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release that was loaded before."""

    id: UUID
    obo_sha256: str


@dataclass(frozen=True, slots=True)
class NewAnnotationSet:
    """One annotation file, as its row describes it."""

    id: UUID
    source: str
    source_version: str
    content_sha256: str
    annotated_before: date | None
    ontology_snapshot_id: UUID
    job_id: UUID


class IncomingProteins:
    """The proteins of one load, first in a temporary table of the transaction, so that a long file locks nothing."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def open(self) -> None:
        """Make the temporary table; it goes with the transaction."""
        await self._session.execute(_CREATE_INCOMING_PROTEIN)

    async def add(self, rows: Sequence[ProteinRow]) -> None:
        """Take rows in; an accession comes once."""
        await copy_rows(self._session, "incoming_protein", ProteinRow._fields, rows)

    async def write(self) -> ProteinCounts:
        """Store the new sequences and proteins, and fill in what is null in those that are known.

        Raises
        ------
        SequenceHashCollisionError
            If a sequence has the hash of another one.
        """
        sequences_inserted = await SequenceStore(self._session).merge("incoming_protein")
        incoming = (await self._session.execute(_COUNT_INCOMING_PROTEINS)).one()
        written = (await self._session.execute(_INSERT_OR_FILL_IN_PROTEINS)).one()
        conflicts = (await self._session.execute(_FIND_SEQUENCE_CONFLICTS)).one()
        return ProteinCounts(
            records=incoming.records,
            isoforms=incoming.isoforms,
            inserted=written.inserted,
            updated=written.updated,
            sequences_inserted=sequences_inserted,
            sequences_reused=incoming.sequences - sequences_inserted,
            conflicts=conflicts.number,
            conflicting=tuple(conflicts.accessions or ()),
        )


class ProteinStore:
    """Table ``protein``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def known_canonical(self, accessions: AbstractSet[str]) -> set[str]:
        """Find which of the accessions are canonical proteins."""
        # One array, not a parameter an accession: the statement stays the same for any number of them.
        wanted = any_(cast(list(accessions), ARRAY(Text)))
        statement = select(Protein.accession).where(Protein.accession == wanted, Protein.is_canonical)
        return set(await self._session.scalars(statement))


class OntologyStore:
    """Tables ``ontology_snapshot``, ``go_term`` and ``go_term_relationship``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, obo_version: str) -> StoredRelease | None:
        """Look for a release by its version."""
        statement = select(OntologySnapshot.id, OntologySnapshot.obo_sha256)
        row = (await self._session.execute(statement.where(OntologySnapshot.obo_version == obo_version))).one_or_none()
        return None if row is None else StoredRelease(row.id, row.obo_sha256)

    async def add(self, release: Release, document: OntologyDocument, *, artifact_uri: str) -> UUID:
        """Store a release with its terms and relations; give its id.

        Raises
        ------
        sqlalchemy.exc.IntegrityError
            If another job has stored this version meanwhile; tried again, the job finds it.
        """
        snapshot_id = uuid4()
        await self._session.execute(
            insert(OntologySnapshot).values(
                id=snapshot_id,
                artifact_uri=artifact_uri,
                term_count=len(document.terms),
                relationship_count=len(document.relations),
                **asdict(release),
            )
        )
        await self._copy_terms(snapshot_id, document)
        await self._copy_relations(snapshot_id, document)
        return snapshot_id

    async def read_term_ids(self, snapshot_id: UUID) -> TermIds:
        """Read what the identifiers of a release stand for.

        Raises
        ------
        OntologySnapshotNotFoundError
            If there is no such release.
        """
        found = await self._session.scalar(select(OntologySnapshot.id).where(OntologySnapshot.id == snapshot_id))
        if found is None:
            raise OntologySnapshotNotFoundError(
                f"There is no ontology release {snapshot_id}; load one first (operation load_ontology_snapshot)."
            )
        statement = select(GOTerm.go_id, GOTerm.id, GOTerm.is_obsolete, GOTerm.alt_ids)
        stream = await self._session.stream(
            statement.where(GOTerm.ontology_snapshot_id == snapshot_id).order_by(GOTerm.go_id)
        )
        terms = TermIds()
        async for rows in stream.partitions(_ROWS_PER_FETCH):
            for go_id, row, is_obsolete, alt_ids in rows:
                terms.add(go_id, row, is_obsolete=is_obsolete, alt_ids=alt_ids)
        return terms

    async def _copy_terms(self, snapshot_id: UUID, document: OntologyDocument) -> None:
        rows = (
            (
                snapshot_id,
                term.go_id,
                term.name,
                None if term.aspect is None else term.aspect.code,
                term.definition,
                term.is_obsolete,
                term.alt_ids,
                term.replaced_by,
                term.consider,
            )
            for term in document.terms
        )
        columns = (
            "ontology_snapshot_id",
            "go_id",
            "name",
            "aspect",
            "definition",
            "is_obsolete",
            "alt_ids",
            "replaced_by",
            "consider",
        )
        await copy_rows(self._session, GOTerm.__tablename__, columns, rows)

    async def _copy_relations(self, snapshot_id: UUID, document: OntologyDocument) -> None:
        statement = select(GOTerm.go_id, GOTerm.id).where(GOTerm.ontology_snapshot_id == snapshot_id)
        id_of = {row.go_id: row.id for row in await self._session.execute(statement)}
        rows = (
            (snapshot_id, id_of[relation.child], id_of[relation.parent], relation.relation_type)
            for relation in document.relations
        )
        columns = ("ontology_snapshot_id", "child_go_term_id", "parent_go_term_id", "relation_type")
        await copy_rows(self._session, GOTermRelationship.__tablename__, columns, rows)


class IncomingAnnotations:
    """The rows of one load, first in a temporary table of the transaction: only all of them tell the duplicates."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def open(self) -> None:
        """Make the temporary table; it goes with the transaction."""
        await self._session.execute(_CREATE_INCOMING_ANNOTATION)

    async def add(self, rows: Sequence[AnnotationRow]) -> None:
        """Take rows in."""
        await copy_rows(self._session, "incoming_annotation", AnnotationRow._fields, rows)

    async def write(self, annotation_set_id: UUID) -> int:
        """Store the rows as those of a set; give how many are left without duplicates.

        Of rows with the same protein, term, evidence code and negation the one with the earliest date stays, of several
        such the first in the file.
        """
        connection = await self._session.connection()
        outcome = await connection.execute(_INSERT_DISTINCT_ANNOTATIONS, {"annotation_set_id": annotation_set_id})
        return outcome.rowcount


class AnnotationSetStore:
    """Table ``annotation_set``."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, new: NewAnnotationSet) -> None:
        """Store a set that has no rows yet."""
        await self._session.execute(insert(AnnotationSet).values(**asdict(new)))

    async def describe(self, annotation_set_id: UUID, *, annotation_count: int, meta: Mapping[str, Any]) -> None:
        """Say how many rows a set has, and how its load went."""
        await self._session.execute(
            update(AnnotationSet)
            .where(AnnotationSet.id == annotation_set_id)
            .values(annotation_count=annotation_count, meta=dict(meta))
            .execution_options(synchronize_session=False)
        )
