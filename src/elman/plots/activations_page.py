"""A reading as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from elman.diagnostics.activations import Activations, Expected, Panel


def page(reading: Activations) -> str:
    """The page. Values are in it with 8 bits each, (high - low) / 510 from the true one at most.

    Whatever comes from data reaches the page as text alone: inside of JSON in which no tag can
    begin, and from there as the text of elements that exist already.
    """
    template = files("elman.plots").joinpath("activations_page.html").read_text(encoding="utf-8")
    data = json.dumps(_contents(reading), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    before, after = template.split("{{data}}")
    before = before.replace("{{title}}", html.escape(reading.title))
    return before + data.replace("<", "\\u003c").replace(">", "\\u003e") + after


def _contents(reading: Activations) -> dict[str, Any]:
    """What the script of the page reads, as JSON values."""
    return {
        "title": _clean(reading.title),
        "unit": reading.unit,
        "isText": reading.is_text,
        "ahead": reading.ahead,
        "labels": [_clean(step.label) for step in reading.steps],
        "surprise": [
            None if step.surprise is None else round(step.surprise, 3) for step in reading.steps
        ],
        # One more than there are steps: the last are what is expected after the end.
        "expected": [
            *(_pairs(step.expected) for step in reading.steps),
            _pairs(reading.expected),
        ],
        "panels": [_panel(panel) for panel in reading.panels],
    }


def _panel(panel: Panel) -> dict[str, Any]:
    tau = panel.time_constants
    return {
        "layer": panel.layer,
        "key": panel.key,
        "name": panel.name,
        "gate": panel.is_gate,
        "low": panel.low,
        "high": panel.high,
        "units": panel.values.shape[1],
        "values": base64.b64encode(panel.quantized().tobytes()).decode(),
        "orders": {name: order.tolist() for name, order in panel.orders.items()},
        "timeConstants": None if tau is None else [_short(float(value)) for value in tau],
    }


def _short(value: float) -> float | None:
    return float(f"{value:.3g}") if np.isfinite(value) else None


def _pairs(expected: Sequence[Expected]) -> list[list[Any]]:
    return [[_clean(one.label), round(one.probability, 4)] for one in expected]


def _clean(text: str) -> str:
    """Without lone surrogates, which UTF-8 has no bytes for."""
    return text.encode("utf-8", errors="replace").decode()
