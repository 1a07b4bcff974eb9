"""What our layers take beyond torch's, each against a formula of its own."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.nn import functional

import elman
from elman.layers.regularize import LockedDropout, bernoulli, dropout_mask
from tests.cases import CELLS, Case


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_every_extra_trains_in_every_cell(cell: str, layers: int, bidirectional: bool) -> None:
    case = Case(cell=cell, layers=layers, bidirectional=bidirectional, lengths="ragged")
    extras: dict[str, Any] = {
        "layer_norm": True,
        "zoneout": 0.2,
        "recurrent_dropout": 0.3,
        "weight_dropout": 0.3,
        "learn_initial_state": True,
    }
    if not cell.startswith("rnn"):
        extras["forget_bias"] = 1.0
    layer = case.ours(**extras, init="orthogonal")
    y, _ = layer(case.input(), lengths=case.row_lengths())
    y.square().sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        if case.steps > 1 and name != "initial_c":
            assert parameter.grad.isfinite().all(), name
    layer.eval()
    x = case.input()
    assert torch.equal(layer(x)[0], layer(x)[0])  # no noise once trained


def test_layer_norm_lstm_is_ba_2016() -> None:
    layer = Case(cell="lstm").ours(layer_norm=True)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith("norm"):
                parameter.uniform_(0.5, 1.5)
    x, width = Case().input(), 5
    p = dict(layer.named_parameters())
    h = c = x.new_zeros(4, width)
    for x_t in x:
        u = functional.layer_norm(x_t @ p["weight_ih_l0"].T, (20,)) * p["norm_ih_l0"]
        v = functional.layer_norm(h @ p["weight_hh_l0"].T, (20,)) * p["norm_hh_l0"]
        i, f, g, o = (u + v + p["bias_ih_l0"] + p["bias_hh_l0"]).split(width, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        inner = functional.layer_norm(c, (width,)) * p["norm_c_l0"] + p["norm_c_bias_l0"]
        h = o.sigmoid() * inner.tanh()
    _, (h_n, c_n) = layer(x)
    torch.testing.assert_close(h_n[0], h)
    torch.testing.assert_close(c_n[0], c)


def test_zoneout_keeps_units_while_training_and_mixes_afterwards() -> None:
    layer = Case(cell="lstm", hidden_size=64).ours(zoneout=(0.5, 0.1))
    plain = Case(cell="lstm", hidden_size=64).ours()
    x = Case().input()
    begin = elman.State.of(
        layer, (torch.ones(1, 4, 64).double() * 9, torch.ones(1, 4, 64).double() * 9)
    )
    _, trained = layer(x[:1], begin)
    kept_h, kept_c = ((trained[name] == 9).double().mean() for name in "hc")
    assert 0.4 < kept_h < 0.6
    assert 0.03 < kept_c < 0.2
    layer.eval()
    _, mixed = layer(x[:1], begin)
    _, new = plain(x[:1], begin)
    torch.testing.assert_close(mixed["h"], 0.5 * begin["h"] + 0.5 * new["h"])
    torch.testing.assert_close(mixed["c"], 0.1 * begin["c"] + 0.9 * new["c"])


def test_zoneout_draws_a_mask_at_every_step() -> None:
    layer = Case(cell="rnn", hidden_size=256, steps=30).ours(zoneout=0.5)
    y, _ = layer(Case(steps=30).input())
    kept = y[1:] == y[:-1]
    assert kept.any(0).float().mean() > 0.95  # each unit is kept at some step
    assert not kept.all(0).any()  # and none at all of them


def test_recurrent_dropout_is_gal_2016() -> None:
    """h before V times one mask a row, the same at every step: read off an RNN that copies h."""
    layer = Case(cell="rnn-relu", hidden_size=64).ours(recurrent_dropout=0.5)
    with torch.no_grad():
        layer.weight_ih_l0.zero_()
        layer.weight_hh_l0.copy_(torch.eye(64))
        layer.bias_ih_l0.zero_()
        layer.bias_hh_l0.zero_()
    begin = torch.ones(1, 4, 64, dtype=torch.float64)
    y, _ = layer(torch.randn(5, 4, 3, dtype=torch.float64), begin)
    mask = y[0]
    assert set(mask.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(mask[0], mask[1])
    for t in range(5):
        assert torch.equal(y[t], mask ** (t + 1))


def test_weight_dropout_drops_weights_of_v_and_leaves_the_parameter() -> None:
    layer = Case(cell="gru").ours(weight_dropout=0.5)
    before = {name: p.clone() for name, p in layer.named_parameters()}
    x = Case().input()
    y, _ = layer(x)
    again, _ = layer(x)
    assert not torch.equal(y, again)
    y.sum().backward()
    dead = (layer.weight_hh_l0.grad == 0).double().mean()
    assert 0.25 < dead < 0.75
    assert all(torch.equal(before[name], p) for name, p in layer.named_parameters())
    assert elman.explain(layer, Case().input()).backend == "torch"  # laid on V before the kernel


@pytest.mark.parametrize(("cell", "gate", "gates"), [("lstm", 1, 4), ("gru", 1, 3)])
def test_forget_bias(cell: str, gate: int, gates: int) -> None:
    layer = Case(cell=cell, layers=2, bidirectional=True).ours(forget_bias=1.5)
    for weights in layer.all_weights:
        total = weights[2] + weights[3]
        assert (total.chunk(gates)[gate] == 1.5).all()
        assert (total.chunk(gates)[0] != 1.5).any()


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3)])
def test_chrono_start(cell: str, gates: int) -> None:
    """The time that a gate at rest keeps for, 1 / (1 - sigmoid(b)) = 1 + e^b, is uniform."""
    layer = Case(cell=cell, hidden_size=900).ours(chrono=400.0)
    blocks = (layer.bias_ih_l0 + layer.bias_hh_l0).detach().chunk(gates)
    times = 1 + blocks[1].exp()
    assert times.min() > 2 - 1e-6
    assert times.max() < 400 + 1e-3
    for part in (0.1, 0.5, 0.9):
        assert float(times.quantile(part)) == pytest.approx(2 + 398 * part, abs=15)
    if cell == "lstm":
        assert torch.equal(blocks[0], -blocks[1])
    free = blocks[2:] if cell == "lstm" else (blocks[0], blocks[2])
    assert all(block.abs().max() < 2 / 30 for block in free)


def test_orthogonal_and_identity_starts() -> None:
    eye = torch.eye(5, dtype=torch.float64)
    for block in Case(cell="lstm").ours(init="orthogonal").weight_hh_l0.chunk(4):
        torch.testing.assert_close(block @ block.T, eye)
    relu = Case(cell="rnn-relu").ours(init="identity")
    assert torch.equal(relu.weight_hh_l0, eye)
    assert not relu.bias_hh_l0.any()


def test_learned_initial_state_is_where_rows_begin() -> None:
    layer = Case(cell="lstm").ours(learn_initial_state=True)
    with torch.no_grad():
        layer.initial_h.normal_()
        layer.initial_c.normal_()
    state = layer.initial_state(4)
    assert torch.equal(state["h"][:, 2], layer.initial_h)
    free, _ = layer(Case().input())
    begun, _ = layer(Case().input(), state)
    assert torch.equal(free, begun)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zoneout": 1.0},
        {"zoneout": (0.1, 0.1, 0.1)},
        {"recurrent_dropout": -0.1},
        {"weight_dropout": True},
        {"init": "xavier"},
        {"init": "identity"},
        {"forget_bias": 1.0, "bias": False},
        {"chrono": 9.0, "bias": False},
        {"chrono": 2.0},
        {"chrono": math.inf},
        {"chrono": 9.0, "forget_bias": 1.0},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        elman.LSTM(3, 5, **wrong)


@pytest.mark.parametrize("name", ["forget_bias", "chrono"])
def test_an_rnn_has_no_gate_that_keeps(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} .* no gates"):
        elman.RNN(3, 5, **{name: 3.0})


def test_step_refuses_to_draw_noise() -> None:
    layer = elman.GRU(3, 5, zoneout=0.1)
    with pytest.raises(ValueError, match=r"eval\(\)"):
        layer.step(torch.randn(2, 3), layer.initial_state(2))


def test_locked_dropout_keeps_its_mask_over_time() -> None:
    y = LockedDropout(0.5)(torch.ones(6, 3, 40))
    assert torch.equal(y, y[:1].expand_as(y))
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(y[0, 0], y[0, 1])
    layer = LockedDropout(0.5).eval()
    assert torch.equal(layer(y), y)


def test_masks_are_made_on_the_device_of_what_they_mask() -> None:
    on = torch.empty(5, 3, device="meta")
    assert bernoulli((5, 3), 0.5, on.device).device == on.device
    assert dropout_mask((5, 3), 0.5, on).device == on.device


def test_a_mask_on_a_cpu_takes_a_quarter_of_a_word_for_each_decision() -> None:
    torch.manual_seed(0)
    mask = bernoulli((1000, 7), 0.25, torch.device("cpu"))
    after = torch.rand(1)
    torch.manual_seed(0)
    torch.empty(1750, dtype=torch.int64).random_(-(2**63), None)
    assert after == torch.rand(1)
    assert abs(mask.float().mean() - 0.25) < 0.02
    kept = dropout_mask((10_000,), 0.2, torch.empty(1))
    assert set(kept.unique().tolist()) == {0.0, kept.max().item()}
    assert kept.max().item() == pytest.approx(1 / 0.8, rel=1e-4)
