"""Our own kernels: noise, bits, threads, extremes, staleness, and how they sit in torch."""

from __future__ import annotations

import copy
from statistics import median
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import elman
from elman.kernels import native
from tests.cases import Case
from tests.layers.test_against_torch import close, leaves

CELLS = ("rnn", "rnn-relu", "gru", "lstm", "lstm-proj")


def case_of(cell: str, **options: Any) -> Case:
    return Case(cell=cell, dtype=torch.float32, **options)


def test_they_are_built() -> None:
    assert native.BUILT, "run make, which builds them; a C++20 compiler is needed"


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lengths", ["none", "ragged", "zeros"])
@pytest.mark.parametrize("training", [True, False])
def test_noise_is_the_references(cell: str, lengths: str, training: bool) -> None:
    case = case_of(cell, layers=2, bidirectional=True, lengths=lengths, hidden_size=9)
    layer = case.ours(zoneout=0.3, recurrent_dropout=0.4, weight_dropout=0.2).train(training)
    results = []
    for backend in ("reference", "native"):
        layer.zero_grad()
        x = case.input().requires_grad_()
        torch.manual_seed(9)
        with elman.use_backend(backend):  # type: ignore[arg-type]
            y, final = layer(x, lengths=case.row_lengths())
        total = y.square().sum()
        for part in leaves(final):
            total = total + part.square().sum()
        total.backward()
        grads = [parameter.grad.clone() for parameter in layer.parameters()]
        results.append([y, *leaves(final), x.grad, *grads])
    for reference, ours in zip(*results, strict=True):
        close(ours, reference, case)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lengths", ["none", "ragged"])
def test_the_forward_bits_do_not_depend_on_the_threads(cell: str, lengths: str) -> None:
    case = case_of(cell, steps=35, batch=11, hidden_size=67, input_size=33, lengths=lengths)
    layer, x = case.ours(), case.input()
    outputs, grads = [], []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        for _ in range(2):
            layer.zero_grad()
            y, _ = layer(x, lengths=case.row_lengths())
            y.square().sum().backward()
            outputs.append(y.detach())
            grads.append(layer.weight_hh_l0.grad.clone())
    for y in outputs[1:]:
        assert torch.equal(y, outputs[0])
    for pair in range(0, 6, 2):
        assert torch.equal(grads[pair], grads[pair + 1])  # run to run, to the bit
        torch.testing.assert_close(grads[pair], grads[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("scale", [1e-42, 1e-3, 30.0, 1e4, 3e38, float("inf"), float("nan")])
def test_extreme_inputs_behave_as_in_torch(cell: str, scale: float) -> None:
    case = case_of(cell)
    x = case.input() * 0 + scale
    with torch.no_grad():
        expected, _ = case.theirs()(x)
        got, _ = case.ours()(x)
    finite = expected[expected.isfinite()]
    largest = float(finite.abs().max()) if finite.numel() else 1.0
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5 * largest, equal_nan=True)


@pytest.mark.parametrize("cell", CELLS)
def test_errors_are_no_larger_than_torchs_times_two(cell: str) -> None:
    case = case_of(cell, steps=100, batch=8, hidden_size=64, input_size=32)
    exact = case.theirs().double()
    x = case.input()
    with torch.no_grad():
        truth, _ = exact(x.double())
        theirs = (case.theirs()(x)[0].double() - truth).abs().max()
        ours = (case.ours()(x)[0].double() - truth).abs().max()
    assert ours <= 2 * theirs + 1e-7


def test_denormals_are_flushed_inside_and_kept_outside() -> None:
    tiny = torch.full((4,), 1e-42)
    layer = case_of("lstm").ours()
    layer(case_of("lstm").input() * 1e-42)
    assert (tiny * 0.5 > 0).all()  # the mode of the caller is as it was


@pytest.mark.parametrize("cell", CELLS)
def test_packed_weights_are_never_stale(cell: str) -> None:
    case = case_of(cell)
    layer, x = case.ours(), case.input()

    def agrees(layer: nn.Module) -> None:
        y, _ = layer(x)
        with elman.use_backend("reference"):
            expected, _ = layer(x)
        close(y, expected, case)

    agrees(layer)
    optimizer = torch.optim.SGD(layer.parameters(), 1.0)
    layer(x)[0].sum().backward()
    optimizer.step()
    agrees(layer)
    layer.load_state_dict(case.theirs().state_dict())
    agrees(layer)
    with torch.no_grad():
        layer.weight_hh_l0.mul_(0.5)
    layer.weight_hh_l0.data[0, 0] = 3.0
    agrees(layer)
    agrees(copy.deepcopy(layer))
    agrees(layer.double().float())
    other = case.ours()
    other.weight_hh_l0 = layer.weight_hh_l0
    with torch.no_grad():
        layer.weight_hh_l0.neg_()
    agrees(other)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_second_derivatives_come_from_the_reference(cell: str) -> None:
    case = case_of(cell, lengths="ragged")
    layer = case.ours()
    found = []
    for backend in ("native", "reference"):
        x = case.input().requires_grad_()
        with elman.use_backend(backend):  # type: ignore[arg-type]
            y, _ = layer(x, lengths=case.row_lengths())
        (first,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), x)
        found.append(second)
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_vmap_goes_through_the_reference() -> None:
    layer = case_of("gru").ours()
    x = torch.randn(3, 7, 4, 3)
    y = torch.func.vmap(lambda one: layer(one)[0])(x)
    torch.testing.assert_close(y[1], layer(x[1])[0])


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


@pytest.mark.parametrize("scale", [1, 5])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_rounding_errors_are_no_larger_than_torchs(cell: str, scale: int) -> None:
    """Of the outputs and of all gradients, against double precision; at 5 most gates saturate."""
    ratios = []
    for seed in range(20):
        case = case_of(cell, steps=12, batch=3 if seed % 2 else 9, input_size=6, hidden_size=9)
        torch.manual_seed(seed)
        x = scale * torch.randn(case.steps, case.batch, case.input_size)
        found = []
        for layer, dtype in (
            (case.theirs(), torch.float64),
            (case.theirs(), torch.float32),
            (case.ours(), torch.float32),
        ):
            layer = layer.to(dtype)
            y = layer(x.to(dtype))[0]
            y.square().sum().backward()
            grads = [p.grad for p in layer.parameters() if p.grad is not None]
            found.append([t.double().flatten() for t in (y.detach(), *grads)])
        exact, theirs, ours = (torch.cat(parts) for parts in found)
        ratios.append(float((ours - exact).abs().max() / (theirs - exact).abs().max()))
    assert median(ratios) < 2


def test_compiled_without_graph_breaks() -> None:
    layer = case_of("lstm").ours()
    x = case_of("lstm").input()
    compiled = torch.compile(lambda x: layer(x)[0], fullgraph=True, backend="aot_eager")
    y = compiled(x)
    torch.testing.assert_close(y, layer(x)[0])
    y.sum().backward()


def test_inference_mode_and_frozen_weights() -> None:
    layer = case_of("gru").ours()
    with torch.inference_mode():
        y, _ = layer(case_of("gru").input())
    assert not y.requires_grad
    layer.requires_grad_(False)
    x = case_of("gru").input().requires_grad_()
    layer(x)[0].sum().backward()
    assert x.grad is not None


def test_a_graph_kept_gives_the_same_gradients_again() -> None:
    layer = case_of("lstm").ours()
    y, _ = layer(case_of("lstm").input())
    total: Tensor = y.sum()
    total.backward(retain_graph=True)
    first = layer.weight_hh_l0.grad.clone()
    total.backward()
    torch.testing.assert_close(layer.weight_hh_l0.grad, 2 * first)


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
