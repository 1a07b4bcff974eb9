"""Public data sets: the table is whole, and a file is taken only when it is what it was."""

import errno
import hashlib
import io
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from elman.data import fetch
from elman.data.archive import Archive, digest_of
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
        if (archive := dataset.archive) is not None:
            assert dataset.origin.startswith("https://github.com/")
            assert len(bytes.fromhex(archive.file.removesuffix(".zip"))) == 20
            assert len(bytes.fromhex(archive.sha256)) == 32
            continue
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


CONTENTS = {"1_ann_0.wav": b"one", "0_bob_1.wav": b"zero"}


def zipped(contents: Mapping[str, bytes], folder: str = "letters-0123/recordings") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("letters-0123/README.md", b"about")
        for name, content in contents.items():
            archive.writestr(f"{folder}/{name}", content)
    return made.getvalue()


def archived(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    archive = Archive(
        *("a.zip", "recordings", digest_of(CONTENTS), 2, 7, ("label", "speaker", "index"))
    )
    dataset = fetch.DataSet("letters", "what", origin, "none stated", "given", archive=archive)
    monkeypatch.setattr(fetch, "list_datasets", lambda: (dataset,))


def test_the_digest_of_contents_is_what_sha256sum_gives(tmp_path: Path) -> None:
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    command = "LC_ALL=C; export LC_ALL; sha256sum * | sha256sum"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=True)
    assert digest_of(CONTENTS) == done.stdout.split()[0].decode()


def test_a_folder_of_an_archive_is_brought_once(
    tmp_path: Path, origin: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    archived(monkeypatch, origin)
    (tmp_path / "origin" / "a.zip").write_bytes(zipped(CONTENTS))
    place = tmp_path / "data" / "letters"
    assert fetch.get("letters", tmp_path / "data") == [place]
    assert {p.name: p.read_bytes() for p in (place / "recordings").iterdir()} == CONTENTS
    assert (place / "metadata.csv").read_text() == (
        "file,label,speaker,index\nrecordings/0_bob_1.wav,0,bob,1\nrecordings/1_ann_0.wav,1,ann,0\n"
    )
    assert sorted(p.name for p in place.iterdir()) == ["metadata.csv", "recordings"]
    (tmp_path / "origin" / "a.zip").unlink()
    assert fetch.get("letters", tmp_path / "data") == [place]
    assert capfd.readouterr() == ("", "")
    (place / "recordings" / "1_ann_0.wav").write_bytes(b"won")
    with pytest.raises(RunFailed, match="cannot fetch"):  # no longer what it was, so asked for
        fetch.get("letters", tmp_path / "data")


@pytest.mark.parametrize(
    "contents",
    [
        zipped({**CONTENTS, "0_bob_1.wav": b"nero"}),
        zipped({"1_ann_0.wav": b"one"}),
        zipped({**CONTENTS, "more.wav": b""}),
        zipped({**CONTENTS, "0_bob_1.wav": b"0" * 10**6}),
        zipped(CONTENTS, "letters-0123/others"),
        zipped(CONTENTS)[:-30],
        b"<html>not found</html>",
    ],
)
def test_another_archive_is_refused_and_nothing_kept(
    tmp_path: Path, origin: str, monkeypatch: pytest.MonkeyPatch, contents: bytes
) -> None:
    archived(monkeypatch, origin)
    (tmp_path / "origin" / "a.zip").write_bytes(contents)
    with pytest.raises(RunFailed, match=r"a\.zip is not what it was: .*; try again"):
        fetch.get("letters", tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_names_in_an_archive_stay_in_their_folder(tmp_path: Path) -> None:
    made = tmp_path / "a.zip"
    made.write_bytes(zipped({"x.wav": b"one"}, "letters/../../recordings"))
    archive = Archive("a.zip", "recordings", digest_of({"x.wav": b"one"}), 1, 3)
    archive.unpack(made, tmp_path / "data" / "letters")
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.wav")] == [
        "data/letters/recordings/x.wav"
    ]
