import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import elman
from elman.errors import InputError
from elman.layers.recurrent import Recurrent
from elman.models.cells import CELLS, CellOptions, recurrent_layer

OWN = """
import torch
from torch import nn
from elman import State
class Leak(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.u = nn.Linear(input_size, hidden_size)
    def initial_state(self, batch_size):
        return State(h=self.u.weight.new_zeros(batch_size, self.u.out_features))
    def step(self, x_t, state):
        h = 0.5 * state["h"] + self.u(x_t)
        return h, State(h=h)
class Picky(nn.Module):
    def __init__(self, size): super().__init__()
class Plain: pass
broken = 1 / 0 if False else None
"""


@pytest.fixture
def own_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_cells.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_cells", raising=False)


@pytest.mark.parametrize("cell", CELLS)
def test_each_built_in_cell_is_its_layer(cell: str) -> None:
    layer = recurrent_layer(cell, 3, 5, CellOptions())
    expected = {"rnn": elman.RNN, "rnn-relu": elman.RNN, "gru": elman.GRU, "lstm": elman.LSTM}
    assert type(layer) is expected[cell]
    assert getattr(layer, "nonlinearity", "tanh") == ("relu" if cell == "rnn-relu" else "tanh")
    y, _ = layer(torch.randn(4, 2, 3))
    assert y.shape == (4, 2, 5)


def test_the_options_reach_the_layer() -> None:
    torch.manual_seed(0)
    plain = recurrent_layer("lstm", 3, 5, CellOptions())
    torch.manual_seed(0)
    biased = recurrent_layer("lstm", 3, 5, CellOptions(forget_bias=4.0, layer_norm=True))
    names = {name for name, _ in biased.named_parameters()}
    assert names > {name for name, _ in plain.named_parameters()}
    zoned = recurrent_layer("lstm", 3, 5, CellOptions(zoneout=0.1, cell_zoneout=0.5))
    assert getattr(zoned, "zoneout", None) == (0.1, 0.5)
    forget = sum(p[5:10] for n, p in biased.named_parameters() if n.startswith("bias"))
    assert torch.allclose(torch.as_tensor(forget), torch.full((5,), 4.0))


@pytest.mark.usefixtures("own_cells")
def test_a_cell_of_ones_own_is_run_over_time() -> None:
    layer = recurrent_layer("own_cells:Leak", 3, 5, CellOptions())
    assert isinstance(layer, Recurrent)
    y, _ = layer(torch.randn(4, 2, 3))
    assert y.shape == (4, 2, 5)


@pytest.mark.usefixtures("own_cells")
@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        ("lstn", CellOptions(), "no such cell; choose from rnn, rnn-relu, gru, lstm"),
        ("no_such_module:Leak", CellOptions(), "can't import 'no_such_module'"),
        ("own_cells:Lek", CellOptions(), "has no torch.nn.Module class 'Lek'"),
        ("own_cells:Plain", CellOptions(), "has no torch.nn.Module class 'Plain'"),
        ("own_cells:Picky", CellOptions(), "constructed as Picky(input_size, hidden_size)"),
        ("own_cells:Leak", CellOptions(zoneout=0.1), "--zoneout: only the built-in cells have it"),
        ("gru", CellOptions(cell_zoneout=0.1), "--cell-zoneout: only an LSTM has a cell state"),
        ("rnn", CellOptions(forget_bias=1.0), "--cell rnn"),
    ],
)
def test_what_is_no_cell_is_one_clear_line(cell: str, options: CellOptions, message: str) -> None:
    with pytest.raises(InputError) as caught:
        recurrent_layer(cell, 3, 5, replace(options))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("own_cells")
def test_a_class_without_step_is_refused() -> None:
    Path("stepless.py").write_text(
        "from torch import nn\nclass Cell(nn.Linear): pass", encoding="utf-8"
    )
    with pytest.raises(InputError, match="step"):
        recurrent_layer("stepless:Cell", 3, 5, CellOptions())


def test_the_table_gives_modules() -> None:
    assert all(isinstance(make(2, 3), nn.Module) for make in CELLS.values())
