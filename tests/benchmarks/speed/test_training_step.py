"""Every operator of a training step falls into one part."""

from __future__ import annotations

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

import elman
from benchmarks.speed.training_step import OPERATORS, part_of, registered_operators


@pytest.mark.parametrize(
    ("operator", "part"),
    [
        ("elman::recurrence", "recurrence, forward"),
        ("elman::recurrence_backward", "recurrence, backward"),
        ("elman::stack", "recurrence, forward"),
        ("elman::stack_backward", "recurrence, backward"),
        ("aten::mkldnn_rnn_layer_backward", "recurrence, backward"),
        ("aten::embedding_dense_backward", "embedding"),
        ("aten::_fused_adamw_", "optimizer and clipping"),
        ("aten::mm", "read-out and loss"),
        ("aten::mul", None),
    ],
)
def test_an_operator_belongs_to_one_part(operator: str, part: str | None) -> None:
    assert part_of(operator) == part


def test_no_operator_of_ours_is_missing() -> None:
    ours = registered_operators()
    assert {"elman::stack", "elman::single", "elman::recurrence", "elman::normed"} <= set(ours)
    table = {name for names in OPERATORS.values() for name in names}
    assert set(ours) <= table
    for name in ours:
        direction = "backward" if name.endswith("_backward") else "forward"
        assert part_of(name) == f"recurrence, {direction}"


@pytest.mark.parametrize("options", [{}, {"layer_norm": True}, {"bidirectional": True}], ids=str)
def test_what_a_layer_calls_is_the_recurrence(options: dict[str, bool]) -> None:
    layer, x = elman.LSTM(3, 5, **options), torch.randn(4, 2, 3)  # type: ignore[arg-type]
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        torch.autograd.backward(layer(x)[0].sum())
    called = {event.key for event in profiler.key_averages() if event.key.startswith("elman::")}
    assert {part_of(name) for name in called} == {"recurrence, forward", "recurrence, backward"}
