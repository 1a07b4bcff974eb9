"""The GRU's gates by hand: which one keeps the state, and which reset it."""

from __future__ import annotations

import pytest
import torch

import elman


def made(**options: float) -> elman.GRU:
    torch.manual_seed(0)
    return elman.GRU(2, 3, dtype=torch.float64, **options)  # type: ignore[arg-type]


def test_the_forget_bias_is_that_of_the_gate_that_keeps_the_state() -> None:
    layer = made(forget_bias=50.0)
    begin = torch.randn(1, 4, 3, dtype=torch.float64)
    _, end = layer(torch.randn(9, 4, 2, dtype=torch.float64), begin)
    torch.testing.assert_close(end, begin)
    reset, keep, new = (layer.bias_ih_l0 + layer.bias_hh_l0).detach().chunk(3)
    assert (keep == 50).all()
    assert (torch.cat([reset, new]).abs() < 2).all()


def test_a_step_by_hand() -> None:
    """Cho et al. 2014, with the reset after the product with V."""
    layer = made()
    x, h = torch.randn(4, 2, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    w, v = layer.weight_ih_l0, layer.weight_hh_l0
    wr, wz, wn = (x @ w.T + layer.bias_ih_l0).chunk(3, dim=1)
    vr, vz, vn = (h @ v.T + layer.bias_hh_l0).chunk(3, dim=1)
    z = torch.sigmoid(wz + vz)
    expected = (1 - z) * torch.tanh(wn + torch.sigmoid(wr + vr) * vn) + z * h
    found, _ = layer(x[None], h[None])
    torch.testing.assert_close(found[0], expected)


def test_it_has_no_projection() -> None:
    with pytest.raises(ValueError, match="proj_size"):
        made(proj_size=2)
