"""Forecast a table: a frame of days and sales in, a frame of forecasts with intervals out."""

import numpy as np
import pandas as pd

import elman


def sales() -> pd.DataFrame:
    """Two years of days in two shops, with a week and a trend in them."""
    days = pd.date_range("2024-01-01", periods=730, freq="D")
    draw = np.random.default_rng(0)
    shops = []
    for shop, level in {"north": 20.0, "south": 35.0}.items():
        week = 5 * np.sin(2 * np.pi * np.arange(730) / 7)
        sold = level + week + 0.01 * np.arange(730) + draw.normal(size=730)
        shops.append(pd.DataFrame({"shop": shop, "day": days, "sold": sold.round(2)}))
    return pd.concat(shops, ignore_index=True)


def main(max_steps: int = 400) -> pd.DataFrame:
    """Train, compare with a naive forecast, and forecast what comes next."""
    history = sales()
    run = elman.train(
        "forecast",
        history,
        target="sold",
        time="day",
        series="shop",
        horizon=14,
        hidden_size=32,
        max_steps=max_steps,
    )
    for line in run.report().verdict:
        print(line)
    print(f"MASE: {run.metrics['test']['MASE']:.2f}, below 1 is better than the last value")

    rows = run.predictor.predict(history, levels=(50, 90))
    table = rows.to_frame()
    return table.set_index(["shop", "day"])


if __name__ == "__main__":
    print(main())
