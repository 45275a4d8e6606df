"""Language models of a few thousand random numbers, written as their libraries write them: real files, no biology."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
import torch
from tokenizers import Tokenizer, models, processors
from transformers import (
    EsmcConfig,
    EsmcModel,
    EsmConfig,
    EsmcTokenizer,
    EsmForMaskedLM,
    EsmTokenizer,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from protea_embedder.adapters.language_models.loading import load_encoder
from protea_embedder.adapters.language_models.unirep import load_unirep_encoder
from protea_embedder.adapters.model_store import ModelStore, scan_model_folder
from protea_embedder.domain.language_model_encoder import LanguageModelEncoder
from protea_embedder.domain.precision import Placement
from protea_embedder.domain.recipe import EmbeddingRecipe, ModelBackend
from support.tiny_unirep import write_tiny_unirep

__all__ = ["LAYERS", "TINY_MODELS", "WIDTH", "make_tiny_model", "open_tiny", "store_model", "tiny_recipe"]

LAYERS = 3
WIDTH = 32

_ESM_VOCABULARY = ["<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>"]
"""Of ESM-2, as facebookresearch/esm orders it."""

_T5_RESIDUES = "ALGVSREDTIPKFQNYMHWCXBOUZ"
"""Of ProtT5, in the order of its sentencepiece model."""


def make_tiny_model(name: str, folder: Path, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> Path:
    """Write the model of `TINY_MODELS` into a folder below ``folder``; the same seed gives the same numbers."""
    target = folder / name
    target.mkdir(parents=True)
    if name == "unirep":
        # A state for each layer and none for the embedding table: one layer more gives as many states.
        write_tiny_unirep(target, layers=LAYERS + 1, units=WIDTH, seed=seed)
        return target
    model = _MAKERS[name](target)
    _fill(model, np.random.default_rng(seed))
    model.to(dtype).save_pretrained(target)
    return target


def tiny_recipe(name: str, *, digest: str | None = None, **fields: Any) -> EmbeddingRecipe:
    """Describe the model of `TINY_MODELS`."""
    backend = ModelBackend.T5 if name == "prostt5" else ModelBackend(name)
    return EmbeddingRecipe(
        **{"model_name": f"tiny-{name}", "model_backend": backend, "weights_digest": digest, **fields}
    )


def open_tiny(folder: Path, recipe: EmbeddingRecipe, placement: Placement) -> LanguageModelEncoder:
    """Open the encoder of a recipe as the worker does."""
    opener = load_unirep_encoder if recipe.model_backend == ModelBackend.UNIREP else load_encoder
    return opener(folder, recipe, placement)


async def store_model(models_store: ModelStore, folder: Path) -> tuple[str, str]:
    """Put a folder into the artifact store; give its digest and where it lies."""
    manifest = scan_model_folder(folder, max_bytes=10**9)
    return manifest.digest, await models_store.put(folder, manifest)


def _fill(model: Any, rng: np.random.Generator) -> None:
    """Give every parameter numbers of numpy's, which are the same on every processor, as torch's are not."""
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.from_numpy(rng.normal(size=tuple(parameter.shape)))
            scale = 0.1 if parameter.ndim == 1 else 1.5 / parameter.shape[-1] ** 0.5
            parameter.copy_(noise * scale + float(parameter.ndim == 1 and name.endswith("weight")))


def _make_esm(folder: Path) -> Any:
    config = EsmConfig(
        vocab_size=len(_ESM_VOCABULARY),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        intermediate_size=64,
        pad_token_id=1,
        mask_token_id=32,
        position_embedding_type="rotary",
        token_dropout=True,
        emb_layer_norm_before=False,
        max_position_embeddings=1026,
    )
    (folder / "vocab.txt").write_text("\n".join(_ESM_VOCABULARY))
    EsmTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    # With its head, as the published checkpoints have it.
    return EsmForMaskedLM(config)


def _make_esmc(folder: Path) -> Any:
    config = EsmcConfig(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=8,
        intermediate_size=64,
    )
    EsmcTokenizer().save_pretrained(folder)
    return EsmcModel(config)


def _t5_model(feed_forward: str) -> Any:
    config = T5Config(
        vocab_size=160,
        d_model=WIDTH,
        d_kv=8,
        d_ff=64,
        num_layers=LAYERS,
        num_heads=4,
        feed_forward_proj=feed_forward,
        dropout_rate=0.0,
    )
    return T5EncoderModel(config)


def _make_t5(folder: Path) -> Any:
    sentencepiece.SentencePieceTrainer.train(
        # A last word that is no residue: the trainer wants something left to learn.
        sentence_iterator=iter([f"{' '.join(_T5_RESIDUES)} j"] * 50),
        model_prefix=str(folder / "spiece"),
        vocab_size=200,
        hard_vocab_limit=False,
        model_type="unigram",
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        user_defined_symbols=[f"▁{residue}" for residue in _T5_RESIDUES],
        minloglevel=2,
    )
    (folder / "spiece.vocab").unlink()
    configuration = {"tokenizer_class": "T5Tokenizer", "do_lower_case": False, "extra_ids": 0}
    (folder / "tokenizer_config.json").write_text(json.dumps(configuration))
    return _t5_model("relu")


def _make_prostt5(folder: Path) -> Any:
    model = _make_t5(folder)
    tokenizer = T5Tokenizer.from_pretrained(folder, do_lower_case=False)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<AA2fold>", "<fold2AA>"]})
    tokenizer.save_pretrained(folder)
    (folder / "spiece.model").unlink()
    return model


def _make_ankh(folder: Path) -> Any:
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -10.0), *((residue, -3.0) for residue in _T5_RESIDUES)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    ).save_pretrained(folder)
    return _t5_model("gated-gelu")


_MAKERS: Mapping[str, Callable[[Path], Any]] = {
    "esm": _make_esm,
    "esm3c": _make_esmc,
    "t5": _make_t5,
    "prostt5": _make_prostt5,
    "ankh": _make_ankh,
}

TINY_MODELS = (*_MAKERS, "unirep")
"""One for each way in which a model is run."""
