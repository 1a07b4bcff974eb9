import sys
import types
from pathlib import Path

import pytest
import torch

from elman.errors import RunFailed
from elman.settings import configure
from elman.studies import demo
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.language_model.task import LanguageModelTask
from elman.tasks.runs import Run


def test_the_text_is_that_of_this_python() -> None:
    text = demo.reference_text()
    assert 300_000 < len(text) < 1_000_000
    assert "statement" in text


def test_a_python_without_the_text_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(RunFailed, match="installed without pydoc_data"):
        demo.reference_text()
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", types.SimpleNamespace(topics={"a": "b"}))
    assert demo.reference_text() == "b"


def test_the_steps_are_those_that_fit_within_bounds() -> None:
    assert demo.steps_in(2.0, 0.03) == 4000
    assert demo.steps_in(2.0, 100.0) == 2200
    assert demo.steps_in(0.1, 100.0) == 110
    assert demo.steps_in(1e-6, 100.0) == demo.FEWEST_STEPS
    assert demo.steps_in(2.0, 1e-6) == demo.MOST_STEPS


@pytest.mark.parametrize("steps", [20, 1000, 4000])
def test_the_settings_are_valid_whatever_the_machine(steps: int) -> None:
    config = configure(LanguageModelConfig, demo.settings(steps, 1))
    assert config.max_steps == steps
    assert config.max_steps // config.eval_every == 8 or steps == 20


def test_calibration_chooses_the_faster_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    for times, threads in (({1: 0.1, 8: 0.2}, 1), ({1: 0.2, 8: 0.1}, 8)):
        monkeypatch.setattr(demo, "_seconds_per_step", lambda _c, _s, n, t=times: t[n])
        assert demo.calibrate(LanguageModelConfig(), 1.0) == demo.Pace(0.1, threads)


def test_calibration_leaves_the_threads_as_they_were() -> None:
    config = configure(LanguageModelConfig, {"hidden_size": 4, "batch_size": 2, "truncation": 4})
    threads = torch.get_num_threads()
    pace = demo.calibrate(config, seconds=0.05)
    assert 0 < pace.seconds_per_step < 1
    assert torch.get_num_threads() == threads


def test_the_network_stands_beside_models_that_count(trained: Run) -> None:
    assert isinstance(trained.task, LanguageModelTask)
    data = trained.task.data
    size = data.tokenizer.vocab_size
    found = demo.baselines(data.splits["train"], data.splits["test"], size)
    unigram, ngram = found.values()
    assert ngram < unigram < 3
    assert "beats both" in demo.verdict(ngram - 0.1, found.values())
    assert "more --minutes" in demo.verdict(ngram + 0.1, found.values())


def test_a_demo_does_not_overwrite_another(tmp_path: Path) -> None:
    for name in ("demo", "demo-2", "demo-3"):
        folder = demo.free_folder(tmp_path)
        assert folder == tmp_path / name
        folder.mkdir()
