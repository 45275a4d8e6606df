from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.kmer_fit import fit_kmer_encoder
from protea_embedder.domain.kmer_state import (
    EncoderStateError,
    KmerState,
    Projection,
    from_safetensors,
    state_digest,
    to_safetensors,
)
from support.proteins import random_proteins

Tensors = dict[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def state() -> KmerState:
    return fit_kmer_encoder(random_proteins(30), reduced_components=4, trimer_components=3)


@pytest.fixture(scope="module")
def data(state: KmerState) -> bytes:
    return to_safetensors(state)


def metadata_of(data: bytes) -> dict[str, str]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata: dict[str, str] = header["__metadata__"]
    return metadata


def test_a_loaded_state_gives_the_same_vectors(state: KmerState, data: bytes) -> None:
    proteins = random_proteins(5, seed=3)

    loaded = from_safetensors(data)

    np.testing.assert_array_equal(KmerEncoder(loaded).encode(proteins), KmerEncoder(state).encode(proteins))


def test_equal_states_have_equal_bytes(state: KmerState, data: bytes) -> None:
    assert {to_safetensors(state) for _ in range(20)} == {data}
    assert to_safetensors(from_safetensors(data)) == data


def test_a_state_without_projected_columns_can_be_saved() -> None:
    data = to_safetensors(fit_kmer_encoder(["A", "C"]))

    assert from_safetensors(data).reduced.components.shape == (10_000, 0)


def test_the_order_of_arrays_in_memory_does_not_matter(state: KmerState, data: bytes) -> None:
    columns_first = Projection(state.reduced.idf, np.asfortranarray(state.reduced.components))

    assert to_safetensors(replace(state, reduced=columns_first)) == data


def test_the_file_says_what_it_is(data: bytes) -> None:
    assert json.loads(metadata_of(data)["protea"]) == {
        "alphabet": "murphy-10",
        "format_version": 1,
        "kind": "k-mer encoder, not a language model",
    }


def test_digest_is_sha256() -> None:
    # FIPS 180-2, appendix B.1
    assert state_digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("foreign", [b"", b"\xff" * 100, pickle.dumps({"reduced_idf": [1.0]})])
def test_data_of_another_format_is_refused(foreign: bytes) -> None:
    with pytest.raises(EncoderStateError, match="not in safetensors format"):
        from_safetensors(foreign)


def test_damaged_data_is_refused_with_what_to_do(data: bytes) -> None:
    for damaged in (data[:-1], data + b"\0"):
        with pytest.raises(EncoderStateError, match=r"damaged or .*; fit the encoder again or restore the file"):
            from_safetensors(damaged)


def test_a_safetensors_file_of_something_else_is_refused() -> None:
    foreign = safetensors.numpy.save({"weight": np.zeros((2, 2), dtype=np.float32)})

    with pytest.raises(EncoderStateError, match="says it is None"):
        from_safetensors(foreign)


def test_a_newer_format_version_is_refused(data: bytes) -> None:
    newer = {"protea": metadata_of(data)["protea"].replace('"format_version": 1', '"format_version": 2')}

    with pytest.raises(EncoderStateError, match='"format_version": 2'):
        from_safetensors(safetensors.numpy.save(safetensors.numpy.load(data), newer))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda tensors: tensors.pop("trimer_idf"), "holds the tensors .* are expected"),
        (lambda tensors: tensors.update(extra=np.zeros(1, np.float32)), "holds the tensors .*'extra'"),
        (lambda tensors: tensors.update(column_mean=np.zeros(427)), "column_mean as float64"),
        (lambda tensors: tensors.update(trimer_idf=np.zeros(9, np.float32)), r"trimer_idf of shape \(9,\).*\(8000,\)"),
        (
            lambda tensors: tensors.update(reduced_components=np.zeros(10_000, np.float32)),
            r"reduced_components of shape \(10000,\)",
        ),
        (
            lambda tensors: tensors.update(reduced_components=np.zeros((8000, 4), np.float32)),
            r"reduced_components of shape \(8000, 4\).*\(10000, 4\)",
        ),
        (lambda tensors: tensors.update(column_weight=np.zeros(5, np.float32)), r"column_weight of shape .*\(427,\)"),
        (
            lambda tensors: tensors.update(column_mean=np.full(427, np.nan, np.float32)),
            "column_mean with values that are not finite",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(data: bytes, change: Callable[[Tensors], object], complaint: str) -> None:
    tensors = safetensors.numpy.load(data)
    change(tensors)
    changed = safetensors.numpy.save(tensors, metadata_of(data))

    with pytest.raises(EncoderStateError, match=complaint):
        from_safetensors(changed)


def test_a_tensor_type_without_a_numpy_type_is_refused(data: bytes) -> None:
    half = safetensors.numpy.save({"w": np.zeros(2, np.float16)}, metadata_of(data))
    header_bytes = int.from_bytes(half[:8], "little")
    header = half[8 : 8 + header_bytes].rstrip().replace(b'"F16"', b'"BF16"')
    as_bfloat16 = len(header).to_bytes(8, "little") + header + half[8 + header_bytes :]

    with pytest.raises(EncoderStateError, match="BF16"):
        from_safetensors(as_bfloat16)
