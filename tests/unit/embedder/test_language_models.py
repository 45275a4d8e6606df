"""Every backend that runs a language model: equal to the straightforward loop, and the same in any batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protea_embedder.domain.encoder import Encoder, ResidueEncoder, SpanEncoder
from protea_embedder.domain.language_model_encoder import LanguageModelEncoder
from protea_embedder.domain.precision import DeviceName, Placement, Precision
from support.encoder_contract import CRAMBIN, INSULIN_B, UBIQUITIN, EncoderContract
from support.plain_loop import plain_loop
from support.tiny_models import LAYERS, TINY_MODELS, WIDTH, make_tiny_model, open_tiny, tiny_recipe

SINGLE = Placement(DeviceName.CPU, Precision.FLOAT32, 1, batch_tokens=1_024)
HALF = Placement(DeviceName.CPU, Precision.BFLOAT16, 1, batch_tokens=1_024)
PROTEINS = [UBIQUITIN, CRAMBIN, INSULIN_B, "M", "MKUZOBX", UBIQUITIN * 3]

FolderOf = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> FolderOf:
    """Writes each tiny model once."""
    root = tmp_path_factory.mktemp("models")
    return cache(lambda name: make_tiny_model(name, root))


@pytest.fixture(scope="module", params=TINY_MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tiny_encoder(name: str, folder_of: FolderOf) -> LanguageModelEncoder:
    return open_tiny(folder_of(name), tiny_recipe(name), SINGLE)


class TestContract(EncoderContract):
    @pytest.fixture
    def encoder(self, tiny_encoder: LanguageModelEncoder) -> Encoder:
        return tiny_encoder


def test_vectors_are_those_of_the_straightforward_loop(
    name: str, tiny_encoder: LanguageModelEncoder, folder_of: FolderOf
) -> None:
    loop = plain_loop(name, folder_of(name))

    found = tiny_encoder.encode(PROTEINS)

    np.testing.assert_allclose(found, [loop.mean(protein) for protein in PROTEINS], rtol=0, atol=1e-5)


def test_residues_of_every_layer_are_those_of_the_loop(name: str, folder_of: FolderOf) -> None:
    loop = plain_loop(name, folder_of(name))

    for layer in range(LAYERS + 1):
        encoder = open_tiny(folder_of(name), tiny_recipe(name, layer_indices=(layer,)), SINGLE)
        for found, protein in zip(encoder.encode_residues(PROTEINS), PROTEINS, strict=True):
            expected = loop.residues(protein, layer=layer)
            assert found.shape == (len(protein), WIDTH)
            # States grow to hundreds from layer to layer; the tolerance is relative to the greatest.
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(np.abs(expected).max(), 1))


def test_neighbouring_layers_differ(name: str, folder_of: FolderOf) -> None:
    # Else the test above would not see a wrong layer.
    states = plain_loop(name, folder_of(name)).all_states(UBIQUITIN)

    assert all(np.abs(one - next_one).max() > 0.01 for one, next_one in pairwise(states))


def test_half_precision_stays_within_its_tolerance(name: str, folder_of: FolderOf) -> None:
    encoder = open_tiny(folder_of(name), tiny_recipe(name), HALF)
    loop = plain_loop(name, folder_of(name))

    found = encoder.encode(PROTEINS)

    cosines = [vector @ loop.mean(protein) for vector, protein in zip(found, PROTEINS, strict=True)]
    assert min(cosines) > 1 - 2e-3
    alone = np.concatenate([encoder.encode([protein]) for protein in PROTEINS])
    assert (found * alone).sum(axis=1).min() > 1 - 2e-3


residues = st.text("ACDEFGHIKLMNPQRSTVWYXUZOBJ", min_size=1, max_size=120)


@settings(max_examples=25, deadline=None)
@given(proteins=st.lists(residues, min_size=1, max_size=6), seed=st.integers(0, 99))
def test_a_vector_is_the_same_alone_in_any_batch_and_order(
    tiny_encoder: LanguageModelEncoder, proteins: list[str], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(proteins))

    together = tiny_encoder.encode([proteins[index] for index in order])

    alone = np.concatenate([tiny_encoder.encode([protein]) for protein in proteins])
    np.testing.assert_allclose(together, alone[order], rtol=0, atol=1e-5)


def test_small_letters_are_residues_too(tiny_encoder: LanguageModelEncoder) -> None:
    small, capital = tiny_encoder.encode([UBIQUITIN.lower(), UBIQUITIN])

    np.testing.assert_allclose(small, capital, rtol=0, atol=1e-6)


def test_concatenated_layers_start_with_the_last(name: str, folder_of: FolderOf) -> None:
    recipe = tiny_recipe(name, layer_indices=(2, 0), layer_agg="concat", normalize=False)
    encoder = open_tiny(folder_of(name), recipe, SINGLE)
    loop = plain_loop(name, folder_of(name))

    (found,) = encoder.encode([CRAMBIN])

    expected = [loop.residues(CRAMBIN, layer=layer).mean(axis=0) for layer in (0, 2)]
    assert encoder.dimension == 2 * WIDTH
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-4, atol=1e-5)


def test_several_layers_are_averaged_element_by_element(name: str, folder_of: FolderOf) -> None:
    recipe = tiny_recipe(name, layer_indices=(0, 1, 3), normalize=False)
    loop = plain_loop(name, folder_of(name))

    (found,) = open_tiny(folder_of(name), recipe, SINGLE).encode([CRAMBIN])

    expected = np.mean([loop.residues(CRAMBIN, layer=layer) for layer in (0, 1, 3)], axis=0).mean(axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in TINY_MODELS if name != "unirep"])
def test_cls_is_the_first_position_special_tokens_included(name: str, folder_of: FolderOf) -> None:
    recipe = tiny_recipe(name, pooling="cls", normalize=False)
    loop = plain_loop(name, folder_of(name))

    (found, _) = open_tiny(folder_of(name), recipe, SINGLE).encode([CRAMBIN, UBIQUITIN])

    np.testing.assert_allclose(found, loop.all_states(CRAMBIN)[-1, 0], rtol=1e-4, atol=1e-5)


def test_mean_and_max_stand_side_by_side(name: str, folder_of: FolderOf) -> None:
    recipe = tiny_recipe(name, pooling="mean_max", normalize=False)
    loop = plain_loop(name, folder_of(name))

    (found, _) = open_tiny(folder_of(name), recipe, SINGLE).encode([CRAMBIN, UBIQUITIN])

    states = loop.residues(CRAMBIN)
    np.testing.assert_allclose(found, np.concatenate([states.mean(axis=0), states.max(axis=0)]), rtol=1e-4, atol=1e-5)


def test_residues_are_scaled_before_they_are_pooled(name: str, folder_of: FolderOf) -> None:
    recipe = tiny_recipe(name, normalize_residues=True, normalize=False)
    loop = plain_loop(name, folder_of(name))

    (found, _) = open_tiny(folder_of(name), recipe, SINGLE).encode([CRAMBIN, UBIQUITIN])

    states = loop.residues(CRAMBIN)
    units = states / np.linalg.norm(states, axis=1, keepdims=True)
    np.testing.assert_allclose(found, units.mean(axis=0), rtol=0, atol=1e-5)


def test_a_chunk_is_pooled_over_its_residues_of_the_whole_sequence(name: str, folder_of: FolderOf) -> None:
    recipe = tiny_recipe(name, use_chunking=True, chunk_size=20, chunk_overlap=5, normalize=False)
    encoder = open_tiny(folder_of(name), recipe, SINGLE)
    loop = plain_loop(name, folder_of(name))

    found = encoder.encode_spans([INSULIN_B, CRAMBIN])

    # 30 residues in steps of 15: 0-20, 15-30; 46 residues: 0-20, 15-35, 30-46, 45-46.
    assert found.rows.tolist() == [0, 0, 1, 1, 1, 1]
    assert found.starts.tolist() == [0, 15, 0, 15, 30, 45]
    assert found.ends.tolist() == [20, 30, 20, 35, 46, 46]
    for row, start, end, vector in zip(found.rows, found.starts, found.ends, found.vectors, strict=True):
        expected = loop.residues([INSULIN_B, CRAMBIN][row])[start:end].mean(axis=0)
        np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-5)


SPECIAL_TOKENS = {"esm": 2, "esm3c": 0, "t5": 1, "prostt5": 2, "ankh": 1, "unirep": 1}
"""What max_length counts beside the residues: tokens, for ESM C residues only."""


def test_max_length_counts_what_its_backend_counts(name: str, folder_of: FolderOf) -> None:
    encoder = open_tiny(folder_of(name), tiny_recipe(name, max_length=30), SINGLE)
    seen = 30 - SPECIAL_TOKENS[name]

    assert encoder.max_residues == seen
    np.testing.assert_allclose(encoder.encode([UBIQUITIN]), encoder.encode([UBIQUITIN[:seen]]), rtol=0, atol=1e-6)
    assert encoder.encode_residues([UBIQUITIN])[0].shape == (seen, WIDTH)


def test_max_length_0_cuts_nothing(name: str, folder_of: FolderOf) -> None:
    encoder = open_tiny(folder_of(name), tiny_recipe(name, max_length=0), SINGLE)

    assert encoder.max_residues is None
    assert encoder.encode_residues(["MKTAY" * 300])[0].shape == (1500, WIDTH)


def test_it_is_an_encoder_of_spans_and_residues(tiny_encoder: LanguageModelEncoder) -> None:
    assert isinstance(tiny_encoder, SpanEncoder)
    assert isinstance(tiny_encoder, ResidueEncoder)
