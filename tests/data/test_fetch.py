"""Public data sets: the table is whole, and a file is taken only when it is what it was."""

import errno
import hashlib
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from elman.data import fetch
from elman.errors import InputError, RunFailed


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        del args


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    folder = tmp_path / "origin"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"some text\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def known(monkeypatch: pytest.MonkeyPatch, origin: str, name: str, contents: bytes) -> None:
    digest = hashlib.sha256(contents).hexdigest()
    dataset = fetch.DataSet("letters", "what", origin, "none stated", "given", {name: digest})
    monkeypatch.setattr(fetch, "list_datasets", lambda: (dataset,))


def test_the_table_says_what_from_where_and_under_which_license() -> None:
    datasets = fetch.list_datasets()
    names = [dataset.name for dataset in datasets]
    assert len(set(names)) == len(names)
    assert {"penn-treebank", "tinyshakespeare"} <= set(names)
    for dataset in datasets:
        assert dataset.what
        assert dataset.license
        assert dataset.split
        assert dataset.origin.startswith("https://raw.githubusercontent.com/")
        assert len(dataset.origin.split("/")[5]) == 40  # a commit, not a branch that moves
        assert dataset.files
        for name, digest in dataset.files.items():
            assert Path(name).name == name
            assert len(bytes.fromhex(digest)) == 32


def test_a_file_is_brought_once(
    tmp_path: Path, origin: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    known(monkeypatch, origin, "a.txt", b"some text\n")
    paths = fetch.get("letters", tmp_path / "data")
    assert paths == [tmp_path / "data" / "letters" / "a.txt"]
    assert paths[0].read_bytes() == b"some text\n"
    assert list(paths[0].parent.iterdir()) == paths
    (tmp_path / "origin" / "a.txt").unlink()
    assert fetch.get("letters", tmp_path / "data") == paths
    assert capfd.readouterr() == ("", "")


def test_other_contents_are_refused_and_not_kept(
    tmp_path: Path, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, origin, "a.txt", b"other text\n")
    with pytest.raises(RunFailed, match=r"a\.txt is not the file it was"):
        fetch.get("letters", tmp_path / "data")
    assert list((tmp_path / "data" / "letters").iterdir()) == []


@pytest.mark.parametrize("name", ["missing.txt", "closed"])
def test_what_cannot_be_reached_is_said(
    tmp_path: Path, origin: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    known(monkeypatch, "http://127.0.0.1:9" if name == "closed" else origin, name, b"")
    with pytest.raises(RunFailed, match=f"cannot fetch http.*{name} .*check the connection"):
        fetch.get("letters", tmp_path)


def test_a_disk_error_stays_one(
    tmp_path: Path, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, origin, "a.txt", b"some text\n")
    (tmp_path / "data").write_text("a file, not a folder")
    with pytest.raises(OSError) as caught:
        fetch.get("letters", tmp_path / "data")
    assert caught.value.errno in (errno.ENOTDIR, errno.EEXIST)


def test_unknown_names_and_a_missing_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="'imagenet'; there are penn-treebank, "):
        fetch.get("imagenet", tmp_path)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(InputError, match=r'pip install "elman\[data\]"'):
        fetch.get("tinyshakespeare", tmp_path)
