"""The gate orders of ONNX, by the equations of its operators written out in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import elman
from elman.layers import gate_order


def sigmoid(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def onnx_operator(
    kind: str, x: Any, w: Any, r: Any, b: Any, *, linear_before_reset: int = 0
) -> Any:
    """y (T, B, H) as ONNX specifies it, from W (G * H, I), R (G * H, H) and B = [Wb, Rb]."""
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
            z, reset = sigmoid(u_z + v_z), sigmoid(u_r + v_r)
            if linear_before_reset:
                candidate = np.tanh(u_h + reset * v_h)
            else:
                candidate = np.tanh(u_h + (reset * h) @ r[2 * hidden :].T + r_bias[2 * hidden :])
            h = (1 - z) * candidate + z * h
        y.append(h)
    return np.stack(y)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_the_operator_of_onnx_gives_what_the_layer_gives(kind: str) -> None:
    layer = getattr(elman, kind)(3, 5, dtype=torch.float64)
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    rows = gate_order.to_onnx(kind, 5)
    ih, hh, bias_ih, bias_hh = (p.detach().numpy()[rows] for p in layer.parameters())
    bias = np.concatenate([bias_ih, bias_hh])
    attributes = gate_order.ATTRIBUTES[kind]
    y = onnx_operator(kind, x.numpy(), ih, hh, bias, **attributes)
    np.testing.assert_allclose(y, layer(x)[0].detach().numpy(), rtol=1e-10, atol=1e-10)
    if attributes:
        y = onnx_operator(kind, x.numpy(), ih, hh, bias)
        assert not np.allclose(y, layer(x)[0].detach().numpy(), atol=1e-3)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_there_and_back(kind: str) -> None:
    weight = torch.randn(len(gate_order.TORCH[kind]) * 3, 2)
    there, back = gate_order.to_onnx(kind, 3), gate_order.to_torch(kind, 3)
    assert torch.equal(weight[there][back], weight)


def test_the_table() -> None:
    weight = np.repeat([10, 20, 30, 40], 2)  # i f g o; r z n
    assert weight[gate_order.to_onnx("LSTM", 2)].tolist() == [10, 10, 40, 40, 20, 20, 30, 30]
    assert weight[:6][gate_order.to_onnx("GRU", 2)].tolist() == [20, 20, 10, 10, 30, 30]
