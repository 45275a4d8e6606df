"""What a fitted k-mer encoder knows, with its file format: safetensors, equal bytes for equal states, never pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from protea_common.errors import PermanentError
from protea_embedder.domain.kmer_counts import DIPEPTIDES, MURPHY_10, REDUCED_TETRAMERS, RESIDUES, TRIMERS, Vocabulary

__all__ = ["EncoderStateError", "KmerState", "Projection", "from_safetensors", "state_digest", "to_safetensors"]

_METADATA_KEY = "protea"
"""The only metadata key: safetensors writes several in random order, so two files of one state would differ."""

_METADATA = json.dumps(
    {"alphabet": MURPHY_10.name, "format_version": 1, "kind": "k-mer encoder, not a language model"}, sort_keys=True
)
"""Raise ``format_version`` when a loaded file would mean different vectors than it did when it was written."""


class EncoderStateError(PermanentError):
    """The file is not a k-mer encoder that this version of PROTEA can load."""

    slug = "unusable-encoder-state"

    def __init__(self, problem: str) -> None:
        super().__init__(f"The k-mer encoder's file {problem}; fit the encoder again or restore the file.")


_TENSOR_NAMES = (
    "reduced_idf",
    "reduced_components",
    "trimer_idf",
    "trimer_components",
    "column_mean",
    "column_weight",
)


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Word counts into a few columns.

    Attributes
    ----------
    idf
        Weight per word, float32, shape ``(vocabulary,)``.
    components
        Right singular vectors, float32, shape ``(vocabulary, components)``.
    """

    idf: NDArray[np.float32]
    components: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class KmerState:
    """Everything that fitting learned.

    Attributes
    ----------
    reduced, trimer
        Projections of the reduced-alphabet 4-mers and of the 3-mers.
    column_mean
        Mean of each feature over the fitting set, float32, shape ``(D,)``.
    column_weight
        One over the standard deviation of each feature, 0 where the feature does not vary, float32, shape ``(D,)``.
    """

    reduced: Projection
    trimer: Projection
    column_mean: NDArray[np.float32]
    column_weight: NDArray[np.float32]

    @property
    def dimension(self) -> int:
        """Length ``D`` of a vector: the columns of both projections, and 420 of composition."""
        return len(self.column_mean)


def to_safetensors(state: KmerState) -> bytes:
    """Write a state as a safetensors file.

    Parameters
    ----------
    state
        A fitted state.

    Returns
    -------
    data
        The file; the same bytes for the same arrays, in any process.
    """
    return safetensors.numpy.save(_tensors(state), {_METADATA_KEY: _METADATA})


def from_safetensors(data: bytes) -> KmerState:
    """Read a state from a safetensors file.

    Parameters
    ----------
    data
        What `to_safetensors` wrote.

    Returns
    -------
    state
        Arrays equal to those written.

    Raises
    ------
    EncoderStateError
        If ``data`` is damaged, is something else, or does not fit this version.

    References
    ----------
    safetensors format: eight bytes of header length (little-endian), the header as JSON, the tensors.
    """
    tensors = _load_tensors(data)
    _check_metadata(data)
    _check_names_and_types(tensors)
    state = _state(tensors)
    _check_shapes(state)
    _check_finite(tensors)
    return state


def state_digest(data: bytes) -> str:
    """Name a state file by its content.

    Parameters
    ----------
    data
        What `to_safetensors` wrote.

    Returns
    -------
    digest
        SHA-256, 64 lower-case hexadecimal digits.
    """
    return hashlib.sha256(data).hexdigest()


def _tensors(state: KmerState) -> dict[str, NDArray[np.float32]]:
    arrays = (
        state.reduced.idf,
        state.reduced.components,
        state.trimer.idf,
        state.trimer.components,
        state.column_mean,
        state.column_weight,
    )
    # safetensors writes memory as it lies: an array in Fortran order would come back scrambled.
    return {name: np.ascontiguousarray(array) for name, array in zip(_TENSOR_NAMES, arrays, strict=True)}


def _state(tensors: Mapping[str, NDArray[np.float32]]) -> KmerState:
    reduced_idf, reduced_components, trimer_idf, trimer_components, mean, weight = (tensors[n] for n in _TENSOR_NAMES)
    return KmerState(
        reduced=Projection(reduced_idf, reduced_components),
        trimer=Projection(trimer_idf, trimer_components),
        column_mean=mean,
        column_weight=weight,
    )


def _load_tensors(data: bytes) -> dict[str, NDArray[Any]]:
    try:
        return safetensors.numpy.load(data)
    except safetensors.SafetensorError as error:
        raise EncoderStateError(f"is damaged or not in safetensors format ({error})") from error
    except KeyError as error:
        raise EncoderStateError(f"holds a tensor of type {error}, where float32 is expected") from error


def _check_metadata(data: bytes) -> None:
    # safetensors reads metadata from files only; the header was checked when the tensors were loaded.
    header_bytes = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + header_bytes])
    found = header.get("__metadata__", {}).get(_METADATA_KEY)
    if found != _METADATA:
        raise EncoderStateError(f"says it is {found}, where {_METADATA} is expected")


def _check_names_and_types(tensors: Mapping[str, NDArray[Any]]) -> None:
    if tensors.keys() != set(_TENSOR_NAMES):
        raise EncoderStateError(f"holds the tensors {sorted(tensors)}, where {sorted(_TENSOR_NAMES)} are expected")
    for name, tensor in tensors.items():
        if tensor.dtype != np.float32:
            raise EncoderStateError(f"holds {name} as {tensor.dtype}, where float32 is expected")


def _check_shapes(state: KmerState) -> None:
    reduced_columns = _checked_columns(state.reduced, REDUCED_TETRAMERS, "reduced")
    trimer_columns = _checked_columns(state.trimer, TRIMERS, "trimer")
    dimension = reduced_columns + RESIDUES.size + DIPEPTIDES.size + trimer_columns
    _check_shape("column_mean", state.column_mean, (dimension,))
    _check_shape("column_weight", state.column_weight, (dimension,))


def _checked_columns(projection: Projection, vocabulary: Vocabulary, name: str) -> int:
    columns = projection.components.shape[-1] if projection.components.ndim else 0
    _check_shape(f"{name}_idf", projection.idf, (vocabulary.size,))
    _check_shape(f"{name}_components", projection.components, (vocabulary.size, columns))
    return columns


def _check_shape(name: str, tensor: NDArray[np.float32], expected: tuple[int, ...]) -> None:
    if tensor.shape != expected:
        raise EncoderStateError(f"holds {name} of shape {tensor.shape}, where {expected} is expected")


def _check_finite(tensors: Mapping[str, NDArray[np.float32]]) -> None:
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise EncoderStateError(f"holds {name} with values that are not finite")
