"""The tasks whose batches are their own: each is watched, without a bit of difference."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from elman.diagnostics.diagnosis_input import Lags
from elman.diagnostics.steps import of_rows, record
from elman.tasks.runs import Run
from tests import reviews, series, toy_language
from tests.training import toy

pytest.importorskip("pandas")

SHORT: dict[str, Any] = {"max_steps": 4, "eval_every": 4, "checkpoint_every": 4, "log_every": 2}
KINDS: dict[str, tuple[Callable[..., Run], dict[str, Any], set[str]]] = {
    "classify": (reviews.run, {"dropout": 0.3}, {"layers.0.l0", "layers.0.l0_reverse"}),
    "forecast": (series.run, {"dropout": 0.2}, {"layers.0"}),
    "autoregressive": (series.run, {"model": "autoregressive"}, {"layers.0"}),
    # Two segments to come: the layer also takes a step for each of them, with twice the rows.
    "segments": (
        series.run,
        {"model": "segments", "segment": 2, "look_back": 14, "cell": "gru"},
        {"layers.0"},
    ),
    "translation": (
        toy_language.run,
        {"dropout": 0.2, "batch_tokens": 64},
        {"encoder.0.l0", "encoder.0.l0_reverse", "decoder.0"},
    ),
    "input feeding": (
        toy_language.run,
        {"input_feeding": True, "cell": "lstm", "batch_tokens": 64},
        {"encoder.0.l0", "encoder.0.l0_reverse", "decoder.0"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_watched_is_unwatched_and_rows_do_not_mix(tmp_path: Path, kind: str) -> None:
    train, settings, places = KINDS[kind]
    runs = []
    for name, every in (("plain", 0), ("watched", 1)):
        (tmp_path / name).mkdir()
        runs.append(train(tmp_path / name, **SHORT | settings | {"watch": every}))
    plain, watched = runs
    assert toy.same_bits(
        plain.predictor.network.state_dict(), watched.predictor.network.state_dict()
    )
    seen = [
        {name: value for name, value in one.items() if name.startswith("gradient/")}
        for one in toy.lines(watched.directory)
    ]
    names = [name for one in seen for name in one]
    assert {name.split("/")[1] for name in names} == places
    assert all(math.isfinite(value) for one in seen for value in one.values())
    assert not any("gradient/" in name for one in toy.lines(plain.directory) for name in one)

    task, model = watched.task, watched.predictor.network.eval()
    objective: Any = task.objective(watched.predictor)
    batch: Any = next(task.source())
    assert batch.steps > 1
    together = objective.row_losses(batch, 3)
    alone = [objective.row_losses(batch.select(torch.tensor([row])), 1) for row in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-6)
    if kind == "segments":
        _, steps = record(model, lambda: objective.row_losses(batch, 3))
        (taken,) = steps.values()
        (own,) = of_rows(steps, 3).values()
        assert (len(taken), len(own)) == (8, 7)


@pytest.mark.parametrize("kind", ["classify", "forecast", "autoregressive", "segments"])
def test_diagnose(tmp_path: Path, kind: str) -> None:
    train, settings, _ = KINDS[kind]
    run = train(tmp_path, **SHORT | settings | {"watch": 0})
    found = run.diagnose(needs=1)
    assert {one.what for one in found.measured.interventions} == {"input", "state"}
    assert found.measured.cell == run.task.config.cell
    units = {"classify": "words", "segments": "segments of 2 rows"}
    assert found.measured.unit == units.get(kind, "rows")
    assert run.diagnose(max_lag=2).measured.gradient.max_lag == 2
    with pytest.raises(Exception, match=r"too few for a lag of 500"):
        run.diagnose(max_lag=500)
    if kind == "segments":
        task: Any = run.task
        diagnosis_input = task.diagnosis_input(run.predictor, None, Lags())
        window = next(task.source())
        assert diagnosis_input.steps == 7
        assert replace(window, values=window.values).steps == 17
        moved = diagnosis_input.inputs.clone()
        moved[-1, 0] += 1
        change = (
            (diagnosis_input.outputs(moved) - diagnosis_input.outputs(diagnosis_input.inputs))
            .abs()
            .sum(1)
        )
        assert change[0] > 0
        assert not change[1:].any()
