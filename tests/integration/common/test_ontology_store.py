"""A stored ontology release read back: live terms, propagating edges, and successors of identifiers that are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from protea_common.domain.ontology import Aspect, GoGraph, OntologyCycleError, Relation, Term
from protea_common.ontology_store import read_go_graph, read_live_ids
from protea_ingest.domain.obo import parse_obo
from support.data_files import DEMO_DATA, read_lines
from support.evaluation import BINDING, CATALYSIS, FUNCTION, KINASE, PHOSPHORYLATION, PROCESS
from support.ontology_rows import insert_ontology

GONE, MERGED, AMBIGUOUS, DISPUTED, CHAINED = "GO:0000001", "GO:0000002", "GO:0000003", "GO:0000004", "GO:0000005"


def live(go_id: str, aspect: Aspect, *alt_ids: str) -> Term:
    return Term(go_id=go_id, name=go_id, aspect=aspect, definition=None, is_obsolete=False, alt_ids=alt_ids)


def obsolete(go_id: str, *replaced_by: str, aspect: Aspect | None = None, consider: tuple[str, ...] = ()) -> Term:
    return Term(
        go_id=go_id,
        name=go_id,
        aspect=aspect,
        definition=None,
        is_obsolete=True,
        replaced_by=replaced_by,
        consider=consider,
    )


FUNCTION_ASPECT, PROCESS_ASPECT = Aspect.MOLECULAR_FUNCTION, Aspect.BIOLOGICAL_PROCESS
LIVE = [
    live(FUNCTION, FUNCTION_ASPECT),
    live(CATALYSIS, FUNCTION_ASPECT),
    live(KINASE, FUNCTION_ASPECT, MERGED),
    live(BINDING, FUNCTION_ASPECT),
    live(PROCESS, PROCESS_ASPECT),
    live(PHOSPHORYLATION, PROCESS_ASPECT),
]
EDGES = [
    Relation(CATALYSIS, FUNCTION, "is_a"),
    Relation(KINASE, CATALYSIS, "is_a"),
    Relation(BINDING, FUNCTION, "is_a"),
    Relation(PHOSPHORYLATION, PROCESS, "is_a"),
    Relation(KINASE, BINDING, "regulates"),
    Relation(KINASE, PHOSPHORYLATION, "part_of"),
]


@pytest.fixture
async def session(migrated_database_url: str) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(migrated_database_url)
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


def ancestors(graph: GoGraph, go_id: str) -> set[str]:
    return {graph.go_ids[row] for row in graph.ancestors(graph.row_of[go_id])}


async def test_the_graph_holds_live_terms_and_follows_propagating_edges_inside_an_aspect(
    session: AsyncSession,
) -> None:
    terms = [*LIVE, obsolete(GONE, aspect=FUNCTION_ASPECT)]
    snapshot_id = await insert_ontology(session, terms, [*EDGES, Relation(GONE, BINDING, "is_a")])

    graph = await read_go_graph(session, snapshot_id)

    assert graph.go_ids == tuple(sorted(term.go_id for term in LIVE))
    assert ancestors(graph, KINASE) == {CATALYSIS, FUNCTION}  # neither the regulated term nor the other aspect
    assert ancestors(graph, PHOSPHORYLATION) == {PROCESS}


async def test_releases_do_not_mix(session: AsyncSession) -> None:
    await insert_ontology(session, [*LIVE, obsolete(GONE, KINASE)], EDGES, version="releases/2019-01-27")
    other_id = await insert_ontology(
        session, [live(KINASE, FUNCTION_ASPECT), obsolete(GONE, BINDING)], [], version="releases/2020-01-01"
    )

    assert (await read_go_graph(session, other_id)).go_ids == (KINASE,)
    assert await read_live_ids(session, other_id) == {}  # the other release knows the successor, this one does not


async def test_an_unknown_release_gives_a_graph_without_rows(session: AsyncSession) -> None:
    assert (await read_go_graph(session, uuid4())).go_ids == ()
    assert await read_live_ids(session, uuid4()) == {}


async def test_a_term_that_is_its_own_ancestor_is_named(session: AsyncSession) -> None:
    snapshot_id = await insert_ontology(session, LIVE, [*EDGES, Relation(CATALYSIS, KINASE, "is_a")])

    with pytest.raises(OntologyCycleError, match=f"{CATALYSIS}|{KINASE}"):
        await read_go_graph(session, snapshot_id)


async def test_merged_terms_and_those_with_one_live_successor_have_a_live_identifier(session: AsyncSession) -> None:
    gone = [
        obsolete(GONE, BINDING),
        obsolete(AMBIGUOUS, BINDING, KINASE),
        obsolete(DISPUTED, consider=(BINDING,)),
        obsolete(CHAINED, GONE),
    ]
    snapshot_id = await insert_ontology(session, [*LIVE, *gone], EDGES)

    assert await read_live_ids(session, snapshot_id) == {MERGED: KINASE, GONE: BINDING}


@pytest.fixture
async def whole_ontology(session: AsyncSession) -> UUID:
    document = parse_obo(read_lines(DEMO_DATA / "go_2019-01-27.obo.gz"))
    return await insert_ontology(session, document.terms, document.relations)


async def test_the_whole_ontology_comes_back_as_its_file_has_it(session: AsyncSession, whole_ontology: UUID) -> None:
    document = parse_obo(read_lines(DEMO_DATA / "go_2019-01-27.obo.gz"))
    expected = GoGraph.build(document.live_terms(), document.relations)

    graph = await read_go_graph(session, whole_ontology)
    live_ids = await read_live_ids(session, whole_ontology)

    assert graph.go_ids == expected.go_ids
    assert np.array_equal(graph.closure_indptr, expected.closure_indptr)
    assert np.array_equal(graph.closure_indices, expected.closure_indices)
    merged = {alt_id for term in document.terms if not term.is_obsolete for alt_id in term.alt_ids}
    replaced = {term.go_id for term in document.terms if len(term.replaced_by) == 1}
    assert merged <= set(live_ids) <= merged | replaced
    assert set(live_ids.values()) <= set(graph.go_ids)
