"""What a layer prints: its sizes, and each option that is not torch's default."""

from __future__ import annotations

import pytest

import elman


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, ""),
        ({"num_layers": 2, "bidirectional": True}, ", num_layers=2, bidirectional=True"),
        ({"proj_size": 2, "bias": False}, ", proj_size=2, bias=False"),
        ({"batch_first": True, "layer_norm": True}, ", batch_first=True, layer_norm=True"),
        ({"forget_bias": 1.0, "init": "orthogonal"}, ", init=orthogonal, forget_bias=1.0"),
        ({"zoneout": 0.1, "recompute": True}, ", recompute=True, zoneout="),
    ],
)
def test_a_layer_is_shown_with_what_is_not_the_default(
    options: dict[str, object], shown: str
) -> None:
    text = repr(elman.LSTM(3, 4, **options))  # type: ignore[arg-type]
    assert text.startswith(f"LSTM(3, 4{shown}")
    assert shown or text == "LSTM(3, 4)"
