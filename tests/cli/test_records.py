"""Rows for eyes are short, rows for programs whole."""

import io
import json

import pytest

from elman.cli.records import record_writer
from elman.cli.report import print_report
from elman.evaluation.report import Report, Score


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


ROW = {"time": "2024-01-01", "mean": 1.23456789e-6, "q0.9": 1234567890.125, "many": [0.1, 2e-7]}


@pytest.mark.fault(11)
def test_a_terminal_shows_significant_digits() -> None:
    out = Terminal()
    record_writer("tsv", out)(ROW)
    shown = out.getvalue().splitlines()[1].split("\t")
    assert shown == ["2024-01-01", "1.2346e-06", "1234567890", "0.10000 2.0000e-07"]


@pytest.mark.fault(11)
def test_what_is_redirected_has_all_digits() -> None:
    out = io.StringIO()
    record_writer("tsv", out)(ROW)
    cells = out.getvalue().splitlines()[1].split("\t")
    assert [float(cell) for cell in cells[1:3]] == [ROW["mean"], ROW["q0.9"]]
    assert [float(cell) for cell in cells[3].split()] == ROW["many"]
    out = Terminal()
    record_writer("json", out)(ROW)
    assert json.loads(out.getvalue()) == ROW


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("value", "shown"), [(2.5e-6, "2.5000e-06"), (3.25e9, "3250000000"), (0.8125, "0.81250")]
)
def test_a_report_shows_significant_digits(
    capsys: pytest.CaptureFixture[str], value: float, shown: str
) -> None:
    print_report(Report([Score("test", "MAE", value, "units of the data")]))
    assert shown in capsys.readouterr().out.split()


def test_a_report_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("COLUMNS", "80")
    name = "accuracy of TF-IDF of words and pairs of words with logistic regression"
    scores = [
        Score("test", name, 0.55, "of all rows"),
        Score("test", "MASE", 1.5, "changes by row"),
    ]
    print_report(Report(scores, verdict=["one two three four " * 10]))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].split() == ["test", "MASE", "1.5000", "changes", "by", "row"]
    table = lines[-3:-1]
    assert " ".join(" ".join(table).split()) == f"test {name} 0.55000 of all rows"
