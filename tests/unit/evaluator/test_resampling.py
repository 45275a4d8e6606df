from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import bootstrap

from protea_evaluator.domain.measures.cell import Cell
from protea_evaluator.domain.measures.curve import draw_curve
from protea_evaluator.domain.measures.sums import ProteinCounts, count_by_protein, grid, sum_counts
from protea_evaluator.domain.resampling.comparison import DifferentProteinsError, compare_paired, fmax_interval
from protea_evaluator.domain.resampling.fmax import ProteinTable, draw_samples, fmax_of_samples, fmax_without_each
from protea_evaluator.domain.resampling.intervals import IntervalMethod, bca_interval

N_PROTEINS = 60


def counts(seed: int, *, skill: float = 1.0) -> ProteinCounts:
    """Score 20 terms of each protein, four of them true; the more skill, the higher the true ones."""
    rng = np.random.default_rng(seed)
    is_true = np.tile(np.arange(20) < 4, N_PROTEINS)
    scores = np.clip(rng.random(20 * N_PROTEINS) * 0.7 + 0.3 * skill * is_true, 0.001, 1)
    return count_by_protein(
        Cell(
            proteins=np.repeat(np.arange(N_PROTEINS, dtype=np.int32), 20),
            scores=scores,
            is_true=is_true,
            weights=np.ones(len(scores)),
            truth=np.full(N_PROTEINS, 5.0),
            accessions=np.arange(N_PROTEINS, dtype=np.int32),
            cohort=N_PROTEINS,
        ),
        grid(0.01),
    )


def fmax_of(counted: ProteinCounts, rows: NDArray[np.int64]) -> float:
    """Fmax of some proteins by the measures themselves."""
    drawn = ProteinCounts(
        thresholds=counted.thresholds,
        true=counted.true[rows],
        predicted=counted.predicted[rows],
        truth=counted.truth[rows],
        cohort=len(rows),
    )
    return float(draw_curve(sum_counts(drawn)).f.max())


def test_a_resample_has_the_fmax_of_its_proteins_measured_one_by_one() -> None:
    counted, rng = counts(1), np.random.default_rng(2)
    multiplicities = draw_samples(N_PROTEINS, 5, rng)

    fmax = fmax_of_samples(ProteinTable.of(counted), multiplicities)

    rows = [np.repeat(np.arange(N_PROTEINS), row.astype(int)) for row in multiplicities]
    np.testing.assert_allclose(fmax, [fmax_of(counted, drawn) for drawn in rows], atol=1e-12)


def test_the_jackknife_leaves_each_protein_out_once() -> None:
    counted = counts(1)

    fmax = fmax_without_each(ProteinTable.of(counted))

    expected = [fmax_of(counted, np.delete(np.arange(N_PROTEINS), left_out)) for left_out in range(N_PROTEINS)]
    np.testing.assert_allclose(fmax, expected, atol=1e-12)


def test_the_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(4).gamma(2.0, size=80)
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(5))
    jackknife = (values.sum() - values) / (len(values) - 1)

    ours = bca_interval(float(values.mean()), theirs.bootstrap_distribution, jackknife)

    assert ours.method is IntervalMethod.BCA
    np.testing.assert_allclose([ours.low, ours.high], theirs.confidence_interval, rtol=1e-6)


def test_a_figure_that_never_varies_has_an_interval_of_no_width() -> None:
    interval = bca_interval(0.5, np.full(1_000, 0.5), np.full(20, 0.5))

    assert (interval.low, interval.high, interval.method) == (0.5, 0.5, IntervalMethod.PERCENTILE)


def test_the_interval_of_fmax_holds_it() -> None:
    interval = fmax_interval(ProteinTable.of(counts(1)), n_samples=1_000)

    assert interval.low < interval.estimate < interval.high
    assert interval.estimate == pytest.approx(fmax_of(counts(1), np.arange(N_PROTEINS)))


def test_a_better_method_is_told_from_a_worse_one_on_the_same_proteins() -> None:
    better, worse = ProteinTable.of(counts(1)), ProteinTable.of(counts(2, skill=0.3))

    comparison = compare_paired(better, worse, n_samples=1_000)

    assert comparison.difference.low > 0
    assert 0 < comparison.minimum_detectable_effect < comparison.difference.estimate


def test_a_method_does_not_differ_from_itself() -> None:
    table = ProteinTable.of(counts(1))

    comparison = compare_paired(table, table, n_samples=1_000)

    assert (comparison.difference.low, comparison.difference.estimate, comparison.difference.high) == (0, 0, 0)


def test_the_seed_decides_the_interval() -> None:
    table = ProteinTable.of(counts(1))

    first, again, other = (fmax_interval(table, n_samples=200, seed=seed) for seed in (1, 1, 2))

    assert first == again != other


def test_results_on_other_proteins_are_not_compared() -> None:
    ours = ProteinTable.of(counts(1))

    with pytest.raises(DifferentProteinsError, match="same evaluation set"):
        compare_paired(ours, ProteinTable(ours.columns[1:]), n_samples=10)
