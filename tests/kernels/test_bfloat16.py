"""bfloat16 in and out, float32 between: nothing is rounded but what comes in and what leaves."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

import elman

LAYERS = {"rnn": elman.RNN, "gru": elman.GRU, "lstm": elman.LSTM}
SHAPES = [(5, 3, 4, 7), (12, 20, 33, 40), (1, 2, 8, 8)]  # T, B, I, H


def flat(out: object) -> list[Tensor]:
    return [out] if isinstance(out, Tensor) else [t for part in out for t in flat(part)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("lengths", [False, True], ids=["whole", "ragged"])
def test_it_is_the_float32_result_rounded_once(
    kind: str, shape: tuple[int, int, int, int], lengths: bool
) -> None:
    steps, batch, inputs, hidden = shape
    torch.manual_seed(0)
    lower = LAYERS[kind](inputs, hidden, 2, bidirectional=lengths, dtype=torch.bfloat16)
    upper = copy.deepcopy(lower).float()
    x = torch.randn(steps, batch, inputs, dtype=torch.bfloat16, requires_grad=True)
    wide = x.detach().float().requires_grad_()
    given = {"lengths": torch.arange(batch) % (steps + 1)} if lengths else {}
    assert elman.explain(lower, x).backend == "native"

    found, expected = flat(lower(x, **given)), flat(upper(wide, **given))
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == torch.bfloat16
        assert torch.equal(ours, theirs.bfloat16())

    weight = torch.randn_like(expected[0]).bfloat16()
    found[0].backward(weight)
    expected[0].backward(weight.float())
    pairs = zip((x, *lower.parameters()), (wide, *upper.parameters()), strict=True)
    for ours, theirs in pairs:
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.equal(ours.grad, theirs.grad.bfloat16())


@pytest.mark.parametrize("kind", LAYERS)
def test_it_agrees_with_torch_to_the_precision_of_bfloat16(kind: str) -> None:
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind.upper())(16, 24, dtype=torch.bfloat16)
    ours = elman.convert(copy.deepcopy(theirs))
    x = torch.randn(20, 9, 16, dtype=torch.bfloat16)
    for a, b in zip(flat(ours(x)), flat(theirs(x)), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0.03)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_step_is_the_first_of_a_sequence(kind: str) -> None:
    layer = LAYERS[kind](6, 10, dtype=torch.bfloat16)
    x = torch.randn(1, 3, 6, dtype=torch.bfloat16)
    y, state = layer.step(x[0], layer.initial_state(3))
    whole, final = layer(x, layer.initial_state(3))
    assert y.dtype == state["h"].dtype == torch.bfloat16
    torch.testing.assert_close(y, whole[0], rtol=0, atol=0.01)
    torch.testing.assert_close(state["h"], final["h"], rtol=0, atol=0.01)
