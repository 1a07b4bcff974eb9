"""Each bound refuses what is beyond it in one line, and before the memory is taken."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from elman.bounds import (
    MOST_COLUMNS,
    MOST_EXPANSION,
    MOST_SETTINGS,
    SMALL_EXPANSION,
    free_memory,
    most_at_once,
    read_settings,
)
from elman.data.given import Files
from elman.data.labeled.dataset import read_labeled
from elman.data.pairs.rows import Reader
from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.data.text import lines_of, resolve_sources
from elman.data.tokens import open_tokens
from elman.errors import InputError

MIB = 1 << 20


def zeros_npz(path: Path, size: int) -> Path:
    """An archive of so many bytes of zeros, written without holding them."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("values.npy", "w", force_zip64=True) as file,
    ):
        header = {"descr": "<f4", "fortran_order": False, "shape": (size // 4000, 1000)}
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(size // 4_000_000):
            file.write(b"\0" * 4_000_000)
    return path


def zipped(path: Path, line: str, size: int) -> Path:
    with gzip.open(path, "wt", compresslevel=1) as file:
        for _ in range(size // MIB):
            file.write(line * (MIB // len(line)))
    return path


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) <= 1010
    return message


def series(path: Path) -> Callable[[], object]:
    return lambda: read_panel(Files((path,)), Columns(target=("y",)))


def labeled(path: Path) -> Callable[[], object]:
    return lambda: read_labeled(Files((path,)))


READ = """
from pathlib import Path
import sys
import elman.bounds
elman.bounds.SMALL_EXPANSION = 2**25
path = Path(sys.argv[1])
"""
MEASURED = """
from elman.errors import InputError
def kib(name):  # of this program alone: what getrusage says outlives exec
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
before = kib("VmRSS")
try:
    read(path)
except InputError as error:
    print(1024 * (kib("VmHWM") - before), error)
"""


def peak(read: str, path: Path) -> tuple[int, str]:
    """How far the memory of a process rose that was refused a file, and the message."""
    done = subprocess.run(
        [sys.executable, "-c", READ + read + MEASURED, path],
        capture_output=True,
        text=True,
        check=True,
    )
    rise, _, message = done.stdout.strip().partition(" ")
    return int(rise), message


@pytest.mark.parametrize(
    ("read", "make", "message"),
    [
        (
            (
                "from elman.data.labeled.formats.npz import read_npz as read_it\n"
                "from elman.data.labeled.rows import Columns\n"
                "read = lambda path: read_it(path, Columns())"
            ),
            lambda folder: zeros_npz(folder / "zeros.npz", 80 * MIB),
            "compressed bytes hold",
        ),
        (
            (
                "from elman.data.tables.read import read_file\n"
                "from elman.data.tables.table import BadRows\n"
                "read = lambda path: read_file(path, BadRows())"
            ),
            lambda folder: zipped(folder / "t.csv.gz", "0" * 65_535 + "\n", 80 * MIB),
            "compressed bytes hold",
        ),
        (
            (
                "from elman.data.text import resolve_sources\n"
                "def read(path):\n"
                "    for block in resolve_sources(path).train.blocks():\n        pass"
            ),
            lambda folder: zipped(folder / "t.txt.gz", "a", 80 * MIB),
            "compressed bytes hold",
        ),
        (
            "from elman.bounds import read_settings as read",
            lambda _: Path("/dev/zero"),
            "is a device, expected a file",
        ),
    ],
    ids=["npz", "csv.gz", "txt.gz", "device"],
)
def test_what_fills_the_memory_is_refused_without_it(
    tmp_path: Path, read: str, make: Callable[[Path], Path], message: str
) -> None:
    rise, said = peak(read, make(tmp_path))
    assert message in said
    assert rise < 120 * MIB, f"{rise / MIB:.0f} MiB"


@pytest.mark.remedy
def test_compressed_arrays_beyond_the_ratio_are_read_once_saved_without_compression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elman.bounds.SMALL_EXPANSION", 1000)
    arrays = {"values": np.zeros((40, 20_000, 1), np.float32), "labels": np.arange(40) % 2}
    packed, plain = tmp_path / "packed.npz", tmp_path / "plain.npz"
    np.savez_compressed(packed, **arrays)
    assert "save it with numpy.savez" in refused(labeled(packed))
    np.savez(plain, **arrays)
    assert len(read_labeled(Files((plain,))).train.inputs) == 32


@pytest.mark.remedy
def test_a_text_beyond_the_ratio_is_read_once_it_is_decompressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elman.bounds.SMALL_EXPANSION", 1000)
    packed = zipped(tmp_path / "t.txt.gz", "ab\n", MIB)
    read: Callable[[Path], object] = lambda path: list(resolve_sources(path).train.blocks())  # noqa: E731
    assert "decompress it first (gunzip)" in refused(lambda: read(packed))
    plain = tmp_path / "t.txt"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    assert read(plain)


def test_a_table_of_too_many_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    row = ",".join("1" * MOST_COLUMNS)
    path.write_text(
        "ds," + ",".join(f"c{n}" for n in range(MOST_COLUMNS)) + f"\n2024-01-01,{row}\n"
    )
    assert f"t.csv:1: {MOST_COLUMNS + 1:,} columns, above the bound" in refused(series(path))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_a_table_of_many_short_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("elman.bounds._available", lambda: 20 * MIB)
    path = tmp_path / name
    path.write_text("[0]\n" * 200_000)
    assert "its rows need more than" in refused(labeled(path))


def test_json_rows_with_ever_new_keys(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(f'{{"k{n}": 1}}\n' for n in range(MOST_COLUMNS + 1)))
    assert "above the bound" in refused(series(path))


def test_what_is_read_at_once_is_a_part_of_the_memory_that_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0 < most_at_once() <= free_memory() // 3
    path = tmp_path / "t.csv"
    path.write_text("ds,y\n" + "".join(f"2024-01-{day:02},{day}\n" for day in range(1, 30)))
    series(path)()
    monkeypatch.setattr("elman.bounds._available", lambda: 1000)
    assert "give fewer rows at once, or Parquet" in refused(series(path))


def test_free_memory_is_within_the_limit_of_the_process() -> None:
    code = (
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        "from elman.bounds import free_memory\nprint(free_memory())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(out.stdout) < 2**30


def test_arrays_whose_header_lies(tmp_path: Path) -> None:
    path = tmp_path / "tokens.npy"
    for shape in ("(99999999999999,)", "(-1,)", f"({2**62}, 8)"):
        header = f"{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}}}\n".encode()
        path.write_bytes(b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header)
        assert "more than it has" in refused(lambda: open_tokens(path))


def test_parquet_that_declares_more_than_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    word = "x" * MIB
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), pa.array([word]))
    parquet.write_table(pa.table({"text": column, "label": ["a", "b"] * 25_000}), path)
    assert path.stat().st_size < 2 * MIB  # and 50 GB of text
    assert "above the bound" in refused(labeled(path))
    monkeypatch.setattr("elman.bounds._available", lambda: 100_000)
    assert "above the bound" in refused(series(path))


def test_a_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.data.text.LONGEST_DOCUMENT", MIB)
    path = tmp_path / "t.txt"
    path.write_bytes(b"a" * 4 * MIB)
    assert "a line is longer than 1,048,576" in refused(lambda: list(lines_of(path)))


def test_a_file_of_settings_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    with path.open("wb") as file:
        file.truncate(MOST_SETTINGS + 1)
    assert "the bound of a file of settings" in refused(lambda: read_settings(path))


def special(folder: Path, kind: str) -> Path:
    path = folder / "train.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    return path


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "folder"])
def test_what_is_no_file_is_said_and_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    path = special(Path(), kind)
    message = f"train.csv: is a {kind}, expected a file"
    assert message in refused(series(path))
    assert message in refused(lambda: Reader().read(path))
    assert message in refused(lambda: read_settings(path))
    if kind != "folder":
        assert message in refused(labeled(path))
        assert "train.csv: " in refused(lambda: resolve_sources(Path()))


@pytest.mark.parametrize("target", ["../secret.txt", "nowhere", "again.txt"])
def test_a_link_out_of_a_folder_is_not_followed(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret\n" * 50)
    (folder / "a" / "1.csv").write_text("x\n1\n")
    for name in ("again.txt", "a/again.csv"):
        (folder / name).symlink_to(target if "/" not in name else Path("..", target))
    word = "out of the folder" if "secret" in target else "leads to no file"
    assert word in refused(lambda: resolve_sources(folder))
    assert word in refused(labeled(folder))


@pytest.mark.remedy
def test_a_link_out_of_a_folder_of_splits_is_read_when_it_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("train", "valid"):
        (tmp_path / f"{name}.txt").write_text(f"{name}\n" * 20)
        (folder / f"{name}.txt").symlink_to(f"../{name}.txt")
    assert "name the files one by one" in refused(lambda: resolve_sources(folder))
    paths = [folder / "train.txt", folder / "valid.txt"]
    assert "".join(resolve_sources(paths).valid.blocks()) == "valid\n" * 20


def test_a_link_within_a_folder_is_a_file_like_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text\n" * 20)
    (tmp_path / "b.txt").symlink_to("a.txt")
    assert len(list(lines_of(tmp_path))) == 40


def test_the_bounds_are_those_that_are_promised() -> None:
    text = (Path(__file__).parent.parent / "SECURITY.md").read_text(encoding="utf-8")
    for bound in (MOST_COLUMNS, MOST_EXPANSION, SMALL_EXPANSION // MIB, MOST_SETTINGS // MIB):
        assert f"{bound:,}" in text
