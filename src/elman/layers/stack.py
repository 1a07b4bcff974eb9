"""The stack of layers and directions behind `RNN`, `GRU` and `LSTM`, a drop-in for torch.nn's.

Legend: T time, B batch, I input, H hidden, G gates, L layers, D directions, R output of a
direction (H, or the projection).
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, overload

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from elman.errors import InputError
from elman.kernels import recurrence
from elman.kernels.choose import Choice, Request, choose
from elman.kernels.kind import NONE, Regularization, Stack, States
from elman.layers import check, fast_path
from elman.layers.lengths import Lengths, as_lengths, repack
from elman.layers.parameters import StackParameters
from elman.layers.rebuild import as_torch
from elman.layers.regularize import bernoulli, drop_weights, dropout_mask
from elman.layers.state import HX, HX_TYPES, Active, State, as_states, only_active


class RecurrentStack(StackParameters):
    """Abstract, as `StackParameters`: how the layers run."""

    def _fast_path(self, x: Tensor, hx: HX | State | None) -> tuple[Tensor, States] | None:
        return fast_path.run(self, x, hx, self._check)

    def _check(self, x: Tensor, hx: HX | State | None) -> None:
        """Raise torch's error for x (T, B, I), or (B, I), or a state of a wrong shape."""
        if x.dim() == 2:
            check.one_step(x, self.input_size, self._expected_dtype)
        else:
            check.axes(x, hx, self.mode)
            check.time_major(x, self.input_size, self._expected_dtype)
        self._states(hx, x)

    def _stack(self) -> Stack:
        weights = [self._weights(suffix) for suffix in self.suffixes]
        if self.training and self.weight_dropout:
            weights = [
                one._replace(hh=drop_weights(one.hh, self.weight_dropout)) for one in weights
            ]
        return Stack(
            self.kind,
            weights,
            self.num_layers,
            self.bidirectional,
            self.dropout,
            self.training,
            self.recompute and torch.is_grad_enabled(),
        )

    def request(self, x: Tensor) -> Request:
        """What this layer needs of a backend for an input like `x`."""
        asked: tuple[str, ...] = ("layer norm",) if self.layer_norm else ()
        if self.regularized:
            asked += ("zoneout",) if any(self.zoneout) else ()
            asked += ("recurrent dropout",) if self.training and self.recurrent_dropout else ()
        return Request(self.kind.name, x.device, x.dtype, asked)

    def _regularization(self, steps: int, batch_size: int, like: Tensor) -> list[Regularization]:
        if not self.regularized:
            return [NONE] * len(self.suffixes)
        rates: tuple[Tensor | float, ...] | None = self.zoneout if any(self.zoneout) else None
        if not self.training:
            return [Regularization(zoneout=rates)] * len(self.suffixes)
        drawn = []
        for _ in self.suffixes:
            recurrent = zoneout = None
            if self.recurrent_dropout:
                shape = (batch_size, self.output_size)
                recurrent = dropout_mask(shape, self.recurrent_dropout, like)
            if rates:
                zoneout = tuple(
                    bernoulli((steps, batch_size, width), rate, like.device)
                    for rate, width in zip(self.zoneout, self.state_widths, strict=True)
                )
            drawn.append(Regularization(recurrent, zoneout))
        return drawn

    def _states(self, hx: HX | State | None, x: Tensor) -> States:
        batch_size = x.shape[-2]
        if hx is None:
            # Like torch's, of the input's dtype, which under autocast is not the weights'.
            if self.learn_initial_state:
                return tuple(t.to(x.dtype) for t in self.initial_state(batch_size).values())
            places = len(self.suffixes)
            return tuple(x.new_zeros(places, batch_size, width) for width in self.state_widths)
        if isinstance(hx, State):
            states = hx.tensors_of(self.state_names)
            if not states:
                raise InputError(
                    f"expected a state of {', '.join(self.state_names)}, got one of "
                    f"{', '.join(hx)}; it belongs to another layer"
                )
            if not hx.has_batch_on(self.state_axis):
                raise InputError(
                    f"the batch of a layer's state is on axis {self.state_axis}, that of this "
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
        """Run over sequences, as torch's layer does.

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
            done = self._fast_path(input.transpose(0, 1) if self.batch_first else input, hx)
            if done is not None:
                y, final = done
                return (y.transpose(0, 1) if self.batch_first else y), _as_given(hx, final)
        unbatched, row_lengths = False, None
        if isinstance(input, fx.Proxy):
            return _as_leaf(self, input, hx, lengths)  # type: ignore[unreachable]
        if isinstance(input, PackedSequence):
            if lengths is not None:
                raise ValueError("lengths= goes with a padded tensor; a PackedSequence has its own")
            check.features(input.data, 2, self.input_size, self._expected_dtype)
            x, row_lengths = pad_packed_sequence(input)  # in the caller's order of rows
            row_lengths = row_lengths.to(x.device)
        else:
            check.axes(input, hx, self.mode)
            unbatched = input.dim() == 2
            x = input.unsqueeze(1) if unbatched else input
            x = x.transpose(0, 1) if self.batch_first and not unbatched else x
            check.time_major(x, self.input_size, self._expected_dtype)
            if lengths is not None:
                row_lengths = as_lengths(lengths, len(x), x.shape[1], x.device)
        if unbatched and hx is not None and not isinstance(hx, State):
            hx = State.of(self, hx).hx()

        y, final = self._run(x, self._states(hx, x), row_lengths)
        if unbatched and not isinstance(hx, State):
            final = tuple(tensor.squeeze(1) for tensor in final)
        out = _as_given(hx, final)
        if isinstance(input, PackedSequence):
            assert row_lengths is not None
            return repack(y, row_lengths, input), out
        if unbatched:
            return y.squeeze(1), out
        return (y.transpose(0, 1) if self.batch_first else y), out

    def _run(self, x: Tensor, states: States, lengths: Tensor | None) -> tuple[Tensor, States]:
        drawn = self._regularization(x.shape[0], x.shape[1], x)
        return recurrence.run(
            self._stack(), self.request(x), x, states, lengths=lengths, regularization=drawn
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
            done = self._fast_path(chunk, state)
            if done is not None:
                return done[0], state.with_tensors(done[1])
        self._require_steps()
        check.time_major(chunk, self.input_size, self._expected_dtype)
        rows = None
        if lengths is not None:
            rows = as_lengths(lengths, len(chunk), chunk.shape[1], chunk.device)
        y, final = self._run(chunk, self._states(state, chunk), rows)
        return y, state.with_tensors(final)

    def _require_steps(self) -> None:
        if self.bidirectional:
            raise ValueError("a bidirectional layer has no step: it reads from both ends")
        between = self.dropout if self.num_layers > 1 else 0.0
        if self.training and (self.regularized or self.weight_dropout or between):
            raise ValueError("step draws no masks; call eval() first, or forward to train")

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
                training mode whose masks are drawn for whole sequences.
        """
        if active is not None:
            return only_active(self.step, x_t, state, active)
        done = self._fast_path(x_t, state) if x_t.dim() == 2 else None
        if done is not None:
            return done[0], state.with_tensors(done[1])
        self._require_steps()
        check.one_step(x_t, self.input_size, self._expected_dtype)
        states = self._states(state, x_t)
        drawn = self._regularization(1, x_t.shape[0], x_t)
        y, final = recurrence.step(
            self._stack(), self.request(x_t), x_t, states, regularization=drawn
        )
        return y, state.with_tensors(final)

    def __prepare_scriptable__(self) -> nn.Module:
        """For torch.jit.script, which compiles the source: torch's layer with these parameters."""
        return as_torch(self)

    @property
    def qconfig(self) -> Any:
        """Never there: torch.ao.quantization gives it to a layer that it is asked to quantize."""
        raise AttributeError("qconfig")

    @qconfig.setter
    def qconfig(self, value: Any) -> None:
        if value is not None:
            warnings.warn(
                f"elman.{type(self).__name__} is left in {self._expected_dtype}, since"
                " torch.ao.quantization knows torch.nn's layers only; convert the model first,"
                ' with elman.convert(model, to="torch")',
                stacklevel=2,
            )

    @property
    def _expected_dtype(self) -> torch.dtype:
        weight = self.weight_ih_l0
        assert isinstance(weight, Tensor)
        return weight.dtype


def _as_leaf(
    layer: RecurrentStack, input: fx.Proxy, hx: HX | State | None, lengths: Lengths | None
) -> Any:
    """One node in a graph of torch.fx, as torch's own layers are: the loop can't be traced."""
    tracer = input.tracer
    assert isinstance(tracer, fx.Tracer)
    options = {} if lengths is None else {"lengths": lengths}
    given = (input,) if hx is None else (input, hx)
    return tracer.create_proxy("call_module", tracer.path_of_module(layer), given, options)


def _as_given(hx: HX | State | None, final: States) -> Any:
    """The final state in the form of `hx`, torch's for None."""
    # State last, since `isinstance` of a Mapping takes microseconds.
    if not (hx is None or isinstance(hx, HX_TYPES)) and isinstance(hx, State):
        return hx.with_tensors(final)
    return final[0] if len(final) == 1 else final


def explain(
    layer: RecurrentStack,
    x: Tensor,
    hx: HX | State | None = None,
    *,
    lengths: Lengths | None = None,
    step: bool = False,
) -> Choice:
    """Which backend and path would run `layer`, and why.

    Args:
        layer: a built-in layer.
        x: an input as `forward` takes it or, with `step`, as ``layer.step`` does.
        hx: the state that would be passed, if any.
        lengths: the lengths that would be passed, if any.
        step: ask about ``layer.step``.

    Returns:
        A `Choice`; its ``path`` is "fused stack", "fused single layer", "fused single step",
        "layer by layer", "ATen" or "plain loop".
    """
    choice = choose(layer.request(x))
    if choice.backend != "native":
        return replace(choice, path="ATen" if choice.backend == "torch" else "plain loop")
    if lengths is not None:
        call: fast_path.Call | str = "rows have lengths"
    elif x.dim() != (2 if step else 3):
        call = "the input is unbatched"
    else:
        call = fast_path.call_of(layer, x, hx)
    if isinstance(call, str):
        return replace(choice, path="layer by layer", reason=f"{choice.reason}; not fused: {call}")
    if call[2] or layer.num_layers > 1 or layer.proj_size or any(layer.zoneout):
        return replace(choice, path="fused stack")
    return replace(choice, path=f"fused single {'step' if step else 'layer'}")
