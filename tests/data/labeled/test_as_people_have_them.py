"""Labeled files as people have them: labels in front, other encodings, odd class names, headers."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from elman.data.labeled.dataset import read_labeled, read_more, read_unlabeled
from elman.data.labeled.rows import Columns, LabeledSplits, Texts, Words
from elman.data.tables.asked import Asked
from elman.data.tables.table import BadRows
from elman.errors import InputError

TREC = [
    *("DESC:manner How did serfdom develop ?", "ENTY:cremat What films featured Tarzan ?"),
    *("DESC:manner How can I find a list ?", "ENTY:cremat What is a novel ?"),
] * 5


def put(path: Path, lines: list[str] | bytes) -> Path:
    content = lines if isinstance(lines, bytes) else "".join(f"{x}\n" for x in lines).encode()
    path.write_bytes(content)
    return path


def pairs(splits: LabeledSplits) -> set[tuple[str, str]]:
    found = set()
    for part in (splits.train, splits.valid, splits.test):
        if part is not None:
            assert isinstance(part.inputs, Texts)
            names = (splits.names[n] for n in part.labels.ids)
            found |= set(zip(part.inputs.texts, names, strict=True))
    return found


@pytest.mark.fault(38)
@pytest.mark.parametrize("name", ["train.txt", "train_5500.label", "train"])
@pytest.mark.parametrize(
    ("lines", "columns", "names", "first"),
    [
        (TREC, Columns(), ("DESC:manner", "ENTY:cremat"), "How did serfdom develop ?"),
        (["1 a b", "2 c d"] * 10, Columns(), ("1", "2"), "a b"),
        (["POS a b", "NEG c d"] * 10, Columns(), ("NEG", "POS"), "a b"),
        (["__label__x a b", "__label__y c d"] * 10, Columns(), ("x", "y"), "a b"),
        (["good a b", "bad c d"] * 10, Columns(label_first=True), ("bad", "good"), "a b"),
    ],
)
def test_lines_that_begin_with_their_label(
    tmp_path: Path, name: str, lines: list[str], columns: Columns, names: tuple[str], first: str
) -> None:
    path = put(tmp_path / name, lines)
    splits = read_labeled([path], columns)
    assert splits.names == names
    assert (first, splits.names[splits.names.index(lines[0].split()[0].removeprefix("__label__"))]
            ) in pairs(splits)  # fmt: skip
    assert len(pairs(splits)) == len(set(lines))
    assert any("label" in note for note in splits.notes)
    # Other files: with labels, labels are cut off; without, nothing is.
    again = read_more(path, splits.columns, names, "one")
    assert len(again) == len(lines)
    texts = read_unlabeled(path, splits.columns, names).inputs
    assert isinstance(texts, Texts)
    assert texts.texts[0] == first
    plain = read_unlabeled(put(tmp_path / "new.txt", ["who is it ?"]), splits.columns, names)
    assert plain.inputs.texts == ("who is it ?",)  # type: ignore[union-attr]


@pytest.mark.fault(38)
def test_several_labels_a_line_make_many(tmp_path: Path) -> None:
    lines = ["__label__x __label__y a b", "__label__x c", "__label__y d"] * 5
    splits = read_labeled([put(tmp_path / "a.txt", lines)])
    assert (splits.names, splits.train.labels.kind) == (("x", "y"), "many")
    rows = [splits.train.inputs.texts.index("a b")]  # type: ignore[union-attr]
    assert splits.train.labels.ids[rows].tolist() == [[True, True]]


@pytest.mark.remedy
@pytest.mark.fault(38)
def test_first_words_that_could_be_labels_are_asked_about(tmp_path: Path) -> None:
    path = put(tmp_path / "a.txt", ["good a b", "bad c d"] * 10)
    with pytest.raises(InputError, match="say --label-first"):
        read_labeled([path])
    assert read_labeled([path], Columns(label_first=True)).names == ("bad", "good")


@pytest.mark.remedy
@pytest.mark.fault(38)
def test_latin_1_is_read_when_it_is_said(tmp_path: Path) -> None:
    path = put(tmp_path / "a.label", "".join(f"{x} é\n" for x in TREC).encode("latin-1"))
    with pytest.raises(InputError, match=r"a\.label:1: not UTF-8 .*--encoding latin-1"):
        read_labeled([path])
    splits = read_labeled([path], Columns(asked=Asked(encoding="latin-1")))
    assert ("What is a novel ? é", "ENTY:cremat") in pairs(splits)
    for encoding in ("latin-1", "utf-8"):  # later files are read by their bytes
        more = read_more(
            put(tmp_path / "b.label", "DESC:manner à la\n".encode(encoding)),
            splits.columns,
            splits.names,
            "one",
        )
        assert more.inputs.texts == ("à la",)  # type: ignore[union-attr]


@pytest.mark.parametrize("between", ["\t", ";", "|"])
def test_a_table_by_another_name_is_a_table(tmp_path: Path, between: str) -> None:
    lines = [f"text{between}label", *(f"a {n}, b{between}{n % 2}" for n in range(20))]
    splits = read_labeled([put(tmp_path / "a.txt", lines)])
    assert ("a 3, b", "1") in pairs(splits)


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    ("labels", "names", "said"),
    [
        (["1", "1.0", "0"], ("0", "1", "1.0"), "1 and 1.0 are two classes"),
        (["1", "nan", "0"], ("0", "1", "nan"), "nan is a class"),
        (["NA", "b", "None"], ("NA", "None", "b"), "NA is a class"),
        (["01", "1", "x"], ("01", "1", "x"), "01 and 1 are two classes"),
    ],
)
def test_classes_have_an_order_that_no_hash_seed_decides(
    tmp_path: Path, labels: list[str], names: tuple[str, ...], said: str
) -> None:
    path = put(
        tmp_path / "a.csv", ["text,label", *(f"t {n},{x}" for n in range(8) for x in labels)]
    )
    splits = read_labeled([path])
    assert splits.names == names
    assert any(said in note for note in splits.notes)
    code = (
        "import sys; from elman.data.labeled.dataset import read_labeled;"
        "print(read_labeled([sys.argv[1]]).names)"
    )
    for seed in ("1", "4"):
        run = [sys.executable, "-c", code, str(path)]
        out = subprocess.run(run, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True)
        assert out.stdout.strip() == str(names)


@pytest.mark.fault(26)
def test_lists_of_words_in_a_csv_are_lists(tmp_path: Path) -> None:
    row = '"[""EU"", ""rejects""]","[""B"", ""O""]"'
    splits = read_labeled(
        [put(tmp_path / "a.csv", ["words,labels", *[row] * 12])], Columns(per_step=True)
    )
    assert isinstance(splits.train.inputs, Words)
    assert splits.train.inputs.row(0) == ("EU", "rejects")
    assert splits.names == ("B", "O")


@pytest.mark.fault(27)
@pytest.mark.parametrize("shape", [(12, 5, 2), (12, 5)])
def test_what_pads_a_row_is_not_looked_at(tmp_path: Path, shape: tuple[int, ...]) -> None:
    lengths = np.array([5, 3] * 6)
    values = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    labels = np.arange(12) % 2
    read = {}
    for name, fill in (("nan", np.nan), ("zero", 0.0), ("large", 1e300)):
        values[1::2, 3:] = fill
        np.savez(tmp_path / name, values=values, lengths=lengths, labels=labels)
        read[name] = read_labeled([tmp_path / f"{name}.npz"]).train.inputs.values  # type: ignore[union-attr]
    np.testing.assert_array_equal(read["nan"], read["zero"])
    np.testing.assert_array_equal(read["large"], read["zero"])
    values[1, 0] = np.nan
    np.savez(tmp_path / "bad", values=values, lengths=lengths, labels=labels)
    with pytest.raises(InputError, match="not finite"):
        read_labeled([tmp_path / "bad.npz"])


BARE = [f"{n % 2}\tthis film was {('dull', 'great')[n % 2]} {n}" for n in range(20)]
NAMED = ["label\ttext", *BARE]


@pytest.mark.fault(36)
@pytest.mark.parametrize(
    ("train", "name", "lines", "texts"),
    [
        (BARE, "a.tsv", ["text", "how far ?"], ["how far ?"]),
        (BARE, "a.csv", ["text", "how far ?"], ["how far ?"]),
        (BARE, "a.csv", ["id,text", "1,how far ?", "2,why ?"], ["how far ?", "why ?"]),
        (BARE, "a.tsv", ["how far ?", "why ?"], ["how far ?", "why ?"]),
        (BARE, "a.tsv", BARE[:2], [line[2:] for line in BARE[:2]]),
        (BARE, "a.tsv", NAMED[:2], [BARE[0][2:]]),
        (BARE, "a.csv", ["0,how far ?", "1,why ?"], ["how far ?", "why ?"]),
        (NAMED, "a.csv", ["text,x", "how far ?,1"], ["how far ?"]),
        (NAMED, "a.csv", ["x,y,text", "1,2,how far ?"], ["how far ?"]),
    ],
)
def test_a_later_table_is_read_by_its_names_where_it_has_some(
    tmp_path: Path, train: list[str], name: str, lines: list[str], texts: list[str]
) -> None:
    splits = read_labeled([put(tmp_path / "train.tsv", train)])
    found = read_unlabeled(put(tmp_path / name, lines), splits.columns, splits.names)
    assert list(found.inputs.texts) == texts  # type: ignore[union-attr]


@pytest.mark.remedy
@pytest.mark.fault(36)
@pytest.mark.parametrize(
    ("train", "name", "lines", "complaint", "said", "texts"),
    [
        (BARE, "a.tsv", ["question\thint", "how far ?\tx"], "--text-column", {"text": "question"},
         ["how far ?"]),
        (BARE, "a.csv", ["7,how far ?"], "--text-column", {"text": "2", "label": None},
         ["how far ?"]),
        (NAMED, "a.tsv", ["question\thint", "how far ?\tx"], "no column 'text'",
         {"text": "question"}, ["how far ?"]),
        (NAMED, "a.tsv", ["0\thow far ?"], "--no-header",
         {"text": "2", "asked": Asked(header=False)}, ["how far ?"]),
    ],
)  # fmt: skip
def test_a_later_table_that_could_be_either_is_asked_about(
    tmp_path: Path,
    train: list[str],
    name: str,
    lines: list[str],
    complaint: str,
    said: dict[str, object],
    texts: list[str],
) -> None:
    from dataclasses import replace

    splits = read_labeled([put(tmp_path / "train.tsv", train)])
    path = put(tmp_path / name, lines)
    with pytest.raises(InputError, match=complaint) as error:
        read_unlabeled(path, splits.columns, splits.names)
    assert "\n" not in str(error.value)
    found = read_unlabeled(path, replace(splits.columns, **said), splits.names)  # type: ignore[arg-type]
    assert list(found.inputs.texts) == texts  # type: ignore[union-attr]


@pytest.mark.fault(10)
@pytest.mark.remedy
def test_bad_rows_of_later_files_are_left_out_when_that_is_said(tmp_path: Path) -> None:
    splits = read_labeled([put(tmp_path / "a.csv", ["text,label", *["fine,good", "dull,bad"] * 8])])
    bad = put(tmp_path / "bad.csv", ["text,label", "fine film,good", ",bad", "dull film,bad"])
    columns, names = splits.columns, splits.names
    with pytest.raises(InputError, match=r"bad\.csv:3: .*--skip-bad-rows"):
        read_more(bad, columns, names, "one")
    with pytest.raises(InputError, match=r"bad\.csv:3: .*--skip-bad-rows"):
        read_unlabeled(bad, columns, names)
    assert len(read_more(bad, columns, names, "one", skip_bad_rows=True)) == 2
    assert len(read_unlabeled(bad, columns, names, BadRows(skip=True)).inputs) == 2
