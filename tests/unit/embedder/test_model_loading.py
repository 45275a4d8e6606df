"""What is refused when a model is opened: code, pickles, other kinds of model, weights that are not all there."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import EsmConfig, EsmModel

from protea_embedder.adapters.language_models.errors import ModelNotLoadableError
from protea_embedder.adapters.language_models.loading import load_encoder
from protea_embedder.adapters.language_models.tokens import UnsuitableTokenizerError, read_residue_tokens
from protea_embedder.adapters.model_store import ModelTooLargeError, count_parameters, scan_model_folder
from protea_embedder.domain.language_model_encoder import LayerBeyondModelError, NoRoomForResiduesError
from protea_embedder.domain.model_files import InvalidModelFilesError, ModelManifest
from protea_embedder.domain.model_shape import UnsuitableModelError
from protea_embedder.domain.precision import DeviceName, Placement, Precision
from support.tiny_models import LAYERS, make_tiny_model, tiny_recipe

SINGLE = Placement(DeviceName.CPU, Precision.FLOAT32, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_tiny_model("esm", tmp_path)


def test_pickled_weights_are_left_behind_unread(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(print))
    (folder / "modeling_evil.py").write_text("raise SystemExit")

    manifest = scan_model_folder(folder, max_bytes=10**9)

    assert sorted(manifest.digests) == ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"]


def test_a_folder_of_pickles_alone_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    with pytest.raises(InvalidModelFilesError, match="save_pretrained"):
        scan_model_folder(folder, max_bytes=10**9)


def test_a_model_over_the_limit_is_refused(folder: Path) -> None:
    with pytest.raises(ModelTooLargeError, match="MAX_MODEL_BYTES"):
        scan_model_folder(folder, max_bytes=1_000)


def test_a_missing_folder_or_configuration_is_named(folder: Path) -> None:
    with pytest.raises(InvalidModelFilesError, match="no folder"):
        scan_model_folder(folder / "absent", max_bytes=10**9)
    (folder / "config.json").unlink()
    with pytest.raises(InvalidModelFilesError, match=r"config\.json"):
        scan_model_folder(folder, max_bytes=10**9)


def test_the_digest_follows_every_file(folder: Path) -> None:
    before = scan_model_folder(folder, max_bytes=10**9)
    (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text() + "\n")
    after = scan_model_folder(folder, max_bytes=10**9)

    assert before.digest != after.digest
    assert ModelManifest.read(after.text) == after
    with pytest.raises(InvalidModelFilesError):
        ModelManifest.read(after.text + b"0 what\n")


def test_a_model_that_wants_to_bring_its_own_code_runs_only_ours(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "modeling_evil.Evil"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "modeling_evil.py").write_text("raise SystemExit('code of a model was run')")

    assert load_encoder(folder, tiny_recipe("esm"), SINGLE).encode(["MK"]).shape == (1, 32)


def test_what_is_computed_at_once_is_probed_unless_it_is_set(folder: Path) -> None:
    chosen = Placement(DeviceName.CPU, Precision.FLOAT32, 1, batch_tokens=777)

    assert load_encoder(folder, tiny_recipe("esm"), chosen).batch_tokens == 777
    assert 512 <= load_encoder(folder, tiny_recipe("esm"), SINGLE).batch_tokens <= 8_192


@pytest.fixture
def threads_restored() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("threads_restored")
def test_threads_are_as_many_as_the_operator_says(folder: Path) -> None:
    load_encoder(folder, tiny_recipe("esm"), Placement(DeviceName.CPU, Precision.FLOAT32, 3, batch_tokens=512))

    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("threads_restored")
@pytest.mark.parametrize(("wanted", "most"), [("1", 1), ("", len(os.sched_getaffinity(0)))])
def test_threads_are_probed_up_to_the_cores_or_what_openmp_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, most: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    torch.set_num_threads(3)

    load_encoder(folder, tiny_recipe("esm"), Placement(DeviceName.CPU, Precision.FLOAT32, batch_tokens=512))

    assert 1 <= torch.get_num_threads() <= most


def test_another_kind_of_model_is_refused(folder: Path) -> None:
    with pytest.raises(UnsuitableModelError, match="model_type 'esm'"):
        load_encoder(folder, tiny_recipe("t5"), SINGLE)


def test_weights_that_lack_a_tensor_are_refused_and_not_made_up(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    lost = next(name for name in weights if "attention.self.query.weight" in name)
    del weights[lost]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(ModelNotLoadableError, match=r"lack 1 tensors .*query\.weight"):
        load_encoder(folder, tiny_recipe("esm"), SINGLE)


def test_damaged_weights_are_refused(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])

    with pytest.raises(ModelNotLoadableError, match="tiny-esm"):
        load_encoder(folder, tiny_recipe("esm"), SINGLE)
    with pytest.raises(InvalidModelFilesError, match=r"model\.safetensors is damaged"):
        count_parameters(folder)


def test_a_damaged_configuration_is_refused(folder: Path) -> None:
    (folder / "config.json").write_text("{")

    with pytest.raises(UnsuitableModelError, match=r"config\.json"):
        load_encoder(folder, tiny_recipe("esm"), SINGLE)


def test_a_layer_beyond_the_model_is_refused(folder: Path) -> None:
    load_encoder(folder, tiny_recipe("esm", layer_indices=(LAYERS,)), SINGLE)
    with pytest.raises(LayerBeyondModelError, match=f"0 to {LAYERS}"):
        load_encoder(folder, tiny_recipe("esm", layer_indices=(LAYERS + 1,)), SINGLE)


def test_a_max_length_without_room_for_residues_is_refused(folder: Path) -> None:
    with pytest.raises(NoRoomForResiduesError, match="2 special tokens"):
        load_encoder(folder, tiny_recipe("esm", max_length=2), SINGLE)


def test_a_model_with_learned_positions_sees_no_more_than_it_has(folder: Path) -> None:
    config = EsmConfig.from_pretrained(
        folder, position_embedding_type="absolute", max_position_embeddings=40, emb_layer_norm_before=True
    )
    EsmModel(config, add_pooling_layer=False).save_pretrained(folder)

    encoder = load_encoder(folder, tiny_recipe("esm", max_length=0), SINGLE)

    # Positions start behind the padding token's, 1, and two tokens are special: 40 - 1 - 1 - 2.
    assert encoder.max_residues == 36
    (vectors,) = encoder.encode_residues(["MKTAY" * 10])
    assert vectors.shape == (36, 32)


def test_a_tokenizer_that_merges_residues_is_refused() -> None:
    with pytest.raises(UnsuitableTokenizerError, match="21 residues"):
        read_residue_tokens(lambda text: [0, *range(5, 5 + len(text) // 2), 2], tokens_before=1, padding=1, aliases={})


def test_parameters_are_counted_from_the_headers(folder: Path) -> None:
    expected = sum(tensor.numel() for tensor in load_file(folder / "model.safetensors").values())

    assert count_parameters(folder) == expected
    assert load_file(folder / "model.safetensors")["esm.embeddings.word_embeddings.weight"].dtype is torch.float32
