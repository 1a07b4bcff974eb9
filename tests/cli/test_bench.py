import pytest

from elman.tasks.bench import Shape
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
    assert all(" torch: " in row or " native: " in row for row in rows)


def test_no_rounds_are_no_measurement(elman: Elman) -> None:
    assert elman("bench", "--repeats", 0).code == 2
