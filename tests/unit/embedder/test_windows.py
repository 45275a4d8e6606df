"""Sequences that a device cannot hold: seen in windows, and never cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from protea_embedder.domain.encoder import DeviceOutOfMemoryError
from protea_embedder.domain.language_model import RunModel
from protea_embedder.domain.language_model_encoder import SHORTEST_WINDOW, LanguageModelEncoder
from protea_embedder.domain.recipe import EmbeddingRecipe
from protea_embedder.domain.spans import chunk_spans, context_windows


class SmallDevice:
    """A `LanguageModel` whose states are the residues' letters, on a device that holds so many tokens."""

    states = 2
    width = 3
    first_residue = 1
    special_tokens = 2
    longest_input = None

    def __init__(self, *, holds: int) -> None:
        self._holds = holds
        self.longest = 0

    def prepare(self, sequences: Sequence[str]) -> RunModel:
        return lambda layers: self._run(sequences, layers)

    def _run(self, sequences: Sequence[str], layers: Sequence[int]) -> list[Tensor]:
        tokens = max(map(len, sequences)) + 2
        if tokens * len(sequences) > self._holds:
            raise DeviceOutOfMemoryError("full")
        self.longest = max(self.longest, tokens)
        batch = torch.zeros(len(sequences), tokens, 3)
        for row, sequence in zip(batch, sequences, strict=True):
            row[1 : 1 + len(sequence), 0] = torch.tensor([float(ord(residue)) for residue in sequence])
            row[0, 1] = row[len(sequence) + 1, 2] = 1.0
        return [batch for _ in layers]


RAW = EmbeddingRecipe(model_name="letters", normalize=False, max_length=0)
LONG = "".join(np.random.default_rng(0).choice(list("ACDEFGHIKL"), size=700))


def test_a_sequence_that_does_not_fit_is_seen_whole_in_windows() -> None:
    device = SmallDevice(holds=200)

    found = LanguageModelEncoder(device, RAW).encode_spans([LONG])

    assert found.in_windows == (0,)
    assert device.longest <= 200
    assert found.ends.tolist() == [700]
    letters = float(np.mean([ord(residue) for residue in LONG]))
    np.testing.assert_allclose(found.vectors[0], np.array([letters, 0, 0]), rtol=1e-6)


def test_every_residue_of_it_stands_in_its_place() -> None:
    (found,) = LanguageModelEncoder(SmallDevice(holds=200), RAW).encode_residues([LONG])

    assert found[:, 0].tolist() == [ord(residue) for residue in LONG]


def test_one_that_fits_is_seen_at_once() -> None:
    found = LanguageModelEncoder(SmallDevice(holds=1_000), RAW).encode_spans([LONG])

    assert found.in_windows == ()


def test_several_that_do_not_fit_together_are_the_callers_to_part() -> None:
    with pytest.raises(DeviceOutOfMemoryError):
        LanguageModelEncoder(SmallDevice(holds=1_000), RAW).encode([LONG, LONG])


def test_a_device_that_holds_nothing_is_given_up() -> None:
    with pytest.raises(DeviceOutOfMemoryError):
        LanguageModelEncoder(SmallDevice(holds=SHORTEST_WINDOW), RAW).encode([LONG])


@given(residues=st.integers(1, 500), size=st.integers(4, 120))
def test_every_residue_is_kept_by_exactly_one_window(residues: int, size: int) -> None:
    windows = context_windows(residues, size=size)

    assert [place for window in windows for place in range(window.kept_start, window.kept_end)] == list(range(residues))
    assert all(window.seen_start <= window.kept_start < window.kept_end <= window.seen_end for window in windows)
    assert all(window.seen_end - window.seen_start <= size for window in windows)


@given(residues=st.integers(0, 300), size=st.integers(1, 60), data=st.data())
def test_chunks_cover_a_sequence_in_steps(residues: int, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size - 1))

    spans = chunk_spans(residues, size=size, overlap=overlap)

    assert spans[0][0] == 0
    assert all(end == min(start + size, residues) for start, end in spans)
    assert [start for start, _ in spans] == list(range(0, residues, size - overlap) or [0])
