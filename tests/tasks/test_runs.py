"""Beginning, resuming and loading runs, and what each of them refuses."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import elman
from elman.errors import ElmanWarning, InputError, RunFailed
from elman.predictors.language_model_session import LanguageModelSession
from elman.predictors.predictor import Parts, read_parts, write_parts
from elman.settings import configure
from elman.streaming.stream import Stream
from elman.tasks import runs
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.language_model.task import LanguageModelTask
from elman.tasks.runs import Run
from elman.tensors import load_tree
from elman.training.contracts import Observation, StepEvent
from elman.training.run_directory import RunDirectory
from tests import tiny
from tests.models.test_cells import OWN
from tests.test_files import small_disk


def test_a_run_is_loaded_with_its_best_weights(trained: Run) -> None:
    loaded = Run(trained.path)
    assert not loaded.predictor.network.training
    weights = trained.predictor.network.state_dict()
    found = loaded.predictor.network.state_dict()
    assert all(torch.equal(p, weights[name]) for name, p in found.items())
    assert loaded.evaluate() == trained.evaluate()
    assert loaded.config == trained.config


class Scrambles:
    """Spoils the weights before the last evaluation."""

    def after_backward(self, event: StepEvent) -> Observation | None:
        if event.step == 25:
            with torch.no_grad():
                for weight in event.model.parameters():
                    weight.add_(torch.randn_like(weight), alpha=5)
        return None


def test_a_run_that_got_worse_has_its_best_weights(tmp_path: Path) -> None:
    """What `fit` returns as well as what a folder holds."""
    config = configure(LanguageModelConfig, tiny.SETTINGS)
    begun = runs.begin("language-model", tiny.write(tmp_path), tmp_path / "run", config)
    run, outcome = runs.fit(begun, observers=[Scrambles()])
    losses = [one["validation_loss"] for one in run.history if "validation_loss" in one]
    assert outcome.best_step == 20
    assert losses[-1] > losses[1] + 0.5
    for found in (run, Run(run.path)):
        objective = found.task.objective(found.predictor)
        with torch.no_grad():
            assert objective.evaluate()["loss"] == pytest.approx(losses[1], rel=1e-5)


def test_a_run_knows_its_history(trained: Run) -> None:
    steps = [record["step"] for record in trained.history if "validation_loss" in record]
    assert steps == [10, 20, 30]
    assert all(record["loss"] > 0 for record in trained.history)
    assert Run(trained.path).history == trained.history
    with trained.directory.metrics_path.open("ab") as file:
        file.write(b'{"step": 3')  # what a kill leaves
    assert len(Run(trained.path).history) == len(steps)


def test_everything_says_what_it_is(trained: Run) -> None:
    numbers = sum(p.numel() for p in trained.predictor.network.parameters())
    assert repr(trained) == f"<Run {trained.path}: language-model, {numbers:,} weights>"
    assert repr(elman.load(trained.path)) == (
        f"<LanguageModelPredictor {trained.path}: {numbers:,} weights>"
    )
    fingerprint = trained.predictor.fingerprint[:12]
    assert repr(trained.predictor.session()) == f"<LanguageModelSession of model {fingerprint}>"
    assert repr(trained.predictor.predict(["the cat"])).startswith("<Records: 1 rows of ")
    layer = elman.LSTM(3, 5)
    state = "State(h: (1, 2, 5), c: (1, 2, 5); batch 2)"
    assert repr(layer.initial_state(2)) == state
    assert repr(Stream(layer, 2)) == f"<Stream of LSTM: {state}>"


def test_old_runs_say_so_by_their_format(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[elman]\nversion = "0.1"\nformat = 1\ntask = "memory"\n[settings]\n'
    )
    with pytest.raises(InputError, match=r"a run of format 1, expected 3; train it again, or use"):
        Run(tmp_path)
    with pytest.raises(InputError, match=r"a run without a predictor.* delete it and train again"):
        elman.load(tmp_path)


def test_a_tied_model_is_tied_again(tmp_path: Path) -> None:
    model = Run(tiny.run(tmp_path, tied=True, max_steps=1).path).predictor.network
    assert model.readout.weight is model.embedding.weight  # type: ignore[union-attr]


def test_a_stopped_run_goes_on_to_the_bits_of_one_never_stopped(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = tiny.run(tmp_path / "a", max_steps=30)
    stopped = tiny.run(tmp_path / "b", max_steps=30, max_minutes=1e-9)
    assert stopped.directory.all_checkpoints()[-1] == stopped.directory.checkpoint_path(1)
    resumed = stopped.resume(max_minutes=100.0)
    for name, tensor in whole.predictor.network.state_dict().items():
        assert torch.equal(tensor, resumed.predictor.network.state_dict()[name]), name


def test_in_memory_it_is_the_same_predictor(trained: Run) -> None:
    predictor, outcome = runs.refit(trained.task)
    assert outcome.step == 30
    assert predictor.fingerprint == trained.predictor.fingerprint


def test_held_out_data_are_those_that_were_given(tmp_path: Path) -> None:
    lines = tiny.text().splitlines()
    settings = tiny.SETTINGS | {"max_steps": 1}
    run = elman.train(
        *("language-model", lines, tmp_path / "run"), valid=lines[:20], test=lines[:7], **settings
    )
    lengths = {name: split.counts.characters for name, split in run.task.data.splits.items()}
    assert lengths == {
        name: sum(len(line) + 1 for line in part)
        for name, part in (("train", lines), ("valid", lines[:20]), ("test", lines[:7]))
    }


def test_held_out_data_without_training_data_are_refused(tmp_path: Path) -> None:
    for part in ("valid", "test"):
        with pytest.raises(InputError, match="give the training data too"):
            elman.train("memory", None, tmp_path / "run", **{part: ["a text"]})


def test_python_trains_in_one_line(text_file: Path, tmp_path: Path) -> None:
    toml = tmp_path / "small.toml"
    toml.write_text("hidden_size = 4\nmax_steps = 2\nbatch_size = 2", encoding="utf-8")
    run = runs.train("language-model", text_file, tmp_path / "run", config=toml, max_steps=1)
    assert isinstance(run.task, LanguageModelTask)
    assert (run.task.config.hidden_size, run.task.config.max_steps) == (4, 1)
    with pytest.raises(InputError, match="no such setting; did you mean --hidden-size"):
        runs.train("language-model", text_file, tmp_path / "other", hiden_size=1)


def test_a_stream_of_a_run_takes_text_and_of_a_model_items(trained: Run) -> None:
    for source in (trained, trained.predictor, trained.path, str(trained.path)):
        session = runs.stream(source)
        assert isinstance(session, LanguageModelSession)
        assert [token.text for token in session.push("the")] == ["t", "h", "e"]
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
        Run(run.path)
    assert "own_cells" not in sys.modules
    loaded = Run(run.path, cell="own_cells:Leak")
    assert loaded.evaluate() == run.evaluate()


def test_a_built_in_cell_is_not_replaced_on_loading(trained: Run) -> None:
    assert Run(trained.path, cell="lstm").evaluate() == trained.evaluate()
    with pytest.raises(InputError, match="was trained with lstm"):
        Run(trained.path, cell="gru")


def test_a_run_without_weights_says_how_to_get_them(tmp_path: Path) -> None:
    config = LanguageModelTask.Config(**tiny.SETTINGS)
    run = runs.begin("language-model", tiny.write(tmp_path), tmp_path / "run", config)
    with pytest.raises(InputError, match="no weights yet; go on with `elman resume"):
        Run(run.path)


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
    with pytest.raises(InputError, match=r"empty\.txt"):
        runs.begin("language-model", tmp_path / "empty.txt", ".", LanguageModelConfig())
    assert list((tmp_path / "run").iterdir()) == []


class Stops:
    """An observer that ends a training as a kill does: nothing after it runs."""

    def after_backward(self, event: StepEvent) -> Observation | None:
        raise RuntimeError("killed")


def test_what_only_finished_weights_can_tell_goes_before_they_change(tmp_path: Path) -> None:
    run = tiny.run(tmp_path)
    folder = run.directory.predictor
    kind, parts = read_parts(folder)
    write_parts(folder, kind, Parts(parts.settings, {**parts.files, "calibration": b"old"}))
    again, checkpoint = runs.reopen(run.path, max_steps=10_000)
    with pytest.raises(RuntimeError, match="killed"):
        runs.fit(again, observers=[Stops()], resume_from=checkpoint)
    assert "calibration" not in read_parts(folder)[1].files


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [spoil, cut, empty])
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before_it(
    trained: Run, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    shutil.copytree(trained.path, tmp_path / "run")
    place = RunDirectory(tmp_path / "run")
    before, newest = place.all_checkpoints()
    whole = load_tree(newest)
    damage(newest)
    with pytest.warns(
        ElmanWarning, match=rf"{newest.name}: .*checkpoint before it.*{before.name}$"
    ):
        run, checkpoint = runs.reopen(place.path)
    assert checkpoint == before
    run, outcome = runs.fit(run, resume_from=checkpoint)
    assert outcome.step == 30
    assert run.predictor.fingerprint == trained.predictor.fingerprint
    again = load_tree(newest)
    assert all(torch.equal(tensor, again["model"][name]) for name, tensor in whole["model"].items())
    steps = [(record["step"], record.get("validation_loss")) for record in run.history]
    assert steps == [(record["step"], record.get("validation_loss")) for record in trained.history]


@pytest.mark.remedy
def test_where_all_checkpoints_are_damaged_training_begins_again(
    trained: Run, tmp_path: Path
) -> None:
    shutil.copytree(trained.path, tmp_path / "run")
    place = RunDirectory(tmp_path / "run")
    for path in place.all_checkpoints():
        spoil(path)
    with pytest.raises(InputError, match="every checkpoint in it is damaged; delete") as caught:
        elman.resume(place.path)
    assert f"delete this folder, and `elman resume {place.path}` trains" in str(caught.value)
    shutil.rmtree(place.checkpoints)
    assert elman.resume(place.path).predictor.fingerprint == trained.predictor.fingerprint


def test_two_checkpoints_stay_whatever_is_asked_for(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, keep_checkpoints=1)
    assert run.directory.all_checkpoints() == [run.directory.checkpoint_path(n) for n in (20, 30)]


def test_a_run_in_training_is_read_by_others_and_trained_by_none(
    trained: Run, tmp_path: Path
) -> None:
    shutil.copytree(trained.path, tmp_path / "run")
    run, checkpoint = runs.reopen(tmp_path / "run")
    partial = run.directory.predictor / f".model.safetensors.{os.getppid()}.partial"
    partial.touch()  # as if the one who trains it were writing
    for use in (runs.resume, runs.reopen):
        with pytest.raises(InputError, match=f"process {os.getpid()} on .* is training this run"):
            use(run.path)
    assert partial.exists()
    assert Run(run.path).evaluate() == trained.evaluate()
    assert elman.load(run.path).fingerprint == trained.predictor.fingerprint
    partial.unlink()
    runs.fit(run, resume_from=checkpoint)
    runs.resume(run.path)


@pytest.mark.remedy
def test_a_full_disk_is_one_line_and_the_run_goes_on(trained: Run, tmp_path: Path) -> None:
    config = trained.task.config
    run = runs.begin("language-model", tiny.write(tmp_path), tmp_path / "run", config)
    with small_disk(6000), pytest.raises(RunFailed) as caught:
        runs.fit(run)
    line = str(caught.value)
    assert "disk is full" in line
    assert ".safetensors needs " in line
    assert f"free some space and go on with `elman resume {run.path}`" in line
    assert "\n" not in line
    assert not list(run.path.rglob(".*"))
    assert elman.resume(run.path).predictor.fingerprint == trained.predictor.fingerprint
