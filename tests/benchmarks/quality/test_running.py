import os
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from benchmarks.quality import running
from benchmarks.quality.memory import anonymous_mb
from benchmarks.quality.running import RECIPES, Options, data_file, task_of, train
from elman.errors import InputError
from elman.settings import configure
from elman.tasks.runs import task_class


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_recipe_is_a_config_whose_schedule_fits_its_budget(recipe: Path) -> None:
    config = configure(task_class(task_of(recipe)).Config, {}, recipe)
    assert config.max_steps > config.warmup_steps
    assert config.eval_every < config.max_steps
    assert config.max_minutes is None, "a figure is a whole schedule, whatever the machine"


def test_data_are_found_below_the_folder_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ELMAN_DATA", raising=False)
    with pytest.raises(InputError, match="ELMAN_DATA is not set"):
        data_file("penn-treebank", "ptb.test.txt")
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path))
    with pytest.raises(InputError, match="no such file"):
        data_file("penn-treebank", "ptb.test.txt")
    for folder in ("ptb", "penn-treebank"):
        path = tmp_path / folder / "ptb.test.txt"
        path.parent.mkdir()
        path.write_text("a b\n")
        assert data_file("penn-treebank", "ptb.test.txt") == path


def test_a_benchmark_that_was_cut_off_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    settings = {"hidden-size": 8, "max-steps": 4, "eval-every": 2, "checkpoint-every": 2}
    lines = [f"{name} = {value}" for name, value in settings.items()]
    (recipes / "tiny.toml").write_text("\n".join(lines))
    monkeypatch.setattr(running, "RECIPES", recipes)
    text = tmp_path / "text.txt"
    text.write_text(topics["for"] * 3)
    options = Options(tmp_path, threads=1, seeds=1, command="")

    once = train("tiny", [text], "once", options, seed=5)
    assert [reading.step for reading in once.curve] == [2, 4]
    assert set(once.scores("perplexity")) == {"valid", "test"}

    (once.run.path / "checkpoints" / "step-00000004.safetensors").unlink()
    again = train("tiny", [text], "once", options, seed=5)
    assert again.outcome.step == 4
    assert [reading.loss for reading in again.curve] == [reading.loss for reading in once.curve]
    with pytest.raises(InputError, match="other settings"):
        train("tiny", [text], "once", options, seed=6)


def test_anonymous_memory_is_seen_from_outside() -> None:
    before = anonymous_mb(os.getpid())
    held = bytearray(os.urandom(64_000_000))
    assert anonymous_mb(os.getpid()) - before > 50
    assert len(held) == 64_000_000
