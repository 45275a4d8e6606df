from __future__ import annotations

import itertools
import uuid
from dataclasses import replace

import pytest

from protea_embedder.domain.recipe import (
    TORCH_BACKENDS,
    WHOLE_SEQUENCE,
    EmbeddingRecipe,
    InvalidRecipeError,
    LayerAggregation,
    ModelBackend,
    Pooling,
    imported_recipe,
    kmer_recipe,
    recipe_id,
)

DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
ESM = EmbeddingRecipe(model_name="facebook/esm2_t6_8M_UR50D", layer_indices=(0, 1))


def test_id_is_uuid5_of_the_recipe_written_out_by_hand() -> None:
    written_out = (
        '{"chunk_overlap":0,"chunk_size":512,"convention_version":1,"embedding_scale":1.0,"layer_agg":"mean",'
        '"layer_indices":[0,1],"max_length":1022,"model_backend":"esm","model_name":"facebook/esm2_t6_8M_UR50D",'
        '"normalize":true,"normalize_residues":false,"pooling":"mean","use_chunking":false,"weights_digest":null}'
    )

    assert recipe_id(ESM) == uuid.uuid5(uuid.UUID("52b537bf-8699-42eb-b03e-ddcf39e3ed25"), written_out)


@pytest.mark.parametrize(
    "same",
    [
        replace(ESM, layer_indices=(1, 0, 1)),
        replace(ESM, model_backend="auto"),
        replace(ESM, embedding_scale=1),
        replace(ESM, pooling=Pooling.MEAN),
    ],
    ids=["order of layers", "auto is esm", "whole number", "enumeration member"],
)
def test_another_spelling_of_a_recipe_has_its_id(same: EmbeddingRecipe) -> None:
    assert recipe_id(same) == recipe_id(ESM)


@pytest.mark.parametrize(
    "other",
    [
        replace(ESM, model_name="facebook/esm2_t12_35M_UR50D"),
        replace(ESM, model_backend="esm3c"),
        replace(ESM, layer_indices=(0,)),
        replace(ESM, layer_agg="concat"),
        replace(ESM, pooling="mean_max"),
        replace(ESM, normalize_residues=True),
        replace(ESM, normalize=False),
        replace(ESM, max_length=512),
        replace(ESM, use_chunking=True),
        replace(ESM, chunk_size=256),
        replace(ESM, chunk_overlap=64),
        replace(ESM, embedding_scale=2.0),
        replace(ESM, weights_digest=DIGEST),
        replace(ESM, convention_version=2),
    ],
)
def test_every_field_is_part_of_the_id(other: EmbeddingRecipe) -> None:
    assert recipe_id(other) != recipe_id(ESM)


@pytest.mark.parametrize(
    ("backend", "pooling"),
    [pair for pair in itertools.product(sorted(TORCH_BACKENDS), Pooling) if pair != ("unirep", "cls")],
)
@pytest.mark.parametrize("layer_agg", list(LayerAggregation))
def test_every_known_choice_is_accepted(backend: str, pooling: str, layer_agg: str) -> None:
    recipe = EmbeddingRecipe(model_name="m", model_backend=backend, pooling=pooling, layer_agg=layer_agg)

    assert recipe.layer_indices == (0,)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        EmbeddingRecipe(
            model_name=" ",
            model_backend="esm4",
            layer_indices=(-1,),
            layer_agg="sum",
            pooling="median",
            max_length=-1,
            chunk_size=0,
            chunk_overlap=-1,
            embedding_scale=0,
            weights_digest="ABC",
            convention_version=0,
        )

    fields = [problem.split()[0] for problem in caught.value.problems]
    assert fields == [
        "model_name",
        "model_backend",
        "weights_digest",
        "convention_version",
        "layer_indices",
        "layer_agg",
        "pooling",
        "embedding_scale",
        "max_length",
        "chunk_size",
        "chunk_overlap",
    ]
    assert all(problem in str(caught.value) for problem in caught.value.problems)


def test_an_unknown_choice_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidRecipeError, match="model_backend 'esm4' is unknown; choose one of esm, esm3c, t5, ankh"):
        replace(ESM, model_backend="esm4")


@pytest.mark.parametrize(("size", "overlap"), [(512, 512), (512, 600), (1, 1)])
def test_chunks_must_be_longer_than_their_overlap(size: int, overlap: int) -> None:
    with pytest.raises(InvalidRecipeError, match=f"chunk_overlap {overlap} is not in"):
        replace(ESM, use_chunking=True, chunk_size=size, chunk_overlap=overlap)


def test_last_of_several_layers_is_refused() -> None:
    with pytest.raises(InvalidRecipeError, match="'last' with several layers"):
        replace(ESM, layer_agg="last")


def test_last_of_one_layer_given_twice_is_accepted() -> None:
    assert replace(ESM, layer_agg="last", layer_indices=(3, 3)).layer_agg == "last"


def test_no_layers_are_refused() -> None:
    with pytest.raises(InvalidRecipeError, match="layer_indices is empty"):
        replace(ESM, layer_indices=())


def test_cls_of_chunks_is_refused() -> None:
    with pytest.raises(InvalidRecipeError, match="pooling 'cls'"):
        replace(ESM, pooling="cls", use_chunking=True)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_cannot_divide_is_refused(scale: float) -> None:
    with pytest.raises(InvalidRecipeError, match="embedding_scale"):
        replace(ESM, embedding_scale=scale)


def test_a_kmer_recipe_truncates_nothing_and_names_its_weights() -> None:
    recipe = kmer_recipe(DIGEST, normalize=False)

    assert recipe.model_backend == ModelBackend.KMER
    assert recipe.max_length == WHOLE_SEQUENCE
    assert recipe.weights_digest == DIGEST
    assert not recipe.normalize


def test_kmer_recipes_of_two_fits_have_two_ids() -> None:
    assert recipe_id(kmer_recipe(DIGEST)) != recipe_id(kmer_recipe(DIGEST[::-1]))


def test_an_imported_recipe_names_its_file_and_its_model() -> None:
    recipe = imported_recipe(DIGEST, model_name="prot/model", embedding_scale=2.0)

    assert (recipe.model_backend, recipe.model_name, recipe.weights_digest) == ("imported", "prot/model", DIGEST)
    assert recipe.max_length == WHOLE_SEQUENCE
    with pytest.raises(InvalidRecipeError, match="backend 'imported' needs the digest"):
        replace(recipe, weights_digest=None)


def test_a_kmer_recipe_needs_the_digest_of_its_encoder() -> None:
    with pytest.raises(InvalidRecipeError, match="weights_digest is missing"):
        replace(kmer_recipe(DIGEST), weights_digest=None)


def test_what_a_kmer_encoder_would_ignore_is_refused() -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        replace(
            kmer_recipe(DIGEST),
            layer_indices=(1,),
            layer_agg="concat",
            pooling="max",
            normalize_residues=True,
            max_length=1022,
            use_chunking=True,
        )

    assert [problem.split()[0] for problem in caught.value.problems] == [
        "layer_indices",
        "layer_agg",
        "pooling",
        "normalize_residues",
        "max_length",
        "use_chunking",
    ]
