"""Layers swapped inside any model, and back."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import elman


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 6)
        self.rnns = nn.ModuleList([nn.LSTM(6, 8, 2, dropout=0.1), nn.GRU(8, 8, batch_first=True)])
        self.last = nn.RNN(8, 4, nonlinearity="relu", bias=False, bidirectional=True)
        self.again = self.last

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x, _ = self.rnns[0](self.embed(ids))
        x, _ = self.rnns[1](x)
        x, _ = self.last(x)
        return x


def test_there_and_back() -> None:
    model = Model().eval()
    ids = torch.randint(10, (7, 3))
    before, parameters = model(ids), list(model.parameters())
    names = list(model.state_dict())

    assert elman.convert(model) is model
    assert [type(layer) for layer in model.rnns] == [elman.LSTM, elman.GRU]
    assert model.again is model.last
    assert model.rnns[0].dropout == 0.1
    assert list(model.state_dict()) == names
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    torch.testing.assert_close(model(ids), before)

    elman.convert(model, to="torch")
    assert type(model.last) is nn.RNN
    assert all(a is b for a, b in zip(parameters, model.parameters(), strict=True))
    torch.testing.assert_close(model(ids), before)


def test_a_layer_by_itself_and_projections() -> None:
    theirs = nn.LSTM(3, 6, proj_size=2, bidirectional=True).double()
    ours = elman.convert(theirs)
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    assert isinstance(ours, elman.LSTM)
    torch.testing.assert_close(ours(x)[0], theirs(x)[0])
    assert ours.all_weights[1][-1] is theirs.weight_hr_l0_reverse
    ours.flatten_parameters()


def test_an_optimizer_step_moves_both() -> None:
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    elman.convert(model)
    before = model.rnns[0].weight_hh_l0.clone()
    model(torch.randint(10, (7, 3))).sum().backward()
    optimizer.step()
    assert not torch.equal(before, model.rnns[0].weight_hh_l0)


def test_subclasses_are_left_and_listed() -> None:
    class Special(nn.LSTM):
        pass

    model = nn.Sequential(Special(3, 4), nn.GRU(4, 4))
    with pytest.warns(UserWarning, match=r"0 \(Special\)") as caught:
        elman.convert(model)
    assert caught[0].filename == __file__
    assert type(model[0]) is Special
    assert type(model[1]) is elman.GRU


def test_going_back_refuses_what_torch_cannot_express() -> None:
    model = nn.Sequential(elman.GRU(3, 4), elman.LSTM(4, 4, layer_norm=True, zoneout=0.1))
    with pytest.raises(ValueError, match=r"1: torch\.nn has no layer_norm, no zoneout"):
        elman.convert(model, to="torch")
    assert type(model[0]) is elman.GRU  # nothing was swapped
    with pytest.raises(ValueError, match="elman"):
        elman.convert(model, to="jax")  # type: ignore[arg-type]


def test_hooks_go_along() -> None:
    seen = []
    layer = nn.GRU(3, 4)
    layer.register_forward_hook(lambda *call: seen.append(call))
    handle = layer.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(kwargs), with_kwargs=True
    )
    converted = elman.convert(layer)
    converted(torch.randn(2, 1, 3), hx=None)
    assert len(seen) == 2
    assert {"hx": None} in seen
    handle.remove()
    converted(torch.randn(2, 1, 3))
    assert len(seen) == 3


def test_layers_with_parameters_of_their_own_are_left_and_listed() -> None:
    layer = prune.random_unstructured(nn.LSTM(3, 4), "weight_hh_l0", 0.5)
    with pytest.warns(UserWarning, match="LSTM"):
        same = elman.convert(layer)
    assert same is layer
    assert same(torch.randn(2, 1, 3))[0].shape == (2, 1, 4)


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_modules_are_copied_pickled_moved_and_loaded(cell: str) -> None:
    layer = getattr(elman, cell)(3, 5, num_layers=2, bidirectional=True)
    x = torch.randn(4, 2, 3)
    y, _ = layer(x)
    assert torch.equal(copy.deepcopy(layer)(x)[0], y)
    buffer = io.BytesIO()
    torch.save(layer, buffer)
    buffer.seek(0)
    assert torch.equal(torch.load(buffer, weights_only=False)(x)[0], y)
    other = getattr(torch.nn, cell)(3, 5, num_layers=2, bidirectional=True)
    other.load_state_dict(layer.state_dict())
    torch.testing.assert_close(other(x)[0], y)
    torch.testing.assert_close(layer.double()(x.double())[0].float(), y, rtol=1e-5, atol=1e-6)


@pytest.mark.fault(21)
def test_what_a_layer_was_given_goes_along() -> None:
    layer = nn.LSTM(4, 6)
    layer.register_buffer("h0", torch.ones(1, 1, 6))
    layer.register_buffer("scratch", torch.ones(1), persistent=False)
    layer.add_module("norm", nn.LayerNorm(6))
    layer.note = "mine"  # type: ignore[assignment]
    model = nn.Sequential(layer)
    before = model.state_dict()
    converted = elman.convert(model)[0]  # type: ignore[index]
    assert list(model.state_dict()) == list(before)
    assert converted.norm is layer.norm
    assert converted.scratch is layer.scratch
    assert converted.note == "mine"
    assert isinstance(converted, elman.LSTM)
    assert isinstance(elman.convert(model, to="torch")[0], nn.LSTM)  # type: ignore[index]


@pytest.mark.fault(21)
def test_a_layer_whose_forward_was_replaced_is_left_and_named() -> None:
    layer = nn.LSTM(4, 6)
    plain = layer.forward
    layer.forward = lambda *given: (plain(*given)[0] * 0, None)  # type: ignore[assignment]
    model = nn.Sequential(layer)
    with pytest.warns(UserWarning, match=r"replaced forward: 0 \(LSTM\)"):
        elman.convert(model)
    assert model(torch.randn(5, 3, 4))[0].abs().sum() == 0
