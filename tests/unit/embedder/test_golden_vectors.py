"""Every backend: the vectors kept in the repository are still those that its encoder gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from protea_embedder.domain.encoder import Encoder
from protea_embedder.domain.kmer_encoder import KmerEncoder
from protea_embedder.domain.precision import DeviceName, Placement, Precision
from protea_embedder.domain.recipe import ModelBackend
from support.kmers_by_hand import random_kmer_state
from support.tiny_models import TINY_MODELS, make_tiny_model, open_tiny, tiny_recipe

GOLDEN = Path(__file__).parents[2] / "data" / "golden"
"""Made by the script beside them."""

SINGLE = Placement(DeviceName.CPU, Precision.FLOAT32, 1, batch_tokens=1_024)
ENCODERS = (*TINY_MODELS, "kmer")


def open_encoder(name: str, folder: Path) -> Encoder:
    if name == "kmer":
        return KmerEncoder(random_kmer_state())
    return open_tiny(make_tiny_model(name, folder), tiny_recipe(name), SINGLE)


@pytest.mark.parametrize("name", ENCODERS)
def test_vectors_are_the_golden_ones(name: str, tmp_path: Path) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_text())

    found = open_encoder(name, tmp_path).encode(list(golden))

    np.testing.assert_allclose(found, list(golden.values()), rtol=0, atol=1e-5)


def test_every_backend_that_computes_has_a_golden_file() -> None:
    of_another_name = {ModelBackend.AUTO, ModelBackend.IMPORTED}

    files = {path.stem for path in GOLDEN.glob("*.json")}

    assert files == {*(backend.value for backend in ModelBackend if backend not in of_another_name), "prostt5"}
