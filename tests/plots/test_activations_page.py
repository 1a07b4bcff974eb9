"""The page holds the numbers, asks nothing of a network, and no text becomes code in it."""

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.diagnostics.heard import Heard
from elman.plots.activations_page import page
from tests.diagnostics.example_activations import HOSTILE, example

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NODE = shutil.which("node")


class Parts(HTMLParser):
    """The tags with their attributes, and the text inside of each script and the title."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "title": [], "style": []}
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.inside:
            self.inside[self._open][-1] += data


def contents(text: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(Parts(text).inside["script"][0])
    return data


def test_values_come_back_to_half_a_step_of_eight_bits() -> None:
    given = example(list("abcdefg"))
    for panel, held in zip(given.panels, contents(page(given))["panels"], strict=True):
        q = np.frombuffer(base64.b64decode(held["values"]), np.uint8).reshape(7, held["units"])
        values = held["low"] + (held["high"] - held["low"]) * q / 255
        assert np.abs(values - panel.values).max() <= (panel.high - panel.low) / 510 + 1e-6
        assert np.abs(values - panel.values).max() > 0
        assert held["orders"] == {"change": [5, 4, 3, 2, 1, 0]}
        assert held["timeConstants"] == [None, 1, 2, 3, 4, 5]
    assert [p["name"] for p in contents(page(given))["panels"]] == ["hidden state", "forget gate"]


def test_steps_and_guesses_come_back() -> None:
    held = contents(page(example(list("abc"))))
    assert held["labels"] == ["a", "b", "c"]
    assert held["surprise"] == [None, 0.5, 1.0]
    assert held["expected"][1] == [["b", 0.5], ["b", 0.25]]
    assert held["expected"][3] == [["a", 1.0]]


def test_no_text_becomes_code() -> None:
    calm, hostile = page(example(list("abcdefg"))), page(example(HOSTILE, title=HOSTILE[0]))
    assert [tag for tag, _ in Parts(hostile).tags] == [tag for tag, _ in Parts(calm).tags]
    held = contents(hostile)
    assert held["labels"] == [*HOSTILE[:5], "?", HOSTILE[6]]
    assert held["title"] == HOSTILE[0]
    assert Parts(hostile).inside["title"] == [HOSTILE[0]]
    hostile.encode()


def test_nothing_is_fetched() -> None:
    parts = Parts(page(example(HOSTILE)))
    assert not any({"src", "href", "action", "data"} & set(attrs) for _, attrs in parts.tags)
    assert not any(name.startswith("on") for _, attrs in parts.tags for name in attrs)
    (policy,) = [attrs["content"] for _, attrs in parts.tags if "http-equiv" in attrs]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    code = "".join(parts.inside["script"][1:] + parts.inside["style"])
    assert not re.search(r"https?:|//\w|url\(|@import|fetch|XMLHttp|import\(|innerHTML|eval", code)


def test_it_stays_small() -> None:
    steps, units = 500, 128
    text = page(example(["word"] * steps, units))
    assert len(text) < 2 * steps * units * 4 / 3 + 60 * steps + 30_000


@pytest.mark.skipif(NODE is None, reason="without node")
def test_the_script_is_one(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text(Parts(page(example(["a"]))).inside["script"][1], "utf-8")
    subprocess.run([str(NODE), "--check", str(tmp_path / "page.js")], check=True)


def test_a_recording_lies_above_the_map() -> None:
    frames = np.random.default_rng(0).uniform(2, 17, (7, 4)).astype(np.float32)
    outputs = np.ones((3, 1), np.float32)
    heard = Heard(frames, 3, 0.01, None, outputs, (None,), (), "what </script> was said")
    written = page(replace(example(["a", "b", "c"]), heard=heard))
    held = contents(written)["heard"]
    assert (held["bins"], held["stride"]) == (4, 3)
    assert held["stepSeconds"] == pytest.approx(0.03)
    assert held["result"] == "what </script> was said"
    levels = np.frombuffer(base64.b64decode(held["frames"]), np.uint8).reshape(7, 4) / 255
    np.testing.assert_allclose(levels, (frames - frames.min()) / np.ptp(frames), atol=0.003)
    assert "energies of the mel bins" in written
    assert contents(page(example(["a"])))["heard"] is None
    assert "surprise at each step" in page(example(["a"]))


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="without a browser")
@pytest.mark.parametrize("is_text", [True, False])
def test_a_browser_fills_it(tmp_path: Path, is_text: bool) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(example(HOSTILE, title=HOSTILE[2], is_text=is_text)), encoding="utf-8")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    command = [str(CHROMIUM), *flags, "--virtual-time-budget=2000", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=60)
    parts = Parts(done.stdout)
    spans = [attrs for tag, attrs in parts.tags if tag == "span" and "style" in attrs]
    assert len(spans) == (len(HOSTILE) if is_text else 0)
    assert not any("onerror" in attrs or tag == "img" for tag, attrs in parts.tags)
    assert len(parts.inside["script"]) == 2
    assert "1 of 7" in done.stdout
    assert "100.0 %" not in done.stdout  # that is expected only after the end
    assert ">50.0 %<" in done.stdout
    assert ">hidden state<" in done.stdout
    assert ">forget gate<" in done.stdout
