"""What ``embedding.py`` compares: models of random weights, our encoder, and the plain loop through transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import EsmConfig, EsmModel, EsmTokenizer

from protea_embedder.adapters.language_models.device import open_device
from protea_embedder.adapters.language_models.loading import load_encoder
from protea_embedder.domain.batching import plan_batches
from protea_embedder.domain.language_model_encoder import LanguageModelEncoder
from protea_embedder.domain.precision import DeviceName, Placement, Precision
from protea_embedder.domain.recipe import EmbeddingRecipe

VOCABULARY = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
LONGEST = 1_022
RECIPE = EmbeddingRecipe(model_name="esm2", max_length=LONGEST + 2)


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of an ESM-2 model."""

    name: str
    layers: int
    width: int
    heads: int = 20

    def operations(self, lengths: Sequence[int]) -> float:
        """Floating-point operations of the multiplications for sequences of so many tokens."""
        weights = self.layers * 12 * self.width**2
        return sum(2.0 * weights * tokens + 4.0 * self.layers * tokens**2 * self.width for tokens in lengths)


SMALL, LARGE = Shape("8M", 6, 320), Shape("150M", 30, 640)


def write_model(folder: Path, shape: Shape) -> Path:
    """Write a model of random weights and its tokenizer."""
    target = folder / shape.name
    target.mkdir()
    torch.manual_seed(0)
    config = EsmConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.width,
        pad_token_id=1,
        mask_token_id=32,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        max_position_embeddings=1_026,
    )
    EsmModel(config, add_pooling_layer=False).save_pretrained(target)
    (target / "vocab.txt").write_text("\n".join(VOCABULARY))
    EsmTokenizer(str(target / "vocab.txt")).save_pretrained(target)
    return target


class Loop:
    """The plain way through transformers: batches in the order of the file, padded."""

    def __init__(self, folder: Path, *, dtype: torch.dtype, batch: int) -> None:
        self._tokenizer = EsmTokenizer.from_pretrained(folder)
        model: Any = EsmModel.from_pretrained(folder, add_pooling_layer=False, dtype=dtype, attn_implementation="sdpa")
        self._model = model.eval()
        self._batch = batch

    def __call__(self, proteins: Sequence[str]) -> NDArray[np.float32]:
        """Embed."""
        parts = [self._run(proteins[start : start + self._batch]) for start in range(0, len(proteins), self._batch)]
        return np.concatenate(parts)

    def _run(self, proteins: Sequence[str]) -> NDArray[np.float32]:
        with torch.inference_mode():
            tokens = self._tokenizer(list(proteins), return_tensors="pt", padding=True)
            states = self._model(**tokens, output_hidden_states=True).hidden_states[-1].float()
            means = [row[1 : 1 + len(protein)].mean(dim=0) for row, protein in zip(states, proteins, strict=True)]
            pooled: NDArray[np.float32] = torch.nn.functional.normalize(torch.stack(means)).numpy()
            return pooled


class Ours:
    """The embedder's encoder under the budget that it chose."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self.encoder: LanguageModelEncoder = load_encoder(
            folder, RECIPE, Placement(DeviceName.CPU, Precision.AUTO, threads)
        )

    def __call__(self, proteins: Sequence[str]) -> NDArray[np.float32]:
        """Embed."""
        vectors = np.empty((len(proteins), self.encoder.dimension), dtype=np.float32)
        for chosen in self.plan(proteins):
            vectors[chosen] = self.encoder.encode([proteins[index] for index in chosen])
        return vectors

    def plan(self, proteins: Sequence[str]) -> list[NDArray[np.int64]]:
        """Say which proteins are computed together."""
        lengths = np.array([len(protein) for protein in proteins], dtype=np.int64)
        return plan_batches(lengths, batch_tokens=self.encoder.batch_tokens, max_sequences=256)


def chosen_dtype() -> torch.dtype:
    """Give the number format that the embedder chooses here."""
    return open_device(DeviceName.CPU, Precision.AUTO, backend=RECIPE.model_backend).dtype
