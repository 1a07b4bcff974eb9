import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from elman.tasks.runs import Run
from tests.cli.conftest import Elman


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("the cat\n\nred\thill\nno end", encoding="utf-8")
    return path


def test_columns_for_each_line(elman: Elman, trained: Run, lines: Path) -> None:
    header, *rows = elman("predict", trained.path, lines).out.splitlines()
    columns = [row.split("\t") for row in rows]
    names = ["line", "nats", "nats_per_token", "bits_per_character", "tokens", "unknown", "text"]
    assert header.split("\t") == names
    assert [row[0] for row in columns] == ["1", "2", "3", "4"]
    assert [row[6] for row in columns] == ["the cat", "", "red\\thill", "no end"]
    scores = trained.predictor.predict(["the cat", "", "red\thill", "no end"])
    assert [float(row[1]) for row in columns] == pytest.approx([s.nats for s in scores], abs=1e-4)


def test_json_from_standard_input(
    elman: Elman, trained: Run, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lines.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        ended = elman("predict", trained.path, "--format", "json")
    records = [json.loads(line) for line in ended.out.splitlines()]
    assert [record["text"] for record in records] == ["the cat", "", "red\thill", "no end"]
    score = trained.predictor.predict(["the cat"])[0]
    assert records[0]["nats"] == pytest.approx(score.nats, rel=1e-5)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_table_in_a_file(
    elman: Elman, trained: Run, lines: Path, tmp_path: Path, suffix: str
) -> None:
    table = tmp_path / f"answers{suffix}"
    elman("predict", trained.path, lines, "--out", table)
    read = {
        ".csv": pd.read_csv,
        ".tsv": lambda path: pd.read_csv(path, sep="\t"),
        ".jsonl": lambda path: pd.read_json(path, lines=True),
        ".parquet": pd.read_parquet,
    }[suffix](table)
    scores = trained.predictor.predict(lines)
    assert list(read["text"].fillna("")) == [score.text for score in scores]
    assert list(read["nats"]) == pytest.approx([score.nats for score in scores], rel=1e-9)


@pytest.mark.parametrize(("name", "said"), [("a.xls", "ends in .csv"), ("no/a.csv", "no folder")])
def test_a_table_that_cannot_be_written_is_refused_before_the_run_is_read(
    elman: Elman, tmp_path: Path, name: str, said: str
) -> None:
    ended = elman("predict", tmp_path / "no-run", "--out", tmp_path / name)
    assert ended.code == 2
    assert said in ended.err


def test_json_has_null_for_what_is_no_number() -> None:
    from elman.cli.records import json_line

    assert json_line({"last": float("nan"), "of": [1.5, float("inf")]}) == (
        '{"last": null, "of": [1.5, null]}'
    )
