"""Word vectors from text files and matrices, and files that are not what they say."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from elman.data.labeled.vectors import read_vectors
from elman.errors import InputError

WANTED = ["the", "Film", "zzz"]


@pytest.mark.parametrize("first", ["", "3 2\n"])
def test_a_text_file_with_and_without_sizes(tmp_path: Path, first: str) -> None:
    path = tmp_path / "v.txt"
    path.write_text(first + "the 1 2\nfilm 3 4\n. . 5 6\n", encoding="utf-8")
    found = read_vectors(path, [*WANTED, ". ."])
    assert found.matrix.tolist() == [[1, 2], [3, 4], [0, 0], [5, 6]]
    assert found.found.tolist() == [True, True, False, True]


def test_a_matrix_with_its_vocabulary(tmp_path: Path) -> None:
    path, words = tmp_path / "v.safetensors", tmp_path / "words.txt"
    save_file({"e": np.arange(4, dtype=np.float32).reshape(2, 2)}, path)
    words.write_text("film\nthe\n")
    assert read_vectors(path, WANTED, words).matrix.tolist() == [[2, 3], [0, 1], [0, 0]]
    with pytest.raises(InputError, match="--vectors-vocabulary"):
        read_vectors(path, WANTED)
    words.write_text("film\n")
    with pytest.raises(InputError, match="expected one matrix of 1 rows"):
        read_vectors(path, WANTED, words)
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(InputError, match="can't be read as safetensors"):
        read_vectors(path, WANTED, words)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("the 1 2\nfilm 3\n", "v.txt:2: has 1 numbers, expected 2"),
        ("2 99999999999999\nthe 1 2\n", "v.txt:2: has 2 numbers, but line 1 says"),
        ("the 1 x\n", "v.txt:1: not a word and its vector"),
        ("the 1 nan\n", "not finite"),
        ("le 1 2\n", "a vector for none of the 3 words"),
        ("the 1 2 3\n", "its vectors have 3 numbers, but --embedding-size is 2"),
        ("the" + " 1" * 10_001 + "\n", "not a word and its vector"),
    ],
)
def test_wrong_vectors_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "v.txt"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_vectors(path, WANTED, None, 2)
    assert complaint in str(error.value)
