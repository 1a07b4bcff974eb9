"""Small tables of time series, and runs trained on them."""

from pathlib import Path
from typing import Any

import numpy as np

from elman.tasks.runs import Run, train

SETTINGS: dict[str, Any] = {
    "horizon": 3,
    "look_back": 14,
    "lags": (),
    "hidden_size": 8,
    "batch_size": 16,
    "max_steps": 20,
    "eval_every": 10,
    "checkpoint_every": 10,
    "log_every": 10,
}


def table(rows: int = 200) -> Any:
    """Days with a season of a week and some noise: columns date and y."""
    import pandas as pd

    t = np.arange(rows)
    y = 20 + 6 * np.sin(2 * np.pi * t / 7) + np.random.default_rng(0).normal(0, 0.5, rows)
    return pd.DataFrame({"date": pd.date_range("2023-01-01", periods=rows, freq="D"), "y": y})


def long_table(rows: int = 150) -> Any:
    """Two shops with covariates; the last rows have only the covariate that is known ahead."""
    import pandas as pd

    draw, parts = np.random.default_rng(1), []
    for shop, size in (("north", 3.0), ("south", 5.0)):
        part = table(rows).assign(shop=shop, size=size, rain=draw.normal(size=rows))
        part["holiday"] = (np.arange(rows) % 7 == 3).astype(float)
        part.loc[rows - 4 :, ["y", "rain"]] = np.nan
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def run(folder: Path, data: Any = None, **settings: Any) -> Run:
    """A run trained on a table, by default `table()`."""
    chosen = SETTINGS | settings
    if chosen.get("model") == "segments":
        chosen.pop("lags")
    data = table() if data is None else data
    return train("forecast", data, folder / "run", **chosen)
