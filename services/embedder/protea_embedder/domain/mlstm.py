"""Multiplicative LSTM layers: what a sequence was so far decides how the next input changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["MlstmLayer", "normalized_weights", "run_mlstm"]


@dataclass(frozen=True, slots=True, eq=False)
class MlstmLayer:
    """Weights of a layer with ``X`` inputs and ``H`` units, on one device and in one number format.

    Attributes
    ----------
    from_input
        What an input adds, shape ``(X, 5 * H)``: to the middle, then to the gates input, forget, output and update.
    bias
        Shape ``(5 * H,)``; 0 for the middle, which has none.
    to_middle
        From the last hidden state, shape ``(H, H)``.
    to_gates
        From the middle, shape ``(H, 4 * H)``.
    """

    from_input: Tensor
    bias: Tensor
    to_middle: Tensor
    to_gates: Tensor

    @property
    def units(self) -> int:
        """Length ``H`` of a hidden state."""
        return len(self.to_middle)


def normalized_weights(direction: Tensor, length: Tensor) -> Tensor:
    """Make the weights of a weight-normalised matrix: each column has its own length.

    Parameters
    ----------
    direction
        Shape ``(inputs, outputs)``; only the direction of a column counts.
    length
        Of each column, shape ``(outputs,)``.

    References
    ----------
    Salimans and Kingma 2016, arXiv:1602.07868, equation 2.
    """
    norms: Tensor = torch.linalg.vector_norm(direction, dim=0)
    return direction * (length / norms.clamp_min(torch.finfo(direction.dtype).tiny))


def run_mlstm(inputs: Tensor, lengths: Sequence[int], layers: Sequence[MlstmLayer]) -> list[Tensor]:
    """Run sequences through layers, each over the states of the one before.

    Parameters
    ----------
    inputs
        Shape ``(n, T, X)``, the sequences filled up at the end.
    lengths
        Steps of each sequence, 1 to ``T``, longest first. What is beyond them is not computed.
    layers
        One or more.

    Returns
    -------
    states
        Hidden states of each layer, float32, shape ``(n, T, H)``; 0 beyond the end of a sequence.

    References
    ----------
    Krause et al. 2016, arXiv:1609.07959, equations 18 to 21, with a bias for each gate.
    """
    # How many sequences still go on at each step: they are the first, since the longest come first.
    alive = [sum(length > step for length in lengths) for step in range(inputs.shape[1])]
    states = []
    for layer in layers:
        inputs = _run_layer(inputs, alive, layer)
        states.append(inputs)
    return states


def _run_layer(inputs: Tensor, alive: Sequence[int], layer: MlstmLayer) -> Tensor:
    n, steps, _ = inputs.shape
    states = torch.zeros(n, steps, layer.units, device=inputs.device)
    hidden, cell = states.new_zeros(n, layer.units), states.new_zeros(n, layer.units)
    for step, rows in enumerate(alive):
        hidden, cell = _advance(inputs[:rows, step], hidden[:rows], cell[:rows], layer)
        states[:rows, step] = hidden
    return states


def _advance(inputs: Tensor, hidden: Tensor, cell: Tensor, layer: MlstmLayer) -> tuple[Tensor, Tensor]:
    """Take one step: inputs ``(n, X)``, hidden state and cell ``(n, H)`` give the next of these two, in float32."""
    dtype, units = layer.to_middle.dtype, layer.units
    given = torch.addmm(layer.bias, inputs.to(dtype), layer.from_input)  # (n, X) -> (n, 5 * H)
    middle = given[:, :units] * (hidden.to(dtype) @ layer.to_middle)
    gates = (given[:, units:] + middle @ layer.to_gates).float()
    enter, keep, show = torch.sigmoid(gates[:, : 3 * units]).chunk(3, dim=1)
    cell = keep * cell + enter * torch.tanh(gates[:, 3 * units :])
    return show * torch.tanh(cell), cell
