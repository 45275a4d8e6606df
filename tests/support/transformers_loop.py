"""The straightforward way to an embedding: one sequence at a time through transformers, in float32, written anew here.

It shares no code with the embedder: what both agree on is what the libraries compute.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoTokenizer,
    EsmcModel,
    EsmcTokenizer,
    EsmModel,
    EsmTokenizer,
    T5EncoderModel,
    T5Tokenizer,
)

__all__ = ["TransformersLoop"]


class TransformersLoop:
    """Hidden states of residues, special tokens cut off by hand."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        match name:
            case "esm":
                self._tokenizer = EsmTokenizer.from_pretrained(folder)
                self._model = EsmModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager")
            case "esm3c":
                self._tokenizer = EsmcTokenizer.from_pretrained(folder)
                self._model = EsmcModel.from_pretrained(folder, attn_implementation="eager")
            case "t5" | "prostt5":
                self._tokenizer = T5Tokenizer.from_pretrained(folder, do_lower_case=False)
                self._model = T5EncoderModel.from_pretrained(folder, attn_implementation="eager")
            case _:
                self._tokenizer = AutoTokenizer.from_pretrained(folder)
                self._model = T5EncoderModel.from_pretrained(folder, attn_implementation="eager")
        self._model = self._model.eval().float()

    def all_states(self, sequence: str) -> NDArray[np.float32]:
        """Every hidden state of every token, shape ``(states, T, H)``, the embedding table first."""
        with torch.no_grad():
            output = self._model(**self._tokens(sequence), output_hidden_states=True)
        states: NDArray[np.float32] = torch.cat(output.hidden_states).numpy()
        return states

    def residues(self, sequence: str, *, layer: int = 0) -> NDArray[np.float32]:
        """States of the residues, shape ``(L, H)``; layer 0 is the last."""
        before = 1 if self._name in {"esm", "esm3c", "prostt5"} else 0
        states: NDArray[np.float32] = self.all_states(sequence)[-1 - layer, before:-1]
        return states

    def mean(self, sequence: str) -> NDArray[np.float32]:
        """Mean of the last layer over the residues, of unit length, shape ``(H,)``."""
        mean = self.residues(sequence).mean(axis=0)
        unit: NDArray[np.float32] = mean / np.linalg.norm(mean)
        return unit

    def _tokens(self, sequence: str) -> dict[str, torch.Tensor]:
        known = re.sub("[UZOB]", "X", sequence)
        match self._name:
            case "esm" | "esm3c":
                return dict(self._tokenizer(sequence, return_tensors="pt"))
            case "t5":
                return dict(self._tokenizer(" ".join(known), return_tensors="pt"))
            case "prostt5":
                return dict(self._tokenizer("<AA2fold> " + " ".join(known), return_tensors="pt"))
            case _:
                return dict(self._tokenizer([list(known)], is_split_into_words=True, return_tensors="pt"))
