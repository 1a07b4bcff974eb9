from pathlib import Path

import pytest

from elman.studies.bench import Shape
from tests.cli.conftest import Elman


def test_a_row_for_each_thing_timed(elman: Elman, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.cli.bench.SHAPES", (Shape(3, 1, 4), Shape(3, 2, 4)))
    ended = elman("bench", "--repeats", 2)
    _, header, *rows = ended.out.splitlines()
    assert header.split() == [
        "layer",
        "T",
        "B",
        "H",
        "what",
        "elman",
        "torch",
        "verdict",
        "served",
        "by",
    ]
    assert [row.split()[4] for row in rows] == 3 * [
        *("forward", "train", "step"),
        *("forward", "train"),
    ]
    assert all("native (fused" in row or "torch (ATen)" in row for row in rows)


def test_no_rounds_are_no_measurement(elman: Elman) -> None:
    assert elman("bench", "--repeats", 0).code == 2


@pytest.mark.parametrize("threads", [-1, 99999999999])
def test_a_number_of_threads_that_cannot_be(elman: Elman, threads: int, text_file: Path) -> None:
    for command in (("bench",), ("train", "language-model", text_file, "--out", "run")):
        ended = elman(*command, "--threads", threads)
        assert ended.code == 2
        assert "threads" in ended.err
