import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from elman.data.given import Files, Splits, given
from elman.data.pairs.dataset import Pair, one_by_one, read_pairs
from elman.data.pairs.rows import Reader
from elman.errors import InputError

SOURCES = [f"the dog number {i}" for i in range(40)]
TARGETS = [f"der Hund Nummer {i}" for i in range(40)]


def write(path: Path, lines: Sequence[str | bytes]) -> Path:
    parts = [line if isinstance(line, bytes) else line.encode() for line in lines]
    path.write_bytes(b"".join(part + b"\n" for part in parts))
    return path


def parallel(folder: Path, stem: str = "train", count: int = 40) -> list[Path]:
    return [
        write(folder / f"{stem}.en", SOURCES[:count]),
        write(folder / f"{stem}.de", TARGETS[:count]),
    ]


def tsv(folder: Path, rows: Sequence[str | bytes], name: str = "pairs.tsv") -> Path:
    return write(folder / name, rows)


ROWS = [f"{s}\t{t}" for s, t in zip(SOURCES, TARGETS, strict=True)]


def test_parallel_files_are_split_by_a_draw(tmp_path: Path) -> None:
    paths = parallel(tmp_path)
    splits = read_pairs(paths, valid_fraction=0.1, test_fraction=0.05, seed=3)
    assert (len(splits.train), len(splits.valid), len(splits.test)) == (34, 4, 2)
    together = {pair.source for pair in splits.train + splits.valid + splits.test}
    assert together == set(SOURCES)
    assert all(p.source.split()[-1] == p.target.split()[-1] for p in splits.train + splits.valid)
    assert splits == read_pairs(paths, valid_fraction=0.1, test_fraction=0.05, seed=3)
    other = read_pairs(paths, valid_fraction=0.1, test_fraction=0.05, seed=4)
    assert other.valid != splits.valid


def test_no_test_pairs_are_drawn_where_none_are_wanted(tmp_path: Path) -> None:
    splits = read_pairs(parallel(tmp_path), test_fraction=0)
    assert splits.test == []
    assert len(splits.train) + len(splits.valid) == 40


def test_given_splits(tmp_path: Path) -> None:
    paths = [*parallel(tmp_path), *parallel(tmp_path, "val", 5), *parallel(tmp_path, "test", 3)]
    splits = read_pairs(paths)
    assert (len(splits.train), len(splits.valid), len(splits.test)) == (40, 5, 3)
    assert splits.train[7] == Pair(SOURCES[7], TARGETS[7])
    folder = read_pairs([tmp_path], source="en", target="de")
    assert (folder.train, folder.valid, folder.test) == (splits.train, splits.valid, splits.test)
    turned = read_pairs([tmp_path], source="de", target="en")
    assert turned.train[7] == Pair(TARGETS[7], SOURCES[7])


def test_named_endings_of_parallel_files(tmp_path: Path) -> None:
    english, german = parallel(tmp_path)
    turned = read_pairs([english, german], source="de", target="en")
    assert all(pair.source in TARGETS for pair in turned.train)
    with pytest.raises(InputError, match=r"don't end in \.en and \.fr"):
        read_pairs([english, german], source="en", target="fr")


def test_names_that_are_only_tried_first(tmp_path: Path) -> None:
    reader = Reader("en", "de", insist=False)
    assert reader.read((tsv(tmp_path, ROWS),))[0].source == SOURCES[0]
    (tmp_path / "rows.jsonl").write_text(json.dumps({"src": "a", "tgt": "b", "id": "c"}))
    assert reader.read((tmp_path / "rows.jsonl",)) == [Pair("a", "b")]


def test_given_tables(tmp_path: Path) -> None:
    train, valid = tsv(tmp_path, ROWS, "train.tsv"), tsv(tmp_path, ROWS[:4], "dev.tsv")
    splits = read_pairs([train, valid])
    assert (len(splits.train), len(splits.valid), splits.test) == (40, 4, [])
    assert read_pairs([tmp_path]).valid == splits.valid


@pytest.mark.parametrize(
    ("first", "row", "named", "said"),
    [
        ([], "{0}\t{1}", {}, "column 1"),
        (["source\ttarget"], "{0}\t{1}", {}, "'source'"),
        (["id\ttgt\tsrc"], "9\t{1}\t{0}", {}, "'src'"),
        (["en\tde"], "{0}\t{1}", {"source": "en", "target": "de"}, "'en'"),
        (["English\tnote\tGerman"], "{0}\tx\t{1}", {"source": "english", "target": "GERMAN"}, "'"),
        ([], "{1}\tCC-BY\t{0}", {"source": "3", "target": "1"}, "at random"),
        (["source\ttarget\ten\tde"], "x\ty\t{0}\t{1}", {"source": "en", "target": "de"}, "'en'"),
    ],
)
def test_columns_are_found_or_named(
    tmp_path: Path, first: list[str], row: str, named: dict[str, str], said: str
) -> None:
    rows = [row.format(s, t) for s, t in zip(SOURCES, TARGETS, strict=True)]
    splits = read_pairs([tsv(tmp_path, first + rows)], **named)
    assert all(p.source in SOURCES and p.target in TARGETS for p in splits.train)
    assert len(splits.train) + len(splits.valid) + len(splits.test) == 40
    assert any(said in note for note in splits.notes)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda s, t: {"src": s, "id": 3, "tgt": t}, {}),
        (lambda s, t: {"en": s, "de": t}, {}),
        (lambda s, t: {"id": 3, "translation": {"en": s, "de": t}}, {}),
        (lambda s, t: {"a": "x", "e": s, "d": t}, {"source": "e", "target": "d"}),
    ],
)
def test_keys_of_json_lines(tmp_path: Path, make, named: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    rows = [json.dumps(make(s, t)) for s, t in zip(SOURCES, TARGETS, strict=True)]
    splits = read_pairs([write(tmp_path / "pairs.jsonl", rows)], **named)
    assert all(p.source in SOURCES and p.target in TARGETS for p in splits.train)


def test_sentences_are_normalized(tmp_path: Path) -> None:
    lines = ["\ufeffu\u0308ber  all\u00a0es \tSPACE", *ROWS]
    path = tsv(tmp_path, lines)
    compressed = tmp_path / "pairs.tsv.gz"
    compressed.write_bytes(gzip.compress(path.read_bytes().replace(b"\n", b"\r\n")))
    splits = read_pairs([compressed], seed=1)
    first = next(p for p in splits.train + splits.valid + splits.test if p.target == "SPACE")
    assert first.source == "\u00fcber all es"


def test_empty_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    splits = read_pairs([tsv(tmp_path, ["", *ROWS, " \t ", ""])])
    assert "left out 3 empty rows" in splits.notes


BAD = {
    "no tab": ("only one sentence", "2: has 1 column, expected 2"),
    "empty side": ("something\t ", "2: the target is empty"),
    "not UTF-8": (b"caf\xe9\tx", "2: not UTF-8"),
    "binary": (b"\0\tx", "2: binary, not text"),
    "endless": ("x" * (1 << 20) + "\ty", "2: longer than"),
}


@pytest.mark.parametrize(("row", "complaint"), BAD.values(), ids=BAD)
def test_a_row_that_cannot_be_read_is_named_or_counted(
    tmp_path: Path, row: str | bytes, complaint: str
) -> None:
    path = tsv(tmp_path, [ROWS[0], row, *ROWS[1:]])
    with pytest.raises(InputError, match=rf"pairs\.tsv:{complaint}.*--(skip-bad-rows|encoding)"):
        read_pairs([path])
    splits = read_pairs([path], skip_bad_rows=True)
    assert "left out 1 row that can't be read" in splits.notes
    assert len(splits.train) + len(splits.valid) + len(splits.test) == 40


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{broken", "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ('{"en": "x"}', "no text under 'de'"),
        ('{"en": "x", "de": 7}', "no text under 'de'"),
        ('{"en": "x", "de": "\\ud800"}', ""),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_bad_json_rows(tmp_path: Path, row: str, complaint: str) -> None:
    good = [json.dumps({"en": s, "de": t}) for s, t in zip(SOURCES, TARGETS, strict=True)]
    path = write(tmp_path / "pairs.jsonl", [good[0], row, *good[1:]])
    if complaint:
        with pytest.raises(InputError, match=rf"pairs\.jsonl:2: .*{complaint}"):
            read_pairs([path])
    read_pairs([path], skip_bad_rows=True)


def test_a_bad_line_of_parallel_files_takes_its_partner_with_it(tmp_path: Path) -> None:
    source = write(tmp_path / "a.en", [SOURCES[0], b"\xff", *SOURCES[2:]])
    target = write(tmp_path / "a.de", TARGETS)
    with pytest.raises(InputError, match=r"a\.en:2: not UTF-8"):
        read_pairs([source, target])
    splits = read_pairs([source, target], skip_bad_rows=True)
    pairs = splits.train + splits.valid + splits.test
    assert len(pairs) == 39
    assert "left out 1 row that can't be read" in splits.notes
    write(target, [TARGETS[0], b"\xff", *TARGETS[2:]])
    assert read_pairs([source, target], skip_bad_rows=True) == splits
    assert all(p.source.split()[-1] == p.target.split()[-1] for p in pairs)


def test_files_of_different_length(tmp_path: Path) -> None:
    source, target = parallel(tmp_path)
    write(target, TARGETS[:30])
    with pytest.raises(InputError, match=r"train\.en: goes on after line 30, where .*train\.de"):
        read_pairs([source, target], skip_bad_rows=True)


def test_what_cannot_be_worked_with_is_said(tmp_path: Path) -> None:
    source, target = parallel(tmp_path)
    table = tsv(tmp_path, ROWS)
    cases: list[tuple[list[Path], dict[str, object], str]] = [
        ([tmp_path / "no.tsv"], {}, "no such file"),
        ([source, target, table], {}, "mixed"),
        ([source, target, source], {}, "got 3 files"),
        ([table] * 4, {}, "got 4 files"),
        ([source, tmp_path], {}, "a folder among files"),
        ([Path("/dev/null")], {}, "not a file that can be read twice"),
        ([tmp_path], {"source": "en", "target": "fr"}, "holds no valid"),
        ([tsv(tmp_path, ["a\tb\tc"] * 9, "three.tsv")], {}, "3 columns, and which two"),
        ([table], {"source": "en", "target": "de"}, "no column 'en'"),
        ([write(tmp_path / "x.jsonl", ['{"a": 1}'])], {}, "has one column, but sentences need two"),
        ([tsv(tmp_path, ROWS[:2], "two.tsv")], {}, "too short: 2 pairs"),
        ([tsv(tmp_path, ["", ""], "none.tsv")], {}, "the file is empty"),
        ([table], {"valid_fraction": 0.7, "test_fraction": 0.3}, "leave nothing"),
    ]
    for paths, named, complaint in cases:
        with pytest.raises(InputError, match=complaint) as caught:
            read_pairs(paths, **named)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)


def test_a_folder_whose_languages_are_not_named(tmp_path: Path) -> None:
    parallel(tmp_path), parallel(tmp_path, "valid", 3)
    with pytest.raises(InputError, match="--source de --target en"):
        read_pairs([tmp_path])
    with pytest.raises(InputError, match=r"no train file ends in \.fr"):
        read_pairs([tmp_path], source="en", target="fr")
    write(tmp_path / "train.fr", SOURCES)
    write(tmp_path / "valid.fr", SOURCES[:3])
    assert read_pairs([tmp_path], source="en", target="fr").train[0].target == SOURCES[0]


def test_a_gzip_file_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv.gz"
    path.write_bytes(gzip.compress("\n".join(ROWS).encode())[:-30])
    with pytest.raises(InputError, match="cut off or damaged"):
        read_pairs([path])


def test_one_by_one(tmp_path: Path) -> None:
    a, b, c = tmp_path / "a.en", tmp_path / "a.de", tmp_path / "c.tsv.gz"
    assert one_by_one([a, b]) == [("a.de", Files((a, b)))]
    assert one_by_one([c, c]) == [("c.tsv.gz", Files((c,)))] * 2
    with pytest.raises(InputError, match="mixed"):
        one_by_one([a, c])


def test_pairs_in_memory_and_every_kind_of_table(tmp_path: Path) -> None:
    expected = read_pairs([tsv(tmp_path, ROWS)], seed=1)
    columns = {"id": [*range(40)], "src": SOURCES, "tgt": TARGETS}
    frame = pd.DataFrame(columns)
    frame.to_csv(tmp_path / "a.csv", index=False, sep=";")
    frame.to_parquet(tmp_path / "a.parquet")
    held = [[*zip(SOURCES, TARGETS, strict=True)], columns, frame, tmp_path / "a.csv"]
    for data in [*held, tmp_path / "a.parquet"]:
        splits = read_pairs(data, seed=1)
        assert (splits.train, splits.valid, splits.test) == (
            expected.train,
            expected.valid,
            expected.test,
        )
    cut = read_pairs(Splits(given(held[0]), given(columns)))
    assert (len(cut.train), len(cut.valid), cut.test) == (40, 40, [])
    assert one_by_one(columns)[0][0] == "data"
    with pytest.raises(InputError, match="data:2: the target is empty"):
        read_pairs([("a", "b"), ("c", " ")])
    with pytest.raises(InputError, match="data: not sentence pairs"):
        read_pairs(["a text", "another text"])


def test_a_tab_too_many_and_a_null_are_bad_rows(tmp_path: Path) -> None:
    path = tsv(tmp_path, [*ROWS[:3], "one\ttwo\tthree", *ROWS[3:]])
    with pytest.raises(InputError, match=r"pairs\.tsv:4: has 3 columns, expected 2.*--skip-bad"):
        read_pairs([path])
    assert len(Reader(skip_bad_rows=True).read(path)) == 40
    lines = ['{"src": "a", "tgt": null}', *['{"src": "a", "tgt": "b"}'] * 3]
    rows = write(tmp_path / "rows.jsonl", lines)
    with pytest.raises(InputError, match=r"rows\.jsonl:1: has no text under 'tgt'"):
        read_pairs([rows])
    assert len(Reader(skip_bad_rows=True).read(rows)) == 3
