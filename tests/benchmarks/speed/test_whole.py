"""A step is taken with either backend from the same weights, and its operators fall into parts."""

from __future__ import annotations

import pytest

from benchmarks.speed.whole import part_of


@pytest.mark.parametrize(
    ("operator", "part"),
    [
        ("elman::recurrence", "recurrence, forward"),
        ("elman::recurrence_backward", "recurrence, backward"),
        ("aten::mkldnn_rnn_layer_backward", "recurrence, backward"),
        ("aten::embedding_dense_backward", "embedding"),
        ("aten::_fused_adamw_", "optimizer and clipping"),
        ("aten::mm", "read-out and loss"),
        ("aten::mul", None),
    ],
)
def test_an_operator_belongs_to_one_part(operator: str, part: str | None) -> None:
    assert part_of(operator) == part
