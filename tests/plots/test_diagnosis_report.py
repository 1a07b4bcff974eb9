"""What a report holds: everything that was measured, in files that need nothing else."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

import elman
from elman.diagnostics import THRESHOLDS, Diagnosis, diagnose
from elman.plots.diagnosis_report import MISSING, as_json, write_report
from tests.diagnostics.networks import bias_gate

PICTURES = ["gradient", "intervention", "jacobian", "gates", "time-constants"]


@pytest.fixture(scope="module")
def found() -> Diagnosis:
    torch.manual_seed(0)
    layer = bias_gate(elman.LSTM(3, 8), 1, -5.0)
    return diagnose(layer, torch.randn(40, 4, 3), truncation=10, needs=20)


class Resources(HTMLParser):
    """What a page would load, and the tags that are left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(found: Diagnosis, tmp_path: Path) -> None:
    assert write_report(found, tmp_path, title="a <b> run") == []
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    seen = Resources(page)
    assert not seen.open
    assert len(seen.sources) == len(PICTURES)
    assert all(source.startswith("data:image/png;base64,") for source in seen.sources)
    assert "url(" not in page
    assert "a &lt;b&gt; run" in page
    for verdict in found.verdicts:
        assert f"<b>{verdict.name}</b>" in page
    for name in THRESHOLDS:
        assert f"<td>{name}</td>" in page


def test_the_pictures_are_there(found: Diagnosis, tmp_path: Path) -> None:
    write_report(found, tmp_path)
    assert sorted(p.stem for p in tmp_path.glob("*.png")) == sorted(PICTURES)
    for picture in tmp_path.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_json_holds_what_was_measured(found: Diagnosis, tmp_path: Path) -> None:
    write_report(found, tmp_path, attempts=(["settings", "loss"], [["cell=gru", "1.5"]]))
    text = (tmp_path / "diagnosis.json").read_text(encoding="utf-8")
    assert not re.search(r"\bNaN\b|Infinity", text)
    tree = json.loads(text)
    (layer,) = tree["layers"]
    profile = found.measured.layers[0].profiles["c"]
    assert layer["gradient"]["c"]["median"] == pytest.approx(profile.quantile(0.5).tolist())
    assert {v["name"] for v in tree["verdicts"]} == {v.name for v in found.verdicts}
    assert (tree["truncation"], tree["needs"]) == (10, 20)
    assert len(layer["time_constants"]) == 8
    assert {gate["name"] for gate in layer["gates"]} == {"input", "forget", "candidate", "output"}
    assert sum(layer["gates"][0]["histogram"]) == pytest.approx(1)
    assert tree["attempts"] == [{"settings": "cell=gru", "loss": "1.5"}]
    assert as_json(found)["attempts"] is None


def test_without_matplotlib_all_but_the_pictures_is_there(
    found: Diagnosis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert write_report(found, tmp_path) == [MISSING]
    assert not list(tmp_path.glob("*.png"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "elman[plot]" in page
    assert "vanishing" in page
    assert json.loads((tmp_path / "diagnosis.json").read_text(encoding="utf-8"))["layers"]


def test_many_layers_are_drawn_in_part() -> None:
    from elman.plots.diagnosis import figures

    layer = elman.RNN(3, 4, num_layers=8)
    measured = diagnose(layer, torch.randn(20, 3, 3)).measured
    assert set(figures(measured)) == {"gradient", "intervention", "jacobian", "gates"}
