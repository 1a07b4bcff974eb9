import numpy as np
import pytest
import torch

from benchmarks.speed.cells import Cell
from benchmarks.speed.problem import difference, draw, expected


def test_what_is_expected_is_what_torch_computes() -> None:
    cell = Cell("LSTM", "train", 4, 3, 2, 5, layers=2)
    arrays = draw(cell)
    layer = torch.nn.LSTM(2, 5, 2)
    layer.load_state_dict({name: torch.from_numpy(arrays[name]) for name in layer.state_dict()})
    x = torch.from_numpy(arrays["x"]).requires_grad_()
    y, _ = layer(x)
    y.backward(torch.from_numpy(arrays["dy"]))
    found = {"y": y, "x": x.grad, **{name: p.grad for name, p in layer.named_parameters()}}
    plain = {name: value.detach().numpy() for name, value in found.items()}
    assert difference(plain, expected(cell, arrays), "fp32") is None


def test_ragged_rows_are_drawn_as_full_ones_and_end_earlier() -> None:
    cell = Cell("GRU", "train", 6, 4, 2, 3, ragged=True)
    full = Cell("GRU", "train", 6, 4, 2, 3)
    arrays = draw(cell)
    assert all((array == draw(full)[name]).all() for name, array in arrays.items())
    found = expected(cell, arrays)
    for row, length in enumerate(cell.lengths):
        assert not found["y"][length:, row].any()
        assert not found["x"][length:, row].any()
        assert found["x"][:length, row].all()


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_step_takes_and_gives_the_memory(kind: str) -> None:
    cell = Cell(kind, "step", 1, 3, 2, 4)
    arrays = draw(cell)
    found = expected(cell, arrays)
    assert set(found) == {"y", *cell.state_names}
    other = expected(cell, arrays | {"h": arrays["h"] + 1})
    assert difference(other, found, "fp32")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda a: a.pop("y"), "y is missing"),
        (lambda a: a.update(y=a["y"].T), "y is (2, 3), not (3, 2)"),
        (lambda a: a["y"].__setitem__((0, 0), 1.001), "y is off by"),
        (lambda a: a["y"].__setitem__((0, 0), np.nan), "y is off by nan"),
        (lambda a: a["bias_hh_l0"].__setitem__(0, 2), "bias_hh_l0 is off"),
    ],
)
def test_what_is_wrong_is_told(change, complaint) -> None:
    right = {"y": np.ones((3, 2)), "bias_hh_l0": np.ones(3)}
    found = {name: array.copy() for name, array in right.items()}
    assert difference(found, right, "fp32") is None
    change(found)
    assert complaint in (difference(found, right, "fp32") or "")


def test_a_second_bias_may_be_missing() -> None:
    right = {"y": np.ones(2), "bias_hh_l0": np.ones(3)}
    assert difference({"y": np.ones(2)}, right, "fp32") is None
