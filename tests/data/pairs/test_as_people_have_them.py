"""Tables of pairs as people have them."""

from pathlib import Path

import pytest

from elman.data.pairs.dataset import read_pairs
from elman.data.pairs.rows import Pair, Reader
from elman.data.tables.asked import Asked
from elman.errors import InputError

ROWS = [f"one {n}\teins {n}" for n in range(12)]


def put(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


@pytest.mark.fault(20)
@pytest.mark.remedy
@pytest.mark.parametrize("row", ["left\tright\twrong", "left\tright\t", "left"])
def test_a_row_with_too_many_or_too_few_cells_is_refused_or_left_out(
    tmp_path: Path, row: str
) -> None:
    path = put(tmp_path / "a.tsv", [*ROWS[:3], row, *ROWS[3:]])
    with pytest.raises(InputError, match=r"a\.tsv:4: has \d columns?, expected 2.*--skip-bad-rows"):
        Reader().read([path])
    pairs = Reader(skip_bad_rows=True).read([path])
    assert pairs == Reader().read([put(tmp_path / "b.tsv", ROWS)])


@pytest.mark.fault(20)
def test_a_null_in_the_first_row_of_json_is_left_out(tmp_path: Path) -> None:
    rows = [f'{{"src": "one {n}", "tgt": "eins {n}"}}' for n in range(12)]
    path = put(tmp_path / "a.jsonl", ['{"src": "one", "tgt": null}', *rows])
    with pytest.raises(InputError, match=r"a\.jsonl:1: has no text under 'tgt'"):
        Reader().read([path])
    assert Reader(skip_bad_rows=True).read([path])[0] == Pair("one 0", "eins 0")


@pytest.mark.fault(20)
@pytest.mark.parametrize("names", ["en\tde", "English\tGerman", "source\ttarget"])
def test_a_header_of_languages_is_no_pair(tmp_path: Path, names: str) -> None:
    path = put(tmp_path / "a.tsv", [names, *ROWS])
    assert Reader().read([path])[0] == Pair("one 0", "eins 0")


@pytest.mark.fault(20)
@pytest.mark.remedy
def test_a_first_row_that_may_be_a_header_is_shown(tmp_path: Path) -> None:
    path = put(tmp_path / "a.tsv", ["english\tshouted", *ROWS])
    notes = read_pairs([path]).notes
    assert any("the first pair is 'english' and 'shouted'" in note for note in notes)
    assert Reader(asked=Asked(header=True)).read([path])[0] == Pair("one 0", "eins 0")


@pytest.mark.fault(10)
@pytest.mark.remedy
def test_columns_of_a_csv_are_named_as_the_message_says(tmp_path: Path) -> None:
    rows = [f"{n},one {n},eins {n}" for n in range(12)]
    path = put(tmp_path / "a.csv", ["id,en,de", *rows])
    with pytest.raises(InputError, match="--source"):
        read_pairs([path], source="english", target="german")
    wanted = {Pair(f"one {n}", f"eins {n}") for n in range(12)}
    for names in (("en", "de"), ("EN", "DE")):
        splits = read_pairs([path], source=names[0], target=names[1])
        assert {*splits.train, *splits.valid, *splits.test} == wanted
    bare = put(tmp_path / "b.csv", rows)
    with pytest.raises(InputError, match="--source"):
        read_pairs([bare])
    splits = read_pairs([bare], source="2", target="3")
    assert {*splits.train, *splits.valid, *splits.test} == wanted


@pytest.mark.fault(38)
@pytest.mark.remedy
def test_pairs_in_another_encoding(tmp_path: Path) -> None:
    lines = [f"one {n}\tfür {n}" for n in range(12)]
    table = put(tmp_path / "a.tsv", lines, "latin-1")
    sides = [
        put(tmp_path / "a.en", [line.split("\t")[0] for line in lines], "latin-1"),
        put(tmp_path / "a.de", [line.split("\t")[1] for line in lines], "latin-1"),
    ]
    for paths in ([table], sides):
        with pytest.raises(InputError, match=r":1: not UTF-8 .*--encoding latin-1"):
            Reader().read(paths)
        reader = Reader(asked=Asked(encoding="latin-1"))
        assert reader.read(paths)[3] == Pair("one 3", "für 3")
        assert Reader(dialect=reader.dialect).read(paths)[3] == Pair("one 3", "für 3")
