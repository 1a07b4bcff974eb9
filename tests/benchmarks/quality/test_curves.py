import json
from pathlib import Path

import pytest

from benchmarks.quality.curves import Point, plot, read_csv, read_run, write_csv


def test_curves_come_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    assert read_csv(path) == {}
    curves = {
        "a, b": [Point(1, 0.5, 2.25), Point(2, 1.0, 2.0)],
        "c": [Point(3, 0.25, 1.0)],
    }
    write_csv(path, curves)
    assert read_csv(path) == curves


def test_only_evaluations_are_readings(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    records = [
        {"step": 1, "seconds": 0.1, "loss": 3.0},
        {"step": 2, "seconds": 0.2, "loss": 2.0, "validation_loss": 2.5},
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert read_run(path) == [Point(2, 0.2, 2.5)]


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "curves.png"
    plot(path, {"a": [Point(1, 0.5, 2.25), Point(2, 1.0, 2.0)]}, "title", {"level": 1.5})
    assert path.read_bytes().startswith(b"\x89PNG")
