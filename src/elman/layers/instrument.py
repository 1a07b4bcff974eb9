"""Instruments recurrent layers: a callback sees every step with its autograd graph.

Inside `watched`, the layers of a model compute the same outputs in a plain loop whose states are
tensors of the graph, so that gradients and Jacobians of single steps can be taken. Only diagnostics
use it.

Legend: T time, B batch, I input, H hidden, R output of a direction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, Protocol, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from elman.kernels import recurrence
from elman.kernels.kind import Regularization, States, Weights
from elman.layers.convert import as_ours
from elman.layers.recurrent import Cell, Recurrent
from elman.layers.stack import RecurrentStack
from elman.layers.state import Active, State, only_active

Named: TypeAlias = Mapping[str, Tensor]
"""Tensors by name: ``h``, ``c``, or the state of a user's cell."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step of one layer in one direction.

    Attributes:
        place: which layer and direction, such as "layers.0" or "rnn.l1_reverse".
        number: 0 for the first step of this place, which in reverse is the last of the sequence.
        reverse: whether it runs from the last step to the first.
        x: (B, I), the input of the step.
        before: the state before the step.
        after: the state after it, tensors of the graph.
        advance: x and a state -> the next state, as a pure function.
        gates: the values of the gates by name, (B, H) each; empty for cells without gates.
        forget_gate: the name of the gate that keeps the old state, or None.
        squashed: whether h is a tanh, in a cell without gates.
        alive: (B,) whether each row is still within its length; None when all are.
    """

    place: str
    number: int
    reverse: bool
    x: Tensor
    before: Named
    after: Named
    advance: Callable[[Tensor, Named], Named]
    gates: Callable[[], Named] = field(default=dict)
    forget_gate: str | None = None
    squashed: bool = False
    alive: Tensor | None = None

    @property
    def axes(self) -> Mapping[str, int]:
        """The batch axis of each tensor of the state whose batch is not on axis 0."""
        return self.after.axes if isinstance(self.after, State) else {}


class Watcher(Protocol):
    """Called with every step, in the order of computation.

    A state that it returns replaces ``step.after``, for interventions.
    """

    def __call__(self, step: Step, /) -> Named | None: ...


def recurrent_layers(model: nn.Module) -> dict[str, nn.Module]:
    """The layers in `model` that can be watched, by name: elman's, and torch.nn's by exact type.

    Subclasses of torch's may compute something else and are left out; see `unwatched_layers`.
    """
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, RecurrentStack | Recurrent) or _is_torchs(module)
    }


def unwatched_layers(model: nn.Module) -> dict[str, nn.Module]:
    """The subclasses of torch.nn's recurrent layers in `model`, by name."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.RNNBase) and not _is_torchs(module)
    }


def _is_torchs(module: nn.Module) -> bool:
    """Whether it is torch.nn's own layer, also with parametrized or pruned weights."""
    return parametrize.type_before_parametrizations(module) in (nn.RNN, nn.GRU, nn.LSTM)


@contextmanager
def watched(model: nn.Module, watcher: Watcher) -> Iterator[None]:
    """Inside the ``with`` block, call `watcher` with each step of each recurrent layer.

    Several calls of one layer within the block count as one continuing sequence.
    """
    with ExitStack() as undo:
        for name, layer in recurrent_layers(model).items():
            if isinstance(layer, Recurrent):
                _watch_cells(name, layer, watcher, undo)
            else:
                _watch_stack(name, layer, watcher, undo)
        yield


def _replace(owner: nn.Module, name: str, value: object, undo: ExitStack) -> None:
    """Shadow an attribute of the class on this object."""
    before = vars(owner).get(name)
    object.__setattr__(owner, name, value)
    if before is None:
        undo.callback(object.__delattr__, owner, name)
    else:
        undo.callback(object.__setattr__, owner, name, before)


def _watch_stack(name: str, layer: nn.Module, watcher: Watcher, undo: ExitStack) -> None:
    ours = layer if isinstance(layer, RecurrentStack) else as_ours(layer)
    counted: Counter[str] = Counter()
    _replace(ours, "_run", partial(_run, name, ours, watcher, counted), undo)
    _replace(ours, "step", partial(_one_step, ours), undo)
    _replace(ours, "_fast_path", lambda *_: None, undo)
    if ours is not layer:
        _replace(layer, "forward", partial(_with_weights_of, layer, ours), undo)


def _with_weights_of(layer: nn.Module, ours: RecurrentStack, *args: Any, **kwargs: Any) -> Any:
    """`ours.forward` with the present weights of `layer`, which pruning makes anew at each call."""
    for name in ours.parameter_names:
        weight = getattr(layer, name)
        if weight is not getattr(ours, name):
            ours._parameters.pop(name, None)
            setattr(ours, name, weight)
    return ours.train(layer.training).forward(*args, **kwargs)


def _one_step(
    layer: RecurrentStack, x_t: Tensor, state: State, *, active: Active | None = None
) -> tuple[Tensor, State]:
    """`RecurrentStack.step` as a sequence of one step, so that the watcher sees it."""
    if active is not None:
        return only_active(partial(_one_step, layer), x_t, state, active)
    axis = 1 if layer.batch_first else 0
    outputs, after = layer(x_t.unsqueeze(axis), state)
    return outputs.squeeze(axis), after


def _run(
    name: str,
    layer: RecurrentStack,
    watcher: Watcher,
    counted: Counter[str],
    x: Tensor,
    states: States,
    lengths: Tensor | None,
) -> tuple[Tensor, States]:
    """`RecurrentStack._run`, step by step."""
    suffixes = iter(layer.suffixes)
    alive = None
    if lengths is not None:
        alive = torch.arange(len(x), device=x.device).unsqueeze(1) < lengths

    def one(
        x: Tensor, states: States, weights: Weights, reverse: bool, regularization: Regularization
    ) -> tuple[Tensor, States]:
        suffix = next(suffixes)
        place = _place(name, suffix[1:], len(layer.suffixes))
        kind, names = layer.kind, layer.state_names
        if alive is not None:
            x = x.masked_fill(~alive.unsqueeze(-1), 0)

        def advance(t: int, x_t: Tensor, before: Named) -> dict[str, Tensor]:
            old = tuple(before[name] for name in names)
            new = kind.step(weights.input_part(x_t), old, weights, regularization.recurrent)
            return dict(zip(names, regularization.mix(new, old, t), strict=True))

        def gates(x_t: Tensor, before: Named) -> dict[str, Tensor]:
            if kind.gate_values is None:
                return {}
            values = kind.gate_values(weights.input_part(x_t), before["h"], weights)
            return dict(zip(kind.gate_names, values, strict=True))

        forget = None if layer.forget_gate is None else kind.gate_names[layer.forget_gate]
        outputs: list[Tensor] = [x] * len(x)
        before = dict(zip(names, states, strict=True))
        for number, t in enumerate(reversed(range(len(x))) if reverse else range(len(x))):
            x_t = _in_graph(x[t])
            after = advance(t, x_t, before)
            step = Step(
                place,
                counted[place] + number,
                reverse,
                x_t,
                before,
                after,
                partial(advance, t),
                partial(gates, x_t, before),
                forget,
                kind.name == "rnn",
                None if alive is None else alive[t],
            )
            if (changed := watcher(step)) is not None:
                after = dict(changed)
            outputs[t] = after[names[0]]
            if alive is not None:
                row = alive[t].unsqueeze(-1)
                outputs[t] = outputs[t].masked_fill(~row, 0)
                after = {name: torch.where(row, after[name], before[name]) for name in names}
            before = after
        counted[place] += len(x)
        return torch.stack(outputs), tuple(before[name] for name in names)

    regularization = layer._regularization(len(x), x.shape[1], x)
    return recurrence.layers(layer._stack(), one, x, states, regularization)


def _watch_cells(name: str, layer: Recurrent, watcher: Watcher, undo: ExitStack) -> None:
    cells = {"forward": layer.cell, "reverse": layer.reverse_cell}
    there = {end: cell for end, cell in cells.items() if cell is not None}
    for end, cell in there.items():
        step = _watched_step(_place(name, end, len(there)), cell, end == "reverse", watcher)
        _replace(cell, "step", step, undo)


def _watched_step(
    place: str, cell: nn.Module, reverse: bool, watcher: Watcher
) -> Callable[[Tensor, State], tuple[Tensor, State]]:
    """The step of a user's cell, which `Recurrent` calls in the order of computation."""
    inner, gates_of, numbers = cast(Cell, cell).step, getattr(cell, "gates", None), count()

    def watched_step(x_t: Tensor, state: State) -> tuple[Tensor, State]:
        x_t = _in_graph(x_t)
        y_t, after = inner(x_t, state)

        def advance(x: Tensor, before: Named) -> Named:
            return inner(x, State.with_axes(before, state.axes))[1]

        gates = dict if gates_of is None else partial(cast(Any, gates_of), x_t, state)
        step = Step(place, next(numbers), reverse, x_t, state, after, advance, gates)
        if (changed := watcher(step)) is not None:
            # In most cells the output is h itself.
            y_t = next((changed[name] for name in after if after[name] is y_t), y_t)
            after = State.with_axes(changed, after.axes)
        return y_t, after

    return watched_step


def _place(name: str, part: str, parts: int) -> str:
    """The layer's name, followed by `part` where it has several."""
    return ".".join(piece for piece in (name, part if parts > 1 or not name else "") if piece)


def _in_graph(x_t: Tensor) -> Tensor:
    """Make `x_t` require a gradient even where it is not part of a graph."""
    if torch.is_grad_enabled() and not x_t.requires_grad:
        x_t = x_t.detach().requires_grad_()
    return x_t
