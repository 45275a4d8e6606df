"""Hits in files come back as they were; damage is as if they had never been written."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from protea_predictor.adapters.hit_files import HitFiles
from protea_predictor.domain.alignment.hits import AlignedHits


def hits_of(n: int) -> AlignedHits:
    return AlignedHits(np.zeros(n, np.int64), np.arange(n), *(np.linspace(0.1, 0.9, n) for _ in range(5)))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    files = HitFiles(tmp_path / "hits")
    assert list(files.read()) == []
    files.write(["a", "b"], hits_of(3))
    files.write(["c"], hits_of(0))

    found = {tuple(keys): hits for keys, hits in files.read()}
    assert sorted(found) == [("a", "b"), ("c",)]
    for field in fields(AlignedHits):
        np.testing.assert_array_equal(getattr(found["a", "b"], field.name), getattr(hits_of(3), field.name))
    assert len(found["c",]) == 0


def test_a_damaged_file_is_passed_over(tmp_path: Path) -> None:
    files = HitFiles(tmp_path)
    files.write(["a"], hits_of(2))
    (written,) = tmp_path.glob("*.npz")
    (tmp_path / "0.npz").write_bytes(written.read_bytes()[:100])
    (tmp_path / "1.npz").write_bytes(b"no hits")
    np.savez(tmp_path / "2.npz", keys=np.array(["b"]))
    assert [keys for keys, _ in files.read()] == [["a"]]


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    HitFiles(tmp_path / "missing" / "hits").write(["a"], hits_of(1))
    assert list(HitFiles(tmp_path / "missing" / "hits").read()) == []
