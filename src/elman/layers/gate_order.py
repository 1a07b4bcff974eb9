"""The order of gates in stacked weights (G * H, …), in torch and in ONNX.

    torch   LSTM i f g o    GRU r z n    weight_ih, weight_hh, bias_ih, bias_hh
    ONNX    LSTM i o f c    GRU z r h    W, R, B = [Wb, Rb]

ONNX's c and h are torch's g and n. The functions return row indices, so they serve arrays of any
library: ``weight[to_onnx("LSTM", 128)]``. Legend: G gates, H hidden.

Source: https://onnx.ai/onnx/operators (LSTM, GRU, RNN).
"""

from __future__ import annotations

TORCH = {"RNN": ("h",), "GRU": ("r", "z", "n"), "LSTM": ("i", "f", "g", "o")}
ONNX = {"RNN": ("h",), "GRU": ("z", "r", "n"), "LSTM": ("i", "o", "f", "g")}
"""The gates of ONNX's operators, in torch's names."""

ATTRIBUTES: dict[str, dict[str, int]] = {"RNN": {}, "GRU": {"linear_before_reset": 1}, "LSTM": {}}
"""Attributes with which ONNX's operators compute what torch computes.

ONNX's GRU applies the reset gate before the product with V by default, torch's after it.
"""


def to_onnx(kind: str, hidden_size: int) -> list[int]:
    """The rows of torch's stacked weights in the order of ONNX; `kind` is RNN, GRU or LSTM."""
    return _rows(TORCH[kind], ONNX[kind], hidden_size)


def to_torch(kind: str, hidden_size: int) -> list[int]:
    """The rows of ONNX's stacked weights in the order of torch."""
    return _rows(ONNX[kind], TORCH[kind], hidden_size)


def _rows(stored: tuple[str, ...], wanted: tuple[str, ...], hidden_size: int) -> list[int]:
    starts = [stored.index(gate) * hidden_size for gate in wanted]
    return [start + unit for start in starts for unit in range(hidden_size)]
