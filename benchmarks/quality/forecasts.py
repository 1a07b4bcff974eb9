"""Forecasts of weather, of prices, and of series whose noise is known: what their backtests say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from benchmarks.quality.forecasting import TrainedForecaster, train
from benchmarks.quality.running import Options, data_file
from benchmarks.results import circumstances, table, write_section
from elman.evaluation.report import Report
from elman.files import write_text

METRICS = (
    "MASE",
    "seasonal MASE",
    "MAE",
    "RMSE",
    "CRPS",
    "coverage of 50 %",
    "coverage of 80 %",
    "coverage of 95 %",
)

SERIES, ROWS, NOISE = 200, 1000, 0.5
LOOK_BACK = 336


def weather(options: Options) -> None:
    """Seattle, the day's highest temperature, two weeks ahead."""
    data = data_file("weather", "seattle-weather.csv")
    note = """\
Daily, 2012 to 2015: two years train, one validates (and calibrates the intervals), one tests; 100
forecast origins. Past covariates: lowest temperature, precipitation, wind."""
    _figure("seattle-weather", "Seattle, highest temperature, 14 days ahead", data, note, options)


def stocks(options: Options) -> None:
    """Monthly prices of five companies, a quarter ahead."""
    data = data_file("stocks", "stocks.csv")
    note = "Closing prices by month, 2000 to 2010; the last 36 months test. The verdict as it is."
    _figure("stocks", "Stocks, monthly prices, 3 months ahead", data, note, options)


def synthetic(options: Options) -> None:
    """Series whose noise is known: how near the forecasts come, and how honest intervals are."""
    data = options.out / "synthetic-seasons-data" / "series.csv"
    data.parent.mkdir(parents=True, exist_ok=True)
    write_seasons(data)
    absolute = math.sqrt(2 / math.pi)
    # A level, two sizes and two phases, fitted by least squares to the rows of the look-back.
    fitted = NOISE * math.sqrt(1 + 5 / LOOK_BACK)
    note = f"""\
{SERIES} series of {ROWS:,} days: two seasons of 7 and 28 days with sizes and phases of their
own, and normal noise of deviation {NOISE}. Nobody can do better than RMSE {NOISE} and MAE
{NOISE * absolute:.4f}; who knew the two periods and fitted the rest to the same {LOOK_BACK} days
would come to about {fitted:.4f} and {fitted * absolute:.4f}."""
    title = "Synthetic seasons with known noise, 14 days ahead"
    _figure("synthetic-seasons", title, data, note, options)


def write_seasons(path: Path) -> None:
    """The synthetic set as a long table."""
    draw, days = np.random.default_rng(0), np.arange(ROWS)
    stamps = np.datetime64("2020-01-01") + days
    lines = ["unique_id,ds,y"]
    for number in range(SERIES):
        level, (week, month) = draw.uniform(5, 50), draw.uniform(1, 4, 2)
        phase = draw.uniform(0, 2 * math.pi, 2)
        y = level + week * np.sin(2 * math.pi * days / 7 + phase[0])
        y += month * np.sin(2 * math.pi * days / 28 + phase[1]) + draw.normal(0, NOISE, ROWS)
        lines += [f"s{number},{day},{value:.6f}" for day, value in zip(stamps, y, strict=True)]
    write_text(path, "\n".join(lines) + "\n")


def _figure(recipe: str, title: str, data: Path, note: str, options: Options) -> None:
    blocks = []
    for seed in range(1, options.seeds + 1):
        trained = train(recipe, data, f"{recipe}-seed{seed}", options, seed=seed)
        report = trained.run.report(origins=100)
        blocks.append(_block(seed, trained, report))
    body = "\n\n".join([*blocks, note, circumstances(options.command, options.threads)])
    write_section(title, body)


def _block(seed: int, trained: TrainedForecaster, report: Report) -> str:
    """The verdict, then a row for the network and one for each baseline."""
    by_model: dict[str, dict[str, float]] = {}
    for score in report.scores:
        metric, _, model = score.metric.partition(", ")
        by_model.setdefault(model or "the network", {})[metric] = score.value
    rows = [
        [name, *(f"{scores[metric]:.3f}" if metric in scores else "" for metric in METRICS)]
        for name, scores in by_model.items()
    ]
    verdict = "\n".join(f"> {line}\n>" for line in report.verdict).removesuffix("\n>")
    sizes = f"Seed {seed}: {trained.parameters:,} parameters, {trained.outcome.step:,} steps, "
    return f"{sizes}{trained.minutes:.1f} minutes.\n\n{verdict}\n\n{table(('', *METRICS), rows)}"
