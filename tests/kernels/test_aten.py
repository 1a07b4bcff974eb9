"""The torch backend where torch's own call would not do."""

import pytest
import torch

import elman


@pytest.mark.parametrize("layer", [elman.RNN, elman.GRU, elman.LSTM])
@pytest.mark.parametrize("with_state", [True, False])
@pytest.mark.parametrize("lengths", [None, [3, 1, 2]])
def test_autocast_on_any_cpu(layer: type, with_state: bool, lengths: list[int] | None) -> None:
    torch.manual_seed(0)
    module = layer(4, 5, num_layers=2)
    x = torch.randn(3, 3, 4, requires_grad=True)
    state = module.initial_state(3) if with_state else None
    expected, _ = module(x, state, lengths=lengths)
    with torch.autocast("cpu", torch.bfloat16), elman.use_backend("torch"):
        y, _ = module(x, state, lengths=lengths)
    torch.testing.assert_close(y.float(), expected, rtol=0.05, atol=0.02)
    y.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in module.parameters())
