"""The ONNX model of a layer, by the equations of its operators written out in NumPy."""

import numpy as np
import pytest

from benchmarks.speed.cells import Cell, Kind
from benchmarks.speed.contract import Problem
from benchmarks.speed.onnx_model import weights
from benchmarks.speed.problem import draw, expected
from elman.layers.gate_order import ATTRIBUTES
from tests.layers.test_gate_order import onnx_operator


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_the_operator_gives_what_torch_gives(kind: Kind) -> None:
    cell = Cell(kind, "infer", 4, 3, 2, 5)
    arrays = draw(cell)
    w, r, b = (given[0] for given in weights(Problem(cell, "fp32", 1, arrays)).values())
    y = onnx_operator(kind, arrays["x"], w, r, b, **ATTRIBUTES[kind])
    np.testing.assert_allclose(y, expected(cell, arrays)["y"], rtol=1e-6, atol=1e-7)
