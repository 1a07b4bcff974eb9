"""Our kernels with layer normalization: against the reference in double precision, and in torch."""

from __future__ import annotations

import copy
from statistics import median
from typing import Any

import pytest
import torch
from torch import Tensor

import elman
from elman.kernels import native
from elman.layers.stack import RecurrentStack
from tests.cases import CELLS, NORMED, Case
from tests.layers.test_against_torch import backward, leaves


def case_of(cell: str, **options: Any) -> Case:
    return Case(cell=cell, dtype=torch.float32, **options)


def normed(case: Case, **options: Any) -> RecurrentStack:
    """A layer whose gains and shifts are not where they start."""
    layer = case.ours(layer_norm=True, **options)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("norm"):
                parameter.add_(0.3 * torch.randn_like(parameter))
    return layer


def results(layer: RecurrentStack, case: Case, backend: str, dtype: torch.dtype) -> list[Tensor]:
    """Outputs, final states and every gradient."""
    layer = copy.deepcopy(layer).to(dtype)
    x = case.input().to(dtype).requires_grad_()
    begin = [part.to(dtype).requires_grad_() for part in leaves(case.hx(layer))]
    hx = None if not begin else begin[0] if len(begin) == 1 else tuple(begin)
    torch.manual_seed(9)  # the layer's noise
    with elman.use_backend(backend):  # type: ignore[arg-type]
        y, final = layer(x, hx, lengths=case.row_lengths())
    # The weights of the loss are the same numbers in either precision.
    torch.manual_seed(6)
    parts = [y, *leaves(final)]
    torch.stack(
        [(part * torch.randn(part.shape).to(dtype)).sum() for part in parts]
    ).sum().backward()
    grads = [tensor.grad for tensor in (x, *begin, *layer.parameters())]
    return [*(part.detach() for part in parts), *(grad for grad in grads if grad is not None)]


def check_normed(case: Case, noise: dict[str, Any], training: bool) -> None:
    """The kernels' largest error is at most ten times the reference's own in float32.

    Normalization of a row that varies little makes rounding errors large, whoever runs it, so no
    fixed tolerance would do; and there each of the two is large or small by chance, so a case that
    fails is asked twice more with weights a rounding away. A fault would still be there.
    """
    layer = normed(case, **noise).train(training)
    errors = []
    for _ in range(3):
        exact = results(layer, case, "reference", torch.float64)
        single = results(layer, case, "reference", torch.float32)
        ours = results(layer, case, "native", torch.float32)
        assert all(got.dtype == torch.float32 for got in ours)
        errors.append((_error(ours, exact), _error(single, exact)))
        if errors[-1][0] <= 10 * errors[-1][1] + case.tolerance:
            return
        with torch.no_grad():
            for weight in layer.parameters():
                weight.mul_(1 + 2.0**-23 * torch.randint(-1, 2, weight.shape))
    raise AssertionError(f"errors of the kernels and of the reference: {errors}")


def _error(found: list[Tensor], exact: list[Tensor]) -> float:
    """The largest difference, of each tensor in units of its own largest number, or of 1.

    NaN where there is one, which Python's own `max` might pass over.
    """
    pairs = zip(found, exact, strict=True)
    each = [_distance(got, truth) / max(1.0, _distance(truth, 0)) for got, truth in pairs]
    return float(torch.tensor(each).max())


def _distance(a: Tensor, b: Tensor | int) -> float:
    """The largest difference."""
    return float((a.double() - b).abs().max()) if a.numel() else 0.0


@pytest.mark.parametrize(("case", "noise", "training"), NORMED, ids=str)
def test_values_and_gradients(
    case: Case, noise: dict[str, Any], training: bool, poisoned_memory: None
) -> None:
    check_normed(case, noise, training)


@pytest.mark.parametrize("cell", CELLS)
def test_rounding_errors_are_no_larger_than_the_references(cell: str) -> None:
    ratios = []
    for seed in range(20):
        case = case_of(cell, steps=12, batch=3 if seed % 2 else 9, input_size=6, hidden_size=9)
        layer = normed(case)
        torch.manual_seed(seed)
        with torch.no_grad():
            layer.weight_hh_l0.add_(0.2 * torch.randn_like(layer.weight_hh_l0))
        exact = _joined(results(layer, case, "reference", torch.float64))
        single = _joined(results(layer, case, "reference", torch.float32))
        ours = _joined(results(layer, case, "native", torch.float32))
        ratios.append(_distance(ours, exact) / _distance(single, exact))
    assert median(ratios) < 2


def _joined(tensors: list[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten().double() for tensor in tensors])


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("steps", "batch", "size"), [(35, 20, 200), (2, 64, 256), (35, 5, 650)])
def test_the_sizes_of_real_work(cell: str, steps: int, batch: int, size: int) -> None:
    case = case_of(cell, steps=steps, batch=batch, input_size=size, hidden_size=size)
    check_normed(case, {}, training=True)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("lengths", ["none", "ragged"])
def test_the_forward_bits_do_not_depend_on_the_threads(cell: str, lengths: str) -> None:
    case = case_of(cell, steps=35, batch=11, hidden_size=67, input_size=33, lengths=lengths)
    layer, x = normed(case), case.input()
    outputs, grads = [], []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        for _ in range(2):
            layer.zero_grad()
            y, _ = layer(x, lengths=case.row_lengths())
            y.square().sum().backward()
            outputs.append(y.detach())
            found = [parameter.grad.flatten() for parameter in layer.parameters()]
            grads.append(torch.cat(found))
    for y in outputs[1:]:
        assert torch.equal(y, outputs[0])
    with torch.inference_mode():
        assert torch.equal(layer(x, lengths=case.row_lengths())[0], outputs[0])
    for pair in range(0, 6, 2):
        assert torch.equal(grads[pair], grads[pair + 1])  # run to run, to the bit
        assert _distance(grads[pair], grads[0]) <= 5e-6 * _distance(grads[0], 0)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
@pytest.mark.parametrize("batch", [4, 9])
def test_poison_stays_in_its_row(cell: str, poison: float, batch: int) -> None:
    case = case_of(cell, batch=batch)
    layer = normed(case)
    clean, poisoned = case.input().requires_grad_(), case.input()
    poisoned[3, 1] = poison
    poisoned.requires_grad_()
    y, after = layer(clean)[0], layer(poisoned)[0]
    y.sum().backward()
    after.sum().backward()
    others = [row for row in range(batch) if row != 1]
    assert after[3:, 1].isnan().all()
    assert torch.equal(after[:3], y[:3])
    assert torch.equal(after[:, others], y[:, others])
    assert torch.equal(poisoned.grad[:, others], clean.grad[:, others])


@pytest.mark.parametrize("cell", CELLS)
def test_steps_give_the_whole(cell: str) -> None:
    case = case_of(cell, layers=2, hidden_size=17)
    layer, x = normed(case).eval(), case.input()
    assert elman.explain(layer, x).backend == "native"
    whole, final = layer(x, state := layer.initial_state(case.batch))
    for x_t, expected in zip(x, whole, strict=True):
        y, state = layer.step(x_t, state)
        torch.testing.assert_close(y, expected, rtol=1e-5, atol=2e-5)
    for name in final:
        torch.testing.assert_close(state[name], final[name], rtol=1e-5, atol=2e-5)


def test_denormals_are_kept_outside() -> None:
    tiny = torch.full((4,), 1e-42)
    normed(case_of("lstm"))(case_of("lstm").input() * 1e-42)[0].sum().backward()
    assert (tiny * 0.5 > 0).all()


@pytest.mark.parametrize("cell", CELLS)
def test_second_derivatives_come_from_the_reference(cell: str) -> None:
    case = case_of(cell, lengths="ragged")
    layer = normed(case, zoneout=0.2, recurrent_dropout=0.3)
    found = []
    for backend in ("native", "reference"):
        x = case.input().requires_grad_()
        torch.manual_seed(9)
        with elman.use_backend(backend):  # type: ignore[arg-type]
            y, _ = layer(x, lengths=case.row_lengths())
        (first,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), [x, *layer.parameters()]))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def arguments_of(cell: str, **options: Any) -> list[Any]:
    """What the operator takes, by position."""
    case = case_of(cell, **options)
    layer = normed(case)
    state = [torch.randn(4, size, requires_grad=True) for size in layer.state_widths]
    weight = {name[:-3]: p.detach().requires_grad_() for name, p in layer.named_parameters()}
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    norms = ("norm_ih", "norm_hh", "norm_c", "norm_c_bias")
    return [
        native.KINDS.index(layer.kind),
        case.input().flatten(0, 1).requires_grad_(),
        state[0],
        state[1] if len(state) > 1 else None,
        *(weight.get(name) for name in (*names, *norms)),
        *(None, False, True, None, None, None, 0.0, 0.0),
    ]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bias", [True, False])
def test_torch_checks_the_operator(cell: str, bias: bool) -> None:
    torch.library.opcheck(torch.ops.elman.normed.default, arguments_of(cell, bias=bias))


@pytest.mark.parametrize("training", [True, False])
def test_compiled_without_graph_breaks(training: bool) -> None:
    case = case_of("lstm", bidirectional=True, hidden_size=33)
    layer, x = normed(case).train(training), case.input()
    compiled = torch.compile(lambda x: layer(x)[0], fullgraph=True, backend="aot_eager")
    y = compiled(x)
    torch.testing.assert_close(y, layer(x)[0])
    expected = torch.autograd.grad(layer(x)[0].square().sum(), list(layer.parameters()))
    found = torch.autograd.grad(y.square().sum(), list(layer.parameters()))
    for ours, theirs in zip(found, expected, strict=True):
        assert _distance(ours, theirs) <= 1e-5 * max(1.0, _distance(theirs, 0))


def test_frozen_weights_and_vmap() -> None:
    layer = normed(case_of("gru")).requires_grad_(False)
    x = case_of("gru").input().requires_grad_()
    backward(*layer(x))
    assert x.grad is not None
    many = torch.randn(3, 7, 4, 3)
    y = torch.func.vmap(lambda one: layer(one)[0])(many)
    torch.testing.assert_close(y[1], layer(many[1])[0], rtol=1e-5, atol=1e-5)


def test_a_wrong_call_is_refused_and_never_crashes() -> None:
    good = arguments_of("lstm")
    torch.ops.elman.normed(*good)
    wrong: list[tuple[int, Any]] = [
        (0, 9),
        (1, torch.randn(28, 4)),
        (3, None),
        (4, torch.randn(20, 4)),
        (6, None),
        (8, torch.randn(5, 4)),
        (9, torch.randn(19)),
        (9, torch.randn(20).double()),
        (10, torch.randn(40)[::2]),
        (11, None),
        (12, torch.randn(4)),
        (13, torch.tensor([4, 4, 5])),
    ]
    for place, value in wrong:
        with pytest.raises(RuntimeError):
            torch.ops.elman.normed(*good[:place], value, *good[place + 1 :])
