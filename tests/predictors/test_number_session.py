"""Numbers that come a line at a time are answered as a whole reading of them is."""

from pathlib import Path

import numpy as np
import pytest

from elman.errors import InputError
from elman.tasks import runs
from elman.tasks.runs import Run
from tests import halves, reviews


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One that reads in one direction, with the weights it began with."""
    folder = tmp_path_factory.mktemp("numbers")
    settings = reviews.SETTINGS | {"bidirectional": False, "num_layers": 2}
    config = runs.configure(runs.task_class("classify").Config, settings)
    return runs.begin("classify", halves.write(folder)[0], folder / "run", config)


def lines_of(path: Path, rows: int) -> str:
    """The first rows of the file, a line a step and an empty line after each row."""
    held = np.load(path)
    parts = [held["values"][row, : held["lengths"][row]] for row in range(rows)]
    return "\n".join("".join(f"{a!r}, {b!r}\n" for a, b in part.tolist()) for part in parts)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_streamed_is_predicted(reader: Run, size: int) -> None:
    path = reader.path.parent / "data.npz"
    whole = [row["p_0"] for row in reader.predict(path)][:5]
    text, front = lines_of(path, 5), reader.stream()
    answers = [a for at in range(0, len(text), size) for a in front.push(text[at : at + size])]
    answers += front.flush()
    last = {answer["sequence"]: answer["p_0"] for answer in answers}
    assert list(last) == [1, 2, 3, 4, 5]
    assert list(last.values()) == pytest.approx(whole, rel=1e-4)
    assert [a["step"] for a in answers if a["sequence"] == 2] == list(
        range(1, 1 + sum(a["sequence"] == 2 for a in answers))
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 2 3\n", "standard input:2: 3 numbers, expected 2 finite numbers"),
        ("1, x\n", "standard input:2: could not convert string to float: 'x'"),
        ("1, nan\n", "standard input:2: a number that is not finite"),
        ("1, 1e300\n", "standard input:2: a number that is not finite"),
        ("1" * 500, "standard input:2: too long"),
    ],
)
def test_a_line_of_something_else(reader: Run, line: str, message: str) -> None:
    front = reader.stream()
    front.push("1 2\n")
    with pytest.raises(InputError, match=message):
        front.push(line)
