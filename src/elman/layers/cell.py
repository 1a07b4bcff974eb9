"""Single cells, drop-ins for torch.nn's: one step per call.

Legend: B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from elman.kernels import recurrence
from elman.kernels.choose import Request, is_tracing
from elman.kernels.gru import GRU
from elman.kernels.kind import NONE, CellKind, Stack, Weights
from elman.kernels.lstm import LSTM
from elman.kernels.rnn import RNN_RELU, RNN_TANH
from elman.layers import initialize
from elman.layers.state import HX, Active, State, as_states, only_active


class _BuiltInCell(nn.Module):
    """Abstract: `kind` comes from the cells below."""

    kind: CellKind

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        factory: dict[str, Any] = {"device": device, "dtype": dtype}
        gates = self.kind.gates * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(gates, input_size, **factory))
        self.weight_hh = nn.Parameter(torch.empty(gates, hidden_size, **factory))
        self.bias_ih = nn.Parameter(torch.empty(gates, **factory)) if bias else None
        self.bias_hh = nn.Parameter(torch.empty(gates, **factory)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialize the weights again, uniform in ±1 / sqrt(H) as torch does."""
        initialize.uniform(self.parameters(), self.hidden_size)

    @property
    def state_names(self) -> tuple[str, ...]:
        return self.kind.state_names

    @property
    def state_axis(self) -> int:
        return 0

    def initial_state(self, batch_size: int) -> State:
        """Zeros (B, H) for each tensor of the state."""
        shape = (batch_size, self.hidden_size)
        return State(**{name: self.weight_hh.new_zeros(shape) for name in self.state_names})

    def step(
        self, x_t: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """One step: x_t (B, I) and the state -> h (B, H) and the state after it.

        `active` (B,) is a mask of the rows that take part. The other rows keep their state to the
        bit and get zero outputs.
        """
        if active is not None:
            return only_active(self.step, x_t, state, active)
        new = self._step(x_t, tuple(state[name] for name in self.state_names))
        return new[0], State(**dict(zip(self.state_names, new, strict=True)))

    def forward(self, input: Tensor, hx: HX | None = None) -> Any:
        """One step in torch's form: input (B, I) or (I,), hx likewise or None for zeros."""
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(
                f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead; "
                "a cell takes one step, a layer takes sequences"
            )
        unbatched = input.dim() == 1
        x = input.unsqueeze(0) if unbatched else input
        if hx is None:
            states = (x.new_zeros(x.shape[0], self.hidden_size),) * len(self.state_names)
        else:
            states = as_states(hx)
            for index, state in enumerate(states):
                if state.dim() not in (1, 2):
                    which = "hidden" if len(self.state_names) == 1 else f"hx[{index}]"
                    raise ValueError(
                        f"{name}: Expected {which} to be 1D or 2D, got {state.dim()}D instead"
                    )
            if unbatched:
                states = tuple(state.unsqueeze(0) for state in states)
        new = self._step(x, states)
        if unbatched:
            new = tuple(state.squeeze(0) for state in new)
        return new[0] if len(new) == 1 else new

    def _step(self, x: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if not is_tracing():  # a trace can't compare sizes, and warns of each attempt
            self._check(x, states)
        weights = Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        stack = Stack(self.kind, [weights], 1, False, 0.0, self.training)
        request = Request(self.kind.name, x.device, x.dtype)
        one_layer = tuple(state.unsqueeze(0) for state in states)
        _, new = recurrence.step(stack, request, x, one_layer, regularization=[NONE])
        return tuple(state.squeeze(0) for state in new)

    def _check(self, x: Tensor, states: tuple[Tensor, ...]) -> None:
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {x.shape[-1]} expected {self.input_size}"
            )
        for index, state in enumerate(states):
            if state.shape[-1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{index} has inconsistent hidden_size: "
                    f"got {state.shape[-1]}, expected {self.hidden_size}"
                )
            if state.shape[0] != x.shape[0]:
                raise RuntimeError(
                    f"Input batch size {x.shape[0]} doesn't match "
                    f"hidden{index} batch size {state.shape[0]}"
                )

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_BuiltInCell):
    """Elman's cell: h' = tanh(U x + b_ih + V h + b_hh); a drop-in for ``torch.nn.RNNCell``.

    Args:
        input_size: I, the width of x.
        hidden_size: H, the width of h.
        bias: whether there are biases.
        nonlinearity: "tanh" or "relu".
        device: where the parameters live.
        dtype: of the parameters.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        self.nonlinearity = nonlinearity
        self.kind = RNN_TANH if nonlinearity == "tanh" else RNN_RELU
        super().__init__(input_size, hidden_size, bias, device, dtype)


class GRUCell(_BuiltInCell):
    """The gated recurrent unit's cell, gates r, z, n; a drop-in for ``torch.nn.GRUCell``.

    The equations are `elman.GRU`'s; the arguments are `RNNCell`'s without ``nonlinearity``.
    """

    kind = GRU


class LSTMCell(_BuiltInCell):
    """The LSTM's cell, gates i, f, g, o; a drop-in for ``torch.nn.LSTMCell``.

    The equations are `elman.LSTM`'s; the arguments are `RNNCell`'s without ``nonlinearity``.
    ``forward`` takes and returns (h, c).
    """

    kind = LSTM
