"""Which axis is time: the same model with its outputs and inputs laid out in every way."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import elman
from elman.diagnostics.axes import find_axes

T, B, WIDTH = 40, 4, 6


class Net(nn.Module):
    """One number a step, in the layout asked for."""

    def __init__(
        self, lib: Any = nn, batch_first: bool = False, form: str = "", both: bool = False
    ) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.rnn = lib.GRU(WIDTH, 8, batch_first=batch_first, bidirectional=both)
        self.out = nn.Linear(16 if both else 8, 1)
        self.form = form

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(self.rnn(x)[0])
        if "turned" in self.form:
            y = y.transpose(0, 1)
        return y.squeeze(-1) if "squeezed" in self.form else y


def reach(model: nn.Module, batch: Any) -> float:
    return elman.diagnose(model, batch).measured.layers[0].reach.steps


def batch(batch_first: bool) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(T, B, WIDTH, generator=generator), torch.randn(T, B, generator=generator)
    return (x.transpose(0, 1), y.t()) if batch_first else (x, y)


@pytest.mark.fault(5)
@pytest.mark.parametrize("lib", [nn, elman], ids=["torch", "elman"])
@pytest.mark.parametrize("form", ["", "squeezed", "turned", "turned squeezed"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_every_layout_of_one_model_has_one_reach(lib: Any, batch_first: bool, form: str) -> None:
    x, y = batch(batch_first)
    expected = reach(Net(lib, batch_first), (x, y.unsqueeze(-1)))
    assert 5 < expected < 12
    targets = y.t() if "turned" in form else y
    targets = targets if "squeezed" in form else targets.unsqueeze(-1)
    assert reach(Net(lib, batch_first, form), (x, targets)) == pytest.approx(expected)


@pytest.mark.fault(5)
def test_unbatched() -> None:
    x, y = batch(batch_first=False)
    one = reach(Net(), (x[:, :1], y[:, :1].unsqueeze(-1)))
    assert reach(Net(), (x[:, 0], y[:, :1])) == pytest.approx(one)
    assert reach(Net(form="squeezed"), (x[:, 0], y[:, 0])) == pytest.approx(one)


@pytest.mark.fault(5)
@pytest.mark.parametrize("both", [False, True])
def test_as_many_rows_as_steps(both: bool) -> None:
    x = torch.randn(B, B, WIDTH)
    assert find_axes(model := Net(batch_first=True, both=both), x, model).outputs == "BTK"
    model = Net(batch_first=True, form="squeezed", both=both)
    assert find_axes(model, x, model).outputs == "BT"
    assert find_axes(model := Net(form="squeezed", both=both), x, model).outputs == "TB"


def test_a_width_that_happens_to_be_the_number_of_steps() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = nn.GRU(WIDTH, 8, batch_first=True), nn.Linear(8, T)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.out(self.rnn(x)[0][:, -1])
            return y

    x = torch.randn(B, T, WIDTH)
    assert find_axes(model := Last(), x, model).outputs == "BK"


@pytest.mark.fault(22)
def test_layers_of_two_layouts() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.GRU(WIDTH, 8, batch_first=True), nn.GRU(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.b(self.a(x)[0].transpose(0, 1))[0]
            return y

    found = elman.diagnose(Mixed(), torch.randn(B, T, WIDTH))
    assert [layer.place for layer in found.measured.layers] == ["a", "b"]


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "change",
    [
        lambda layer: prune.l1_unstructured(layer, "weight_hh_l0", 0.3),
        lambda layer: parametrizations.weight_norm(layer, "weight_hh_l0"),
        lambda layer: parametrizations.spectral_norm(layer, "weight_ih_l0"),
    ],
    ids=["pruned", "weight norm", "spectral norm"],
)
def test_changed_weights_are_those_that_are_diagnosed(change: Any) -> None:
    x = torch.randn(T, B, WIDTH)
    plain, changed = nn.LSTM(WIDTH, 8), change(nn.LSTM(WIDTH, 8))
    changed.eval()
    with torch.no_grad():
        outputs = changed(x)[0]
        for name in plain._parameters:
            getattr(plain, name).copy_(getattr(changed, name))
    torch.testing.assert_close(plain(x)[0], outputs)
    assert reach(changed, x) == pytest.approx(reach(plain, x))


@pytest.mark.fault(22)
def test_a_subclass_is_left_out_by_name() -> None:
    class Mine(nn.LSTM):
        pass

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low, self.top = Mine(WIDTH, 8), nn.LSTM(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.top(self.low(x)[0])[0]
            return y

    with pytest.warns(UserWarning, match=r"not diagnosed, .*: low \(Mine\)"):
        found = elman.diagnose(Two(), torch.randn(T, B, WIDTH))
    assert [layer.place for layer in found.measured.layers] == ["top"]


@pytest.mark.fault(22)
@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_where_gradients_are_off(off: Any) -> None:
    layer, x = nn.LSTM(WIDTH, 8), torch.randn(T, B, WIDTH)
    expected = reach(layer, x)
    with off():
        assert reach(layer, x.clone()) == pytest.approx(expected)


@pytest.mark.fault(22)
@pytest.mark.remedy
def test_a_model_that_is_called_with_lengths() -> None:
    class Ragged(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = nn.LSTM(WIDTH, 8, batch_first=True), nn.Linear(8, 3)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            y: Tensor = self.out(pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0])
            return y

    lengths, labels = torch.tensor([T, 30, 20, 10]), torch.randint(0, 3, (B, T))
    given = (torch.randn(B, T, WIDTH), lengths, labels)
    with pytest.raises(elman.InputError, match=r"pass losses=.*whose first item"):
        elman.diagnose(Ragged(), given)

    def losses(model: nn.Module, batch: Any) -> Tensor:
        x, lengths, labels = batch
        logits = model(x, lengths).transpose(1, 2)
        return nn.functional.cross_entropy(logits, labels, reduction="none").t()

    found = elman.diagnose(Ragged(), given, losses=losses)
    assert [layer.place for layer in found.measured.layers] == ["rnn"]
    assert {one.what for one in found.measured.interventions} == {"input", "state"}
