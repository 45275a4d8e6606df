"""A model of the transformers library behind the port `LanguageModel`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from protea_embedder.adapters.language_models.device import Device, refuse_when_full
from protea_embedder.adapters.language_models.tokens import ResidueTokens
from protea_embedder.domain.language_model import RunModel

__all__ = ["TransformersModel"]


class TransformersModel:
    """Implements `LanguageModel`.

    Parameters
    ----------
    model
        Of the transformers library, in evaluation mode, on the device.
    tokens
        How it spells proteins.
    device
        Where it runs.
    """

    def __init__(self, model: Any, tokens: ResidueTokens, device: Device) -> None:
        self._model = model
        self._tokens = tokens
        self._device = device
        self._config = model.config

    @property
    def states(self) -> int:
        """Hidden states: the layers, and one for the embedding table."""
        return int(self._config.num_hidden_layers) + 1

    @property
    def width(self) -> int:
        """Length of a hidden state."""
        return int(self._config.hidden_size)

    @property
    def first_residue(self) -> int:
        """Special tokens before the first residue."""
        return len(self._tokens.before)

    @property
    def special_tokens(self) -> int:
        """Special tokens of a sequence."""
        return self._tokens.special_tokens

    @property
    def longest_input(self) -> int | None:
        """Most tokens that the model has learned positions for; None for rotary and relative ones."""
        if getattr(self._config, "position_embedding_type", None) != "absolute" or self._config.model_type != "esm":
            return None
        # Its positions start behind the padding token's.
        return int(self._config.max_position_embeddings) - int(self._config.pad_token_id) - 1

    def prepare(self, sequences: Sequence[str]) -> RunModel:
        """Spell one padded batch; without padding there is no mask, which is quicker."""
        return partial(self._run, *self._tokens.spell(sequences))

    def _run(self, tokens: Tensor, mask: Tensor | None, layers: Sequence[int]) -> list[Tensor]:
        with refuse_when_full(*tokens.shape), torch.inference_mode():
            output = self._model(
                input_ids=tokens.to(self._device.device),
                attention_mask=None if mask is None else mask.to(self._device.device),
                output_hidden_states=any(layers),
            )
            if not any(layers):
                return [output.last_hidden_state.float()]
            return [output.hidden_states[-1 - layer].float() for layer in layers]
