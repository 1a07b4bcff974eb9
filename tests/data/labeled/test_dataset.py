"""Labeled rows out of files of every kind, what they are called, and what is wrong with them."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from elman.data.given import Files, Splits, given
from elman.data.labeled.dataset import read_labeled, read_more, read_unlabeled, stratified
from elman.data.labeled.formats.columns import choose
from elman.data.labeled.formats.splits import read_rows
from elman.data.labeled.rows import Columns, Labeled, Sequences, Texts, Words
from elman.data.labeled.standardize import Standardizer
from elman.data.tables.read import read_file
from elman.data.tables.table import BadRows
from elman.errors import InputError

REVIEWS = [(f"a {word} film number {n}", label) for n in range(20) for word, label in
           (("fine", "good"), ("dull", "bad"))]  # fmt: skip
BIO = "EU B-ORG\nrejects O\n\nPeter B-PER\nBlackburn I-PER\n\n"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def texts(part: Labeled) -> list[tuple[str, str]]:
    assert isinstance(part.inputs, Texts)
    names = part.labels.names
    return [(t, names[i]) for t, i in zip(part.inputs.texts, part.labels.ids, strict=True)]


def table(path: Path) -> Path:
    """The reviews in the format that the name says."""
    if path.suffix == ".parquet":
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        columns = {"review": [t for t, _ in REVIEWS], "sentiment": [k for _, k in REVIEWS]}
        parquet.write_table(pa.table(columns), path)
        return path
    if path.suffix == ".jsonl":
        return put(
            path, "".join(json.dumps({"review": t, "sentiment": k}) + "\n" for t, k in REVIEWS)
        )
    between = "," if path.suffix == ".csv" else "\t"
    return put(path, "\n".join(between.join(row) for row in [("review", "sentiment"), *REVIEWS]))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet"])
def test_a_table_of_every_kind(tmp_path: Path, name: str) -> None:
    splits = read_labeled([table(tmp_path / name)], seed=3)
    assert splits.test is not None
    parts = [texts(part) for part in (splits.train, splits.valid, splits.test)]
    assert sorted(row for part in parts for row in part) == sorted(REVIEWS)
    assert [len(part) for part in parts] == [32, 4, 4]
    assert [sum(k == "bad" for _, k in part) for part in parts] == [16, 2, 2]
    assert splits.names == ("bad", "good")
    assert "text column 'review' (by its name), label column 'sentiment'" in splits.notes[0]


def test_a_table_without_a_header_is_read_from_its_first_line(tmp_path: Path) -> None:
    rows = "".join(f"{text}\t{label}\n" for text, label in REVIEWS)
    train, dev, test = (put(tmp_path / f"{n}.tsv", rows) for n in ("train", "dev", "test"))
    splits = read_labeled([train, dev, test])
    assert splits.test is not None
    assert texts(splits.train) == texts(splits.valid) == texts(splits.test) == REVIEWS
    assert splits.columns.text == "1"
    assert splits.train.inputs.origin.where(2) == f"{train}:3"
    assert texts(read_labeled([tmp_path]).valid) == REVIEWS  # the folder, by names
    alone = put(tmp_path / "new.tsv", "one\ttwo\n")
    assert read_unlabeled(alone, splits.columns).inputs.texts == ("one",)  # type: ignore[union-attr]


def test_quotes_newlines_and_odd_characters_of_csv(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", 'text,label\r\n"a, ""b""\nc",x\r\nd e,y\r\nf g,x\r\nh i,y\r\n')
    rows = read_more(path, Columns(text="text", label="label"), ["x", "y"], "one")
    assert texts(rows)[0] == ('a, "b"\nc', "x")
    assert rows.inputs.origin.where(1) == f"{path}:4"


def test_train_and_test_by_name_give_a_validation_part(tmp_path: Path) -> None:
    paths = [table(tmp_path / "My_TRAIN.csv"), table(tmp_path / "My_TEST.csv")]
    splits = read_labeled(paths)
    assert (len(splits.train), len(splits.valid), len(splits.test or ())) == (36, 4, 40)


def test_a_split_column(tmp_path: Path) -> None:
    roles = ["train"] * 30 + ["dev"] * 6 + ["test"] * 4
    lines = [f"{t},{k},{r}" for (t, k), r in zip(REVIEWS, roles, strict=True)]
    splits = read_labeled([put(tmp_path / "a.csv", "\n".join(["text,label,split", *lines]))])
    assert (len(splits.train), len(splits.valid), len(splits.test or ())) == (30, 6, 4)
    assert texts(splits.valid) == REVIEWS[30:36]


@hypothesis.given(st.lists(st.integers(0, 4), min_size=40, max_size=120), st.integers(0, 9))
def test_a_stratified_split_is_a_partition_with_every_share(ids: list[int], seed: int) -> None:
    classes: Any = [(i,) for i in ids]
    parts = stratified(classes, [0.2, 0.1], seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(ids)))
    assert {ids[row] for row in parts[0]} == set(ids)
    again = stratified(classes, [0.2, 0.1], seed)
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))
    for k in set(ids):
        assert abs(sum(ids[row] == k for row in parts[1]) - 0.2 * ids.count(k)) <= 2.5


def test_many_labels_by_separator_and_by_list(tmp_path: Path) -> None:
    rows = [("a b", "x;y"), ("c d", "y"), ("e f", ""), ("g h", "x")] * 5
    csv = put(tmp_path / "a.csv", "text,label\n" + "\n".join(",".join(r) for r in rows))
    lists = [{"text": t, "label": [p for p in k.split(";") if p]} for t, k in rows]
    jsonl = put(tmp_path / "a.jsonl", "\n".join(map(json.dumps, lists)))
    for path, columns in ((csv, Columns(label_separator=";")), (jsonl, Columns())):
        train = read_labeled([path, path], columns).train
        assert train.labels.kind == "many"
        assert train.labels.ids[:4].tolist() == [[1, 1], [0, 1], [0, 0], [1, 0]]


def test_words_with_labels_in_columns_and_in_lists(tmp_path: Path) -> None:
    conll = put(tmp_path / "a.conll", "-DOCSTART- -X-\n\n" + BIO)
    rows = [{"tokens": ["EU", "rejects"], "tags": ["B-ORG", "O"]},
            {"tokens": ["Peter", "Blackburn"], "tags": ["B-PER", "I-PER"]}]  # fmt: skip
    jsonl = put(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    for path in (conll, jsonl):
        part = read_labeled([path, path], Columns(per_step=True)).train
        assert isinstance(part.inputs, Words)
        assert part.inputs.row(1) == ("Peter", "Blackburn")
        assert [part.labels.names[i] for i in part.labels.ids] == ["B-ORG", "O", "B-PER", "I-PER"]
    with pytest.raises(InputError, match="--per-step"):
        read_labeled([conll, conll])


@pytest.fixture
def vectors() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 2)).astype(np.float32) for length in (3, 1, 4, 2)]


def assert_same(part: Labeled, rows: list[np.ndarray], labels: list[str]) -> None:
    assert isinstance(part.inputs, Sequences)
    for row, wanted in enumerate(rows):
        np.testing.assert_allclose(part.inputs.row(row), wanted, rtol=1e-5)
    assert [part.labels.names[i] for i in part.labels.ids] == labels


def test_sequences_out_of_every_kind_of_file(tmp_path: Path, vectors: list[np.ndarray]) -> None:
    labels = ["a", "b", "a", "b"]
    for n, (row, label) in enumerate(zip(vectors, labels, strict=True)):
        cells = "\n".join(",".join(map(str, step)) for step in row.tolist())
        put(tmp_path / "by_folder" / label / f"{n}.csv", "p,q\n" + cells)
        put(tmp_path / "by_file" / f"{n}.csv", "p,q\n" + cells)
    listed = "".join(f"{n}.csv,{label}\n" for n, label in enumerate(labels))
    put(tmp_path / "by_file" / "labels.csv", "file,label\n" + listed)
    jsonl = "\n".join(json.dumps({"values": r.tolist(), "label": k})
                      for r, k in zip(vectors, labels, strict=True))  # fmt: skip
    ts = "@classLabel true a b\n@data\n" + "".join(
        ":".join(",".join(map(str, channel)) for channel in row.T.tolist()) + f":{label}\n"
        for row, label in zip(vectors, labels, strict=True)
    )
    padded = np.zeros((4, 4, 2), np.float32)
    for n, row in enumerate(vectors):
        padded[n, : len(row)] = row
    lengths = np.array([len(row) for row in vectors])
    np.savez(tmp_path / "padded.npz", x=padded, lengths=lengths, y=np.array(labels))
    flat = np.concatenate(vectors)
    np.savez(tmp_path / "flat.npz", values=flat, offsets=np.cumsum([0, *lengths]), labels=labels)
    order = [0, 2, 1, 3]
    part = read_labeled([tmp_path / "by_folder"] * 2).train
    assert_same(part, [vectors[n] for n in order], [labels[n] for n in order])
    paths = [tmp_path / "by_file", put(tmp_path / "a.jsonl", jsonl), put(tmp_path / "a.ts", ts)]
    for path in [*paths, tmp_path / "padded.npz", tmp_path / "flat.npz"]:
        assert_same(read_labeled([path, path]).train, vectors, labels)


def test_a_label_for_each_step_of_numbers(tmp_path: Path) -> None:
    for n in range(2):
        put(tmp_path / "d" / f"{n}.csv", "p,label\n1.5,up\n2,down\n")
    part = read_labeled([tmp_path / "d"] * 2, Columns(per_step=True)).train
    assert part.labels.kind == "step"
    assert [part.labels.names[i] for i in part.labels.ids] == ["up", "down"] * 2


def test_taking_rows_takes_their_steps_labels_and_lines(tmp_path: Path) -> None:
    path = put(tmp_path / "a.conll", BIO + "on O\nit O\n")
    whole = read_rows(Files((path,)), Columns(per_step=True), BadRows(), labeled=True)
    taken = whole.take(np.array([2, 0]))
    assert isinstance(taken.inputs, Words)
    assert taken.inputs.words == ("on", "it", "EU", "rejects")
    assert taken.labels == [["O", "O"], ["B-ORG", "O"]]
    assert taken.inputs.origin.where(0) == f"{path}:7"


def test_a_standardizer_is_a_value() -> None:
    values = np.random.default_rng(0).normal(5, 3, (100, 2)).astype(np.float32)
    values[:, 1] = 7
    scale = Standardizer.fit(values)
    done = scale.apply(values)
    np.testing.assert_allclose(done.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(done.std(0), [1, 0], atol=1e-5)
    assert Standardizer.from_bytes(scale.to_bytes(), "s.json") == scale
    with pytest.raises(InputError, match="3 channels, expected 2"):
        scale.apply(np.zeros((1, 3), np.float32))
    text = scale.to_bytes().decode()
    wrong = [
        text.replace("[", "[1.0, ", 1),  # more means than deviations
        text.replace('"mean": [', '"mean": [NaN, ').replace('"deviation": [', '"deviation": [1, '),
        text.replace('"mean": [', '"mean": [1e999, ').replace(
            '"deviation": [', '"deviation": [1, '
        ),
        text.replace('"deviation": [', '"deviation": [0, ').replace('"mean": [', '"mean": [0, '),
        text.replace('"format": ', '"format": 9'),
    ]
    faults = [b'{"mean": [0], "deviation": [0]}', b"\xff", b"[]", b"[" * 100_000]
    for damaged in (*faults, *map(str.encode, wrong)):
        with pytest.raises(InputError, match=r"^s\.json: .*standardizer"):
            Standardizer.from_bytes(damaged, "s.json")


GOOD = "a b,x\nc d,y\ne f,x\ng h,y\n"


@pytest.mark.parametrize(
    ("name", "text", "columns", "complaint"),
    [
        ("a.csv", "text,label\n" + GOOD, Columns(text="txt"), "--text-column txt: no such column"),
        ("a.csv", "text,label\n" + GOOD, Columns(label="k"), "it has 'text', 'label'"),
        ("a.csv", "text,review,label\na b,a c,x\n", Columns(), "'text', 'review' could each"),
        ("a.csv", "text,label,class\na b,x,y\n", Columns(), "say which with --label-column"),
        ("a.csv", "text\na b\nc d\n", Columns(), "no label column found"),
        ("a.csv", "text,label\na b,x\nc d,x\n", Columns(), "only 'x'"),
        ("a.csv", "text,label\n,x\nc d,y\n", Columns(), "a.csv:2: its text is empty"),
        ("a.csv", "text,label\na b,\nc d,y\n", Columns(), "a.csv:2: has no label"),
        ("a.csv", "text,label\na b,x\nc,d,y\n", Columns(), "a.csv:3: has 3 columns, the header"),
        ("a.csv", 'text,label\n"a"b,x\nc d,y\n', Columns(), "a.csv:2: not a row of a table"),
        ("a.csv", "text,text\na b,x\n", Columns(), "is there twice"),
        ("a.jsonl", '{"text": "a", "label": 1}\n{"text"\n', Columns(), "a.jsonl:2: not JSON"),
        ("a.jsonl", '{"text": "a b"}\n' * 3, Columns(), "no label column"),
        ("a.jsonl", '{"values": [1, "b"], "label": 1}\n', Columns(), "not a number"),
        ("a.jsonl", '{"values": [[1], [2, 3]], "label": 1}\n', Columns(), "number of channels"),
        ("a.jsonl", '{"values": [1e99], "label": 1}\n', Columns(), "not finite"),
        ("a.jsonl", '{"values": [1%s], "label": 1}\n' % ("0" * 400), Columns(), "too large"),
        ("a.csv", "words,labels\na b,\"['x', 'y']\"\n", Columns(per_step=True), "double quotes"),
        ("a.conll", "a O\nb\n", Columns(per_step=True), "a.conll:2: has 1 columns, expected 2"),
        ("a.ts", "@data\n1,2:3:x\n", Columns(), "no class labels"),
        ("a.ts", "@classLabel true x\n@data\n1,2:x\n1,2:3,4:y\n", Columns(),
         "a.ts:4: has 2 channels, expected 1"),
        ("a.ts", "@classLabel true x\n@data\n1,?:x\n", Columns(), "a.ts:3: holds something"),
        ("a.xlsx", "PK", Columns(), "a spreadsheet; save the sheet as CSV"),
        ("a.parquet", "not it", Columns(), "can't be read as Parquet"),
        ("a.npz", "not it", Columns(), "can't be read as .npz"),
        ("a.csv", "", Columns(), "empty"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_said_in_one_line(
    tmp_path: Path, name: str, text: str, columns: Columns, complaint: str
) -> None:
    path = put(tmp_path / name, text)
    with pytest.raises(InputError) as error:
        read_labeled([path, path], columns)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_bad_rows_can_be_left_out_and_are_counted(tmp_path: Path) -> None:
    text = "text,label\n" + GOOD + ",x\nz\n" + GOOD
    path = put(tmp_path / "a.csv", text)
    splits = read_labeled([path, path], skip_bad_rows=True)
    assert (len(splits.train), splits.skipped) == (8, 4)
    assert splits.notes[-1] == "left out 4 rows that can't be read"
    with pytest.raises(
        InputError, match=r"a\.csv:7: has 1 column, the header has 2.*--skip-bad-rows"
    ):
        read_labeled([path, path])


def test_labels_that_training_has_not_seen(tmp_path: Path) -> None:
    train = put(tmp_path / "train.csv", "text,label\n" + GOOD)
    other = put(tmp_path / "valid.csv", "text,label\na b,x\nc d,z\n")
    with pytest.raises(InputError, match=r"valid\.csv:3: the label 'z' is not in the training"):
        read_labeled([train, other])
    with pytest.raises(InputError, match=r"valid\.csv:3: the label 'z'"):
        read_more(other, Columns(text="text", label="label"), ("x", "y"), "one")


def test_arrays_that_lie_or_hold_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([[1], [1, 2]], dtype=object), y=np.array([0, 1]))
    with pytest.raises(InputError, match="Python objects"):
        read_labeled([path, path])
    np.savez(path, x=np.zeros((2, 3, 1)), y=np.array([0, 1]), lengths=np.array([3, 9]))
    with pytest.raises(InputError, match="do not fit"):
        read_labeled([path, path])
    np.savez(path, x=np.full((2, 3, 1), np.nan), y=np.array([0, 1]))
    with pytest.raises(InputError, match="not finite"):
        read_labeled([path, path])
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 9, 9)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    with pytest.raises(InputError, match="says it holds"):
        read_labeled([path, path])


def test_rows_in_memory_are_those_of_files(tmp_path: Path) -> None:
    reviews, labels = [t for t, _ in REVIEWS], [k for _, k in REVIEWS]
    expected = read_labeled([table(tmp_path / "a.csv")], seed=3)
    held: list[Any] = [
        (reviews, labels),
        REVIEWS,
        {"review": reviews, "sentiment": labels},
        pd.DataFrame({"id": range(40), "review": reviews, "sentiment": labels}),
    ]
    for data in held:
        splits = read_labeled(data, seed=3)
        assert texts(splits.train) == texts(expected.train)
        assert splits.names == expected.names
        more = read_more(data, splits.columns, splits.names, "one")
        assert texts(more) == REVIEWS
        assert more.inputs.origin.where(2) == "data:3"
    cut = read_labeled(Splits(given(held[0]), given(held[2]), given(held[3])))
    assert (len(cut.train), len(cut.valid), len(cut.test or ())) == (40, 40, 40)


def test_arrays_in_memory(tmp_path: Path) -> None:
    arrays = [np.full((n, 2), float(n)) for n in (2, 3, 4, 5)]
    splits = read_labeled(Splits(given((arrays, [0, 1, 0, 1])), given((arrays, [1, 1, 0, 0]))))
    assert isinstance(splits.train.inputs, Sequences)
    assert splits.train.inputs.lengths.tolist() == [2, 3, 4, 5]
    assert splits.names == ("0", "1")
    assert splits.valid.labels.ids.tolist() == [1, 1, 0, 0]
    steps = read_more(
        ([[1.0, 2.0], [3.0]], [["a", "b"], ["a"]]), Columns(per_step=True), ("a", "b"), "step"
    )
    assert steps.labels.ids.tolist() == [0, 1, 0]
    found = read_unlabeled(arrays, splits.columns).inputs
    assert isinstance(found, Sequences)
    np.testing.assert_array_equal(found.row(1), arrays[1])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (["a b", "c d"], "data: has no labels; give"),
        ((["a b", " "], ["x", "y"]), "data:2: its text is empty"),
        ((["a b", "c d"], ["x", None]), "data:2: has no label"),
        (([[1.0], [np.inf]], [0, 1]), "data:2: holds a number that is not finite"),
        (([[[1.0]], [[1.0, 2.0]]], [0, 1]), "data:2: has 2 channels, expected 1"),
        (([[1.0], []], [0, 1]), "data:2: has no list of numbers"),
        ({"review": ["a b"], "text": ["a b"], "label": [1]}, "data: 'review', 'text' could each"),
        ({"text": ["a b"], "label": [1, 2]}, "data: its columns have different lengths"),
        (Splits(given((["a"], ["x"])), given(([[1.0]], ["x"]))), "two classes|holds sequences"),
    ],
)
def test_what_is_wrong_in_memory_names_the_row(data: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as error:
        read_labeled(data)
    assert "\n" not in str(error.value)


def test_classes_that_are_numbers_have_one_order(tmp_path: Path) -> None:
    for names, expected in ((["1", "nan", "2"], ("1", "2", "nan")), (["1.0", "10", "1", "2"],
                            ("1", "1.0", "2", "10"))):  # fmt: skip
        rows = "".join(f"thing {n},{name}\n" for n in range(9) for name in names)
        path = put(tmp_path / "a.csv", f"text,label\n{rows}")
        assert read_labeled([path, path]).names == expected


def test_lists_of_words_and_labels_in_the_cells_of_a_csv(tmp_path: Path) -> None:
    rows = ['"[""EU"", ""rejects it""]","[""B"", ""O""]"', '"[""Ann""]","[""B""]"'] * 4
    path = put(tmp_path / "a.csv", "\n".join(["tokens,ner_tags", *rows]))
    part = read_labeled([path, path], Columns(per_step=True)).train
    assert isinstance(part.inputs, Words)
    assert [part.inputs.row(row) for row in (0, 1)] == [("EU", "rejects it"), ("Ann",)]
    path = put(tmp_path / "b.csv", "tokens,ner_tags\n[CLS] a [SEP],O B O\n[CLS] b [SEP],O O O\n")
    part = read_labeled([path, path], Columns(per_step=True)).train
    assert isinstance(part.inputs, Words)
    assert part.inputs.row(0) == ("[CLS]", "a", "[SEP]")


def test_the_label_is_the_only_other_column_or_the_one_whose_values_come_again(
    tmp_path: Path,
) -> None:
    one = put(tmp_path / "one.csv", "review,kind\na good film,x\na bad film,y\n")
    named = Columns(text="review")
    assert choose(read_file(one, BadRows()), named)[0].label == "kind"
    rows = [f"{n},a film called {n},{'xy'[n % 2]}" for n in range(8)]
    many = put(tmp_path / "many.csv", "\n".join(["id,review,kind", *rows]))
    found, note = choose(read_file(many, BadRows()), Columns())
    assert (found.text, found.label) == ("review", "kind")
    rows = [
        f"four short words here,a film called {n},{'a b c' if n % 2 else 'y'}" for n in range(8)
    ]
    many = put(tmp_path / "phrases.csv", "\n".join(["remark,review,kind", *rows]))
    found, note = choose(read_file(many, BadRows()), Columns())
    assert (found.text, found.label) == ("review", "kind")
    assert note == "text column 'review' (by its name), label column 'kind' (by what it holds)"


def test_where_the_labels_of_a_folder_of_files_come_from(tmp_path: Path) -> None:
    for name in ("x/0.csv", "y/1.csv"):
        put(tmp_path / "folders" / name, "p,q\n1,2\n3,4\n")
    for name in ("0.csv", "1.csv"):
        put(tmp_path / "listed" / name, "p,q\n1,2\n3,4\n")
        put(tmp_path / "steps" / name, "p,q,label\n1,2,x\n3,4,y\n")
    put(tmp_path / "listed" / "labels.csv", "file,label\n0.csv,x\n1.csv,y\n")
    for folder, columns, labels, whence in [
        ("folders", Columns(), [("x",), ("y",)], "labels from its folders"),
        ("listed", Columns(), [("x",), ("y",)], "labels from labels.csv"),
        ("steps", Columns(per_step=True), [["x", "y"]] * 2, "labels by step"),
    ]:
        found = read_rows(Files((tmp_path / folder,)), columns, BadRows(), labeled=True)
        assert list(map(list, found.labels or ())) == list(map(list, labels))
        assert found.notes == (f"{folder}: 2 files, channels p, q, {whence}",)
    put(tmp_path / "listed" / "labels.csv", "not a table of labels\n")
    bare = read_rows(Files((tmp_path / "listed",)), Columns(), BadRows(), labeled=False)
    assert (bare.labels, bare.notes) == (None, ("listed: 2 files, channels p, q",))


def test_several_labels_a_row_of_an_array(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    arrays = {"x": np.ones((3, 2, 1)), "y": np.array([[1, 0], [1, 1], [0, 1]])}
    np.savez(path, **arrays, names=["warm", "wet"])
    found = read_rows(Files((path,)), Columns(), BadRows(), labeled=True)
    assert (found.kind, found.labels) == ("many", [("warm",), ("warm", "wet"), ("wet",)])
    np.savez(path, **arrays)
    found = read_rows(Files((path,)), Columns(), BadRows(), labeled=True)
    assert found.labels == [("0",), ("0", "1"), ("1",)]
    for wrong, complaint in [
        ({"names": ["warm"]}, "has 1 names for 2 classes"),
        ({"y": np.array([[1, 2], [1, 1], [0, 1]])}, "0 and 1 for each row and class"),
        ({"y": np.ones((2, 2))}, "expected one for each of 3 rows"),
    ]:
        np.savez(path, **{**arrays, **wrong})  # type: ignore[arg-type]
        with pytest.raises(InputError, match=complaint):
            read_rows(Files((path,)), Columns(), BadRows(), labeled=True)
