"""What torch's tools make of our layers: jit, fx, export, quantization; and arguments of NumPy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import elman

LAYERS = ["RNN", "GRU", "LSTM"]
OPTIONS: list[dict[str, Any]] = [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}]
# The tools are deprecated in favor of one another, and say so.
pytestmark = pytest.mark.filterwarnings(
    *(f"ignore:(?s).*deprecated:{kind}" for kind in ("DeprecationWarning", "FutureWarning")),
    "ignore:torch.quantize_per_tensor:UserWarning",
)


@pytest.mark.fault(39)
@pytest.mark.parametrize("options", OPTIONS, ids=["plain", "all"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_trace_computes_the_same_at_another_length(name: str, options: dict[str, Any]) -> None:
    layer = getattr(elman, name)(4, 6, **options).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        traced = torch.jit.trace(layer, torch.randn(5, 2, 4))
    x = torch.randn(9, 3, 4)
    torch.testing.assert_close(traced(x), layer(x))
    assert "elman::" not in str(traced.inlined_graph)


@pytest.mark.fault(21)
@pytest.mark.parametrize("name", ["RNNCell", "GRUCell", "LSTMCell"])
def test_a_traced_cell(name: str) -> None:
    cell, x = getattr(elman, name)(4, 6), torch.randn(3, 4)
    torch.testing.assert_close(torch.jit.trace(cell, x)(x), cell(x))


@pytest.mark.fault(39)
@pytest.mark.parametrize("name", LAYERS)
def test_scripted(name: str) -> None:
    layer, x = getattr(elman, name)(4, 6), torch.randn(5, 3, 4)
    scripted = torch.jit.script(nn.Sequential(layer))
    torch.testing.assert_close(scripted(x), layer(x))
    with pytest.raises(ValueError, match=r"torch\.nn has no layer_norm"):
        torch.jit.script(getattr(elman, name)(4, 6, layer_norm=True))


@pytest.mark.fault(39)
@pytest.mark.parametrize("options", [*OPTIONS, {"layer_norm": True}], ids=["plain", "all", "norm"])
@pytest.mark.parametrize("name", LAYERS)
def test_exported(name: str, options: dict[str, Any]) -> None:
    layer, x = nn.Sequential(getattr(elman, name)(4, 6, **options)).eval(), torch.randn(5, 3, 4)
    program = torch.export.export(layer, (x,))
    torch.testing.assert_close(program.module()(x), layer(x))
    assert not [node for node in program.graph.nodes if "elman." in str(node.target)]


@pytest.mark.fault(21)
@pytest.mark.parametrize("name", LAYERS)
def test_in_a_graph_of_fx_a_layer_is_one_node(name: str) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = getattr(elman, name)(4, 6), nn.Linear(6, 2)

        def forward(self, x: torch.Tensor, h: Any) -> torch.Tensor:
            result: torch.Tensor = self.out(self.rnn(x, h)[0])
            return result

    model, x, h = Model(), torch.randn(5, 3, 4), torch.randn(1, 3, 6)
    state = (h, h) if name == "LSTM" else h
    traced = torch.fx.symbolic_trace(model)
    assert [node.op for node in traced.graph.nodes].count("call_module") == 2
    torch.testing.assert_close(traced(x, state), model(x, state))


@pytest.mark.fault(39)
@pytest.mark.remedy
def test_quantization_says_what_to_do_and_it_works() -> None:
    def quantized(model: nn.Module) -> nn.Module:
        known = {nn.LSTM, elman.LSTM}
        return torch.ao.quantization.quantize_dynamic(model, known, dtype=torch.qint8)

    with pytest.warns(UserWarning, match=r"elman.LSTM is left .*elman.convert\(model, to=\"torch"):
        left = quantized(nn.Sequential(elman.LSTM(4, 6)))
    assert isinstance(left[0], elman.LSTM)
    converted = elman.convert(nn.Sequential(elman.LSTM(4, 6)), to="torch")
    done = quantized(converted)
    assert type(done[0]) is torch.ao.nn.quantized.dynamic.LSTM


@pytest.mark.fault(21)
def test_arguments_of_numpy() -> None:
    assert elman.LSTM(4, 6, 2, dropout=np.float32(0.5)).dropout == 0.5
    assert elman.GRU(4, 6, zoneout=np.float64(0.25)).zoneout == (0.25,)
    assert elman.GRU(4, 6, recurrent_dropout=np.float32(0.25)).recurrent_dropout == 0.25
    with pytest.raises(TypeError, match=r"LSTM: expected a tensor .* got ndarray; .*as_tensor"):
        elman.LSTM(4, 6)(np.zeros((5, 3, 4), np.float32))
