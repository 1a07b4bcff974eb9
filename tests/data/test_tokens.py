"""Token files: the ids of the whole text, whatever the blocks; and what is said of bad files."""

import errno
import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.tokenizer import Unit
from elman.data.tokens import TextCounts, build_tokens, open_tokens, read_counts
from elman.data.units.char import CharTokenizer
from elman.data.units.word import WordTokenizer
from elman.errors import InputError
from tests.data.texts import UNITS, prose, tokenizer, wild_text


@pytest.mark.parametrize("unit", UNITS)
@settings(max_examples=40)
@given(text=wild_text.filter(str.strip), size=st.integers(1, 50))
def test_a_file_holds_the_ids_of_the_whole_text(
    tmp_path_factory: pytest.TempPathFactory, unit: Unit, text: str, size: int
) -> None:
    path = tmp_path_factory.mktemp("tokens") / "train.npy"
    blocks = (text[start : start + size] for start in range(0, len(text), size))
    counts = build_tokens(blocks, tokenizer(unit), path)
    ids = open_tokens(path)
    assert ids.tolist() == tokenizer(unit).encode(text).tolist()
    assert counts == read_counts(path)
    encoded = text.encode("utf-8", "surrogatepass")
    told = text
    if unit == "word":  # white space is collapsed
        told = "\n".join(" ".join(line.split()) for line in text.split("\n"))
    unknown, spelling = tokenizer(unit).left_out(text)
    assert replace(counts, spelling=0.0) == TextCounts(len(ids), len(told), len(encoded), unknown)
    assert counts.spelling == pytest.approx(spelling, rel=1e-9)


def test_the_file_is_numpys_own_mapped_and_read_only(tmp_path: Path) -> None:
    build_tokens([prose()], tokenizer("char"), tmp_path / "a.npy")
    ids = open_tokens(tmp_path / "a.npy")
    assert isinstance(ids, np.memmap)
    assert np.array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), ids)
    with pytest.raises(ValueError):
        ids[0] = 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.npy"]


@pytest.mark.parametrize(
    ("vocab_size", "dtype"),
    [(256, np.uint8), (257, np.uint16), (65536, np.uint16), (65537, np.uint32)],
)
def test_ids_take_the_smallest_type_that_fits(
    tmp_path: Path, vocab_size: int, dtype: type[np.unsignedinteger]
) -> None:
    kind = WordTokenizer(f"w{number}" for number in range(vocab_size - 2))
    build_tokens([f"w0 w{vocab_size - 3} other"], kind, tmp_path / "a.npy")
    ids = open_tokens(tmp_path / "a.npy")
    assert ids.dtype == dtype
    assert ids.tolist() == [2, vocab_size - 1, 0]


def test_a_text_without_tokens_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no tokens \(3 characters, cut into word units"):
        build_tokens(["  ", "\t"], tokenizer("word"), tmp_path / "a.npy")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_os_error_and_leaves_the_old_file(tmp_path: Path) -> None:
    build_tokens(["old"], tokenizer("char"), tmp_path / "a.npy")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError) as caught:
            build_tokens(["x" * 1000] * 20, tokenizer("char"), tmp_path / "a.npy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.EFBIG
    assert tokenizer("char").decode(open_tokens(tmp_path / "a.npy")) == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.npy"]


def test_an_error_of_the_text_leaves_nothing(tmp_path: Path) -> None:
    def blocks() -> object:
        yield "good"
        raise InputError("bad byte")

    with pytest.raises(InputError, match="bad byte"):
        build_tokens(blocks(), tokenizer("char"), tmp_path / "a.npy")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["missing", "cut", "foreign", "pickle", "floats", "square"])
def test_a_file_that_is_no_row_of_ids_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.npy"
    build_tokens([prose()], tokenizer("char"), path)
    match kind:
        case "missing":
            path.unlink()
        case "cut":
            os.truncate(path, 5000)
        case "foreign":
            path.write_bytes(b"PK\x03\x04 something else")
        case "pickle":
            np.save(path, np.array([{}], dtype=object), allow_pickle=True)
        case "floats":
            np.save(path, np.ones(5))
        case "square":
            np.save(path, np.ones((5, 5), dtype=np.uint8))
    with pytest.raises(InputError, match="prepare the text again") as caught:
        open_tokens(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '"x"', "{}", '{"tokens": 1}', '{"tokens": 1, "other": 2}', "[" * 100_000),
        '{"tokens": 1, "characters": "2", "bytes": 3}',
        '{"tokens": 0, "characters": 2, "bytes": 3}',
    ],
)
def test_counts_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match="prepare the text again"):
        read_counts(tmp_path / "a.npy")


@pytest.mark.parametrize("unit", UNITS)
def test_memory_does_not_grow_with_the_text(tmp_path: Path, unit: Unit) -> None:
    program = """
import json, sys
from elman.data.tokenizer import train_tokenizer
from elman.data.tokens import build_tokens

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

def blocks(count):
    text = "".join(f"w{number % 5000:x} " for number in range(200_000))
    for _ in range(count):
        most.append(anonymous())
        yield text

most, grown, kind = [], [], None
for count in (2, 4, 21):
    if kind is None or sys.argv[1] != "bpe":
        kind = train_tokenizer(sys.argv[1], blocks(count), 300)
    build_tokens(blocks(count), kind, sys.argv[2])
    grown.append(max(most) / 1024)
print(json.dumps(grown))
"""
    path = tmp_path / "a.npy"
    run = subprocess.run(
        [sys.executable, "-c", program, unit, path], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    # The allocator keeps another 10 MB or not, by chance, as threads come and go: twice to be warm.
    *few_each, many = json.loads(run.stdout)
    few = max(few_each)
    assert many < few + 15, (few, many)  # MB
    assert json.loads(path.with_suffix(".json").read_text())["tokens"] >= 4_000_000


def test_unknown_characters_are_one_id(tmp_path: Path) -> None:
    build_tokens(["abxxba"], CharTokenizer("ab"), tmp_path / "a.npy")
    assert open_tokens(tmp_path / "a.npy").tolist() == [2, 3, 0, 0, 3, 2]
