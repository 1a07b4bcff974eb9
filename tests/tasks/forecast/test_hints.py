"""What a verdict says of its cause, and that the remedy it names works."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.cli.main import main
from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.evaluation.report import Report
from elman.settings import configure
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.forecast.data import TimeSplit
from elman.tasks.forecast.hints import level_hints
from elman.tasks.runs import Run
from tests import series

pd = pytest.importorskip("pandas")

MADE = {"max_steps": 60, "learning_rate": 0.02, "eval_every": 20}


def shifted(by: float, size: float = 1.0) -> Any:
    table = series.table()
    return table.assign(y=size * (table.y + by * (np.arange(200) >= 150)))


def hint(report: Report) -> str:
    return next((line for line in report.verdict if line.startswith("the level of")), "")


def mase(report: Report) -> float:
    return next(score.value for score in report.scores if score.metric == "MASE")


@pytest.mark.fault(33)
@pytest.mark.remedy
@pytest.mark.parametrize(("by", "size"), [(500, 1.0), (-200, 1e-6)])
def test_a_shift_of_the_level_names_a_remedy_that_works(
    tmp_path: Path, by: float, size: float
) -> None:
    table, path = shifted(by, size), tmp_path / "days.csv"
    table.to_csv(path, index=False)
    before = series.run(tmp_path / "a", path, **MADE).report()
    found = re.search(r"the level of y shifts: .* train with (--.*), so that", hint(before))
    assert found is not None, before.verdict
    assert found.group(1) == "--normalization last"
    chosen = {**series.SETTINGS, **MADE, "lags": None}
    typed = [
        word
        for name, value in chosen.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    out = tmp_path / "b"
    command = ["train", "forecast", str(path), *typed, *shlex.split(found.group(1))]
    assert main([*command, "--out", str(out)]) == 0
    after = Run(out).report()
    assert mase(after) < 0.5 * mase(before)
    assert not hint(after)


@pytest.mark.fault(33)
def test_a_level_that_training_never_left_may_shift() -> None:
    table = pd.DataFrame({"ds": np.arange(60), "y": np.repeat([5.0, 7.0], [48, 12])})
    table["z"] = 3.0 * np.sin(np.arange(60))
    config = configure(ForecastConfig, {"horizon": 2, "target": ("y", "z"), "constant": "keep"})
    panel = read_panel(table, Columns(target=("y", "z"), constant="keep")).panel
    (said,) = level_hints(panel, TimeSplit.of(panel, config), config)
    assert "the level of y shifts: the median of its test rows is 7.00 (deviation 0)" in said
    assert "that of its training rows 5.00 (deviation 0);" in said


@pytest.mark.fault(33)
def test_a_level_that_stays_is_no_hint(tmp_path: Path) -> None:
    assert not hint(series.run(tmp_path, max_steps=1).report(origins=2))


@pytest.mark.fault(33)
@pytest.mark.remedy
@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        (
            {"model": "autoregressive", "paths": 9},
            "--model direct --normalization last",
        ),
        (
            {"head": "negative-binomial"},
            "--normalization last --head quantile",
        ),
    ],
    ids=["autoregressive", "counts"],
)
def test_the_remedy_fits_the_other_settings(
    tmp_path: Path, settings: dict[str, Any], flags: str
) -> None:
    table = shifted(500).assign(y=lambda t: t.y.round())
    run = series.run(tmp_path / "a", table, **{**settings, "max_steps": 1})
    assert f"train with {flags}, so that" in hint(run.report(origins=1))
    words = shlex.split(flags)
    named = {
        name[2:].replace("-", "_"): value
        for name, value in zip(words[::2], words[1::2], strict=True)
    }
    configure(ForecastConfig, {**series.SETTINGS, **settings, **named})
    run = series.run(tmp_path / "b", table, **{**settings, **named, "max_steps": 1})
    assert not hint(run.report(origins=1))


@pytest.mark.fault(31)
@pytest.mark.remedy
def test_too_few_origins_name_the_rows_that_are_enough(tmp_path: Path) -> None:
    def few(report: Report) -> str:
        return next((line for line in report.verdict if line.startswith("a test takes")), "")

    run = series.run(tmp_path / "a", max_steps=1, test_rows=3)
    said = few(run.report())
    found = re.search(r"train with --test-rows (\d+) or more", said)
    assert found is not None, said
    again = series.run(tmp_path / "b", max_steps=1, test_rows=int(found.group(1)))
    assert not few(again.report())
    said = few(again.report(origins=2))
    assert "evaluate with --origins 5 or more" in said
    assert not few(again.report(origins=5))
