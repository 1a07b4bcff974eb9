import json
from pathlib import Path

import pytest

from elman.tasks.runs import Run
from tests.cli.conftest import Elman


def test_each_number_has_its_unit(elman: Elman, trained: Run) -> None:
    ended = elman("evaluate", trained.path)
    rows = [line.split(maxsplit=3) for line in ended.out.splitlines()]
    scores = trained.evaluate()
    assert [row[:2] for row in rows] == [[score.split, score.metric] for score in scores]
    assert [float(row[2]) for row in rows] == pytest.approx([s.value for s in scores], rel=1e-4)
    assert [row[3] for row in rows] == 2 * [
        "nats per token",
        "per token",
        "bits per character",
    ]


def test_other_files_and_json(elman: Elman, trained: Run, text_file: Path) -> None:
    ended = elman("evaluate", trained.path, text_file, "--json")
    first = json.loads(ended.out.splitlines()[0])
    assert first["split"] == "text.txt"
    assert first["value"] == pytest.approx(trained.evaluate(text_file)[0].value)
