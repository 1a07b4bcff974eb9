import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from elman.plots.gradient_watch import draw_gradients
from elman.training.gradient_watch import curves_of
from elman.training.log import MetricsFile, read_metrics

RECORDS = [
    {"step": 1, "loss": 3.0},
    {"step": 2, "gradient/layers.0/h/1": 0.5, "gradient/layers.0/h/2": math.nan},
    {"step": 4, "gradient/layers.0/h/1": 1e-9, "gradient/layers.1/c/1": 200.0},
]


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.jsonl"
    written(path, RECORDS)
    return path


def written(path: Path, records: Sequence[Mapping[str, float]]) -> None:
    path.unlink(missing_ok=True)
    metrics = MetricsFile(path)
    for record in records:
        metrics.record(record)


def test_what_was_measured_is_read_back(metrics: Path) -> None:
    curves = curves_of(read_metrics(metrics))
    assert list(curves) == ["layers.0/h", "layers.1/c"]
    assert curves["layers.0/h"][2][1] == 0.5
    assert np.isnan(curves["layers.0/h"][2][2])
    assert curves["layers.1/c"] == {4: {1: 200.0}}


def test_a_picture_with_a_map_for_each(metrics: Path, tmp_path: Path) -> None:
    assert draw_gradients(curves_of(read_metrics(metrics)), tmp_path / "two.png")
    written(metrics, RECORDS[1:2])
    assert draw_gradients(curves_of(read_metrics(metrics)), tmp_path / "one.png")

    def height(name: str) -> int:
        content = (tmp_path / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        return int.from_bytes(content[20:24], "big")

    assert height("two.png") > 1.5 * height("one.png")


def test_nothing_measured_or_no_matplotlib(
    metrics: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "picture.png"
    assert curves_of(read_metrics(tmp_path / "missing")) == {}
    curves = curves_of(read_metrics(metrics))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not draw_gradients(curves, picture)
    monkeypatch.undo()
    written(metrics, RECORDS[0:1])
    assert not draw_gradients(curves_of(read_metrics(metrics)), picture)
    assert not picture.exists()
