"""Our operators as torch sees them: its own checks of each, and wrong calls, which never crash."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from elman.kernels import native
from tests.kernels.test_native import case_of


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_torch_checks_the_operators(cell: str) -> None:
    case = case_of(cell)
    layer = case.ours()
    state = [torch.zeros(4, 5, requires_grad=True) for _ in layer.state_names]
    weights = [parameter.detach().requires_grad_() for parameter in layer.parameters()]
    arguments = (
        native.KINDS.index(layer.kind),
        case.input().flatten(0, 1).requires_grad_(),
        state[0],
        state[1] if len(state) > 1 else None,
        *weights,
        None,
        None,
        False,
        True,
        *[None] * 3,
        0.0,
        0.0,
    )
    torch.library.opcheck(torch.ops.elman.recurrence.default, arguments)
    drop, zone = torch.ones(4, 5), torch.zeros(len(arguments[1]), 5)
    noisy = (*arguments[:-5], drop, zone, None if len(state) == 1 else zone, 0.0, 0.0)
    torch.library.opcheck(torch.ops.elman.recurrence.default, noisy)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm-proj"])
@pytest.mark.parametrize("begin", ["zeros", "given"])
def test_torch_checks_the_stack(cell: str, begin: str) -> None:
    case = case_of(cell, layers=2, begin=begin)
    layer = case.ours().requires_grad_(False)
    hx = case.hx(layer)
    h0, c0 = hx if isinstance(hx, tuple) else (hx, None)
    code, weights = native.KINDS.index(layer.kind), list(layer.parameters())
    ops = torch.ops.elman
    for x in (case.input(), case.input()[0]):
        given = (code, 2, x, h0, c0, weights)
        torch.library.opcheck(ops.stack.default, (*given, 0.0, 0.1, False))
        torch.library.opcheck(ops.stack.default, (*given, 0.0, 0.0, True))
        y, h, c, kept = ops.stack(*given, 0.0, 0.0, True)
        for grads in ((y, h, c), (None, h, None), (y, None, None)):
            back = (code, 2, *grads, x, h0, c0, weights, y, kept, True)
            torch.library.opcheck(ops.stack_backward.default, back)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("begin", ["zeros", "given"])
@pytest.mark.parametrize("bias", [True, False])
def test_torch_checks_the_single_layer(cell: str, begin: str, bias: bool) -> None:
    case = case_of(cell, begin=begin, bias=bias)
    layer = case.ours().requires_grad_(False)
    hx = case.hx(layer)
    h0, c0 = hx if isinstance(hx, tuple) else (hx, None)
    weights = [*layer.parameters(), None, None][:4]
    for x in (case.input(), case.input()[0]):
        given = (native.KINDS.index(layer.kind), x, h0, c0, *weights)
        torch.library.opcheck(torch.ops.elman.single.default, given)


def test_a_wrong_call_is_refused_and_never_crashes() -> None:
    good: dict[str, Any] = {
        "code": 3,
        "x": torch.randn(12, 3),
        "h0": torch.randn(4, 5),
        "c0": torch.randn(4, 5),
        "w_ih": torch.randn(20, 3),
        "w_hh": torch.randn(20, 5),
        "b_ih": torch.randn(20),
        "b_hh": torch.randn(20),
        "w_hr": None,
        "sizes": None,
    }
    rest = (False, True, None, None, None, 0.0, 0.0)
    torch.ops.elman.recurrence(*good.values(), *rest)
    wrong: list[tuple[str, Any]] = [
        ("code", 9),
        ("x", torch.randn(12, 4)),
        ("x", torch.randn(3, 12).T),
        ("x", torch.randn(13, 3)),
        ("x", torch.randn(12, 3).double()),
        ("h0", torch.randn(4, 6)),
        ("c0", None),
        ("w_hh", torch.randn(20, 4)),
        ("b_ih", None),
        ("w_hr", torch.randn(5, 4)),
        ("sizes", torch.tensor([4, 4, 5])),
        ("sizes", torch.tensor([4, 4, -1])),
        ("sizes", torch.tensor([4, 4])),
        ("sizes", torch.tensor([4.0, 4.0, 4.0])),
    ]
    for name, value in wrong:
        with pytest.raises(RuntimeError):
            torch.ops.elman.recurrence(*{**good, name: value}.values(), *rest)


def test_a_wrong_stack_is_refused_and_never_crashes() -> None:
    weights = [torch.randn(20, 3), torch.randn(20, 5), torch.randn(20), torch.randn(20)]
    good: dict[str, Any] = {
        "code": 3,
        "layers": 1,
        "x": torch.randn(6, 4, 3),
        "h0": torch.randn(1, 4, 5),
        "c0": torch.randn(1, 4, 5),
        "weights": weights,
    }
    torch.ops.elman.stack(*good.values(), 0.0, 0.0, True)
    wrong: list[tuple[str, Any]] = [
        ("code", -1),
        ("layers", 0),
        ("layers", 2),
        ("layers", -1),
        ("x", torch.randn(0, 4, 3)),
        ("x", torch.randn(6, 4, 2)),
        ("x", torch.randn(4)),
        ("x", torch.randn(6, 4, 3).double()),
        ("x", torch.randn(6, 4, 3).half()),
        ("x", torch.ones(6, 4, 3, dtype=torch.uint8)),
        ("h0", torch.randn(4, 5)),
        ("h0", None),
        ("c0", None),
        ("c0", torch.randn(1, 3, 5)),
        ("weights", []),
        ("weights", weights[:1]),
        ("weights", weights[:3]),
        ("weights", [*weights[:2], weights[2], torch.randn(19)]),
        ("weights", [weights[0], weights[1].T, *weights[2:]]),
        ("weights", [weights[0], torch.tensor(1.0), *weights[2:]]),
    ]
    for name, value in wrong:
        with pytest.raises(RuntimeError):
            torch.ops.elman.stack(*{**good, name: value}.values(), 0.0, 0.0, True)


def test_a_wrong_single_layer_is_refused_and_never_crashes() -> None:
    good: dict[str, Any] = {
        "code": 3,
        "x": torch.randn(6, 4, 3),
        "h0": torch.randn(1, 4, 5),
        "c0": torch.randn(1, 4, 5),
        "w_ih": torch.randn(20, 3),
        "w_hh": torch.randn(20, 5),
        "b_ih": torch.randn(20),
        "b_hh": torch.randn(20),
    }
    torch.ops.elman.single(*good.values())
    wrong: list[tuple[str, Any]] = [
        ("code", 4),
        ("x", torch.randn(6, 4, 2)),
        ("x", torch.randn(6, 4, 3).double()),
        ("h0", torch.randn(4, 5)),
        ("c0", None),
        ("w_ih", torch.randn(20, 4)),
        ("w_hh", torch.randn(20, 4)),
        ("w_hh", torch.randn(5, 20).T),
        ("b_ih", None),
        ("b_hh", None),
        ("b_hh", torch.randn(19)),
    ]
    for name, value in wrong:
        with pytest.raises(RuntimeError):
            torch.ops.elman.single(*{**good, name: value}.values())


def test_a_wrong_way_back_is_refused_and_never_crashes() -> None:
    weights = [torch.randn(20, 3), torch.randn(20, 5), torch.randn(20), torch.randn(20)]
    x, h0, c0 = torch.randn(6, 4, 3), torch.randn(1, 4, 5), torch.randn(1, 4, 5)
    y, h, c, kept = torch.ops.elman.stack(3, 1, x, h0, c0, weights, 0.0, 0.0, True)
    good: dict[str, Any] = {
        "code": 3,
        "layers": 1,
        "dy": y,
        "dh": h,
        "dc": c,
        "x": x,
        "h0": h0,
        "c0": c0,
        "weights": weights,
        "y": y,
        "kept": kept,
    }
    torch.ops.elman.stack_backward(*good.values(), True)
    wrong: list[tuple[str, Any]] = [
        ("code", 4),
        ("code", 2),
        ("layers", 0),
        ("layers", 4),
        ("dy", y[:5]),
        ("dy", y.double()),
        ("dy", y.transpose(0, 1)),
        ("dh", h[0]),
        ("dc", c[..., :4]),
        ("x", x[:5]),
        ("x", x[..., :2]),
        ("x", x.transpose(0, 1)),
        ("h0", h0[:, :3]),
        ("c0", c0.double()),
        ("weights", weights[:2] * 2),
        ("weights", [weights[0].T, *weights[1:]]),
        ("y", y[:, :3]),
        ("kept", kept[:-1]),
        ("kept", kept.view(1, -1)),
    ]
    for name, value in wrong:
        with pytest.raises(RuntimeError):
            torch.ops.elman.stack_backward(*{**good, name: value}.values(), True)
    with pytest.raises(RuntimeError):
        torch.ops.elman.stack(3, 1, x, h0, c0, weights, 0.1, 0.0, True)
