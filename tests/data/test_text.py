"""Which files are the training, validation and test text, and where a text is cut."""

import gzip
import os
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from elman.data import text_files
from elman.data.given import Splits, Texts
from elman.data.text import Text, TextSplit, resolve_sources, whole_text
from elman.errors import InputError


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def read(text: Text | None) -> str:
    assert text is not None
    first, again = "".join(text.blocks()), "".join(text.blocks())
    assert first == again
    return first


def parts(split: TextSplit) -> list[str]:
    return [read(split.train), read(split.valid)] + ([read(split.test)] if split.test else [])


@hypothesis.given(
    st.lists(st.text("aé鸟😀\n", min_size=1, max_size=60), min_size=1, max_size=4),
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from([(0.05, 0.05), (0.1, 0.0), (0.2, 0.3)]),
)
def test_a_cut_is_by_character_whatever_the_files_and_blocks(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    block_bytes: int,
    compress: bool,
    fractions: tuple[float, float],
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    for number, text in enumerate(texts):
        data = text.encode()
        (folder / f"{number}.txt").write_bytes(gzip.compress(data) if compress else data)
    whole = "".join(t if t.endswith("\n") else t + "\n" for t in texts[:-1]) + texts[-1]
    valid, test = fractions
    count = len(whole)
    ends = [round(count * (1 - valid - test), 6) // 1, round(count * (1 - test), 6) // 1]
    expected = [whole[: int(ends[0])], whole[int(ends[0]) : int(ends[1])]]
    if test:
        expected.append(whole[int(ends[1]) :])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_files, "BLOCK_BYTES", block_bytes)
        if min(map(len, expected)) < 2:
            with pytest.raises(InputError, match=f"too short: of its {count} characters"):
                resolve_sources([folder], valid_fraction=valid, test_fraction=test)
        else:
            split = resolve_sources([folder], valid_fraction=valid, test_fraction=test)
            assert parts(split) == expected


def test_the_usual_cut_of_one_file(tmp_path: Path) -> None:
    text = "".join(chr(0x4E00 + n) for n in range(1000))
    write(tmp_path, a_txt=text)
    assert parts(resolve_sources([tmp_path / "a.txt"])) == [text[:900], text[900:950], text[950:]]
    split = resolve_sources([tmp_path / "a.txt"], valid_fraction=0.1, test_fraction=0.0)
    assert parts(split) == [text[:900], text[900:]]
    assert split.test is None


def test_a_part_of_a_file_is_read_without_what_stands_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "BLOCK_BYTES", 100)
    write(tmp_path, a_txt="é" * 5000)
    split = resolve_sources([tmp_path / "a.txt"])
    decoded: list[int] = []
    decode = text_files._decode

    def watched(
        path: Path, data: bytes, byte: int, line: int, codec: str, *, final: bool
    ) -> tuple[str, int]:
        decoded.append(byte)
        return decode(path, data, byte, line, codec, final=final)

    monkeypatch.setattr(text_files, "_decode", watched)
    assert len("".join(split.valid.blocks())) == 250
    assert 8800 < min(decoded) <= 9000 < max(decoded) < 9500  # bytes; the part is 9000 to 9500


@pytest.mark.parametrize(
    "names",
    [
        ("train.txt", "valid.txt", "test.txt"),
        ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"),
        ("train.txt.gz", "dev.txt.gz", "test.txt.gz"),
        ("wiki_training.raw", "wiki_val.raw", "wiki_test.raw"),
    ],
)
def test_a_folder_of_three_files_is_split_by_their_names(
    tmp_path: Path, names: tuple[str, str, str]
) -> None:
    for name, text in zip(names, ("aa", "bb", "cc"), strict=True):
        data = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    (tmp_path / "README.md").write_text("not a part")
    assert parts(resolve_sources([tmp_path])) == ["aa", "bb", "cc"]
    (tmp_path / names[2]).unlink()
    assert resolve_sources([tmp_path]).test is None


def test_paths_in_the_order_train_valid_test(tmp_path: Path) -> None:
    write(tmp_path, a="aa", b="bb", c__x="cc", c__y="dd\n")
    paths = [tmp_path / name for name in "abc"]
    assert parts(resolve_sources(paths)) == ["aa", "bb", "cc\ndd\n"]
    assert parts(resolve_sources(paths[:2])) == ["aa", "bb"]


def test_a_folder_of_texts_is_one_text_without_what_is_hidden_or_empty(tmp_path: Path) -> None:
    write(tmp_path, b_txt="b\n", a__z_txt="az", a__y_txt="ay", c_txt="", train_txt="t")
    (tmp_path / ".hidden").write_bytes(b"\0")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x").write_bytes(b"\0")
    assert read(whole_text(tmp_path)) == "ay\naz\nb\nt"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train_de": "a", "train_en": "b", "val_de": "c"}, "could each be the train part"),
        ({"train_txt": "a", "test_txt": "b"}, "train.txt and test.txt but no valid"),
        ({"valid_txt": "a", "test_txt": "b"}, "but no train"),
        ({"a_txt": "x"}, "too short: of its 1 characters"),
        ({"a_txt": "x" * 29}, "too short: of its 29 characters"),
        ({"a_txt": ""}, "holds no files with text"),
        ({}, "holds no files with text"),
    ],
)
def test_folders_that_will_not_do(tmp_path: Path, files: dict[str, str], message: str) -> None:
    write(tmp_path, **files)
    with pytest.raises(InputError, match=message) as caught:
        resolve_sources([tmp_path])
    assert str(caught.value).startswith(f"{tmp_path}: ")


def test_paths_that_will_not_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt: cannot be read \(No such file"):
        resolve_sources([tmp_path / "none.txt"])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: not a file that can be read twice"):
        resolve_sources([tmp_path / "pipe"])
    with pytest.raises(InputError, match="got 4 paths"):
        resolve_sources([tmp_path] * 4)
    with pytest.raises(InputError, match="an empty list"):
        resolve_sources([])


@pytest.mark.parametrize(("valid", "test"), [(0.0, 0.1), (1.0, 0.0), (0.5, 0.5), (0.1, -0.1)])
def test_fractions_that_will_not_do(tmp_path: Path, valid: float, test: float) -> None:
    write(tmp_path, a_txt="x" * 1000)
    with pytest.raises(InputError, match=f"got {valid} and {test}"):
        resolve_sources([tmp_path], valid_fraction=valid, test_fraction=test)


def test_a_bad_byte_is_found_before_anything_is_built(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 1000 + b"\xff")
    with pytest.raises(InputError, match="not UTF-8 at byte 1000"):
        resolve_sources([tmp_path / "a.txt"])


def test_texts_in_memory() -> None:
    lines = [f"line {number}" for number in range(100)]
    whole = "".join(f"{line}\n" for line in lines)
    assert read(whole_text(lines)) == whole
    split = resolve_sources(lines, valid_fraction=0.1, test_fraction=0.1)
    assert "".join(parts(split)) == whole
    cut = resolve_sources(Splits(Texts(lines), Texts(["valid text"])))
    assert parts(cut) == [whole, "valid text\n"]
    drawn = resolve_sources(Splits(Texts(lines), None, Texts(["test text"])), valid_fraction=0.1)
    assert "".join(parts(drawn)) == whole + "test text\n"
    for table in ({"a": lines}, {"n": range(len(lines)), "text": lines}):
        assert read(whole_text(table)) == whole
    for data in ((lines, lines), {"a": [1]}, {"a": lines, "b": lines}, [1.0, 2.0]):
        with pytest.raises(InputError, match=r"data.*: .*text"):
            whole_text(data)
