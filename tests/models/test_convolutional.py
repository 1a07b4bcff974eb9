"""Tests of recurrent layers over maps: against plain loops, and steps against whole sequences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from elman.errors import InputError
from elman.layers.state import State
from elman.models import convolutional
from elman.models.convolutional import ConvGRU, ConvLSTM, FrameRecurrence
from elman.models.frames import FrameShape

CELLS = [ConvLSTM, ConvGRU]
Cell = type[ConvLSTM] | type[ConvGRU]


def cell_of(kind: Cell) -> ConvLSTM | ConvGRU:
    torch.manual_seed(0)
    return kind(2, 3, 5, 4).double()


def maps_of(steps: int, rows: int) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(steps, rows, 2, 5, 4, generator=draw, dtype=torch.float64)


def plain(cell: ConvLSTM | ConvGRU, x: Tensor, state: State) -> tuple[Tensor, State]:
    """The equations of the docstrings, gate by gate, a step and a row at a time."""

    def of(x: Tensor, layer: torch.nn.Conv2d, gate: int) -> Tensor:
        own = slice(gate * cell.maps, (gate + 1) * cell.maps)
        assert layer.bias is not None
        return functional.conv2d(x, layer.weight[own], layer.bias[own], padding=1)

    rows, after = [], []
    for row in range(x.shape[1]):
        h, outputs = state["h"][row : row + 1], []
        c = state["c"][row : row + 1] if "c" in state else None
        for frame in x[:, row : row + 1]:
            ins = [of(frame, cell.input_convolution, gate) for gate in range(cell.gates)]
            own = [of(h, cell.state_convolution, gate) for gate in range(cell.gates)]
            if c is not None:
                i, f, o = (torch.sigmoid(ins[gate] + own[gate]) for gate in (0, 1, 3))
                c = f * c + i * torch.tanh(ins[2] + own[2])
                h = o * torch.tanh(c)
            else:
                r, z = (torch.sigmoid(ins[gate] + own[gate]) for gate in (0, 1))
                n = torch.tanh(ins[2] + r * own[2])
                h = (1 - z) * n + z * h
            outputs.append(h)
        rows.append(torch.cat(outputs))
        after.append({"h": h} if c is None else {"h": h, "c": c})
    final = {name: torch.cat([each[name] for each in after]) for name in after[0]}
    return torch.stack(rows, 1), State(**final)


def random_state(cell: ConvLSTM | ConvGRU, rows: int) -> State:
    draw = torch.Generator().manual_seed(2)
    shape, names = (rows, cell.maps, cell.height, cell.width), cell.state_names
    each = {name: torch.randn(shape, generator=draw, dtype=torch.float64) for name in names}
    return State(**{name: tensor.requires_grad_() for name, tensor in each.items()})


@pytest.mark.parametrize("kind", CELLS)
def test_values_and_every_gradient_are_those_of_a_plain_loop(kind: Cell) -> None:
    cell, x, state = cell_of(kind), maps_of(4, 2).requires_grad_(), random_state(cell_of(kind), 2)
    wrt = [x, *state.values(), *cell.parameters()]
    found = []
    for run in (cell, lambda x, state: plain(cell, x, state)):
        y, after = run(x, state)
        loss = (y * y).sum() + sum(
            ((place + 2) * each.sin()).sum() for place, each in enumerate(after.values())
        )
        found.append([y, *after.values(), *torch.autograd.grad(loss, wrt)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", CELLS)
def test_rows_that_end_early_are_those_rows_alone(kind: Cell) -> None:
    cell, x, lengths = cell_of(kind), maps_of(6, 3), [6, 0, 3]
    for row, length in enumerate(lengths):
        x[length:, row] = torch.nan
    y, after = cell(x, lengths=lengths)
    for row, length in enumerate(lengths):
        assert not y[length:, row].any()
        final = cell.initial_state(1)
        if length:
            alone, final = cell(x[:length, row : row + 1])
            torch.testing.assert_close(y[:length, row : row + 1], alone, rtol=1e-10, atol=1e-12)
        for name in after:
            torch.testing.assert_close(after[name][row : row + 1], final[name])


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(InputError, match="a kernel of 4; give an odd one"):
        ConvLSTM(1, 1, 4, 4, kernel=4)


def recurrence(kind: Cell) -> FrameRecurrence:
    torch.manual_seed(0)
    return FrameRecurrence(kind, FrameShape(20, 18, 2), 5, maps=4).eval()


def frames_of(steps: int, rows: int) -> Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(256, (steps, rows, 20, 18, 2), generator=draw, dtype=torch.uint8)


@pytest.mark.parametrize("kind", CELLS)
def test_frames_step_by_step_and_in_parts_are_the_whole(
    kind: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x = recurrence(kind), frames_of(7, 2)
    whole, after = layer(x, lengths=[7, 4])
    monkeypatch.setattr(convolutional, "_STEPS", 3)
    parts, same = layer(x, lengths=[7, 4])
    torch.testing.assert_close(parts, whole)
    state, steps = layer.initial_state(2), []
    for place, frame in enumerate(x):
        y, state = layer.step(frame, state, active=[True, place < 4])
        steps.append(y)
    torch.testing.assert_close(torch.stack(steps), whole)
    for name in after:
        torch.testing.assert_close(same[name], after[name])
        torch.testing.assert_close(state[name], after[name])
