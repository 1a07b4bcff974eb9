"""A panel in a file of its own: safetensors for the numbers, JSON in its header for the names."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from elman.data.series.frequency import Frequency
from elman.data.series.panel import Covariate, Panel
from elman.errors import InputError
from elman.files import safetensors_path

_ARRAYS = ("starts", "borders", "values", "observed", "static", "past", "future", "future_borders")


def save_panel(panel: Panel, path: Path) -> None:
    """Write a panel, whole or not at all."""
    arrays = {name: np.ascontiguousarray(getattr(panel, name)) for name in _ARRAYS}
    arrays["starts"] = arrays["starts"].view(np.int64)
    names = {
        "frequency": panel.frequency.alias,
        "ids": panel.ids,
        "targets": panel.targets,
        "covariates": [asdict(item) for item in panel.covariates],
        "time_zone": panel.time_zone,
        "missing": panel.missing,
    }
    with safetensors_path(path) as partial:
        save_file(arrays, partial, metadata={"panel": json.dumps(names)})


def load_panel(path: Path) -> Panel:
    """What `save_panel` wrote.

    Raises:
        InputError: missing, damaged, or not a panel.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            names: dict[str, Any] = json.loads((file.metadata() or {})["panel"])
            arrays = {name: file.get_tensor(name) for name in _ARRAYS}
        panel = _panel(names, arrays)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read as the series of a run ({error}); train the run again"
        ) from error
    if not _fits(panel):
        raise InputError(f"{path}: its arrays do not fit together; train the run again")
    return panel


def _panel(names: dict[str, Any], arrays: dict[str, Any]) -> Panel:
    frequency = Frequency.named(names["frequency"])
    if not frequency.counted:
        arrays["starts"] = arrays["starts"].view("datetime64[ns]")
    covariates = tuple(
        Covariate(item["name"], item["role"], tuple(item["categories"]))
        for item in names["covariates"]
    )
    return Panel(
        frequency=frequency,
        ids=tuple(names["ids"]),
        targets=tuple(names["targets"]),
        covariates=covariates,
        time_zone=names["time_zone"],
        missing=names["missing"],
        **arrays,
    )


def _fits(panel: Panel) -> bool:
    series, rows = len(panel.ids), len(panel.values)

    def good(borders: Any, last: int) -> bool:
        whole = borders.shape == (series + 1,) and borders[0] == 0 and borders[-1] == last
        return bool(whole and (np.diff(borders) >= 0).all())

    return (
        good(panel.borders, rows)
        and good(panel.future_borders, len(panel.future))
        and bool((panel.ahead >= 0).all() or not panel.of("future"))
        and panel.values.shape == panel.observed.shape == (rows, len(panel.targets))
        and panel.starts.shape == (series,)
        and len(panel.static) == series
        and len(panel.past) == rows
    )
