"""Indexes are made once for each bank and choice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from protea_common.db import UnitOfWork
from protea_common.operations import PredictGoTerms
from protea_predictor.domain.prediction import Queries
from protea_predictor.usecases.pool_indexes import IndexChoice
from protea_predictor.usecases.search_backends import SearchBackends
from support.annotated_references import open_bank

VECTORS = np.eye(4, dtype=np.float16)
QUERIES = Queries(
    accessions=("Q",), sequence_ids=np.array([9]), lengths=np.array([3], dtype=np.int32), vectors=VECTORS[:1]
)


def request(**choices: Any) -> PredictGoTerms:
    names = ("embedding_config_id", "ontology_snapshot_id", "annotation_set_id", "query_set_id")
    return PredictGoTerms.model_validate(dict.fromkeys(names, UUID(int=1)) | choices)


def no_database() -> UnitOfWork:
    raise AssertionError("no backend of this test asks the database")


def backends(executor: ThreadPoolExecutor) -> SearchBackends:
    return SearchBackends(unit_of_work=no_database, executor=executor, device="cpu")


async def test_the_exact_search_compares_all() -> None:
    with ThreadPoolExecutor(1) as executor:
        assert await backends(executor).choose(request(), open_bank(VECTORS), QUERIES) is None


@pytest.mark.parametrize("backend", ["faiss", "torch"])
async def test_indexes_are_kept_with_their_bank(backend: str) -> None:
    asked, bank = request(search_backend=backend), open_bank(VECTORS)

    async def never() -> Any:
        raise AssertionError("made a second time")

    with ThreadPoolExecutor(1) as executor:
        first = await backends(executor).choose(asked, bank, QUERIES)
        kept = await bank.indexes.get(IndexChoice.of(asked, device="cpu"), never)
        again = await backends(executor).choose(asked, bank, QUERIES)

    assert first is not None
    assert again is not None
    assert len(kept) == len(bank.aspect_pools) == 3
    assert [rows.tolist() for rows in first] == [rows.tolist() for rows in again]
    assert [sorted(rows[0].tolist()) for rows in first] == [pool.reference_rows.tolist() for pool in bank.aspect_pools]


def test_other_choices_want_other_indexes() -> None:
    wanted = [
        request(search_backend="torch"),
        request(search_backend="faiss"),
        request(search_backend="faiss", faiss_index_type="HNSW"),
        request(search_backend="faiss", faiss_nprobe=3),
        request(search_backend="faiss", metric="l2"),
        request(search_backend="faiss", aspect_separated_knn=False),
    ]

    assert len({IndexChoice.of(asked, device="cpu") for asked in wanted}) == len(wanted)
