"""Figures of pairwise alignments against parasail's plain traced routines and a worked example."""

import random
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import parasail
import pytest

from protea_predictor.domain.alignment import counting
from protea_predictor.domain.alignment.pairwise import AlignmentFigures, PairFigures, align_pairs
from protea_predictor.domain.alignment.residues import alignable
from protea_predictor.domain.errors import ShapeMismatchError

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def align(pairs: Sequence[tuple[str, str]], *, threads: int = 1) -> PairFigures:
    rows = np.arange(len(pairs))
    queries, references = [query for query, _ in pairs], [reference for _, reference in pairs]
    return align_pairs(queries, references, query_rows=rows, reference_rows=rows, threads=threads)


def table(figures: AlignmentFigures) -> np.ndarray:
    return np.column_stack((figures.score, figures.length, figures.identity, figures.similarity, figures.gaps))


def plain(pairs: Sequence[tuple[str, str]], kind: str) -> np.ndarray:
    """Count what parasail's plain traced alignment with 32 bits shows, column by column."""
    rows = []
    for query, reference in pairs:
        result = getattr(parasail, f"{kind}_trace_striped_32")(query, reference, 10, 1, parasail.blosum62)
        trace = result.traceback
        columns = list(zip(trace.query, trace.ref, strict=True))
        identical = sum(a == b for a, b in columns)
        similar = sum(a == b or ("-" not in (a, b) and _score(a, b) > 0) for a, b in columns)
        gaps = sum("-" in column for column in columns)
        n_columns = max(len(columns), 1)
        rows.append((result.score, len(columns), identical / n_columns, similar / n_columns, gaps / n_columns))
    return np.array(rows)


def _score(first: str, second: str) -> int:
    mapper = parasail.blosum62.mapper
    return int(parasail.blosum62.matrix[mapper[ord(first)], mapper[ord(second)]])


def mutated(sequence: str, *, rate: float, seed: int) -> str:
    rng = random.Random(seed)
    kept = ("".join(rng.choices(LETTERS, k=rng.choice((0, 1, 2)))) if rng.random() < rate else r for r in sequence)
    return "".join(kept) or "M"


def random_pairs(n: int) -> list[tuple[str, str]]:
    rng = random.Random(n)
    originals = ["".join(rng.choices(LETTERS, k=rng.randint(1, 400))) for _ in range(n)]
    related = [(each, mutated(each, rate=rng.random(), seed=row)) for row, each in enumerate(originals)]
    return related + list(pairwise(originals))


@pytest.mark.parametrize("kind", ["nw", "sw"])
def test_the_figures_are_those_of_the_plain_traced_alignment(kind: str) -> None:
    pairs = random_pairs(150)
    figures = getattr(align(pairs, threads=2), kind)
    np.testing.assert_allclose(table(figures), plain(pairs, kind), rtol=1e-12)


def test_a_worked_example() -> None:
    """HEAGAWGHEE and PAWHEAE: the local alignment is AWGHE over AW-HE, 4 + 11 - 10 + 8 + 5 = 18."""
    found = align([("HEAGAWGHEE", "PAWHEAE")])
    assert table(found.sw).tolist() == [[18, 5, 0.8, 0.8, 0.2]]
    assert (found.length_query.tolist(), found.length_reference.tolist()) == ([10], [7])


def test_end_gaps_of_a_global_alignment_count() -> None:
    """ACDE over AC--: 4 + 9 - 10 - 1 = 2."""
    assert table(align([("ACDE", "AC")]).nw).tolist() == [[2, 4, 0.5, 0.5, 0.5]]


def test_what_aligns_nowhere_has_no_columns_and_no_nan() -> None:
    assert table(align([("AAA", "WWW")]).sw).tolist() == [[0, 0, 0, 0, 0]]


def test_scores_that_overflow_16_bits_are_right() -> None:
    long = "W" * 4_000
    figures = align([(long, long), ("MK", "A" * 40_000)])
    assert figures.nw.score.tolist() == [44_000, plain([("MK", "A" * 40_000)], "nw")[0, 0]]
    assert figures.sw.score[0] == 44_000
    assert (figures.nw.identity[0], figures.sw.identity[0]) == (1, 1)


@pytest.mark.parametrize("kind", ["nw", "sw"])
def test_pairs_too_large_to_trace_score_the_same_and_add_up(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    pairs = random_pairs(60)
    traced = table(getattr(align(pairs), kind))
    monkeypatch.setattr(counting, "_TRACED_CELLS_MAX", 0)
    untraced = table(getattr(align(pairs), kind))
    assert untraced[:, 0].tolist() == traced[:, 0].tolist()
    assert np.all(untraced[:, 2] <= untraced[:, 3])
    assert np.all(untraced[:, 2] + untraced[:, 4] <= 1 + 1e-12)


@pytest.mark.parametrize("kind", ["nw", "sw"])
def test_alike_pairs_too_large_to_trace_have_the_same_figures(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Alike sequences seldom align equally well in two ways, so both routes take the same."""
    originals = [query for query, _ in random_pairs(30)]
    pairs = [(each, each[:150] + each[160:]) for each in originals if len(each) > 200]
    traced = table(getattr(align(pairs), kind))
    monkeypatch.setattr(counting, "_TRACED_CELLS_MAX", 0)
    np.testing.assert_allclose(table(getattr(align(pairs), kind)), traced, rtol=1e-12)


def test_letters_outside_the_matrix_are_aligned_as_their_nearest() -> None:
    assert alignable("acUOJbzx*1?é") == b"ACCKLBZX*XXX"
    assert table(align([("MUOJK", "MCKLK")]).nw)[0, 2] == 1
    odd = [("MKBZXXA*", "MKDEXXA*"), ("XXXX", "XXXX")]
    np.testing.assert_allclose(table(align(odd).nw), plain(odd, "nw"))


def test_threads_and_order_change_nothing() -> None:
    pairs = random_pairs(40)
    one, two = align(pairs), align(pairs[::-1], threads=2)
    assert table(one.nw).tolist() == table(two.nw)[::-1].tolist()
    assert table(one.sw).tolist() == table(two.sw)[::-1].tolist()


def test_no_pairs_give_empty_arrays() -> None:
    assert table(align([]).nw).shape == (0, 5)


def test_an_empty_sequence_is_refused() -> None:
    with pytest.raises(ShapeMismatchError, match="empty sequence"):
        align([("M", "")])
