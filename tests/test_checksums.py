"""A changed byte is noticed, wherever it is, and a kill between two writes harms nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from elman import checksums
from elman.checksums import (
    LIST,
    SEAL,
    check_listed,
    fault,
    is_file_intact,
    is_intact,
    list_files,
    read_list,
    replace_listed,
    seal_file,
    sealed,
    unlist,
    write_list,
)
from elman.errors import InputError

CONTENT = sealed(f'{{"sha256": "{SEAL}", "value": [1, 2, "sha256:"]}}'.encode())


def flips(content: bytes) -> Iterator[bytes]:
    """`content` with each of its bytes changed in turn."""
    for place in range(len(content)):
        yield content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


def test_each_byte_of_a_sealed_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert is_intact(CONTENT)
    for changed in flips(CONTENT):
        path.write_bytes(changed)
        assert not is_intact(changed)
        assert not is_file_intact(path)
    for changed in (b"", CONTENT[:-1], CONTENT + b" "):
        assert not is_intact(changed)


def test_a_file_is_sealed_as_bytes_are(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (f"{SEAL} and more".encode(), f"x{SEAL}".encode() + b"y" * 3_000_000):
        path.write_bytes(content)
        seal_file(path)
        assert path.read_bytes() == sealed(content)
        assert is_file_intact(path)
        assert is_intact(path.read_bytes())
    assert sealed(sealed(content)) == sealed(content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "inner" / "b").write_bytes(b"two")
    (tmp_path / ".hidden").write_bytes(b"in the making")
    write_list(tmp_path)
    return tmp_path


@pytest.mark.remedy
def test_each_listed_file_is_checked(folder: Path) -> None:
    assert set(read_list(folder)) == {"a", "inner/b"}
    check_listed(folder)
    (folder / "inner" / "b").write_bytes(b"twp")
    with pytest.raises(InputError, match=r"inner/b: is damaged \(its content does not match"):
        check_listed(folder)
    (folder / "inner" / "b").unlink()
    with pytest.raises(InputError, match=r"inner/b: is missing; restore it from a copy"):
        check_listed(folder)
    (folder / "inner" / "b").write_bytes(b"two")
    check_listed(folder)
    (folder / LIST).unlink()
    with pytest.raises(InputError, match=r"hashes.json: is missing"):
        check_listed(folder)


def test_large_files_are_not_read_when_a_folder_is_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "CHECKED_AT_ONCE", 2)
    (folder / "a").write_bytes(b"oNe")
    check_listed(folder)
    assert fault(folder / "a", read_list(folder)["a"]) is not None
    (folder / "a").unlink()
    with pytest.raises(InputError, match="a: is missing"):
        check_listed(folder)


def test_a_kill_between_two_writes_leaves_no_file_that_looks_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException): ...

    real, left = checksums.write_bytes, 0

    def write(path: Path, content: bytes) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        real(path, content)

    monkeypatch.setattr(checksums, "write_bytes", write)
    for writes in range(5):  # the list, a, c, the list: after the fourth all is done
        left = writes
        before = (folder / "a").read_bytes()
        try:
            replace_listed(folder, {"a": f"new {writes}".encode(), "c": b"more"})
            assert writes >= 4
        except Killed:
            assert writes < 4
        check_listed(folder)
        assert (folder / "a").read_bytes() in (before, f"new {writes}".encode())
    assert [len(hashes) for hashes in read_list(folder).values()] == [1, 1, 1]


def test_files_come_and_go(folder: Path) -> None:
    (folder / "log").write_bytes(b"lines")
    list_files(folder, ["log"])
    assert set(read_list(folder)) == {"a", "inner/b", "log"}
    unlist(folder, ("lo", "inner/"))
    assert set(read_list(folder)) == {"a"}


@pytest.mark.remedy
def test_a_damaged_list_is_written_again_once_it_is_deleted(folder: Path) -> None:
    content = (folder / LIST).read_bytes()
    assert json.loads(content)["files"]
    (folder / LIST).write_bytes(content.replace(b"inner", b"outer"))
    with pytest.raises(InputError, match=r"hashes.json: is damaged .*; delete it to have it"):
        replace_listed(folder, {"a": b"new"})
    assert (folder / "a").read_bytes() == b"one"
    (folder / LIST).unlink()
    replace_listed(folder, {"a": b"new"})
    assert set(read_list(folder)) == {"a"}
