"""Tables of an evaluation: each format holds the same rows, and what can't work is said first."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyarrow import parquet

from elman.errors import InputError
from elman.evaluation.table import SUFFIXES, Table, check_table

FIRST = pd.DataFrame({"series": ["a, b", "ä"], "step": [1, 2], "mean": [0.1 + 0.2, None]})
SECOND = pd.DataFrame({"series": ["c"], "step": [3], "mean": [1e-300]})
ROWS = [("a, b", 1, 0.1 + 0.2), ("ä", 2, None), ("c", 3, 1e-300)]


def parts() -> Iterator[Any]:
    yield FIRST
    yield SECOND


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return parquet.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="," if path.suffix == ".csv" else "\t"))
    number = {"step": int, "mean": lambda cell: float(cell) if cell else None}
    return [{name: number.get(name, str)(cell) for name, cell in row.items()} for row in rows]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_all_rows_and_all_digits(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scores{suffix}"
    check_table("--scores", path)
    Table(parts).write(path)
    assert [list(row.items()) for row in read(path)] == [
        [("series", series), ("step", step), ("mean", mean)] for series, step, mean in ROWS
    ]
    assert len(Table(parts).to_frame()) == 3


def test_the_delimiter_is_that_of_the_suffix(tmp_path: Path) -> None:
    Table(parts).write(tmp_path / "a.csv")
    Table(parts).write(tmp_path / "a.tsv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1].startswith('"a, b",1,')
    assert (tmp_path / "a.tsv").read_text(encoding="utf-8").splitlines()[1].startswith("a, b\t1\t")


def test_what_cannot_become_a_table_is_said_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name, match in [
        ("a.xlsx", r"--scores .*a\.xlsx: give a name that ends in \.csv, \.tsv, \.jsonl, \.parq"),
        ("no/a.csv", r"there is no folder .*no; make it first"),
        ("folder.csv", "is a folder; name a file"),
    ]:
        with pytest.raises(InputError, match=match):
            check_table("--scores", tmp_path / name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    check_table("--scores", tmp_path / "a.csv")
    with pytest.raises(InputError, match=r"pyarrow.*elman\[forecast\]"):
        check_table("--scores", tmp_path / "a.parquet")
