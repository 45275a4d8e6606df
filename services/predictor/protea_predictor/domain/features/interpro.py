"""What the InterPro entries found on a query imply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.ontology import GoGraph
from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.features.further import INTERPRO_DATABASES
from protea_predictor.domain.features.ratio import ratio
from protea_predictor.domain.features.term_lists import TermLists, counts_of
from protea_predictor.domain.ragged import gather_rows

__all__ = ["InterProHits", "interpro_features", "member_database"]


@dataclass(frozen=True, slots=True, eq=False)
class InterProHits:
    """Entries found on queries, and the terms they imply.

    Attributes
    ----------
    query_row, entry_row
        A hit's query and InterPro entry, shape ``(n_hits,)``; a pair comes once per member database that found it.
    database
        Position in `INTERPRO_DATABASES`, -1 for another one, same shape.
    implied
        Entries in place of queries, with the terms that the mapping gives them.
    """

    query_row: NDArray[np.int64]
    entry_row: NDArray[np.int64]
    database: NDArray[np.int64]
    implied: TermLists


def member_database(source_db: str) -> int:
    """Find a member database, spelled as InterProScan does, in `INTERPRO_DATABASES`; -1 for another one.

    PROSITE has two analyses, ``ProSiteProfiles`` and ``ProSitePatterns``.
    """
    name = source_db.lower()
    name = "prosite" if name.startswith("prosite") else name
    return INTERPRO_DATABASES.index(name) if name in INTERPRO_DATABASES else -1


def interpro_features(candidates: Candidates, hits: InterProHits, graph: GoGraph) -> dict[str, NDArray[Any]]:
    """Family ``interpro``; terms above an implied one are implied too. NaN for a query without any hit."""
    implied = hits.implied.propagated(graph)
    entries = TermLists.of_pairs(
        hits.query_row, hits.entry_row, n_terms=int(hits.entry_row.max(initial=0)) + 1
    )  # (query, entry), each once
    wanted = candidates.query_row * implied.n_terms + candidates.term_row
    support = counts_of(_implied_keys(entries.query_row, entries.term_row, implied), wanted)
    speaking = np.isin(entries.term_row, implied.query_row)
    has_hits = np.isin(candidates.query_row, hits.query_row)
    speakers = counts_of(entries.query_row[speaking], candidates.query_row)
    columns: dict[str, NDArray[Any]] = {
        "interpro_hit": support > 0,
        "interpro_score": ratio(support, speakers, otherwise=0.0),
        "interpro_n_signatures": support,
        **_by_database(hits, implied, wanted),
    }
    present: Mapping[str, NDArray[Any]] = {"interpro_present": has_hits}
    return {name: np.where(has_hits, values, np.nan) for name, values in columns.items()} | dict(present)


def _by_database(hits: InterProHits, implied: TermLists, wanted: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    columns = {}
    for number, database in enumerate(INTERPRO_DATABASES):
        mine = hits.database == number
        keys = _implied_keys(hits.query_row[mine], hits.entry_row[mine], implied)
        columns[f"interpro_db_{database}"] = counts_of(keys, wanted) > 0
    return columns


def _implied_keys(query_row: NDArray[np.int64], entry_row: NDArray[np.int64], implied: TermLists) -> NDArray[np.int64]:
    """Key of every query and implied term, as often as an entry implies it."""
    n_entries = int(max(entry_row.max(initial=0), implied.query_row.max(initial=0))) + 1
    indptr = np.searchsorted(implied.query_row, np.arange(n_entries + 1))
    owners, positions = gather_rows(indptr, entry_row)
    keys: NDArray[np.int64] = query_row[owners] * implied.n_terms + implied.term_row[positions]
    return keys
