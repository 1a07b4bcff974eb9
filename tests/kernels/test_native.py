"""Our own kernels: noise, bits, threads, extremes, staleness, gradients of gradients."""

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


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_noise_is_compiled_along(cell: str) -> None:
    layer = getattr(elman, cell)(3, 5, zoneout=0.3, recurrent_dropout=0.2, weight_dropout=0.2)
    x = torch.randn(7, 4, 3)
    y = torch.compile(lambda x: layer(x)[0], fullgraph=True, backend="aot_eager")(x)
    y.sum().backward()
    assert layer.weight_hh_l0.grad.abs().sum() > 0


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
