"""What people hold is sorted by what it is, or refused in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from elman.data.given import Arrays, Columns, Files, Pairs, Splits, Texts, given, splits
from elman.errors import InputError


class Foreign:
    """A frame of another library, which has nothing but the Arrow PyCapsule interface."""

    def __init__(self, table: Any) -> None:
        self._table, self.columns = table, table.column_names

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def test_files_and_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("a")
    assert given(Path("none.txt")) == Files((Path("none.txt"),))
    assert given("a.txt") == given(["a.txt"]) == Files((Path("a.txt"),))
    assert given(["a.txt", Path("a.txt")]) == given(("a.txt", "a.txt"))
    for text in ("", "a fine film", "word", "e.g.", "no such/file is here", "x" * 5000, "a\0b"):
        found = given(text)
        assert isinstance(found, Texts)
        assert found.texts == [text]
    for held in (["one", "two"], ("one", "two", "three"), pd.Series(["a b", "c d"])):
        found = given(held)
        assert isinstance(found, Texts)
        assert found.texts == list(held)
        assert found.labels is None


@pytest.mark.parametrize("text", ["b.txt", "folder/b", "folder\\b", "data/reviews.csv", "x.tar.gz"])
def test_a_misspelled_name_is_not_a_text(text: str) -> None:
    for held in (text, [text], ["a text", text]):
        with pytest.raises(InputError, match="there is no such file"):
            given(held)


@pytest.mark.parametrize(
    "labels",
    [["x", "y"], np.array(["x", "y"]), pd.Series(["x", "y"]), pa.array(["x", "y"])],
)
def test_inputs_with_labels(labels: Any) -> None:
    found = given((["a b", "c d"], labels))
    assert isinstance(found, Texts)
    assert (found.texts, found.labels) == (["a b", "c d"], ["x", "y"])
    found = given((np.zeros((2, 3, 1)), labels))
    assert isinstance(found, Arrays)
    assert [array.shape for array in found.arrays] == [(3, 1)] * 2
    assert found.labels == ["x", "y"]


def test_labels_are_plain_values() -> None:
    for labels in (np.array([1, 0]), torch.tensor([1, 0])):
        found = given(([[1.0, 2.0], [3.0]], labels))
        assert isinstance(found, Arrays)
        assert [type(label) for label in found.labels or ()] == [int, int]
    steps = given(([[1.0, 2.0]], [np.array([0, 1])]))
    assert isinstance(steps, Arrays)
    assert steps.labels == [[0, 1]]


def test_arrays() -> None:
    one, two = np.arange(3.0), np.arange(4.0).reshape(2, 2)
    for held in ([one, two], [torch.tensor(one), torch.tensor(two)], [one.tolist(), two.tolist()]):
        found = given(held)
        assert isinstance(found, Arrays)
        for array, expected in zip(found.arrays, (one, two), strict=True):
            np.testing.assert_array_equal(array, expected)
    for single in (one, one.tolist(), torch.tensor(one)):
        found = given(single)
        assert isinstance(found, Arrays)
        np.testing.assert_array_equal(found.arrays[0], one)
    graph = given([torch.tensor([1.0, 2.0], requires_grad=True)])
    assert isinstance(graph, Arrays)
    assert graph.arrays[0].tolist() == [1, 2]


def test_tables_and_pairs() -> None:
    table = pa.table({"a": [1]})
    for held in ({"a": [1]}, pd.DataFrame({"a": [1]}), table, Foreign(table)):
        assert isinstance(given(held), Columns)
    for held in ([("a", "b"), ("c", "d")], [["a", "b"], ["c", "d"]]):
        assert given(held) == Pairs([("a", "b"), ("c", "d")])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ([], "data: an empty list"),
        (([], []), "data: an empty list"),
        ((["a b"], ["x", "y"]), "data: 1 inputs and 2 labels"),
        ([Path("a"), "a text"], "files and texts in one list"),
        (["a b", 1.0], "data:1: expected numbers in one or two axes .*, got str 'a b'"),
        ([[1.0], [2.0, "x"]], "data:2: "),
        ([[[1.0], [2.0, 3.0]]], "data:1: not an array of numbers"),
        ([np.zeros((2, 2, 2))], r"data:1: .* got float64 of shape \(2, 2, 2\)"),
        (3, "data: expected a path, texts, a table, pairs or arrays, got int"),
        (b"bytes", "got bytes"),
        (iter(["a"]), "got list_iterator"),
        (None, "got NoneType"),
    ],
)
def test_what_is_nothing_is_refused(data: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as error:
        given(data)
    assert "\n" not in str(error.value)


def test_held_out_data() -> None:
    found = splits(["a b"], valid=["c d"])
    assert isinstance(found, Splits)
    assert found.test is None
    assert given(found) is found
    with pytest.raises(InputError, match="give one of them"):
        splits(found, valid=["c d"])
    with pytest.raises(InputError, match="valid: an empty list"):
        splits(["a b"], valid=[])


def test_what_was_put_together_by_hand_is_looked_at() -> None:
    assert given(Texts("a.txt")) == Texts(["a.txt"])
    for data, message in (
        (Texts(["a", 5]), "data:2: expected text, got 5"),  # type: ignore[list-item]
        (Texts(["a", "b"], ["x"]), "2 inputs and 1 labels; give one each"),
        (Arrays([np.zeros(3)], [1, 2], "numbers"), "numbers: 1 inputs and 2 labels"),
    ):
        with pytest.raises(InputError, match=message):
            given(data)


@pytest.mark.parametrize(
    "data",
    [
        torch.tensor(1.0),
        torch.ones(2, 2, dtype=torch.bfloat16),
        torch.eye(2).to_sparse(),
        torch.ones(2, 2, device="meta"),
        [torch.ones(2, 2, device="meta")],
        bytearray(b"ab"),
        memoryview(b"ab"),
    ],
)
def test_numbers_that_numpy_cannot_hold_and_bytes_are_refused(data: Any) -> None:
    with pytest.raises(
        InputError, match=r"no array|not an array|got bytearray|got memoryview"
    ) as error:
        given(data)
    assert "\n" not in str(error.value)
