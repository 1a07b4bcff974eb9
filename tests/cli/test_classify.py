"""From a table to answers on the command line; whatever is wrong with data is said in one line."""

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from elman.cli.explained import write_explained
from elman.tasks import runs
from elman.tasks.runs import Run
from elman.tensors import save_model
from tests import halves, reviews
from tests.cli.conftest import Elman
from tests.cli.test_bad_input import refused


@pytest.fixture(scope="module")
def sentiment(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return reviews.run(tmp_path_factory.mktemp("sentiment"), bidirectional=False)


def flags(**settings: object) -> list[str]:
    pairs = (reviews.SETTINGS | {"max_steps": 2} | settings).items()
    return [part for name, value in pairs for part in (f"--{name.replace('_', '-')}", str(value))]


def test_from_a_table_to_a_table(elman: Elman, tmp_path: Path) -> None:
    path = reviews.write(tmp_path)
    ended = elman("train", "sentiment", path, "--out", tmp_path / "run", *flags(max_steps=60))
    assert ended.code == 0, ended.err
    assert "2 classes: bad, good" in ended.out
    assert "accuracy" in ended.out
    assert "elman predict" in ended.out
    out = tmp_path / "out.csv"
    assert elman("predict", tmp_path / "run", path, "--out", out).code == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    named = ["text", "label", "predicted", "probability", "p_bad", "p_good", "warning"]
    assert list(rows[0]) == named
    right = sum(row["label"] == row["predicted"] for row in rows)
    assert right >= 0.9 * len(rows)


def test_a_text_on_the_command_line(elman: Elman, sentiment: Run) -> None:
    ended = elman("predict", sentiment.path, "--text", "a great film", "--format", "json")
    found = json.loads(ended.out)
    assert (found["text"], found["predicted"]) == ("a great film", "good")
    ended = elman("predict", sentiment.path, "--text", "a great film", "--explain")
    assert ended.code == 0
    assert "words" in ended.out.splitlines()[0]
    assert "\x1b" not in ended.out


def test_explained_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [
        {"word": "a", "effect": 0.001, "gradient": 0.5},
        {"word": "great", "effect": 0.25, "gradient": 0.0},
        {"word": "dull", "effect": None, "gradient": -0.125},
    ]
    record = {"predicted": "good", "probability": 0.75, "words": words}
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    colored = io.StringIO()
    write_explained([record], colored)
    assert "\x1b[" in colored.getvalue()
    assert "48;2;20;" in colored.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = io.StringIO()
    write_explained([record], plain)
    assert "a great[+25] dull[-12]" in plain.getvalue()
    assert "good  75.0 %" in plain.getvalue()


BAD = {
    "one class": ("text\tlabel\n" + "a film\tgood\nfun\tgood\n" * 9, "only 'good' for a label"),
    "no labels": ("text\n" + "a film\nfun\n" * 9, "no label column found"),
    "an empty text": (
        "text\tlabel\n" + "a film\tgood\n\tbad\ndull\tbad\n" * 9,
        "data.tsv:3: its text is empty",
    ),
    "nothing": ("", "data.tsv: the file is empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_table_that_cannot_be_trained_on(elman: Elman, tmp_path: Path, name: str) -> None:
    text, message = BAD[name]
    path = tmp_path / "data.tsv"
    path.write_text(text, encoding="utf-8")
    ended = elman("train", "sentiment", path, "--out", tmp_path / "run", *flags())
    refused(ended, 2, "data.tsv:", message)
    assert not (tmp_path / "run").exists()


def test_settings_that_cannot_be_used(elman: Elman, tmp_path: Path, sentiment: Run) -> None:
    path, out = reviews.write(tmp_path), tmp_path / "run"

    def train(*tokens: object) -> tuple[str, int]:
        ended = elman("train", "sentiment", path, "--out", out, *flags(), *tokens)
        assert not out.exists()
        refused(ended, 2)
        return ended.err, ended.code

    assert "--text-column nope: no such column" in train("--text-column", "nope")[0]
    assert "give a language-model run" in train("--from", sentiment.path)[0]
    assert "one direction only" in train("--from", sentiment.path, "--bidirectional")[0]
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("great 1 2 3\ndull 1 2 3\n", encoding="utf-8")
    assert "have 3 numbers, but --embedding-size is 10" in train("--vectors", vectors)[0]


def test_answers_that_cannot_be_given(elman: Elman, tmp_path: Path, sentiment: Run) -> None:
    run = sentiment.path
    refused(elman("predict", run, "--text", "  "), 2, "empty text")
    path = tmp_path / "lines.txt"
    path.write_text("a film\n\nfun\n", encoding="utf-8")
    refused(elman("predict", run, path), 2, "lines.txt:2: an empty text")
    table = tmp_path / "table.csv"
    table.write_text("words,stars\na film,5\n", encoding="utf-8")
    refused(elman("predict", run, table), 2, "table.csv: --text-column text: no such column")
    other = tmp_path / "other.tsv"
    other.write_text("text\tlabel\na film\tmediocre\n", encoding="utf-8")
    refused(elman("evaluate", run, other), 2, "other.tsv:2: the label 'mediocre' is not in")
    refused(elman("predict", run, "--text", "a film", path), 2, "--text")


def test_steps_before_a_bad_line_are_answered(
    elman: Elman, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = reviews.SETTINGS | {"bidirectional": False}
    config = runs.configure(runs.task_class("classify").Config, settings)
    run = runs.begin("classify", halves.write(tmp_path)[0], tmp_path / "run", config)
    save_model(run.directory.model_path, run.predictor.network)
    lines = tmp_path / "steps.txt"
    lines.write_text("500 500\n503, 499\n500 high\n", encoding="utf-8")
    with lines.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        ended = elman("stream", run.path)
    refused(ended, 2, "standard input:3")
    assert [line.split("\t")[:2] for line in ended.out.splitlines()[1:]] == [["1", "1"], ["1", "2"]]


def test_from_both_ends_there_is_no_stream(elman: Elman, tmp_path: Path) -> None:
    run = reviews.run(tmp_path, max_steps=1)
    refused(elman("stream", run.path), 2, "--no-bidirectional")
