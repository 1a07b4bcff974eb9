"""What a run keeps of its data is the same for the same content, and only for that."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.given import Texts, given, splits
from elman.data.recorded import recorded


def test_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.txt").write_bytes(b"text")
    (tmp_path / "b.txt").write_bytes(b"more")
    assert recorded(given(tmp_path)) == [
        {"name": str(path), "sha256": hashlib.sha256(content).hexdigest(), "size": 4}
        for path, content in ((tmp_path / "b.txt", b"more"), (tmp_path / "inner/a.txt", b"text"))
    ]
    assert recorded(None) == []


def test_a_folder_of_many_files_is_one_entry(tmp_path: Path) -> None:
    for number in range(201):
        (tmp_path / f"{number:03}.txt").write_bytes(b"text")
    (before,) = recorded(given(tmp_path))
    assert (before["files"], before["size"]) == (201, 804)
    (tmp_path / "007.txt").rename(tmp_path / "renamed.txt")
    (renamed,) = recorded(given(tmp_path))
    (tmp_path / "008.txt").write_bytes(b"tex!")
    (changed,) = recorded(given(tmp_path))
    assert len({before["sha256"], renamed["sha256"], changed["sha256"]}) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a b", "c"], ["a", "b c"]),
        ([("a", "b")], [("a", "c")]),
        ([np.arange(3.0)], [np.arange(3)]),
        ([np.zeros((2, 3))], [np.zeros((3, 2))]),
        ((["a", "b"], ["x", "y"]), (["a", "b"], ["y", "x"])),
        ({"t": [1, 2], "y": [3.0, 4.0]}, {"t": [1, 2], "y": [3.0, 5.0]}),
        ({"t": [1, 2]}, {"u": [1, 2]}),
    ],
)
def test_other_content_has_another_hash(one: Any, other: Any) -> None:
    (first,), (again,), (second,) = (recorded(given(data)) for data in (one, one, other))
    assert first == again
    assert first["sha256"] != second["sha256"]
    assert first["size"] >= 1


def test_parts_and_what_can_be_read_once() -> None:
    entries = recorded(splits(["a text here"], valid=["another text"]))
    assert [entry["split"] for entry in entries] == ["train", "valid"]
    assert recorded(Texts(iter(["a"]), where="standard input")) == [{"name": "standard input"}]
