from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from protea_predictor.domain.reranking.booster import Booster
from protea_predictor.domain.reranking.parameters import Objective, TrainingParameters
from protea_predictor.domain.reranking.rows import LearningRows
from protea_predictor.domain.reranking.score_map import sigmoid
from protea_predictor.domain.reranking.training import TrainedReranker, train_booster

COLUMNS = ("signal", "noise", "colour")
PARAMETERS = TrainingParameters(max_rounds=60, early_stopping_rounds=10, num_leaves=7, min_data_in_leaf=20)


def drawn(seed: int, *, n: int = 4_000, strength: float = 2.0) -> LearningRows:
    """Draw rows of which the signal and one of three colours speak for a label; the colour is absent in some."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 3)).astype(np.float32)
    features[:, 2] = rng.integers(-1, 3, size=n)
    is_true = rng.random(n) < sigmoid(strength * features[:, 0] + 2.0 * (features[:, 2] == 1) - 1.0)
    weights, ones = rng.uniform(0.1, 5.0, n).astype(np.float32), np.ones(n, np.float32)
    return LearningRows(features, is_true, weights, np.arange(n) // 40, ones)


def trained(parameters: TrainingParameters = PARAMETERS, *, selection: LearningRows | None = None) -> TrainedReranker:
    return train_booster(
        drawn(0),
        selection or drawn(1),
        columns=COLUMNS,
        categories=["colour"],
        parameters=parameters,
    )


@pytest.mark.parametrize("objective", list(Objective))
def test_a_booster_learns_what_rows_teach(objective: Objective) -> None:
    result = trained(replace(PARAMETERS, objective=objective))
    unseen = drawn(2)

    scores = result.score_map(result.booster.predict(unseen.features))

    assert scores[unseen.labels].mean() > scores[~unseen.labels].mean() + 0.2
    assert max(result.importance, key=lambda name: result.importance[name]) == "signal"
    assert result.importance["noise"] < result.importance["colour"]
    assert sum(result.importance.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("objective", list(Objective))
def test_the_same_seed_gives_the_same_bytes(objective: Objective) -> None:
    parameters = replace(PARAMETERS, objective=objective)

    assert trained(parameters).booster.sha256 == trained(parameters).booster.sha256
    assert trained(parameters).booster.sha256 != trained(replace(parameters, seed=7)).booster.sha256


def test_scores_of_a_ranking_booster_are_the_share_of_true_rows() -> None:
    result = trained(replace(PARAMETERS, objective=Objective.LAMBDARANK))
    unseen = drawn(2, n=20_000)
    scores = result.score_map(result.booster.predict(unseen.features))

    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.0)):
        inside = (scores >= low) & (scores < high)
        assert unseen.labels[inside].mean() == pytest.approx(scores[inside].mean(), abs=0.06)


def test_the_selection_window_stops_training_and_teaches_nothing() -> None:
    unrelated = drawn(1, strength=-2.0)  # says the opposite: no tree improves on it

    result = trained(selection=unrelated)

    assert result.best_round < result.rounds <= result.best_round + PARAMETERS.early_stopping_rounds
    head = trained(replace(PARAMETERS, max_rounds=result.best_round)).booster
    np.testing.assert_array_equal(head.predict(unrelated.features), result.booster.predict(unrelated.features))


def test_a_rare_term_weighs_more_than_a_common_one() -> None:
    rows = drawn(0)
    says_so = rows.features[:, 1] > 0
    weights = np.where(says_so, 10.0, 0.01).astype(np.float32)
    labels = np.where(says_so, rows.features[:, 1] > 0.7, rows.labels)  # the noise decides where terms are rare

    result = train_booster(
        replace(rows, labels=labels, weights=weights),
        replace(rows, labels=labels, weights=weights),
        columns=COLUMNS,
        categories=["colour"],
        parameters=PARAMETERS,
    )

    assert result.importance["noise"] > 0.9


@pytest.mark.parametrize("objective", list(Objective))
def test_rows_that_stand_for_several_give_the_probabilities_of_all(objective: Objective) -> None:
    thinned = [thin(drawn(seed, n=40_000), share=0.1) for seed in (0, 1)]
    unseen = drawn(2, n=40_000)

    result = train_booster(
        *thinned,
        columns=COLUMNS,
        categories=["colour"],
        parameters=replace(PARAMETERS, objective=objective),
        is_weighted=False,
    )

    scores = result.score_map(result.booster.predict(unseen.features))
    assert scores.mean() == pytest.approx(unseen.labels.mean(), abs=0.03)
    assert thinned[0].labels.mean() > unseen.labels.mean() + 0.2


def thin(rows: LearningRows, *, share: float) -> LearningRows:
    """Keep a share of the false rows."""
    kept = np.flatnonzero(rows.labels | (np.random.default_rng(4).random(len(rows)) < share))
    multiplicities = np.where(rows.labels[kept], 1.0, 1.0 / share).astype(np.float32)
    return replace(rows.take(kept), multiplicities=multiplicities)


def test_every_round_is_reported() -> None:
    seen: list[int] = []

    result = train_booster(
        drawn(0), drawn(1), columns=COLUMNS, categories=[], parameters=PARAMETERS, on_round=seen.append
    )

    assert seen == list(range(1, result.rounds + 1))


def test_what_a_report_raises_ends_the_training() -> None:
    def stop(_: int) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        train_booster(drawn(0), drawn(1), columns=COLUMNS, categories=[], parameters=PARAMETERS, on_round=stop)


def test_a_booster_predicts_the_same_after_its_text_is_read() -> None:
    booster = trained().booster
    unseen = drawn(5)

    again = Booster.read(booster.text)

    assert again.columns == COLUMNS
    assert again.objective == "binary"
    np.testing.assert_array_equal(again.predict(unseen.features), booster.predict(unseen.features))
    np.testing.assert_array_equal(again.predict(unseen.features[7:9]), booster.predict(unseen.features)[7:9])
