"""Activations as an interactive page that needs no network and no other file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.diagnostics.activations import Activations, Expected, Panel
from elman.diagnostics.heard import Heard
from elman.plots.page import render


def page(activations: Activations) -> str:
    """The page. It holds values in 8 bits, off by (high - low) / 510 at most."""
    title = _clean(activations.title)
    data = {
        "title": title,
        "unit": activations.unit,
        "isText": activations.is_text,
        "ahead": activations.ahead,
        "labels": [_clean(step.label) for step in activations.steps],
        "surprise": [
            None if step.surprise is None else round(step.surprise, 3) for step in activations.steps
        ],
        # One more than there are steps: the last is what is expected after the end.
        "expected": [
            *(_pairs(step.expected) for step in activations.steps),
            _pairs(activations.expected),
        ],
        "panels": [_panel(panel) for panel in activations.panels],
        "heard": None if activations.heard is None else _heard(activations.heard),
    }
    hears = activations.heard is not None
    return render("activations_page.html", title=title, data=data, hears=hears)


def _heard(heard: Heard) -> dict[str, Any]:
    low, high = (
        (float(heard.frames.min()), float(heard.frames.max())) if heard.frames.size else (0, 1)
    )
    levels = np.rint((heard.frames - low) * (255 / max(high - low, 1e-6))).clip(0, 255)
    return {
        "stride": heard.stride,
        "bins": heard.frames.shape[1],
        "frames": base64.b64encode(levels.astype(np.uint8).tobytes()).decode(),
        "stepSeconds": heard.step_seconds,
        "result": _clean(heard.result),
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
    """The text without lone surrogates, for which UTF-8 has no bytes."""
    return text.encode("utf-8", errors="replace").decode()
