"""Any cell over time. Legend: T time, B batch, I input, R output."""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from elman.layers.lengths import Lengths, as_lengths
from elman.layers.state import Active, State, only_active


@runtime_checkable
class Cell(Protocol):
    """One turn of a recurrence: a pure step, and the state a sequence begins with."""

    def initial_state(self, batch_size: int) -> State: ...

    def step(self, x_t: Tensor, state: State) -> tuple[Tensor, State]: ...


class Recurrent(nn.Module):
    """A cell of your own as a layer, with the same lengths and states as the built-in ones.

    y_t, s_t = cell.step(x_t, s_{t-1}) for t = 1 … T. The state is what the cell says it is.

        class Decay(nn.Module):
            def __init__(self, size):
                super().__init__()
                self.rate = nn.Parameter(torch.zeros(size))
            def initial_state(self, batch_size):
                return State(h=self.rate.new_zeros(batch_size, len(self.rate)))
            def step(self, x_t, state):
                h = torch.lerp(x_t, state["h"], self.rate.sigmoid())
                return h, State(h=h)

        y, state = elman.Recurrent(Decay(16))(torch.randn(100, 8, 16))

    Args:
        cell: a module with `Cell`'s two methods; ``step`` takes x_t (B, I), gives y_t (B, R).
        reverse_cell: a second cell that reads from each row's last step to its first; the
            outputs of both are laid side by side and their states joined as "forward" and
            "reverse".
        batch_first: inputs and outputs (B, T, …) for (T, B, …).

    Raises:
        TypeError: a cell without those methods.
    """

    def __init__(
        self, cell: nn.Module, reverse_cell: nn.Module | None = None, *, batch_first: bool = False
    ) -> None:
        super().__init__()
        for given in (cell, reverse_cell):
            if given is not None and not isinstance(given, Cell):
                raise TypeError(
                    f"a cell needs step(x_t, state) and initial_state(batch_size), "
                    f"which {type(given).__name__} has not"
                )
        self.cell = cell
        self.reverse_cell = reverse_cell
        self.batch_first = batch_first

    @property
    def bidirectional(self) -> bool:
        return self.reverse_cell is not None

    def initial_state(self, batch_size: int) -> State:
        """The cell's own; with two directions, theirs joined."""
        forward = cast(Cell, self.cell).initial_state(batch_size)
        if self.reverse_cell is None:
            return forward
        reverse = cast(Cell, self.reverse_cell).initial_state(batch_size)
        return State.join({"forward": forward, "reverse": reverse})

    def step(
        self, x_t: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """The cell's step.

        Args:
            x_t: (B, I).
            state: the state before the step.
            active: (B,) booleans, the rows that take part. The other rows keep their state to
                the bit and get zero outputs. None: all rows.

        Raises:
            ValueError: a bidirectional layer, whose reverse direction starts at the end.
        """
        self._require_steps()
        cell = cast(Cell, self.cell)
        if active is not None:
            return only_active(cell.step, x_t, state, active)
        return cell.step(x_t, state)

    def scan(
        self, chunk: Tensor, state: State, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]:
        """`step` in a loop: chunk (T, B, I), ``batch_first`` or not; T at least 1.

        `lengths` (B,) are as in `forward`. A row of length 0 keeps its state to the bit.

        Raises:
            ValueError: as `step`.
        """
        self._require_steps()
        return self._time_major(chunk, state, lengths)

    def _require_steps(self) -> None:
        if self.bidirectional:
            raise ValueError("a bidirectional layer has no step: it reads from both ends")

    def forward(
        self, input: Tensor, state: State | None = None, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]:
        """Run over whole sequences.

        Args:
            input: (T, B, I), or (B, T, I) with ``batch_first``; T at least 1.
            state: where to begin; the cell's initial state for None.
            lengths: (B,) integers, 0 to T: how many steps of each row are real, as in
                `elman.RNN`.

        Returns:
            The outputs (T, B, R), zero past each row's end, and the state after its last step.

        Raises:
            RuntimeError: an input that is not of three axes, or has no steps.
            InputError: a state of another cell or batch size.
        """
        swap = self.batch_first and input.dim() == 3
        y, final = self._time_major(input.transpose(0, 1) if swap else input, state, lengths)
        return (y.transpose(0, 1) if swap else y), final

    def _time_major(
        self, x: Tensor, state: State | None, lengths: Lengths | None
    ) -> tuple[Tensor, State]:
        if x.dim() != 3:
            raise RuntimeError(f"input must have 3 dimensions, got {x.dim()}")
        steps, batch_size = x.shape[:2]
        if not steps:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        begin = self.initial_state(batch_size)
        if state is not None:
            state.require_like(begin, "the state given to Recurrent")
            begin = state
        alive = None
        if lengths is not None:
            rows = as_lengths(lengths, steps, batch_size, x.device)
            alive = torch.arange(steps, device=x.device).unsqueeze(1) < rows
            # A NaN in the padding must not come back through 0 * NaN.
            x = x.masked_fill(~alive.unsqueeze(-1), 0)
        if self.reverse_cell is None:
            return over_time(self.cell, x, begin, alive, range(steps))
        y_f, forward = over_time(self.cell, x, begin.part("forward"), alive, range(steps))
        backwards = range(steps - 1, -1, -1)
        y_r, reverse = over_time(self.reverse_cell, x, begin.part("reverse"), alive, backwards)
        return torch.cat([y_f, y_r], -1), State.join({"forward": forward, "reverse": reverse})


def over_time(
    module: nn.Module, x: Tensor, state: State, alive: Tensor | None, order: range
) -> tuple[Tensor, State]:
    """The outputs (T, B, …) of a cell for x (T, B, …) in this order of steps, and the last state.

    Where `alive` (T, B) is false a row keeps its state and its output is zero.
    """
    cell = cast(Cell, module)
    outputs: list[Tensor] = [x] * len(order)
    for t in order:
        y_t, new = cell.step(x[t], state)
        if alive is not None:
            new = new.reset(~alive[t], to=state)
            y_t = y_t.masked_fill(~alive[t].view(-1, *[1] * (y_t.dim() - 1)), 0)
        outputs[t], state = y_t, new
    return torch.stack(outputs), state
