"""The one stack of layers and directions behind `RNN`, `GRU` and `LSTM`.

A drop-in for torch.nn's: the same parameters, shapes, defaults and errors, with more on top.
Legend: T time, B batch, I input, H hidden, G gates, L layers, D directions, R output of a
direction (H, or the projection).
"""

from __future__ import annotations

import warnings
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from elman.errors import InputError
from elman.kernels import recurrence
from elman.kernels.choose import Choice, Request, choose
from elman.kernels.kind import QUIET, CellKind, Noise, States
from elman.layers import check, parameters
from elman.layers.fast_path import directly
from elman.layers.initialize import Start
from elman.layers.lengths import Active, Lengths, as_lengths, only_active, repack, unpack
from elman.layers.regularize import drawn, drop_weights, dropout_mask, probability
from elman.layers.state import HX, TORCHS, State, as_states


class RecurrentStack(nn.Module):
    """Abstract: `kind`, `mode` and the gate that keeps come from `RNN`, `GRU` and `LSTM`."""

    kind: CellKind
    mode: str
    keep_gate: int | None
    parameter_names: tuple[str, ...] = ()

    _directly = directly

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
        *,
        layer_norm: bool = False,
        zoneout: float | tuple[float, ...] = 0.0,
        recurrent_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        forget_bias: float | None = None,
        chrono: float | None = None,
        learn_initial_state: bool = False,
        init: Start = "torch",
        recompute: bool = False,
        proj_size: int = 0,
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
                stacklevel=3,
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
        check.start(init, forget_bias, chrono, self.kind.name, self.keep_gate, bias)
        ends = ("", "_reverse")[: self.num_directions]
        self.suffixes = [f"_l{layer}{end}" for layer in range(num_layers) for end in ends]

        parameters.register(self, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew, from the start that `init`, `forget_bias` and `chrono` name."""
        parameters.reset(self)

    @property
    def state_names(self) -> tuple[str, ...]:
        """The names of the tensors in this layer's `State`: ``h``, and ``c`` for an LSTM."""
        return self.kind.state_names

    @property
    def _noisy(self) -> bool:
        """Whether anything disturbs the states while training."""
        return any(self.zoneout) or self.recurrent_dropout > 0

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
    def state_widths(self) -> tuple[int, ...]:
        """The width of each tensor of the state."""
        return (self.output_size, self.hidden_size)[: len(self.state_names)]

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """torch's parameters, a list for each layer and direction."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        return [
            [getattr(self, name + suffix) for name in names if hasattr(self, name + suffix)]
            for suffix in self.suffixes
        ]

    def flatten_parameters(self) -> None:
        """Nothing to do: no backend of ours keeps weights in a buffer of its own."""

    def _stack(self) -> recurrence.Stack:
        weights = [parameters.weights(self, suffix) for suffix in self.suffixes]
        if self.training and self.weight_dropout:
            weights = [
                one._replace(hh=drop_weights(one.hh, self.weight_dropout)) for one in weights
            ]
        return recurrence.Stack(
            self.kind,
            weights,
            self.num_layers,
            self.bidirectional,
            self.dropout,
            self.training,
            self.recompute and torch.is_grad_enabled(),
        )

    def request(self, x: Tensor) -> Request:
        """What this layer would ask of a backend for an input like `x`."""
        asked: tuple[str, ...] = ("layer norm",) if self.layer_norm else ()
        if self._noisy:
            asked += ("zoneout",) if any(self.zoneout) else ()
            asked += ("recurrent dropout",) if self.training and self.recurrent_dropout else ()
        return Request(self.kind.name, x.device, x.dtype, asked)

    def _noise(self, steps: int, batch_size: int, like: Tensor) -> list[Noise]:
        if not self._noisy:
            return [QUIET] * len(self.suffixes)
        rates: tuple[Tensor | float, ...] | None = self.zoneout if any(self.zoneout) else None
        if not self.training:
            return [Noise(zoneout=rates)] * len(self.suffixes)
        noise = []
        for _ in self.suffixes:
            recurrent = zoneout = None
            if self.recurrent_dropout:
                shape = (batch_size, self.output_size)
                recurrent = dropout_mask(shape, self.recurrent_dropout, like)
            if rates:
                zoneout = tuple(
                    drawn((steps, batch_size, width), rate, like.device)
                    for rate, width in zip(self.zoneout, self.state_widths, strict=True)
                )
            noise.append(Noise(recurrent, zoneout))
        return noise

    def initial_state(self, batch_size: int) -> State:
        """The state every sequence begins with: zeros, or the learned one."""
        weight = self.weight_hh_l0
        assert isinstance(weight, Tensor)
        tensors = {}
        for name, width in zip(self.state_names, self.state_widths, strict=True):
            if self.learn_initial_state:
                learned = getattr(self, f"initial_{name}")
                tensors[name] = learned.unsqueeze(1).expand(-1, batch_size, -1)
            else:
                tensors[name] = weight.new_zeros(len(self.suffixes), batch_size, width)
        return State.with_axes(tensors, dict.fromkeys(tensors, self.state_axis))

    def _states(self, hx: HX | State | None, x: Tensor) -> States:
        batch_size = x.shape[-2]
        if hx is None:
            # Like torch's, of the input's dtype, which under autocast is not the weights'.
            if self.learn_initial_state:
                return tuple(t.to(x.dtype) for t in self.initial_state(batch_size).values())
            places = len(self.suffixes)
            return tuple(x.new_zeros(places, batch_size, width) for width in self.state_widths)
        if isinstance(hx, State):
            states = hx.named(self.state_names)
            if not states:
                raise InputError(
                    f"expected a state of {', '.join(self.state_names)}, got one of "
                    f"{', '.join(hx)}; it belongs to another layer"
                )
            if not hx.batch_stands_on(self.state_axis):
                raise InputError(
                    f"the batch of a layer's state stands on axis {self.state_axis}, that of this "
                    f"one on {hx.axes}; make it with State.of(layer, h), State.with_axes or "
                    "layer.initial_state"
                )
        else:
            states = as_states(hx)
        check.states(states, len(self.suffixes), batch_size, self.state_widths)
        return states

    @overload
    def forward(
        self, input: Tensor, hx: State, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]: ...

    @overload
    def forward(
        self, input: Tensor, hx: HX | None = None, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, Any]: ...

    @overload
    def forward(
        self, input: PackedSequence, hx: HX | State | None = None
    ) -> tuple[PackedSequence, Any]: ...

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: HX | State | None = None,
        *,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor | PackedSequence, Any]:
        """Run over whole sequences, as torch's layer does.

        Args:
            input: (T, B, I), (B, T, I) with ``batch_first``, (T, I) unbatched, or packed.
            hx: where to begin: torch's form (L * D, B, R), a `State`, or None.
            lengths: (B,) integers, 0 to T, in any order: how many steps of each row are real.
                Outputs past the end are zero, the final state is that of the last real step,
                and the backward direction starts there.

        Returns:
            The outputs of the last layer in the form of `input`, and the final state in the
            form of `hx` (torch's for None).

        Raises:
            RuntimeError, ValueError: as torch, for what torch refuses.
        """
        if isinstance(input, Tensor) and input.dim() == 3 and lengths is None:
            done = self._directly(input.transpose(0, 1) if self.batch_first else input, hx)
            if done is not None:
                y, final = done
                return (y.transpose(0, 1) if self.batch_first else y), _as_given(hx, final)
        packed = input if isinstance(input, PackedSequence) else None
        if packed is not None:
            if lengths is not None:
                raise ValueError("lengths= goes with a padded tensor; a PackedSequence has its own")
            check.packed(packed, self.input_size, self._expected_dtype)
            x, row_lengths = unpack(packed)
            unbatched = False
        else:
            assert isinstance(input, Tensor)
            check.axes(input, hx, self.mode)
            unbatched = input.dim() == 2
            x = input.unsqueeze(1) if unbatched else input
            x = x.transpose(0, 1) if self.batch_first and not unbatched else x
            check.time_major(x, self.input_size, self._expected_dtype)
            row_lengths = None
            if lengths is not None:
                row_lengths = as_lengths(lengths, len(x), x.shape[1], x.device)
        if unbatched and hx is not None and not isinstance(hx, State):
            hx = State.of(self, hx).hx()

        y, final = self._run(x, self._states(hx, x), row_lengths)
        if unbatched and not isinstance(hx, State):
            final = tuple(tensor.squeeze(1) for tensor in final)
        out = _as_given(hx, final)
        if packed is not None:
            assert row_lengths is not None
            return repack(y, row_lengths, packed), out
        if unbatched:
            return y.squeeze(1), out
        return (y.transpose(0, 1) if self.batch_first else y), out

    def _run(self, x: Tensor, states: States, lengths: Tensor | None) -> tuple[Tensor, States]:
        noise = self._noise(len(x), x.shape[1], x)
        return recurrence.run(
            self._stack(), self.request(x), x, states, lengths=lengths, noise=noise
        )

    def scan(
        self, chunk: Tensor, state: State, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]:
        """`step` in a loop at the speed of `forward`.

        Args:
            chunk: (T, B, I) in every layer, ``batch_first`` or not; T at least 1.
            state: where to begin.
            lengths: (B,) integers, 0 to T, as in `forward`. A row of length 0 keeps its state to
                the bit.

        Returns:
            The outputs (T, B, R), zero past each row's end, and the state after its last step.

        Raises:
            ValueError: as `step`.
        """
        if lengths is None and chunk.dim() == 3:
            done = self._directly(chunk, state)
            if done is not None:
                return done[0], state.followed_by(done[1])
        self._require_steps()
        check.time_major(chunk, self.input_size, self._expected_dtype)
        rows = None
        if lengths is not None:
            rows = as_lengths(lengths, len(chunk), chunk.shape[1], chunk.device)
        y, final = self._run(chunk, self._states(state, chunk), rows)
        return y, state.followed_by(final)

    def _require_steps(self) -> None:
        if self.bidirectional:
            raise ValueError("a bidirectional layer has no step: it reads from both ends")
        between = self.dropout if self.num_layers > 1 else 0.0
        if self.training and (self._noisy or self.weight_dropout or between):
            raise ValueError("step draws no noise; call eval() first, or forward to train")

    def step(
        self, x_t: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """One step of the recurrence; a loop over it equals `forward` over the sequence.

        Args:
            x_t: (B, I).
            state: the state before the step.
            active: (B,) booleans, the rows that take part. The other rows keep their state to
                the bit and get zero outputs. None: all rows.

        Returns:
            The output (B, R) and the state after the step.

        Raises:
            ValueError: a bidirectional layer, which has to see the end first; or a layer in
                training mode whose noise is drawn for whole sequences.
        """
        if active is not None:
            return only_active(self.step, x_t, state, active)
        done = self._directly(x_t, state) if x_t.dim() == 2 else None
        if done is not None:
            return done[0], state.followed_by(done[1])
        self._require_steps()
        check.one_step(x_t, self.input_size, self._expected_dtype)
        states = self._states(state, x_t)
        noise = self._noise(1, x_t.shape[0], x_t)
        y, final = recurrence.step(self._stack(), self.request(x_t), x_t, states, noise=noise)
        return y, state.followed_by(final)

    @property
    def _expected_dtype(self) -> torch.dtype:
        weight = self.weight_ih_l0
        assert isinstance(weight, Tensor)
        return weight.dtype

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


def _as_given(hx: HX | State | None, final: States) -> Any:
    """The final state in the form of `hx`, torch's for None."""
    # Asked last: of an abstract class, such as a Mapping's, `isinstance` takes microseconds.
    if not (hx is None or isinstance(hx, TORCHS)) and isinstance(hx, State):
        return hx.followed_by(final)
    return final[0] if len(final) == 1 else final


def explain(layer: RecurrentStack, x: Tensor) -> Choice:
    """The backend that would run `layer` on an input like `x`, and why."""
    return choose(layer.request(x))
