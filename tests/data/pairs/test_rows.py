"""Sentences to translate: lines of a file, or the source's column of a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from elman.data.given import Columns
from elman.data.pairs.rows import Reader, read_sources
from elman.errors import InputError

SENTENCES = ["a dog", "two cats, and 1 bird"]


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text", "column"),
    [
        ("a.txt", "a dog\r\ntwo cats, and 1 bird", None),
        ("a", "a dog\ntwo cats, and 1 bird\n", None),
        ("a.tsv", "a dog\tein Hund\ntwo cats, and 1 bird\tzwei\n", None),
        ("a.tsv", "a dog\ntwo cats, and 1 bird\n", None),
        ("a.tsv", "target\tx\tsource\nein Hund\t1\ta dog\nzwei\t2\ttwo cats, and 1 bird\n", None),
        ("a.csv", 'de,En,src\n1,a dog,3\n2,"two cats, and 1 bird",4\n', "en"),
        ("a.tsv", "1\t2\ta dog\n3\t4\ttwo cats, and 1 bird\n", "3"),
        ("a.jsonl", '{"input": "a dog"}\n{"input": "two cats, and 1 bird"}\n', None),
    ],
)
def test_files(tmp_path: Path, name: str, text: str, column: str | None) -> None:
    assert list(read_sources(written(tmp_path / name, text), column)) == SENTENCES


def test_frames_dicts_and_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [7, 8], "source": SENTENCES, "target": ["x", "y"]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert list(read_sources(tmp_path / "a.parquet")) == SENTENCES
    assert list(read_sources(Columns(frame))) == SENTENCES
    assert list(read_sources(Columns({"anything": SENTENCES}))) == SENTENCES


def test_what_is_not_clear(tmp_path: Path) -> None:
    three = written(tmp_path / "a.csv", "x,y,z\na,b,c\nd,e,f\n")
    with pytest.raises(InputError, match=r"a\.csv: which of its columns .* is the source"):
        list(read_sources(three))
    numbers = Columns({"source": ["a", 3]}, "inputs")
    with pytest.raises(InputError, match="inputs:2: expected text, got 3"):
        list(read_sources(numbers))


@pytest.mark.parametrize(("nothing", "clear"), [(99, False), (100, True)])
def test_the_first_hundred_rows_tell_which_columns_are_text(nothing: int, clear: bool) -> None:
    count = nothing + 1
    data = {"a": ["a dog"] * count, "b": ["ein Hund"] * count, "n": [None] * nothing + ["late"]}
    reader = Reader()
    if clear:
        assert len(reader.read(Columns(data))) == count
        assert reader.found == ["source: column 'a', target: column 'b'"]
    else:
        with pytest.raises(InputError, match="3 columns, and which two are the sentences"):
            reader.read(Columns(data))
