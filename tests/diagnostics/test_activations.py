"""Ranges, orders and names of panels."""

import numpy as np
import pytest
import torch

from elman.diagnostics.activations import BY_CHANGE, BY_TIME_CONSTANT, panels_of
from elman.diagnostics.trace import Trace
from elman.errors import RunFailed
from tests.diagnostics.example_activations import example


def lstm_like() -> Trace:
    """Two rows; in row 1 unit 2 moves most, then 0, then 1; unit 1 keeps longest, then 2, 0."""
    steps = torch.arange(6.0)[:, None, None]
    h = torch.sin(steps * torch.tensor([1.0, 0.1, 2.0])) * torch.tensor([[[0.0], [0.5]]])
    keep = torch.tensor([0.1, 0.9, 0.5]).expand(6, 2, 3)
    return Trace(
        {"h": h, "c": 30 * h}, {"forget": keep, "output": keep, "candidate": h}, keep="forget"
    )


def test_panels_of_a_layer() -> None:
    panels = panels_of(
        {"layers.0": lstm_like(), "layers.1": Trace({"h": lstm_like().states["h"]}, {})}
    )
    own = [(p.layer, p.key, p.is_gate) for p in panels]
    assert own == [
        ("layer 0", "h", False),
        ("layer 0", "c", False),
        ("layer 0", "forget", True),
        ("layer 0", "output", True),
        ("layer 0", "candidate", False),
        ("layer 1", "h", False),
    ]
    assert [p.name for p in panels[:3]] == ["hidden state", "cell state", "forget gate"]


def test_one_row_from_a_step_on() -> None:
    trace = lstm_like()
    panels = panels_of({"": trace}, row=1, begin=2)
    c = panels[1]
    np.testing.assert_array_equal(c.values, trace.states["c"][2:, 1].numpy())
    assert c.high == -c.low == np.abs(c.values).max()
    assert (panels[2].low, panels[2].high) == (0, 1)
    assert (panels[4].low, panels[4].high) == (-1, 1)


def test_orders() -> None:
    for panel in panels_of({"": lstm_like()}, row=1):
        assert panel.order(BY_TIME_CONSTANT).tolist() == [0, 2, 1]
        assert panel.order(BY_CHANGE).tolist() == [2, 0, 1]
        assert panel.order("as it stands").tolist() == [0, 1, 2]


def test_a_projection_has_an_order_of_its_own() -> None:
    whole = lstm_like()
    projected = Trace(
        {"h": whole.states["h"][..., :2], "c": whole.states["c"]}, whole.gates, "forget"
    )
    h, c, *_ = panels_of({"": projected}, row=1)
    assert BY_TIME_CONSTANT not in h.orders
    assert h.time_constants is None
    assert h.order(BY_CHANGE).tolist() == [0, 1]
    assert c.order(BY_TIME_CONSTANT).tolist() == [0, 2, 1]


def test_eight_bits_keep_the_ends_and_the_sign() -> None:
    panel = example(["a"] * 50).panels[0]
    q = panel.quantized().astype(int)
    assert q.dtype == int
    np.testing.assert_array_equal(q > 127, panel.values > 0)
    values = np.array([[-2, 2, 0.004]], np.float32)
    object.__setattr__(panel, "values", values)
    assert panel.quantized().tolist() == [[0, 255, 128]]


def test_what_comes_next() -> None:
    given = example(["a", "b"])
    assert [one.label for one in given.expected_after(0)] == ["b", "b"]
    assert given.expected_after(1) == given.expected
    assert given.layers == ["layer 0"]


def test_a_state_that_is_no_number() -> None:
    broken = Trace({"h": torch.tensor([[[0.0, float("nan")]]])}, {})
    with pytest.raises(RunFailed, match="layer 0: h is not a finite number"):
        panels_of({"": broken})


def test_a_single_step() -> None:
    (panel,) = panels_of({"": Trace({"h": torch.tensor([[[0.1, -0.5, 0.0]]])}, {})})
    assert panel.order(BY_CHANGE).tolist() == [1, 0, 2]
