"""The files of reference banks: what is written is read, and nothing half-written ever is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from protea_predictor.adapters.references import ReferenceCacheError, ReferenceFiles
from protea_predictor.domain.reference_annotations import ReferenceAnnotations, build_reference_annotations
from protea_predictor.domain.reference_bank import ReferenceBank, ReferenceProteins
from support.annotated_references import annotation_rows

VECTORS = {10: [1.0, 0.5, -1.0], 20: [0.25, 0.0, 65504.0]}


def proteins() -> ReferenceProteins:
    """Three proteins, the first and the last of one sequence."""
    return ReferenceProteins(
        accessions=np.array([b"A0A1", b"P1", "Ü2".encode()], dtype=np.bytes_),
        sequence_ids=np.array([20, 10, 20]),
        lengths=np.array([3, 4, 3], dtype=np.int32),
        taxon_ids=np.array([9606, 0, 10090], dtype=np.int32),
    )


def some_annotations() -> ReferenceAnnotations:
    rows = annotation_rows([(0, 3, "IDA", None), (2, 5, "IEA", "enables"), (2, 1, "IDA", "part_of")])
    return build_reference_annotations(rows, n_references=3, n_terms=6)


def write(files: ReferenceFiles, digest: str, annotated: ReferenceAnnotations) -> None:
    with files.begin(digest, proteins(), dimension=3) as writer:
        for sequence_id, vector in VECTORS.items():
            writer.put(np.array([sequence_id]), np.array([vector], dtype=np.float16))
        writer.commit(annotated)


def opened(files: ReferenceFiles, digest: str) -> ReferenceBank:
    bank = files.open(digest)
    assert bank is not None
    return bank


def test_a_bank_is_read_as_it_was_written(tmp_path: Path) -> None:
    files = ReferenceFiles(tmp_path / "cache", files_max=2)
    write(files, "d1", some_annotations())

    bank = opened(files, "d1")

    assert bank.proteins.accessions.tolist() == proteins().accessions.tolist()
    assert bank.proteins.sequence_ids.tolist() == [20, 10, 20]
    assert bank.proteins.lengths.tolist() == [3, 4, 3]
    assert bank.vectors.tolist() == [VECTORS[20], VECTORS[10], VECTORS[20]]
    for name in ("indptr", "term_rows", "evidence", "qualifier", "density", "term_frequency"):
        read, written = getattr(bank.annotations, name), getattr(some_annotations(), name)
        assert read.dtype == written.dtype
        assert read.tolist() == written.tolist()
    assert bank.annotations.evidence_codes == ("IDA", "IEA")
    assert bank.annotations.qualifiers == ("", "enables", "part_of")


def test_references_without_any_annotation_are_kept_too(tmp_path: Path) -> None:
    files = ReferenceFiles(tmp_path, files_max=2)
    write(files, "d1", build_reference_annotations(annotation_rows([]), n_references=3, n_terms=6))

    assert opened(files, "d1").annotations.indptr.tolist() == [0, 0, 0, 0]


def test_a_bank_cannot_be_changed_by_its_readers(tmp_path: Path) -> None:
    files = ReferenceFiles(tmp_path, files_max=2)
    write(files, "d1", some_annotations())

    with pytest.raises(ValueError, match="read-only"):
        opened(files, "d1").vectors[0, 0] = 0


def test_there_is_no_bank_before_it_is_written(tmp_path: Path) -> None:
    assert ReferenceFiles(tmp_path / "cache", files_max=2).open("d1") is None


def test_without_a_commit_nothing_stays(tmp_path: Path) -> None:
    files = ReferenceFiles(tmp_path, files_max=2)

    with pytest.raises(RuntimeError, match="stopped"), files.begin("d1", proteins(), dimension=3):
        raise RuntimeError("stopped")

    assert list(tmp_path.iterdir()) == []


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    files = ReferenceFiles(tmp_path, files_max=2)
    write(files, "d1", some_annotations())
    path = tmp_path / "d1.bank"
    whole = path.read_bytes()
    bank = opened(files, "d1")
    covered = range(bank.vectors.nbytes), range(64, 64 + bank.proteins.accessions.nbytes)

    for position in (position for part in covered for position in part):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        assert files.open("d1") is None


@pytest.mark.parametrize("kept", [0, 1, 15, 16, 200])
def test_a_file_that_was_cut_off_is_no_bank(tmp_path: Path, kept: int) -> None:
    files = ReferenceFiles(tmp_path, files_max=2)
    write(files, "d1", some_annotations())
    path = tmp_path / "d1.bank"
    path.write_bytes(path.read_bytes()[:kept])

    assert files.open("d1") is None


def test_a_footer_that_points_beyond_the_file_is_no_bank(tmp_path: Path) -> None:
    files = ReferenceFiles(tmp_path, files_max=2)
    write(files, "d1", some_annotations())
    path = tmp_path / "d1.bank"
    path.write_bytes(path.read_bytes().replace(b'"shape":[3,3]', b'"shape":[3,9]'))

    assert files.open("d1") is None


def test_the_least_recently_used_files_go_first(tmp_path: Path) -> None:
    files = ReferenceFiles(tmp_path, files_max=2)
    for age, digest in ((300, "old"), (200, "older_but_used")):
        write(files, digest, some_annotations())
        os.utime(tmp_path / f"{digest}.bank", (1_000_000 - age, 1_000_000 - age))
    files.open("old")

    write(files, "new", some_annotations())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.bank", "old.bank"]


def test_what_a_dead_writer_left_is_removed(tmp_path: Path) -> None:
    files = ReferenceFiles(tmp_path, files_max=2)
    abandoned, running = tmp_path / "d0.1.partial", tmp_path / "d0.2.partial"
    abandoned.touch()
    os.utime(abandoned, (1_000_000, 1_000_000))
    running.touch()

    write(files, "d1", some_annotations())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["d0.2.partial", "d1.bank"]


def test_a_folder_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    files = ReferenceFiles(tmp_path / "cache", files_max=2)

    with pytest.raises(ReferenceCacheError, match="PROTEA_PREDICTOR__CACHE_DIR"):
        files.begin("d1", proteins(), dimension=3)
