"""Files of text: what comes out of good ones, and what is said of bad ones."""

import gzip
from pathlib import Path

import pytest

from elman.data import text_files
from elman.data.text_files import Place, decoded_lines, file_blocks
from elman.errors import InputError

TEXT = "Ein Vöglein\r\nflog 鸟\tweg 😀\n" * 40
READ = TEXT.replace("\r\n", "\n")


@pytest.fixture(params=[1, 2, 3, 5, 64, 1 << 20])
def block_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(text_files, "BLOCK_BYTES", request.param)
    return int(request.param)


def write(folder: Path, data: bytes, name: str = "a.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def read_blocks(path: Path) -> list[str]:
    return [block for block, _ in file_blocks(path, Place())]


def message(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_blocks(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.mark.fault(12)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_blocks_join_to_the_text_with_lf_at_the_end_of_each_line(
    tmp_path: Path, block_bytes: int, encoding: str
) -> None:
    path = write(tmp_path, TEXT.encode(encoding))
    asked = encoding if encoding == "gb18030" else ""
    places = [*file_blocks(path, Place(), asked)]
    blocks = [block for block, _ in places]
    assert "".join(blocks) == READ
    assert all(blocks)
    assert max(len(block.encode(encoding)) for block in blocks) <= block_bytes + 5
    middle = len(places) // 2
    again = [block for block, _ in file_blocks(path, places[middle][1], asked)]
    assert "".join(again) == "".join(blocks[middle:])


@pytest.mark.fault(38)
@pytest.mark.remedy
@pytest.mark.parametrize(("encoding", "named"), [("latin-1", "latin-1"), ("cp1252", "cp1252")])
def test_the_encoding_that_is_named_reads_the_file(
    tmp_path: Path, encoding: str, named: str
) -> None:
    text = "über Öl\n" + ("“quoted” für 5 €\n" if encoding == "cp1252" else "für ø\n")
    path = write(tmp_path, text.encode(encoding))
    first = message(path).partition("--encoding ")[2].split()[0]
    assert first in ("latin-1", named)
    assert "".join(block for block, _ in file_blocks(path, Place(), named)) == text
    assert [line for _, line in decoded_lines(path, pytest.fail, encoding=named)] == text.split(
        "\n"
    )[:-1]


def test_a_byte_order_mark_is_no_text(tmp_path: Path, block_bytes: int) -> None:
    path = write(tmp_path, b"\xef\xbb\xbf" + "a\ufeffb".encode())
    assert "".join(read_blocks(path)) == "a\ufeffb"


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt"])
def test_gzip_is_known_by_its_first_bytes(tmp_path: Path, block_bytes: int, name: str) -> None:
    data = gzip.compress(TEXT.encode()[:70]) + gzip.compress(TEXT.encode()[70:])
    assert "".join(read_blocks(write(tmp_path, data, name))) == READ


def test_bytes_that_are_not_utf_8_are_placed(tmp_path: Path, block_bytes: int) -> None:
    path = write(tmp_path, "é\nzwei\n".encode() + b"caf\xe9 au lait\n")
    said = message(path)
    assert said.startswith("not UTF-8 at byte 11 (line 3): ")
    assert "0xe9" in said
    assert "--encoding latin-1" in said


def test_a_byte_order_mark_counts_as_bytes(tmp_path: Path, block_bytes: int) -> None:
    assert "at byte 4 (line 1)" in message(write(tmp_path, b"\xef\xbb\xbfa\xff"))


def test_a_character_cut_off_at_the_end_is_not_utf_8(tmp_path: Path, block_bytes: int) -> None:
    assert "not UTF-8 at byte 1 (line 1)" in message(write(tmp_path, "a鸟".encode()[:-1]))


def test_nul_means_binary(tmp_path: Path, block_bytes: int) -> None:
    said = message(write(tmp_path, b"ab\ncd\0\xff"))
    assert said == "binary, not text: NUL at byte 5 (line 2); give UTF-8 text"


def test_utf_16_without_its_mark_is_binary(tmp_path: Path) -> None:
    assert "binary" in message(write(tmp_path, "text".encode("utf-16-be")))


def test_an_encoding_against_the_mark_of_a_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "text".encode("utf-16"))
    with pytest.raises(InputError, match=r"--encoding latin-1, but its first bytes say utf-16"):
        [*file_blocks(path, Place(), "latin-1")]


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, data: bytes) -> None:
    assert "the file is empty" in message(write(tmp_path, data))


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(TEXT.encode()))
    assert "cut off or damaged" in message(write(tmp_path, bytes(data[:-9])))
    assert "cut off or damaged" in message(write(tmp_path, bytes(data[:12])))
    data[30] ^= 0xFF
    assert "cut off or damaged" in message(write(tmp_path, bytes(data)))
    data[2] = 99
    assert "cut off or damaged" in message(write(tmp_path, bytes(data)))


def test_a_name_that_promises_gzip_must_keep_it(tmp_path: Path) -> None:
    assert "not compressed by gzip" in message(write(tmp_path, b"text", "a.gz"))


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    assert "No such file" in message(tmp_path / "none.txt")
    assert "is a folder, expected a file" in message(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert "cannot be read" in message(tmp_path / "loop")
