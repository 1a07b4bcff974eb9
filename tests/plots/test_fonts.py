"""Fonts made for the test, with a square for each character that they have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elman.diagnostics.explanation import Alignment
from elman.plots import fonts
from elman.plots.alignment import AlignmentFile
from elman.plots.classification import draw_confusion
from elman.plots.fonts import USUAL, families_for

pytest.importorskip("matplotlib")


def made(folder: Path, family: str, characters: str) -> Path:
    builder = pytest.importorskip("fontTools.fontBuilder")
    pens = pytest.importorskip("fontTools.pens.ttGlyphPen")
    pen = pens.TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 500), (500, 500), (500, 0)):
        pen.lineTo(corner)
    pen.closePath()
    names = [".notdef", *(f"u{ord(c):04X}" for c in characters)]
    font = builder.FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(c): f"u{ord(c):04X}" for c in characters})
    font.setupGlyf(dict.fromkeys(names, pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys(names, (600, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": family, "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    path = folder / f"{family}.ttf"
    font.save(path)
    return path


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = {
        "Few": str(made(tmp_path, "Few", "零")),
        "Many": str(made(tmp_path, "Many", "零一")),
        "Other": str(made(tmp_path, "Other", "ก")),
    }
    monkeypatch.setattr(fonts, "_installed", lambda: found)
    return found


@pytest.mark.fault(41)
@pytest.mark.usefixtures("installed")
def test_the_fonts_that_have_the_characters_are_chosen(caplog: pytest.LogCaptureFixture) -> None:
    assert families_for(["abc é я ש"]) == [USUAL]
    assert families_for(["a 零", "一\n"]) == [USUAL, "Many"]
    assert families_for(["一ก"]) == [USUAL, "Many", "Other"]
    assert not caplog.records


@pytest.mark.fault(41)
@pytest.mark.remedy
@pytest.mark.usefixtures("installed")
def test_a_picture_without_a_font_names_the_page_which_shows_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shown = Alignment(("a", "猫"), ("犬", "(end)"), np.full((2, 2), 0.5, np.float32))

    def write(name: str) -> Path:
        file = AlignmentFile(tmp_path / name)
        file.add(shown)
        file.write()
        return file.path

    assert write("a.png").read_bytes().startswith(b"\x89PNG")
    (record,) = caplog.records
    said = record.getMessage()
    assert said.startswith("no installed font has the characters 犬 猫")
    page = Path(said.split("--alignments ")[1].removesuffix(" shows them"))
    caplog.clear()
    assert "猫" in write(page.name).read_text(encoding="utf-8")
    assert not caplog.records


@pytest.mark.fault(41)
def test_class_names_are_drawn_with_a_font_that_has_them(
    tmp_path: Path, installed: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    from matplotlib import font_manager

    font_manager.fontManager.addfont(installed["Many"])
    draw_confusion(np.eye(2, dtype=int), ["一", "b"], tmp_path / "with.svg")
    assert not caplog.records
    draw_confusion(np.eye(2, dtype=int), ["猫", "b"], tmp_path / "without.svg")
    assert "no installed font has the characters 猫" in caplog.text
    assert (tmp_path / "with.svg").read_text() != (tmp_path / "without.svg").read_text()
