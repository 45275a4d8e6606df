"""An encoder over a protein language model: its hidden states made into vectors as a recipe says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from protea_common.errors import PermanentError
from protea_embedder.domain.encoder import DeviceOutOfMemoryError
from protea_embedder.domain.language_model import LanguageModel, RunModel
from protea_embedder.domain.pooling import aggregate_layers, pool_residues, pooled_width, to_unit_length
from protea_embedder.domain.recipe import (
    WHOLE_SEQUENCE,
    EmbeddingRecipe,
    LayerAggregation,
    ModelBackend,
    Pooling,
)
from protea_embedder.domain.spans import SpanVectors, Window, chunk_spans, context_windows

__all__ = ["SHORTEST_WINDOW", "LanguageModelEncoder", "LayerBeyondModelError", "NoRoomForResiduesError"]

SHORTEST_WINDOW: Final = 64
"""Residues below which a sequence is not cut: a device that cannot hold these holds no protein."""


class LayerBeyondModelError(PermanentError):
    """The recipe names a layer that the model does not have."""

    slug: ClassVar[str] = "layer-beyond-model"


class NoRoomForResiduesError(PermanentError):
    """The recipe's max_length leaves no room for residues beside the special tokens."""

    slug: ClassVar[str] = "no-room-for-residues"


@dataclass(frozen=True, slots=True)
class _Run:
    """The states of each sequence, shape ``(T, D)``, with its residues; and which were seen in windows."""

    states: list[tuple[Tensor, int]]
    in_windows: tuple[int, ...]


class LanguageModelEncoder:
    """Implements `SpanEncoder` and `ResidueEncoder`.

    Parameters
    ----------
    model
        Which gives the hidden states.
    recipe
        Which says what becomes of them.
    batch_tokens
        Tokens that the model best computes at once.

    Raises
    ------
    LayerBeyondModelError, NoRoomForResiduesError
        If model and recipe do not fit.
    """

    def __init__(self, model: LanguageModel, recipe: EmbeddingRecipe, *, batch_tokens: int = 1_024) -> None:
        self._model = model
        self._recipe = recipe
        self._batch_tokens = batch_tokens
        self._layers = sorted(set(recipe.layer_indices))
        self._aggregation = LayerAggregation(recipe.layer_agg)
        self._pooling = Pooling(recipe.pooling)
        self._max_residues = _max_residues(model, recipe)
        if self._layers[-1] >= model.states:
            raise LayerBeyondModelError(
                f"The recipe names the layer {self._layers[-1]}, counted from the end, and {recipe.model_name!r} has "
                f"{model.states} of them: 0 to {model.states - 1}."
            )

    @property
    def dimension(self) -> int:
        """Length ``D`` of a vector."""
        return pooled_width(self.residue_width, self._pooling)

    @property
    def residue_width(self) -> int:
        """Length of a residue's vector."""
        return self._model.width * (len(self._layers) if self._aggregation is LayerAggregation.CONCAT else 1)

    @property
    def max_residues(self) -> int | None:
        """Residues of a sequence that the model sees; None for all of them."""
        return self._max_residues

    @property
    def batch_tokens(self) -> int:
        """Tokens that the model best computes at once."""
        return self._batch_tokens

    def encode(self, sequences: Sequence[str]) -> NDArray[np.float32]:
        """Embed sequences, one vector per protein, over the residues that the model sees.

        Parameters
        ----------
        sequences
            Amino-acid strings, case ignored; computed as one batch, so as many as fit the device.

        Returns
        -------
        embeddings
            Shape ``(n, D)``, row ``i`` for ``sequences[i]``; an empty sequence has zeros.

        Raises
        ------
        DeviceOutOfMemoryError
            If they do not fit the device together, or a part of one does not.
        """
        vectors = [self._pool(states, 0, residues) for states, residues in self._prepare(sequences)().states]
        return _stacked(vectors, width=self.dimension)

    def encode_spans(self, sequences: Sequence[str]) -> SpanVectors:
        """Embed sequences, one vector for each chunk of the recipe; chunks see the whole sequence around them.

        Parameters
        ----------
        sequences
            As for `encode`, with the same errors.

        Returns
        -------
        embeddings
            In the order of the sequences, and of the chunks of each; without chunks one for each sequence.
        """
        return self.prepare_spans(sequences)()

    def prepare_spans(self, sequences: Sequence[str]) -> Callable[[], SpanVectors]:
        """Spell sequences; what it gives does the rest of `encode_spans`."""
        run = self._prepare(sequences)
        return lambda: self._span_vectors(run())

    def encode_residues(self, sequences: Sequence[str]) -> list[NDArray[np.float32]]:
        """Embed residues, one vector each.

        Parameters
        ----------
        sequences
            As for `encode`, with the same errors.

        Returns
        -------
        embeddings
            For each sequence shape ``(residues that the model sees, residue_width)``, before pooling.
        """
        return self.prepare_residues(sequences)()

    def prepare_residues(self, sequences: Sequence[str]) -> Callable[[], list[NDArray[np.float32]]]:
        """Spell sequences; what it gives does the rest of `encode_residues`."""
        run, first = self._prepare(sequences), self._model.first_residue
        return lambda: [states[first : first + residues].cpu().numpy() for states, residues in run().states]

    def _prepare(self, sequences: Sequence[str]) -> Callable[[], _Run]:
        """Spell the seen part of each sequence; what it gives runs the model."""
        if not sequences:
            return lambda: _Run([], ())
        seen = [sequence[: self._max_residues] for sequence in sequences]
        return partial(self._run, seen, self._model.prepare(seen))

    def _run(self, seen: Sequence[str], run: RunModel) -> _Run:
        """Run the model on sequences; one that does not fit alone is seen in windows."""
        in_windows: tuple[int, ...] = ()
        with torch.inference_mode():
            try:
                batch = self._aggregate(run)
            except DeviceOutOfMemoryError:
                if len(seen) > 1:
                    raise
                batch, in_windows = self._in_windows(seen[0]), (0,)
            if self._recipe.normalize_residues:
                batch = to_unit_length(batch)
        return _Run([(states, len(sequence)) for states, sequence in zip(batch, seen, strict=True)], in_windows)

    def _span_vectors(self, run: _Run) -> SpanVectors:
        found = [
            (row, start, end, self._pool(states, start, end))
            for row, (states, residues) in enumerate(run.states)
            for start, end in self._spans(residues)
        ]
        return SpanVectors(
            rows=np.array([row for row, *_ in found], dtype=np.int64),
            starts=np.array([start for _, start, *_ in found], dtype=np.int32),
            ends=np.array([end for _, _, end, _ in found], dtype=np.int32),
            vectors=_stacked([vector for *_, vector in found], width=self.dimension),
            in_windows=run.in_windows,
        )

    def _aggregate(self, run: RunModel) -> Tensor:
        """Give the states of the recipe's layers as one, shape ``(n, T, D)``, special tokens and padding included."""
        return aggregate_layers(run(self._layers), self._aggregation)

    def _in_windows(self, sequence: str) -> Tensor:
        """Give the states of a sequence too long for the device, in windows of half its length, a quarter, and so on.

        Returns
        -------
        states
            Shape ``(1, T, D)``.
        """
        size = len(sequence) // 2
        while True:
            try:
                return self._join(sequence, context_windows(len(sequence), size=max(size, SHORTEST_WINDOW)))
            except DeviceOutOfMemoryError:
                if size <= SHORTEST_WINDOW:
                    raise
                size //= 2

    def _join(self, sequence: str, windows: Sequence[Window]) -> Tensor:
        first = self._model.first_residue
        parts = []
        for window in windows:
            part = sequence[window.seen_start : window.seen_end]
            states = self._aggregate(self._model.prepare([part]))[0]  # (T, D)
            start = first + window.kept_start - window.seen_start
            end = start + window.kept_end - window.kept_start
            # The special tokens belong to the first and the last window.
            parts.append(states[0 if window is windows[0] else start : None if window is windows[-1] else end])
        return torch.cat(parts).unsqueeze(0)

    def _spans(self, residues: int) -> list[tuple[int, int]]:
        if not self._recipe.use_chunking:
            return [(0, residues)]
        return chunk_spans(residues, size=self._recipe.chunk_size, overlap=self._recipe.chunk_overlap)

    def _pool(self, states: Tensor, start: int, end: int) -> Tensor:
        first = self._model.first_residue
        if self._pooling is Pooling.CLS:
            pooled = states[0]
        else:
            pooled = pool_residues(states[first + start : first + end], self._pooling)
        return to_unit_length(pooled) if self._recipe.normalize else pooled


def _max_residues(model: LanguageModel, recipe: EmbeddingRecipe) -> int | None:
    """Find how much of a sequence fits: the recipe counts tokens, only ``esm3c`` residues."""
    counted = 0 if recipe.model_backend == ModelBackend.ESM3C else model.special_tokens
    limits = [] if recipe.max_length == WHOLE_SEQUENCE else [recipe.max_length - counted]
    if model.longest_input is not None:
        limits.append(model.longest_input - model.special_tokens)
    if limits and min(limits) < 1:
        raise NoRoomForResiduesError(
            f"max_length {recipe.max_length} leaves no room for residues: {recipe.model_name!r} puts "
            f"{model.special_tokens} special tokens beside them. Choose a greater max_length."
        )
    return min(limits, default=None)


def _stacked(vectors: Sequence[Tensor], *, width: int) -> NDArray[np.float32]:
    if not vectors:
        return np.empty((0, width), dtype=np.float32)
    stacked: NDArray[np.float32] = torch.stack(list(vectors)).cpu().numpy()
    return stacked
