"""The style that figures share: what a figure's labels say, and where it is written."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from matplotlib import rcParams

from elman.errors import InputError
from elman.plots.style import check_figure, log_scale, new_figure


def labels(low: float, high: float) -> list[str]:
    with new_figure(io.BytesIO()) as figure:
        axes = figure.subplots()
        axes.plot([1, 2], [low, high])
        log_scale(axes, "y")
        figure.canvas.draw()
        return [text.get_text() for text in axes.get_yticklabels(which="both") if text.get_text()]


def test_logarithmic_axes_have_plain_numbers() -> None:
    assert {"0.001", "0.1", "10"} <= set(labels(1e-3, 10))
    narrow = labels(0.6, 0.95)
    assert {"0.7", "0.8"} <= set(narrow)
    assert not any("$" in text for text in narrow)


def test_text_from_data_is_no_mathematical_text(tmp_path: Path) -> None:
    with new_figure(tmp_path / "figure.svg") as figure:
        figure.subplots().set_title(r"a $\broken name$")
    assert "<svg" in (tmp_path / "figure.svg").read_text(encoding="utf-8")


def test_the_style_ends_with_the_figure(tmp_path: Path) -> None:
    before = dict(rcParams)
    with new_figure(tmp_path / "figure.png"):
        assert rcParams["legend.fontsize"] != before["legend.fontsize"]
    assert dict(rcParams) == before


def test_a_figure_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), new_figure(path):
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_figures_that_cannot_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"must end in \.png, \.svg, \.pdf$"):
        check_figure(tmp_path / "figure.bmp")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match="needs the package matplotlib"):
        check_figure(tmp_path / "figure.png")
    with pytest.raises(InputError, match="needs the package matplotlib"), new_figure(io.BytesIO()):
        pass
