"""The options and parameters of a stack: names and shapes, which are torch's, and initialization.

Legend: B batch, I input, H hidden, G gates, L layers, D directions, R output of a direction.
"""

from __future__ import annotations

import warnings
from typing import TypedDict

import torch
from torch import nn

from elman.kernels.kind import CellKind, Weights
from elman.layers import check, initialize
from elman.layers.initialize import Initialization
from elman.layers.regularize import probability
from elman.layers.state import State


class Extras(TypedDict, total=False):
    """Keyword arguments that `RNN`, `GRU` and `LSTM` share and torch.nn does not have."""

    layer_norm: bool
    """Normalize U x and V h before they are added, and c inside an LSTM (Ba et al. 2016)."""
    zoneout: float | tuple[float, ...]
    """Probability that a unit keeps its old value; one for each state (Krueger et al. 2016)."""
    recurrent_dropout: float
    """Dropout of h before V, with one mask for all steps (Gal & Ghahramani 2016)."""
    weight_dropout: float
    """Dropout of the single weights of V (Merity et al. 2017)."""
    forget_bias: float | None
    """Initial bias of the forget gate: an LSTM's f, a GRU's z."""
    chrono: float | None
    """The longest expected dependence, in steps: forget gates start with time constants up to it
    (Tallec & Ollivier 2018)."""
    learn_initial_state: bool
    """The initial state is a parameter instead of zero."""
    init: Initialization
    """"torch", "orthogonal" (V), or "identity" (V, for ReLU)."""
    recompute: bool
    """Save only outputs and a few states for the backward pass, and recompute the rest there: long
    sequences in a fraction of the memory, for up to half as much time again."""


class StackParameters(nn.Module):
    """Abstract: `kind`, `mode` and `forget_gate` come from `RNN`, `GRU` and `LSTM`."""

    kind: CellKind
    mode: str
    forget_gate: int | None
    """The index of the gate that keeps the old state; None for cells without gates."""
    parameter_names: tuple[str, ...] = ()

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        layer_norm: bool = False,
        zoneout: float | tuple[float, ...] = 0.0,
        recurrent_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        forget_bias: float | None = None,
        chrono: float | None = None,
        learn_initial_state: bool = False,
        init: Initialization = "torch",
        recompute: bool = False,
    ) -> None:
        super().__init__()
        if proj_size and self.mode != "LSTM":
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        check.sizes(input_size, hidden_size, num_layers, proj_size, bias, batch_first, dropout)
        if dropout and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
                f"num_layers={num_layers}",
                stacklevel=2,
            )
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout, self.proj_size = float(dropout), proj_size
        self.layer_norm = layer_norm
        self.zoneout = check.zoneout(zoneout, self.kind.state_names)
        self.recurrent_dropout = probability("recurrent_dropout", recurrent_dropout)
        self.weight_dropout = probability("weight_dropout", weight_dropout)
        self.learn_initial_state = learn_initial_state
        self.forget_bias, self.chrono, self.init = forget_bias, chrono, init
        self.recompute = recompute
        check.initialization(init, forget_bias, chrono, self.kind.name, self.forget_gate, bias)
        ends = ("", "_reverse")[: self.num_directions]
        self.suffixes = [f"_l{layer}{end}" for layer in range(num_layers) for end in ends]
        self.state_widths = (self.output_size, hidden_size)[: len(self.state_names)]
        self._register(device, dtype)
        self.reset_parameters()

    @property
    def state_names(self) -> tuple[str, ...]:
        """The names of the tensors in this layer's `State`: ``h``, and ``c`` for an LSTM."""
        return self.kind.state_names

    @property
    def state_axis(self) -> int:
        """The batch axis of those tensors, which are (L * D, B, …)."""
        return 1

    @property
    def num_directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """The width R of one direction's output."""
        return self.proj_size or self.hidden_size

    @property
    def regularized(self) -> bool:
        """Whether there is regularization of the states (zoneout, recurrent dropout)."""
        return any(self.zoneout) or self.recurrent_dropout > 0

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """torch's parameters, a list for each layer and direction."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        return [
            [getattr(self, name + suffix) for name in names if hasattr(self, name + suffix)]
            for suffix in self.suffixes
        ]

    def flatten_parameters(self) -> None:
        """Does nothing; present for compatibility with torch.nn."""

    def initial_state(self, batch_size: int) -> State:
        """The state every sequence begins with: zeros, or the learned one."""
        weight = self.get_parameter("weight_hh_l0")
        tensors = {}
        for name, width in zip(self.state_names, self.state_widths, strict=True):
            if self.learn_initial_state:
                learned = getattr(self, f"initial_{name}")
                tensors[name] = learned.unsqueeze(1).expand(-1, batch_size, -1)
            else:
                tensors[name] = weight.new_zeros(len(self.suffixes), batch_size, width)
        return State.with_axes(tensors, dict.fromkeys(tensors, self.state_axis))

    def _register(self, device: torch.device | str | None, dtype: torch.dtype | None) -> None:
        """Create the parameters, torch's first and in torch's order, so that seeds agree too."""
        gates = self.kind.gates * self.hidden_size

        def add(name: str, *shape: int) -> None:
            self.register_parameter(
                name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
            )

        for place, suffix in enumerate(self.suffixes):
            first = place < self.num_directions
            below = self.input_size if first else self.output_size * self.num_directions
            add(f"weight_ih{suffix}", gates, below)
            add(f"weight_hh{suffix}", gates, self.output_size)
            if self.bias:
                add(f"bias_ih{suffix}", gates)
                add(f"bias_hh{suffix}", gates)
            if self.proj_size:
                add(f"weight_hr{suffix}", self.proj_size, self.hidden_size)
        for suffix in self.suffixes if self.layer_norm else ():
            add(f"norm_ih{suffix}", gates)
            add(f"norm_hh{suffix}", gates)
            if "c" in self.state_names:
                add(f"norm_c{suffix}", self.hidden_size)
                add(f"norm_c_bias{suffix}", self.hidden_size)
        if self.learn_initial_state:
            for name, width in zip(self.state_names, self.state_widths, strict=True):
                add(f"initial_{name}", len(self.suffixes), width)
        self.parameter_names = tuple(self._parameters)

    def _weights(self, suffix: str) -> Weights:
        """The weights of one layer and direction as the kernels take them.

        Looked up at every call, since parameters may be replaced at any time.
        """
        bias_ih = bias_hh = None
        if self.bias:
            bias_ih, bias_hh = getattr(self, "bias_ih" + suffix), getattr(self, "bias_hh" + suffix)
        ih, hh = getattr(self, "weight_ih" + suffix), getattr(self, "weight_hh" + suffix)
        found = Weights(ih, hh, bias_ih, bias_hh)
        if self.proj_size:
            found = found._replace(hr=getattr(self, "weight_hr" + suffix))
        if self.layer_norm:
            names = ("norm_ih", "norm_hh", "norm_c", "norm_c_bias")
            count = 4 if "c" in self.state_names else 2
            found = found._replace(**{name: getattr(self, name + suffix) for name in names[:count]})
        return found

    def reset_parameters(self) -> None:
        """Initialize the parameters again, as `init`, `forget_bias` and `chrono` say.

        Gains start at 1, shifts and learned initial states at 0.
        """
        stack = [self._weights(suffix) for suffix in self.suffixes]
        for one in stack:
            initialize.uniform(one.flat(), self.hidden_size)
        for one in stack:
            for gain in (one.norm_ih, one.norm_hh, one.norm_c):
                if gain is not None:
                    nn.init.ones_(gain)
            if one.norm_c_bias is not None:
                nn.init.zeros_(one.norm_c_bias)
            if self.init == "orthogonal":
                initialize.orthogonal(one.hh, self.kind.gates)
            elif self.init == "identity":
                initialize.identity(one.ih, one.hh, (one.bias_ih, one.bias_hh))
            self._initialize_gates(one)
        if self.learn_initial_state:
            for name in self.state_names:
                nn.init.zeros_(getattr(self, f"initial_{name}"))

    def _initialize_gates(self, weights: Weights) -> None:
        if self.forget_bias is None and self.chrono is None:
            return
        gates, forget = self.kind.gates, self.forget_gate
        assert forget is not None
        assert weights.bias_ih is not None
        assert weights.bias_hh is not None
        biases = (weights.bias_ih, weights.bias_hh)
        if self.forget_bias is not None:
            initialize.gate_bias(*biases, forget, gates, self.forget_bias)
        if self.chrono is not None:
            # The input gate of an LSTM is its first; a GRU's is 1 - z, without a bias of its own.
            write = 0 if "c" in self.state_names else None
            initialize.chrono(*biases, gates, forget, write, self.chrono)

    def extra_repr(self) -> str:
        shown = [f"{self.input_size}, {self.hidden_size}"]
        for name, default in {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
            "layer_norm": False,
            "recurrent_dropout": 0.0,
            "weight_dropout": 0.0,
            "learn_initial_state": False,
            "recompute": False,
            "init": "torch",
            "forget_bias": None,
            "chrono": None,
        }.items():
            value = getattr(self, name)
            if value != default:
                shown.append(f"{name}={value}")
        if any(self.zoneout):
            shown.append(f"zoneout={self.zoneout}")
        return ", ".join(shown)
