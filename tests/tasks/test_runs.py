"""Beginning, resuming and loading runs, and what each of them refuses."""

import sys
from pathlib import Path

import pytest
import torch

import elman
from elman.errors import InputError
from elman.streaming.stream import Stream
from elman.streaming.text import TextStream
from elman.tasks import runs
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.language_model.task import LanguageModelTask
from elman.tasks.runs import Run
from tests import tiny
from tests.models.test_cells import OWN


def test_a_run_is_loaded_with_its_best_weights(trained: Run) -> None:
    loaded = runs.load(trained.path)
    assert not loaded.model.training
    weights = trained.model.state_dict()
    assert all(torch.equal(p, weights[name]) for name, p in loaded.model.state_dict().items())
    assert loaded.evaluate() == trained.evaluate()


def test_a_tied_model_is_tied_again(tmp_path: Path) -> None:
    run = runs.load(tiny.run(tmp_path, tied=True, max_steps=1).path)
    assert run.model.readout.weight is run.model.embedding.weight


def test_a_stopped_run_goes_on_to_the_bits_of_one_never_stopped(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = tiny.run(tmp_path / "a", max_steps=30)
    stopped = tiny.run(tmp_path / "b", max_steps=30, max_minutes=1e-9)
    assert stopped.task.run.latest_checkpoint() == stopped.task.run.checkpoint_path(1)
    resumed = runs.resume(stopped.path, max_minutes=100.0)
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name


def test_python_trains_in_one_line(text_file: Path, tmp_path: Path) -> None:
    toml = tmp_path / "small.toml"
    toml.write_text("hidden_size = 4\nmax_steps = 2\nbatch_size = 2", encoding="utf-8")
    run = runs.train("language-model", text_file, tmp_path / "run", config=toml, max_steps=1)
    assert isinstance(run.task, LanguageModelTask)
    assert (run.task.config.hidden_size, run.task.config.max_steps) == (4, 1)
    with pytest.raises(InputError, match="no such setting; did you mean 'hidden-size'"):
        runs.train("language-model", text_file, tmp_path / "other", hiden_size=1)


def test_a_stream_of_a_run_takes_text_and_of_a_model_items(trained: Run) -> None:
    for source in (trained, trained.path, str(trained.path)):
        front = runs.stream(source)
        assert isinstance(front, TextStream)
        assert [token.text for token in front.push("the")] == ["t", "h", "e"]
    layer = elman.LSTM(3, 5)
    stream = runs.stream(layer, batch_size=2)
    assert isinstance(stream, Stream)
    assert stream.push(torch.zeros(2, 3)).shape == (2, 5)


def test_a_run_whose_cell_is_ones_own_needs_the_flag_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_cells.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    run = tiny.run(tmp_path, cell="own_cells:Leak", max_steps=2)
    monkeypatch.delitem(sys.modules, "own_cells")
    with pytest.raises(InputError, match="give --cell own_cells:Leak to load and run it"):
        runs.load(run.path)
    assert "own_cells" not in sys.modules
    loaded = runs.load(run.path, cell="own_cells:Leak")
    assert loaded.evaluate() == run.evaluate()


def test_a_built_in_cell_is_not_replaced_on_loading(trained: Run) -> None:
    assert runs.load(trained.path, cell="lstm").evaluate() == trained.evaluate()
    with pytest.raises(InputError, match="was trained with lstm"):
        runs.load(trained.path, cell="gru")


def test_a_run_without_weights_says_how_to_get_them(tmp_path: Path) -> None:
    config = LanguageModelTask.Config(**tiny.SETTINGS)
    run = runs.begin("language-model", tiny.write(tmp_path), tmp_path / "run", config)
    with pytest.raises(InputError, match="no weights yet; go on with `elman resume"):
        runs.load(run.path)


def test_a_model_too_large_for_memory(tmp_path: Path) -> None:
    config = LanguageModelTask.Config(**tiny.SETTINGS | {"hidden_size": 65536, "num_layers": 64})
    with pytest.raises(InputError, match="does not fit into memory"):
        runs.begin("language-model", tiny.write(tmp_path), tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_a_start_that_fails_where_we_stand_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    with pytest.raises(InputError, match="empty"):
        runs.begin("language-model", tmp_path / "empty.txt", ".", LanguageModelConfig())
    assert list((tmp_path / "run").iterdir()) == []
