"""Principal components of a recipe's vectors, fitted once, and the queries' coordinates on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protea_predictor.domain.candidates import Candidates
from protea_predictor.domain.errors import require_shape
from protea_predictor.domain.features.written import PCA_COMPONENTS

__all__ = ["SAMPLE", "SOLVER", "Projection", "fit_projection", "pca_features"]

SOLVER = "eigh of the covariance in double precision"
"""How components are found; kept with a fit."""

SAMPLE = 50_000
"""Vectors that a fit looks at; more change the components little."""

_BLOCK = 4_096
"""Vectors made double precision at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """A fit, which every later set of the recipe uses, so that coordinates mean the same in training and serving.

    Attributes
    ----------
    mean
        Shape ``(D,)``.
    components
        Unit vectors by falling variance, shape ``(n_components, D)``; at most `PCA_COMPONENTS`.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]


def fit_projection(vectors: NDArray[np.floating], *, seed: int = 0) -> Projection:
    """Fit the principal components of vectors, by the eigenvectors of their covariance.

    Parameters
    ----------
    vectors
        Shape ``(n, D)`` with ``n >= 1``; of more than `SAMPLE` a sample is looked at.
    seed
        Of the sample.

    Returns
    -------
    projection
        The same for the same vectors in the same order; the largest coordinate of each component is positive. There
        are as many components as the covariance has rank, at most 16.
    """
    require_shape(len(vectors) > 0, "There are no vectors to fit principal components to.")
    rows = np.arange(len(vectors))
    if len(vectors) > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(len(vectors), SAMPLE, replace=False))
    total, squares = np.zeros(vectors.shape[1]), np.zeros((vectors.shape[1], vectors.shape[1]))
    for start in range(0, len(rows), _BLOCK):
        block = vectors[rows[start : start + _BLOCK]].astype(np.float64)
        total += block.sum(axis=0)
        squares += block.T @ block
    mean = total / len(rows)
    variances, axes = np.linalg.eigh(squares / len(rows) - np.outer(mean, mean))
    is_real = variances > max(float(variances[-1]), 0.0) * 1e-10
    components = axes.T[is_real][::-1][:PCA_COMPONENTS]
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    return Projection(mean, components * np.sign(largest))


def pca_features(
    candidates: Candidates, query_vectors: NDArray[np.floating], projection: Projection
) -> dict[str, NDArray[Any]]:
    """Family ``emb_pca``; components that the fit does not have are NaN.

    Raises
    ------
    ShapeMismatchError
        If the vectors have not the dimension of the fit.
    """
    require_shape(
        query_vectors.shape[1:] == projection.mean.shape,
        f"Query vectors of dimension {query_vectors.shape[1:]} and components of {projection.mean.shape}.",
    )
    coordinates = np.full((len(query_vectors), PCA_COMPONENTS), np.nan)
    centred = query_vectors.astype(np.float64) - projection.mean
    # One query at a time: a matrix product would round by how many there are, and a batch must not change a feature.
    coordinates[:, : len(projection.components)] = np.array(
        [projection.components @ vector for vector in centred]
    ).reshape(len(centred), -1)
    rows = coordinates[candidates.query_row]
    return {f"emb_pca_query_{component}": rows[:, component] for component in range(PCA_COMPONENTS)}
