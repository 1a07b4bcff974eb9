"""Values and every gradient against torch.nn and the reference, over the table of cases."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import elman
from tests.cases import BY_BACKEND, GRID, KERNELS_LARGE, SAMPLE, Case

FULL = random.Random(5).sample(GRID, 4000)
FULL_BY_BACKEND = [
    *((case, backend) for case in FULL for backend in ("torch", "reference")),
    *((replace(case, dtype=torch.float32), "native") for case in FULL),
    *((case, "native") for case in KERNELS_LARGE),
]


def leaves(hx: Any) -> list[Tensor]:
    return [] if hx is None else [hx] if isinstance(hx, Tensor) else list(hx)


def close(ours: Tensor, theirs: Tensor, case: Case) -> None:
    scale = max(1.0, float(theirs.detach().abs().max())) if theirs.numel() else 1.0
    torch.testing.assert_close(ours, theirs, rtol=case.tolerance, atol=case.tolerance * scale)


def backward(y: Tensor, final: Any) -> None:
    """A loss in which each output and each final state has a weight of its own."""
    torch.manual_seed(6)
    total = sum(
        (part * torch.randn(part.shape, dtype=part.dtype)).sum() for part in [y, *leaves(final)]
    )
    assert isinstance(total, Tensor)
    if total.requires_grad:  # torch alone on rows that are all empty: nothing to go back through
        total.backward()


def torch_on_ragged(case: Case, layer: Any, x: Tensor, hx: Any) -> tuple[Tensor, Any]:
    """What torch gives for each row alone, cut to its length; a row of no steps keeps its state."""
    lengths = case.row_lengths() or [case.steps] * case.batch
    rows = x if case.memory == "batch_first" else x.transpose(0, 1)
    width = (2 if case.bidirectional else 1) * (layer.proj_size or layer.hidden_size)
    outputs, finals = [], []
    for b, length in enumerate(lengths):
        begin = [part[:, b : b + 1].contiguous() for part in leaves(hx)]
        out = x.new_zeros(case.steps, width)
        if length:
            form = None if not begin else begin[0] if len(begin) == 1 else tuple(begin)
            row = rows[b : b + 1, :length]
            y, final = layer(row if layer.batch_first else row.transpose(0, 1), form)
            out = torch.cat([y.reshape(length, width), out[length:]])
            begin = leaves(final)
        elif not begin:
            shape = case.ours().initial_state(1)
            begin = [torch.zeros_like(part) for part in shape.values()]
        outputs.append(out)
        finals.append(begin)
    y = torch.stack(outputs, 0 if case.memory == "batch_first" else 1)
    joined = [torch.cat(parts, 1) for parts in zip(*finals, strict=True)]
    return y, joined[0] if len(joined) == 1 else tuple(joined)


def check(case: Case, backend: str) -> None:
    ours, theirs = case.ours(), case.theirs()
    inputs = [case.input().requires_grad_() for _ in range(2)]
    begins = [case.hx(ours) for _ in range(2)]
    for part in [*leaves(begins[0]), *leaves(begins[1])]:
        part.requires_grad_()
    with elman.use_backend(backend):  # type: ignore[arg-type]
        y, final = ours(inputs[0], begins[0], lengths=case.row_lengths())
    expected_y, expected_final = torch_on_ragged(case, theirs, inputs[1], begins[1])
    backward(y, final)
    backward(expected_y, expected_final)

    close(y, expected_y, case)
    for got, expected in zip(leaves(final), leaves(expected_final), strict=True):
        close(got, expected, case)
    pairs = list(zip(ours.named_parameters(), theirs.named_parameters(), strict=True))
    for (name, got), (same, expected) in pairs:
        assert name == same
        if expected.grad is None:  # a table row in which no batch row has a step
            assert got.grad is None or not got.grad.any()
        else:
            assert got.grad is not None, name
            close(got.grad, expected.grad, case)
    for got, expected in zip(
        [inputs[0], *leaves(begins[0])], [inputs[1], *leaves(begins[1])], strict=True
    ):
        nothing = torch.zeros_like(expected)
        close(
            nothing if got.grad is None else got.grad,
            nothing if expected.grad is None else expected.grad,
            case,
        )


@pytest.mark.parametrize(("case", "backend"), BY_BACKEND, ids=str)
def test_values_and_gradients(case: Case, backend: str, poisoned_memory: None) -> None:
    check(case, backend)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "backend"), FULL_BY_BACKEND, ids=str)
def test_values_and_gradients_over_the_grid(case: Case, backend: str) -> None:
    check(case, backend)


@pytest.mark.parametrize("case", [c for c in SAMPLE if c.lengths == "ragged"], ids=str)
def test_packed_sequences(case: Case) -> None:
    ours, theirs = case.ours(), case.theirs()
    lengths = case.row_lengths()
    assert lengths is not None
    x, hx = case.input(), case.hx(ours)
    packed = pack_padded_sequence(
        x, torch.tensor(lengths), case.memory == "batch_first", enforce_sorted=False
    )
    y, final = ours(packed, hx)
    expected_y, expected_final = theirs(packed, hx)
    assert torch.equal(y.batch_sizes, expected_y.batch_sizes)
    close(pad_packed_sequence(y)[0], pad_packed_sequence(expected_y)[0], case)
    for got, expected in zip(leaves(final), leaves(expected_final), strict=True):
        close(got, expected, case)


@pytest.mark.parametrize("backend", ["torch", "reference"])
@pytest.mark.parametrize(
    "case",
    [c for c in SAMPLE if c.dtype == torch.float64 and c.steps * c.hidden_size < 50],
    ids=str,
)
def test_gradcheck(case: Case, backend: str) -> None:
    layer = case.ours()
    names = [name for name, _ in layer.named_parameters()]
    begin = leaves(case.hx(layer)) or list(layer.initial_state(case.batch).values())

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        parameters = dict(zip(names, tensors[: len(names)], strict=True))
        x, *states = tensors[len(names) :]
        hx = states[0] if len(states) == 1 else tuple(states)
        with elman.use_backend(backend):  # type: ignore[arg-type]
            y, final = torch.func.functional_call(
                layer, parameters, (x, hx), {"lengths": case.row_lengths()}
            )
        return (y, *leaves(final))

    tensors = [*layer.parameters(), case.input(), *begin]
    fresh = tuple(tensor.detach().clone().requires_grad_() for tensor in tensors)
    assert torch.autograd.gradcheck(run, fresh, fast_mode=True)
    if backend == "reference" and case.cell != "rnn-relu":
        assert torch.autograd.gradgradcheck(run, fresh, fast_mode=True)
