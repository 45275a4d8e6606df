"""UniRep: its LSTM against torch's own, its batches, and what of its files is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from protea_embedder.adapters.language_models.errors import ModelNotLoadableError
from protea_embedder.adapters.language_models.unirep import load_unirep_encoder
from protea_embedder.adapters.unirep_files import InvalidUniRepArraysError, write_unirep_model
from protea_embedder.domain.language_model_encoder import LayerBeyondModelError
from protea_embedder.domain.mlstm import MlstmLayer, normalized_weights, run_mlstm
from protea_embedder.domain.model_shape import UnsuitableModelError
from protea_embedder.domain.precision import DeviceName, Placement, Precision
from protea_embedder.domain.recipe import InvalidRecipeError
from support.encoder_contract import CRAMBIN, INSULIN_B, UBIQUITIN
from support.tiny_models import make_tiny_model, tiny_recipe
from support.tiny_unirep import published_arrays, published_names, write_npz
from support.unirep_steps import UniRepSteps

SINGLE = Placement(DeviceName.CPU, Precision.FLOAT32, 1, batch_tokens=1_024)
INPUTS, UNITS = 7, 12


def without_multiplication(lstm: torch.nn.LSTM) -> MlstmLayer:
    """Give a layer the weights of torch's LSTM: the middle is the hidden state, for every input times 1."""
    # torch orders input, forget, update, output.
    order = torch.cat([torch.arange(UNITS) + block * UNITS for block in (0, 1, 3, 2)])
    weights = {name: parameter.detach()[order] for name, parameter in lstm.named_parameters()}
    from_input, from_hidden = weights["weight_ih_l0"].T, weights["weight_hh_l0"].T
    constant = torch.zeros(1, 5 * UNITS)
    constant[0, :UNITS] = 1  # the last input is always 1
    to_gates_and_middle = torch.cat([torch.zeros(INPUTS, UNITS), from_input], dim=1)
    bias = torch.cat([torch.zeros(UNITS), weights["bias_ih_l0"] + weights["bias_hh_l0"]])
    return MlstmLayer(torch.cat([to_gates_and_middle, constant]), bias, torch.eye(UNITS), from_hidden)


@torch.no_grad()
def test_without_its_multiplication_it_is_the_lstm_of_torch() -> None:
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(INPUTS, UNITS, batch_first=True)
    inputs = torch.randn(3, 25, INPUTS)
    expected, _ = lstm(inputs)

    (found,) = run_mlstm(torch.cat([inputs, torch.ones(3, 25, 1)], dim=2), [25, 25, 25], [without_multiplication(lstm)])

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@torch.no_grad()
def test_what_lies_beyond_the_end_of_a_sequence_changes_nothing() -> None:
    torch.manual_seed(0)
    layer = without_multiplication(torch.nn.LSTM(INPUTS, UNITS, batch_first=True))
    inputs = torch.cat([torch.randn(2, 9, INPUTS), torch.ones(2, 9, 1)], dim=2)
    inputs[1, 4:] = torch.nan

    (together,) = run_mlstm(inputs, [9, 4], [layer])
    (alone,) = run_mlstm(inputs[1:, :4], [4], [layer])

    torch.testing.assert_close(together[1:, :4], alone, rtol=0, atol=1e-6)
    assert not together[1, 4:].any()


def test_weights_are_normalised_as_torch_does() -> None:
    torch.manual_seed(0)
    linear = torch.nn.Linear(INPUTS, UNITS, bias=False)
    reference = torch.nn.utils.parametrizations.weight_norm(linear)
    length = torch.rand(UNITS) + 1
    reference.parametrizations.weight.original0.data = length[:, None]

    found = normalized_weights(reference.parametrizations.weight.original1.T, length)

    torch.testing.assert_close(found, reference.weight.T, rtol=0, atol=1e-6)


def test_unknown_residues_are_read_as_x(tmp_path: Path) -> None:
    encoder = load_unirep_encoder(make_tiny_model("unirep", tmp_path), tiny_recipe("unirep"), SINGLE)

    odd, unknown, rare, rare_unknown = encoder.encode(["MKZBJ*", "mkxxxx", "MKUOU", "MKXXX"])

    np.testing.assert_allclose(odd, unknown, rtol=0, atol=1e-6)
    assert np.abs(rare - rare_unknown).max() > 1e-3


def test_the_first_position_is_no_embedding() -> None:
    with pytest.raises(InvalidRecipeError, match="same for all proteins"):
        tiny_recipe("unirep", pooling="cls")


def test_it_has_no_layer_for_the_embedding_table(tmp_path: Path) -> None:
    folder = make_tiny_model("unirep", tmp_path)

    load_unirep_encoder(folder, tiny_recipe("unirep", layer_indices=(3,)), SINGLE)
    with pytest.raises(LayerBeyondModelError, match="0 to 3"):
        load_unirep_encoder(folder, tiny_recipe("unirep", layer_indices=(4,)), SINGLE)


def test_the_published_files_of_one_layer_become_a_model(tmp_path: Path) -> None:
    arrays = published_arrays(layers=1, units=16)
    (tmp_path / "npy").mkdir()
    for name, array in published_names(arrays).items():
        np.save(tmp_path / "npy" / name, array)

    counts = write_unirep_model(tmp_path / "npy", tmp_path / "model")

    assert counts == {"layers": 1, "units": 16, "parameters": sum(array.size for array in arrays.values())}
    encoder = load_unirep_encoder(tmp_path / "model", tiny_recipe("unirep"), SINGLE)
    loop = UniRepSteps(tmp_path / "model")
    proteins = [INSULIN_B, UBIQUITIN, CRAMBIN]
    np.testing.assert_allclose(encoder.encode(proteins), [loop.mean(p) for p in proteins], rtol=0, atol=1e-5)


def test_both_published_forms_become_the_same_files(tmp_path: Path) -> None:
    arrays = published_arrays(layers=1, units=16)
    (tmp_path / "npy").mkdir()
    for name, array in published_names(arrays).items():
        np.save(tmp_path / "npy" / name, array)
    # The layer that guesses the next residue is in the file, and is left out.
    write_npz(tmp_path / "weights.npz", arrays | {"dense.w": np.ones((16, 25), np.float32)})

    write_unirep_model(tmp_path / "npy", tmp_path / "one")
    write_unirep_model(tmp_path / "weights.npz", tmp_path / "two")

    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_several_layers_are_found(tmp_path: Path) -> None:
    write_npz(tmp_path / "weights.npz", published_arrays(layers=4, units=8))

    assert write_unirep_model(tmp_path / "weights.npz", tmp_path / "model")["layers"] == 4


@pytest.mark.parametrize(
    ("name", "array", "problem"),
    [
        ("mlstm.1.gmx", None, r"there is no mlstm\.1\.gmx"),
        ("mlstm.0.wmh", None, r"there is no mlstm\.0\.wmh|no matrix mlstm\.0\.wmh"),
        ("embedding", None, "no matrix embedding"),
        ("mlstm.0.b", np.zeros(31, np.float32), r"mlstm\.0\.b has the shape \(31,\), where \(32,\)"),
        ("mlstm.1.b", np.full(32, np.nan, np.float32), r"mlstm\.1\.b is not finite"),
        ("embedding", np.array([print], dtype=object), "without pickle"),
    ],
)
def test_arrays_that_are_no_unirep_are_refused_by_name(
    tmp_path: Path, name: str, array: np.ndarray | None, problem: str
) -> None:
    arrays = published_arrays(layers=2, units=8)
    arrays.pop(name)
    write_npz(tmp_path / "weights.npz", arrays | ({} if array is None else {name: array}))

    with pytest.raises(InvalidUniRepArraysError, match=problem):
        write_unirep_model(tmp_path / "weights.npz", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_pickled_array_of_a_folder_is_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "embed_matrix:0.npy", np.array([print], dtype=object))

    with pytest.raises(
        InvalidUniRepArraysError, match=r"embed_matrix:0\.npy cannot be read as an array without pickle"
    ):
        write_unirep_model(tmp_path, tmp_path / "model")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes(b"no archive")

    with pytest.raises(InvalidUniRepArraysError, match="without pickle"):
        write_unirep_model(tmp_path / "weights.npz", tmp_path / "model")


def test_too_large_arrays_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_npz(tmp_path / "weights.npz", published_arrays(layers=1, units=8))
    monkeypatch.setattr("protea_embedder.adapters.unirep_files.MAX_BYTES", 100)

    with pytest.raises(InvalidUniRepArraysError, match="100 is the limit"):
        write_unirep_model(tmp_path / "weights.npz", tmp_path / "model")


def test_a_model_without_an_array_is_not_loaded(tmp_path: Path) -> None:
    folder = make_tiny_model("unirep", tmp_path)
    arrays = safetensors.numpy.load((folder / "model.safetensors").read_bytes())
    del arrays["mlstm.2.wh"]
    (folder / "model.safetensors").write_bytes(safetensors.numpy.save(arrays))

    with pytest.raises(ModelNotLoadableError, match=r"there is no mlstm\.2\.wh"):
        load_unirep_encoder(folder, tiny_recipe("unirep"), SINGLE)


def test_damaged_or_missing_weights_are_not_loaded(tmp_path: Path) -> None:
    folder = make_tiny_model("unirep", tmp_path)
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelNotLoadableError, match="cannot be read"):
        load_unirep_encoder(folder, tiny_recipe("unirep"), SINGLE)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelNotLoadableError, match="cannot be read"):
        load_unirep_encoder(folder, tiny_recipe("unirep"), SINGLE)


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsuitableModelError, match="model_type 'esm'"):
        load_unirep_encoder(make_tiny_model("esm", tmp_path), tiny_recipe("unirep"), SINGLE)


def test_what_is_computed_at_once_is_probed_unless_it_is_set(tmp_path: Path) -> None:
    folder = make_tiny_model("unirep", tmp_path)
    free = Placement(DeviceName.CPU, Precision.FLOAT32, 1)

    assert load_unirep_encoder(folder, tiny_recipe("unirep"), SINGLE).batch_tokens == 1_024
    assert 2_048 <= load_unirep_encoder(folder, tiny_recipe("unirep"), free).batch_tokens <= 32_768
