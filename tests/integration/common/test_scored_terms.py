"""Stored predictions and plain numbers come out of PostgreSQL as arrays, whatever the accessions look like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy import BigInteger, Double, Integer, cast, column, func, insert, literal, null, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from protea_common.db import read_numbers
from protea_common.domain.ontology import Aspect, Term
from protea_common.orm import AnnotationSet, GOPrediction, PredictedScores, PredictionSet
from protea_common.scored_terms import count_scored_terms, read_scored_terms
from support.ontology_rows import insert_ontology, read_term_ids

ODD = ("it's", 'a"quote', "back\\slash", "100%", "a,b{c}", ":colon", "$1")
TERMS = ("GO:0003674", "GO:0008150")


@pytest.fixture
async def session(migrated_database_url: str) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(migrated_database_url)
    async with AsyncSession(engine) as session:
        yield session
        await session.rollback()
    await engine.dispose()


async def begin_set(session: AsyncSession) -> tuple[UUID, dict[str, int]]:
    """Write an empty prediction set; give its id and those of the terms."""
    terms = [Term(go_id, go_id, Aspect.MOLECULAR_FUNCTION, None, is_obsolete=False) for go_id in TERMS]
    snapshot_id, annotations_id, set_id = (
        await insert_ontology(session, terms, [], version=str(uuid4())),
        uuid4(),
        uuid4(),
    )
    await session.execute(
        insert(AnnotationSet).values(id=annotations_id, source="goa", ontology_snapshot_id=snapshot_id)
    )
    await session.execute(
        insert(PredictionSet).values(
            id=set_id,
            annotation_set_id=annotations_id,
            ontology_snapshot_id=snapshot_id,
            limit_per_entry=1,
            meta={},
        )
    )
    return set_id, await read_term_ids(session, snapshot_id)


@pytest.mark.parametrize("is_bare", [False, True])
async def test_predictions_come_back_for_the_proteins_asked_for(session: AsyncSession, is_bare: bool) -> None:
    set_id, term_ids = await begin_set(session)
    other_id, other_terms = await begin_set(session)
    expected = set()
    for number, accession in enumerate(ODD):
        for go_id in TERMS:
            score = (number + 1) / 10 + (0.05 if go_id == TERMS[0] else 0)
            expected.add((accession, go_id, score))
    await store(session, set_id, [(name, term_ids[go_id], score) for name, go_id, score in expected], is_bare=is_bare)
    stranger = {"protein_accession": ODD[0], "go_term_id": other_terms[TERMS[0]], "score": 0.9}
    await session.execute(insert(GOPrediction).values(prediction_set_id=other_id, **stranger))

    asked = ("unknown", *ODD[:4], *ODD[5:])
    found = await read_scored_terms(session, set_id, asked)
    high = await read_scored_terms(session, set_id, asked, least_score=0.5)
    count = await count_scored_terms(session, set_id, asked)

    names = {number: go_id for go_id, number in term_ids.items()}
    read = {
        (asked[row], names[term_id], score)
        for row, term_id, score in zip(found.query_row, found.term_ids, found.scores, strict=True)
    }
    assert read == {each for each in expected if each[0] != ODD[4]}
    assert count == len(found.scores) == 12
    assert sorted(high.scores) == sorted(
        score for accession, _, score in expected if score >= 0.5 and accession != ODD[4]
    )


async def store(
    session: AsyncSession, set_id: UUID, predictions: list[tuple[str, int, float]], *, is_bare: bool
) -> None:
    """Write predictions in rows, or as lists of bare scores."""
    names = ("protein_accession", "go_term_id", "score")
    if not is_bare:
        rows = [{"prediction_set_id": set_id, **dict(zip(names, each, strict=True))} for each in predictions]
        await session.execute(insert(GOPrediction), rows)
        return
    for accession in {name for name, _, _ in predictions}:
        term_ids, scores = zip(*((term, score) for name, term, score in predictions if name == accession), strict=True)
        lists = {"go_term_ids": list(term_ids), "scores": list(scores)}
        await session.execute(
            insert(PredictedScores).values(prediction_set_id=set_id, protein_accession=accession, **lists)
        )


async def test_nobody_asked_for_has_nothing(session: AsyncSession) -> None:
    assert len((await read_scored_terms(session, uuid4(), ())).scores) == 0
    assert len((await read_scored_terms(session, uuid4(), ("P1",))).scores) == 0


async def test_more_rows_than_a_chunk_keep_their_order(session: AsyncSession) -> None:
    numbers = func.generate_series(1, 300_000).table_valued(column("n", Integer), name="numbers").render_derived()
    query = select(cast(numbers.c.n, BigInteger), cast(numbers.c.n, Double) / 7)
    whole, fractions = await read_numbers(session, query, (np.int64, np.float64))
    np.testing.assert_array_equal(whole, np.arange(1, 300_001))
    np.testing.assert_array_equal(fractions, np.arange(1, 300_001) / 7)


@pytest.mark.parametrize("wrong", [cast(null(), BigInteger), cast(literal(1), Integer)], ids=["null", "narrow"])
async def test_what_is_no_such_number_is_an_error(session: AsyncSession, wrong: Any) -> None:
    with pytest.raises(ValueError, match="COPY"):
        await read_numbers(session, select(cast(literal(1), BigInteger), wrong), (np.int64, np.int64))
