"""Queries and references made ready for rough distances, and how far those can lie from the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protea_common.domain.distance import DistanceMetric
from protea_predictor.domain.distances import SMALLEST_SQUARED_NORM, Vectors
from protea_predictor.domain.errors import InvalidVectorError
from protea_predictor.domain.rough_candidates import RoughDistances
from protea_predictor.domain.rough_products import SINGLE_PRECISION, Operand, RoughProducts

__all__ = ["RoughMeasure", "RoughQueries", "RoughReferences"]

_LARGEST_SQUARED_NORM = 1e30
"""Vectors longer than its root are refused: their products would overflow in float32."""

_ROWS_PER_BLOCK = 1024
"""References prepared at once: 4 MB of a thousand dimensions, which stay in the processor's cache between the steps."""

_ROWS_OF_CENTRE = 1024
"""References that the centre is the mean of, about; any centre is right, a better one leaves fewer candidates."""

_FLOAT32_STEP = 2.0**-24
_FLOAT64_STEP = 2.0**-53
_SMALLEST_NORMAL_FLOAT32 = 2.0**-126
"""What is smaller may be taken for 0 by the instructions for half precision."""

_SLACK = 1.01
"""For what the bounds themselves lose in single precision."""


@dataclass(frozen=True, slots=True, eq=False)
class RoughMeasure:
    """How rough distances are made. Instances come from `of`.

    Attributes
    ----------
    metric
        Which distance.
    products
        What multiplies.
    centre
        Subtracted from vectors before they are rounded, shape ``(D,)``, float32; ``None`` where nothing is rounded.
        Embeddings mostly point one way; what they lose is a share of their length, and of that little is left then.
    """

    metric: DistanceMetric
    products: RoughProducts
    centre: NDArray[np.float32] | None

    @classmethod
    def of(
        cls, references: Vectors, metric: DistanceMetric, products: RoughProducts = SINGLE_PRECISION
    ) -> RoughMeasure:
        """Choose the centre.

        Raises
        ------
        InvalidVectorError
            If a reference that it is made of is not finite, or longer than 1e15.
        """
        if products.result_step == 0 or len(references) == 0:
            return cls(metric, products, None)
        some = np.array(references[:: max(1, len(references) // _ROWS_OF_CENTRE)], dtype=np.float32)
        _normalise(some, metric, "reference")
        return cls(metric, products, some.mean(axis=0))

    def references(self, references: Vectors) -> RoughReferences:
        """Prepare references, a block at a time.

        Raises
        ------
        InvalidVectorError
            If a reference is not finite, or longer than 1e15.
        """
        operand = np.empty(references.shape, dtype=self.products.dtype)
        squared_norms, lost = np.empty((2, len(references)), dtype=np.float32)
        for start in range(0, len(references), _ROWS_PER_BLOCK):
            block = slice(start, start + _ROWS_PER_BLOCK)
            vectors = self._placed(references[block], "reference")
            squared_norms[block] = np.einsum("ij,ij->i", vectors, vectors)
            lost[block] = self.products.rounded(vectors, out=operand[block])
        return RoughReferences(self, operand, squared_norms, lost)

    def queries(self, queries: Vectors) -> RoughQueries:
        """Prepare queries.

        Raises
        ------
        InvalidVectorError
            If a query is not finite, or longer than 1e15.
        """
        match self.metric:
            case DistanceMetric.COSINE:
                factors = -_normalise(np.array(queries, dtype=np.float32), self.metric, "query")
                offsets = np.ones(len(queries))
                if self.centre is not None:
                    offsets += factors.astype(np.float64) @ self.centre
            case DistanceMetric.L2:
                factors = -2 * self._placed(queries, "query")
                # In float64: an error here would shift a query's limit and be in no bound.
                offsets = np.einsum("ij,ij->i", factors, factors, dtype=np.float64) / 4
        operand = np.empty(factors.shape, dtype=self.products.dtype)
        lost = self.products.rounded(factors, out=operand)
        lengths = np.sqrt(np.einsum("ij,ij->i", factors, factors, dtype=np.float64))
        return RoughQueries(self, operand, offsets, lengths=lengths, lost=lost.astype(np.float64))

    def _placed(self, vectors: Vectors, role: str) -> NDArray[np.float32]:
        placed = _normalise(np.array(vectors, dtype=np.float32), self.metric, role)
        if self.centre is not None:
            placed -= self.centre
        return placed


@dataclass(frozen=True, slots=True, eq=False)
class RoughReferences:
    """References made ready for the multiplication, once for many searches. Instances come from `RoughMeasure`.

    Attributes
    ----------
    operand
        Right operand, of unit length for the cosine before the centre was subtracted, shape ``(m, D)``.
    squared_norms
        Their squared lengths, shape ``(m,)``.
    lost
        Lengths of what rounding took from them, same shape.
    """

    measure: RoughMeasure
    operand: Operand
    squared_norms: NDArray[np.float32]
    lost: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.operand)

    def tile(self, start: int, stop: int) -> RoughReferences:
        """Take some of them; nothing is copied."""
        rows = slice(start, stop)
        return RoughReferences(self.measure, self.operand[rows], self.squared_norms[rows], self.lost[rows])


@dataclass(frozen=True, slots=True, eq=False)
class RoughQueries:
    """Queries made ready for one matrix multiplication per tile. Instances come from `RoughMeasure`.

    Attributes
    ----------
    operand
        Other operand, with the sign and the factor of the metric, shape ``(n_queries, D)``.
    offsets
        What a rough value lacks to be a distance, shape ``(n_queries,)``.
    lengths, lost
        Lengths of the factors, and of what rounding took from them, same shape.
    """

    measure: RoughMeasure
    operand: Operand
    offsets: NDArray[np.float64]
    lengths: NDArray[np.float64]
    lost: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.operand)

    def against(self, tile: RoughReferences, *, start: int, scratch: NDArray[np.float32]) -> RoughDistances:
        """Compare the references from row ``start`` on that stand in the tile with all queries.

        Parameters
        ----------
        scratch
            Room for the values, at least ``n_tile * n_queries`` of them, which the next call may overwrite: memory
            that is new to the process costs a tenth of the multiplication.
        """
        shape = len(tile), len(self)
        values = scratch[: shape[0] * shape[1]].reshape(shape)
        self.measure.products.multiply(tile.operand, self.operand, out=values)
        longest = float(np.sqrt(tile.squared_norms.max(initial=0.0)))
        error = self._product_error(longest, float(tile.lost.max(initial=0.0)))
        result_step = _SLACK * self.measure.products.result_step
        match self.measure.metric:
            case DistanceMetric.COSINE:
                # Beside the product's own, the two vectors' lengths and places are rounded.
                return RoughDistances(start, values, self.offsets, error + self._step() * (1 + longest), result_step)
            case DistanceMetric.L2:
                values += tile.squared_norms[:, None]
                error += result_step * self.lengths * longest + self._error_of_squares(longest)
                return RoughDistances(start, values, self.offsets, error, 0.0)

    def _step(self) -> float:
        """Bound of the relative error of a float32 product of D terms, twice over for the two lengths.

        Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1: |error| <= D u |q||r|, in any order.
        """
        return float(2 * self.operand.shape[1] + 16) * _FLOAT32_STEP

    def _product_error(self, longest: float, lost: float) -> NDArray[np.float64]:
        """Bound the error of a sum, not yet rounded; by Cauchy and Schwarz for what the operands lack."""
        lacking = self.lengths * lost + (longest + lost) * self.lost
        vanished = 8 * self.operand.shape[1] * _SMALLEST_NORMAL_FLOAT32
        error: NDArray[np.float64] = self._step() * self.lengths * longest + _SLACK * lacking + vanished
        return error

    def _error_of_squares(self, longest: float) -> NDArray[np.float64]:
        """Bound the error of squared lengths, also of those of queries far longer than a reference."""
        dimensions, norms = self.operand.shape[1], self.lengths / 2
        shifting = 0.0 if self.measure.centre is None else 4 * _FLOAT32_STEP
        squares = (shifting + 4 * dimensions * _FLOAT64_STEP) * (longest + norms) ** 2
        error: NDArray[np.float64] = self._step() * longest**2 + squares
        return error


def _normalise(vectors: NDArray[np.float32], metric: DistanceMetric, role: str) -> NDArray[np.float32]:
    """Give vectors unit length in place where the metric wants it, a vector of no length none."""
    with np.errstate(over="ignore", invalid="ignore"):
        squared_norms = np.einsum("ij,ij->i", vectors, vectors)
    is_bad = ~(squared_norms <= _LARGEST_SQUARED_NORM)
    if is_bad.any():
        raise InvalidVectorError(
            f"{int(is_bad.sum())} {role} vectors are not finite or longer than 1e15; compute these embeddings again."
        )
    if metric is DistanceMetric.COSINE:
        is_defined = squared_norms >= SMALLEST_SQUARED_NORM
        inverse = np.divide(1.0, np.sqrt(squared_norms), out=np.zeros_like(squared_norms), where=is_defined)
        vectors *= inverse[:, None]
    return vectors
