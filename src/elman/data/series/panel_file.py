"""A panel as bytes: safetensors for the numbers, with JSON for the names among them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from elman.data.series.frequency import Frequency
from elman.data.series.panel import Covariate, Panel
from elman.errors import InputError
from elman.files import write_bytes

_ARRAYS = {
    **dict.fromkeys(("starts", "borders", "future_borders"), np.dtype(np.int64)),
    **dict.fromkeys(("values", "static", "past", "future"), np.dtype(np.float64)),
    "observed": np.dtype(np.bool_),
}


def panel_to_bytes(panel: Panel) -> bytes:
    """What `panel_from_bytes` makes the same panel from."""
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
    arrays["names"] = np.frombuffer(json.dumps(names).encode(), np.uint8)
    return safetensors.numpy.save(arrays)


def panel_from_bytes(data: bytes, where: str) -> Panel:
    """What `panel_to_bytes` wrote.

    Raises:
        InputError: damaged, or not a panel; `where` says what cannot be read.
    """
    try:
        arrays = safetensors.numpy.load(data)
        names: dict[str, Any] = json.loads(arrays.pop("names").tobytes())
        if any(arrays[name].dtype != dtype for name, dtype in _ARRAYS.items()):
            raise TypeError("numbers of another kind")
        panel = _panel(names, {name: arrays[name] for name in _ARRAYS})
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{where}: cannot be read as time series ({error}); train the run again"
        ) from error
    if not _fits(panel):
        raise InputError(f"{where}: its arrays do not fit together; train the run again")
    return panel


def save_panel(panel: Panel, path: Path) -> None:
    """Write a panel, whole or not at all."""
    write_bytes(path, panel_to_bytes(panel))


def load_panel(path: Path) -> Panel:
    """What `save_panel` wrote.

    Raises:
        InputError: missing, damaged, or not a panel.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read as time series ({error.strerror or error}); train the run"
            " again"
        ) from error
    return panel_from_bytes(data, str(path))


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
