"""The whole of a diagnosis: of any model, of runs, and what cannot be diagnosed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import elman
from elman.errors import InputError
from elman.tasks.runs import train
from tests import tiny


class Classifier(nn.Module):
    """Somebody's own: batch first, dropout, one answer at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 8, num_layers=2, batch_first=True, dropout=0.5)
        self.out = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(self.gru(x)[0][:, -1])
        return y


def test_a_classifier_of_ones_own_is_left_as_it_was() -> None:
    model = Classifier()
    model.out.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = elman.diagnose(model, (torch.randn(6, 30, 3), torch.randint(4, (6,))))
    assert [layer.place for layer in found.measured.layers] == ["gru.l0", "gru.l1"]
    assert {one.what for one in found.measured.interventions} == {"input", "state"}
    assert all(2 < layer.reach.steps < 29 for layer in found.measured.layers)
    assert model.training
    assert not model.out.training
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_it_is_the_same_each_time() -> None:
    layer, x = elman.LSTM(3, 8), torch.randn(40, 4, 3)
    one, other = elman.diagnose(layer, x), elman.diagnose(layer, x)
    assert one.verdicts == other.verdicts


def test_a_language_model_run(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, max_steps=2)
    found = run.diagnose(max_lag=20)
    assert found.measured.unit == "characters"
    assert found.measured.truncation == 16
    assert found.measured.cell == "lstm"
    expected = run.evaluate()[0].value
    assert found.measured.gradient.mean_loss == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("problem", ["recall", "adding", "copying"])
def test_a_run_of_a_memory_problem(problem: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"problem": problem, "lag": 30, "cell": "rnn", "max_steps": 2}
    run = train("memory", None, tmp_path / "run", **settings, eval_sequences=20)
    found = run.diagnose()
    assert found.measured.needs == (29 if problem == "adding" else 30)
    assert "vanishing" in {verdict.name for verdict in found.verdicts}


class Growing(nn.Module):
    """A cell whose state has another shape after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def initial_state(self, batch_size: int) -> elman.State:
        return elman.State(h=torch.zeros(batch_size, 1))

    def step(self, x_t: Tensor, state: elman.State) -> tuple[Tensor, elman.State]:
        h = torch.cat([state["h"], self.weight * x_t[:, :1]], 1)
        return x_t, elman.State(h=h)


@pytest.mark.parametrize(
    ("model", "batch", "options", "complaint"),
    [
        (nn.Linear(3, 3), torch.randn(9, 2, 3), {}, "Linear has no recurrent layer"),
        (nn.LSTM(3, 4), torch.randn(9, 2, 3), {"max_lag": 20}, "too short for a lag of 20"),
        (nn.LSTM(3, 4), torch.full((9, 2, 3), torch.nan), {}, "the loss is nan"),
        (elman.Recurrent(Growing()), torch.randn(9, 2, 3), {}, "expected the same names and shap"),
        (nn.LSTM(3, 4), torch.randn(9, 2, 3), {"needs": 0}, "needs must be at least 1, got 0"),
        (nn.LSTM(3, 4), torch.randn(9), {}, "expected a tensor"),
        (nn.LSTM(3, 4), (torch.randn(9, 2, 3), torch.randn(9, 2, 5)), {}, "targets have shape"),
    ],
)
def test_what_cannot_be_diagnosed(
    model: nn.Module, batch: Any, options: Any, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        elman.diagnose(model, batch, **options)
    assert "\n" not in str(caught.value)
