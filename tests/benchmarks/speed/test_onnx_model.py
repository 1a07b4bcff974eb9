"""The gate orders of ONNX, by the equations of its operators written out in NumPy."""

from typing import Any

import numpy as np
import pytest

from benchmarks.speed.cells import Cell, Kind
from benchmarks.speed.contract import Problem
from benchmarks.speed.onnx_model import reordered, weights
from benchmarks.speed.problem import draw, expected


def sigmoid(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def by_the_operator(kind: str, x: Any, w: Any, r: Any, b: Any) -> Any:
    """y (T, B, H), as the specification of ONNX has it, from W (G * H, I), R and B = [Wb, Rb]."""
    hidden = r.shape[1]
    w_bias, r_bias = np.split(b, 2)
    h = c = np.zeros((x.shape[1], hidden))
    y = []
    for x_t in x:
        u, v = x_t @ w.T + w_bias, h @ r.T + r_bias
        if kind == "RNN":
            h = np.tanh(u + v)
        elif kind == "LSTM":
            i, o, f, g = np.split(u + v, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (u_z, u_r, u_h), (v_z, v_r, v_h) = (np.split(a, 3, axis=1) for a in (u, v))
            z, r_gate = sigmoid(u_z + v_z), sigmoid(u_r + v_r)
            h = (1 - z) * np.tanh(u_h + r_gate * v_h) + z * h
        y.append(h)
    return np.stack(y)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_the_operator_gives_what_torch_gives(kind: Kind) -> None:
    cell = Cell(kind, "infer", 4, 3, 2, 5)
    arrays = draw(cell)
    given = weights(Problem(cell, "fp32", 1, arrays))
    y = by_the_operator(kind, arrays["x"], given["W"][0], given["R"][0], given["B"][0])
    np.testing.assert_allclose(y, expected(cell, arrays)["y"], rtol=1e-6, atol=1e-7)


def test_gates_move_whole() -> None:
    torch_order = np.repeat([10, 20, 30, 40], 2)  # i, f, g, o
    assert reordered("LSTM", torch_order).tolist() == [10, 10, 40, 40, 20, 20, 30, 30]
    assert reordered("GRU", torch_order[:6]).tolist() == [20, 20, 10, 10, 30, 30]
