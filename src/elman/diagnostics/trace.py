"""What a recurrent layer did at every step: its states and its gates along a sequence.

The kernels keep neither to themselves for long; the steps are taken once more, one at a time.
Legend: T time, B batch, I input, H hidden, R output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from elman.errors import InputError
from elman.layers import parameters
from elman.layers.recurrent import Cell, Recurrent
from elman.layers.stack import RecurrentStack
from elman.layers.state import State

Layer: TypeAlias = RecurrentStack | Recurrent


@dataclass(frozen=True)
class Trace:
    """One layer along a sequence.

    Attributes:
        states: by name, (T, B, R) for h and (T, B, H) for c: after each step.
        gates: by name in full ("forget", "update"), (T, B, H): what acted in each step, the
            candidate included. Empty where the cell has none, or is a user's own.
        keep: which of the gates says how much of the old state stays, or None.
    """

    states: Mapping[str, Tensor]
    gates: Mapping[str, Tensor]
    keep: str | None = None

    def time_constants(self) -> Tensor | None:
        """How long each unit keeps what it holds: (H,) steps until 1/e of it is left.

        After k steps the product of k keeping gates is left, so tau = -1 / mean(ln keep) over all
        steps and rows. None where no gate keeps.
        """
        if self.keep is None:
            return None
        kept = self.gates[self.keep].double().clamp_min(torch.finfo(torch.float64).tiny)
        return -1 / kept.log().flatten(0, -2).mean(0)


def trace(model: nn.Module, run: Callable[[], object]) -> dict[str, Trace]:
    """The recurrent layers of `model` while `run` calls it once, in eval mode by the caller's care.

    `run` is any call of the model, such as ``lambda: model(x)``; the layers' inputs and first
    states are taken from it. Names are those of ``named_modules``, with ``.0``, ``.1`` … behind
    them where a layer is a stack. Rows are followed to T, whatever their ``lengths``.

    Raises:
        InputError: no recurrent layer of elman's was called (see `elman.convert`), one was called
            with packed input, or one reads from both ends.
    """
    calls: dict[str, tuple[Layer, Tensor, Any]] = {}

    def remember(name: str) -> Callable[..., None]:
        def hook(
            layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any], output: object
        ) -> None:
            x, *rest = args
            if isinstance(x, PackedSequence):
                raise InputError("packed sequences cannot be followed; give a padded tensor")
            begin = rest[0] if rest else kwargs.get("hx", kwargs.get("state"))
            calls[name] = (layer, x.transpose(0, 1) if layer.batch_first else x, begin)

        return hook

    layers = {n: m for n, m in model.named_modules() if isinstance(m, RecurrentStack | Recurrent)}
    hooks = [
        layer.register_forward_hook(remember(name), with_kwargs=True)
        for name, layer in layers.items()
    ]
    try:
        run()
    finally:
        for handle in hooks:
            handle.remove()
    if not calls:
        raise InputError("no recurrent layer of elman's was called; elman.convert takes torch's")
    traces: dict[str, Trace] = {}
    for name, (layer, x, begin) in calls.items():
        followed = trace_layer(layer, x, begin)
        many = len(followed) > 1
        traces |= {f"{name}.{n}" if many else name: one for n, one in enumerate(followed)}
    return traces


def trace_layer(layer: Layer, x: Tensor, begin: Any = None) -> list[Trace]:
    """Follow `layer` over x (T, B, I), step by step: a trace for each layer of its stack.

    Args:
        layer: in eval mode, reading forward.
        x: the inputs, time first.
        begin: where to begin: a `State`, torch's form of one, or None for the initial state.

    Raises:
        InputError: a layer that reads from both ends.
    """
    if layer.bidirectional:
        raise InputError("a layer that reads from both ends cannot be followed step by step")
    if begin is None:
        begin = layer.initial_state(x.shape[1])
    state = begin if isinstance(begin, State) else State.of(cast("RecurrentStack", layer), begin)
    if not isinstance(layer, RecurrentStack):
        return [_of_cell(cast("Cell", layer), x, state)]
    first = state
    states: dict[str, list[Tensor]] = {name: [] for name in state}
    for x_t in x:
        _, state = layer.step(x_t, state)
        for name, tensor in state.items():
            states[name].append(tensor)
    after = {name: torch.stack(tensors) for name, tensors in states.items()}  # (T, L, B, …)
    traces = []
    for depth, suffix in enumerate(layer.suffixes):
        own = {name: tensor[:, depth] for name, tensor in after.items()}
        before = torch.cat([first["h"][None, depth], own["h"][:-1]])
        traces.append(_with_gates(layer, suffix, x, before, own))
        x = own["h"]
    return traces


def _with_gates(
    layer: RecurrentStack, suffix: str, x: Tensor, before: Tensor, states: dict[str, Tensor]
) -> Trace:
    """The gates need no loop: all inputs and all states before a step are known."""
    kind = layer.kind
    if kind.gate_values is None:
        return Trace(states, {})
    weights = parameters.weights(layer, suffix)
    values = kind.gate_values(weights.input_part(x), before, weights)
    assert layer.keep_gate is not None
    gates = dict(zip(kind.gate_names, values, strict=True))
    return Trace(states, gates, kind.gate_names[layer.keep_gate])


def _of_cell(cell: Cell, x: Tensor, state: State) -> Trace:
    seen: dict[str, list[Tensor]] = {name: [] for name in state}
    for x_t in x:
        _, state = cell.step(x_t, state)
        for name, tensor in state.items():
            rows = tensor.movedim(state.axes[name], 0)
            seen[name].append(rows.reshape(len(rows), -1))
    return Trace({name: torch.stack(tensors) for name, tensors in seen.items()}, {})
