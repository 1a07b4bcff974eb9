"""Elman's network as a layer."""

from __future__ import annotations

from typing import Literal, Unpack

import torch

from elman.kernels.rnn import RNN_RELU, RNN_TANH
from elman.layers.parameters import Extras
from elman.layers.stack import RecurrentStack


class RNN(RecurrentStack):
    """Elman's recurrent layer, a drop-in for ``torch.nn.RNN``.

    h_t = tanh(U x_t + V h_{t-1} + b_h), where U is ``weight_ih_l0`` (H, I), V is
    ``weight_hh_l0`` (H, H) and b_h is ``bias_ih_l0 + bias_hh_l0`` (H); with
    ``nonlinearity="relu"``, max(0, ·) for tanh.

    Args:
        input_size: I, the width of x_t.
        hidden_size: H, the width of the hidden state.
        num_layers: layers, each reading the outputs of the one below.
        nonlinearity: "tanh" or "relu".
        bias: whether there are biases.
        batch_first: inputs and outputs (B, T, …) for (T, B, …); states stay (L * D, B, H).
        dropout: of the outputs between layers, while training.
        bidirectional: read from both ends and lay the outputs side by side.
        device: where the parameters live.
        dtype: of the parameters.
        extras: what torch does not have; see `elman.layers.parameters.Extras`. An RNN has no gates,
            so no ``forget_bias``; ``init="identity"`` goes with "relu" (Le et al. 2015).

    Source: Elman 1990, Finding structure in time.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **extras: Unpack[Extras],
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        self.nonlinearity = nonlinearity
        self.kind = RNN_TANH if nonlinearity == "tanh" else RNN_RELU
        self.mode = f"RNN_{nonlinearity.upper()}"
        self.forget_gate = None
        super().__init__(
            *(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional),
            device=device,
            dtype=dtype,
            **extras,
        )
