"""The command line of the task forecast: from a table to a table, and a line for each mistake."""

import io
from pathlib import Path
from typing import Any

import pytest

from elman.tasks.runs import Run
from tests import series
from tests.cli.conftest import Elman
from tests.cli.test_bad_input import refused

pd = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that tests read and never write to."""
    return series.run(tmp_path_factory.mktemp("forecaster"))


def flags(**settings: Any) -> list[str]:
    chosen = {**series.SETTINGS, "lags": None} | settings
    return [
        part
        for name, value in chosen.items()
        if value is not None
        for part in (f"--{name.replace('_', '-')}", str(value))
    ]


def lines(*rows: str) -> str:
    return "date,y\n" + "".join(f"{row}\n" for row in rows)


DAYS = [f"{day.date()},{20 + number % 7}" for number, day in enumerate(series.table(60).date)]

TABLES: dict[str, tuple[str, str]] = {
    "time": (lines(*DAYS[:9], "someday,3", *DAYS[10:]), "bad.csv:11: date is 'someday'"),
    "mixed": (
        lines(*DAYS[:30], "2023-01-30 05:17,3", *DAYS[30:]),
        "2023-01-30 05:17 is off the grid",
    ),
    "long horizon": (lines(*DAYS[:7]), "make --horizon smaller"),
    "constant": (
        lines(*(f"{row.split(',')[0]},5" for row in DAYS)),
        "y is 5 in all of its 60 rows",
    ),
    "nothing": (lines(*(f"{row.split(',')[0]}," for row in DAYS)), "y has no values"),
    "infinite": (
        lines(*DAYS[:20], f"{DAYS[20].split(',')[0]},inf", *DAYS[21:]),
        "csv:22: y is infinite",
    ),
    "word": (
        lines(*DAYS[:20], f"{DAYS[20].split(',')[0]},much", *DAYS[21:]),
        "csv:22: y is 'much'",
    ),
    "twice": (lines(*DAYS[:20], DAYS[19][:-1] + "0.5", *DAYS[20:]), "stands twice"),
    "old ends of lines": (
        lines(*DAYS).replace("\n", "\r"),
        "bad.csv:1: not a row of a table: lines have to end in LF",
    ),
    "digits": (
        lines(*(f"999999999999999999{row % 10},1" for row in range(60))),
        "csv:2: date is '9",
    ),
    "empty": ("", "bad.csv: the file is empty"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_trained_on(elman: Elman, tmp_path: Path, name: str) -> None:
    text, message = TABLES[name]
    path = tmp_path / "bad.csv"
    path.write_text(text)
    ended = elman("train", "forecast", path, *flags(), "--out", tmp_path / "run")
    refused(ended, 2, message)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizon": None}, "--horizon is required"),
        ({"target": "z"}, "has no column z; its columns are"),
        ({"past": "rain"}, "has no column rain; its columns are"),
        ({"model": "autoregressive", "normalization": "revin"}, "use --model direct or segments"),
        ({"model": "segments", "look_back": 14, "segment": 5}, "--segment 5: does not divide"),
        ({"head": "negative-binomial", "scaling": "standard"}, "counts keep their zero"),
        ({"frequency": "fortnightly"}, "fortnightly: not a frequency"),
        ({"test_rows": 190}, "make --horizon smaller"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit(
    elman: Elman, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    path = tmp_path / "good.csv"
    series.table().to_csv(path, index=False)
    ended = elman("train", "forecast", path, *flags(**settings), "--out", tmp_path / "run")
    refused(ended, 2, message)
    assert list(tmp_path.iterdir()) == [path]


def test_from_a_table_to_a_table(elman: Elman, tmp_path: Path) -> None:
    path, out = tmp_path / "days.csv", tmp_path / "ahead.csv"
    series.table().to_csv(path, index=False)
    ended = elman("train", "forecast", path, *flags(max_steps=5), "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    assert "naive: MASE" in ended.out
    ended = elman("predict", tmp_path / "run", "--levels", "90", "--out", out)
    assert ended.code == 0, ended.err
    table = pd.read_csv(io.StringIO(out.read_text()))
    assert list(table) == ["unique_id", "date", "mean", "q0.05", "q0.5", "q0.95"]
    assert len(table) == 3
    ended = elman(
        "evaluate", tmp_path / "run", "--origins", "2", "--by-step", tmp_path / "steps.csv"
    )
    assert ended.code == 0, ended.err
    assert set(pd.read_csv(tmp_path / "steps.csv").step) == {1, 2, 3}


def test_a_picture(elman: Elman, forecaster: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    ended = elman("predict", forecaster.path, "--plot", tmp_path / "fan.svg")
    assert ended.code == 0, ended.err
    assert "<svg" in (tmp_path / "fan.svg").read_text()
    for command in ("predict", "evaluate"):
        ended = elman(command, forecaster.path, "--plot", "fan.gif")
        refused(ended, 2, "must end in .png, .svg, .pdf")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("someday,3", "standard input:2: date is 'someday'"),
        ("2023-07-19,3", "the time 2023-07-19 was there before; 2023-07-20 is expected next"),
        ("2023-07-20 03:00,3", "is off the grid of rows"),
        ("2023-07-20,much", "y is 'much', expected a finite number"),
        ("2023-07-20,inf", "y is 'inf', expected a finite number"),
        ("2023-07-20", "has 1 columns, expected the 2 of the header"),
        ("2103-07-20,3", "correct the time"),
        ("2023-07-20,3\r2023-07-21,3", "lines have to end in LF"),
    ],
)
def test_rows_that_cannot_be_streamed(forecaster: Run, row: str, message: str) -> None:
    from elman.errors import InputError

    session = forecaster.predictor.session()
    with pytest.raises(InputError, match=message):
        session.push(lines(row))
