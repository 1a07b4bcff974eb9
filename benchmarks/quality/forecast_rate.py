"""How fast forecasters train, beside the bare layer; how much memory many series take."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmarks.quality.running import Options
from benchmarks.results import circumstances, table, write_section
from elman.layers.lstm import LSTM
from elman.studies.timing import interleaved
from elman.tasks import runs
from elman.tasks.forecast.task import ForecastTask
from elman.training.optim import clip_gradients, gradient_norm, make_optimizer

SERIES, ROWS, HIDDEN, BATCH, WINDOW, HORIZON = 1000, 1000, 128, 64, 100, 24
ROUNDS = 40
SIZES = (2_500, 5_000, 10_000)
ROWS_EACH = 200


def rate(options: Options) -> None:
    """A whole training step and the bare layer's forward and backward, turn by turn."""
    torch.set_num_threads(options.threads)
    rows = []
    for kind in ("direct", "autoregressive"):
        step, bare, width = step_seconds(kind, options)
        speed = BATCH * WINDOW / step
        rows.append(
            [
                *(kind, str(width), f"{1000 * step:.1f}", f"{1000 * bare:.1f}"),
                *(f"**{step / bare:.2f}**", f"{speed:,.0f}"),
            ]
        )
    columns = ("model", "inputs", "step, ms", "bare layer, ms", "ratio", "series-steps a second")
    body = f"""\
{table(columns, rows)}

{SERIES:,} series of {ROWS:,} rows, LSTM of {HIDDEN}, batch {BATCH}, window {WINDOW}, horizon
{HORIZON}. A step is the next batch, loss, backward, clipping and the update; the bare layer is
forward and backward of the same layer over the steps that the model reads ({WINDOW}, and the
horizon too for the autoregressive one). Medians of {ROUNDS} turns each, taken alternately.

{circumstances(options.command, options.threads)}"""
    write_section("Forecasting, rate of training", body)


def step_seconds(kind: str, options: Options) -> tuple[float, float, int]:
    """Median seconds of a training step and of the bare layer, and the layer's input width."""
    folder = options.out / f"rate-{kind}"
    if (folder / "config.toml").exists():
        run, _ = runs.reopen(folder)
    else:
        settings = {
            "horizon": HORIZON,
            "look_back": WINDOW,
            "hidden_size": HIDDEN,
            "model": kind,
            "batch_size": BATCH,
            "cell": "lstm",
            "threads": options.threads,
        }
        config = ForecastTask.Config.model_validate(settings)
        run = runs.begin("forecast", _frame(), folder, config)
    task, model = run.task, run.predictor.network
    objective, source = task.objective(run.predictor), task.source()
    optimizer = make_optimizer(model, task.config)
    layer = next(module for module in model.modules() if isinstance(module, LSTM))
    steps = WINDOW + (HORIZON if kind == "autoregressive" else 0)
    bare = LSTM(layer.input_size, HIDDEN)
    x = torch.randn(steps, BATCH, layer.input_size)

    def whole() -> None:
        optimizer.zero_grad(set_to_none=True)
        objective.loss(next(source), None).loss.backward()
        clip_gradients(model, gradient_norm(model), 1.0)
        optimizer.step()

    def alone() -> None:
        bare.zero_grad(set_to_none=True)
        bare(x)[0].sum().backward()

    times = interleaved({"whole": whole, "alone": alone}, ROUNDS + 5)
    return median(times["whole"][5:]), median(times["alone"][5:]), layer.input_size


def memory(options: Options) -> None:
    """Peak memory of loading JSON lines with more and more series, each in its own process."""
    rows = []
    for count in SIZES:
        path = options.out / f"series-{count}.jsonl"
        _write_lines(path, count)
        peaks = [_peak(path), _peak(None)]
        size, cost = path.stat().st_size / 2**20, (peaks[0] - peaks[1]) / 2**20
        rows.append([f"{count:,}", f"{size:.0f}", f"{cost:.0f}", f"{2**20 * cost / count:,.0f}"])
    columns = ("series", "file, MB", "peak above an empty process, MB", "bytes a series")
    body = f"""\
{table(columns, rows)}

JSON lines as GluonTS writes them, {ROWS_EACH} daily values a series.

{circumstances(options.command, options.threads)}"""
    write_section("Forecasting, memory of many series", body)


def _frame() -> object:
    import pandas as pd

    draw = np.random.default_rng(0)
    day = np.tile(np.arange(ROWS), SERIES)
    phase = np.repeat(draw.uniform(0, 7, SERIES), ROWS)
    y = np.sin(2 * np.pi * (day + phase) / 7) + draw.normal(0, 0.3, SERIES * ROWS)
    stamps = np.datetime64("2020-01-01", "ns") + day * np.timedelta64(1, "D")
    names = np.repeat([f"s{number}" for number in range(SERIES)], ROWS)
    return pd.DataFrame({"unique_id": names, "ds": stamps, "y": y})


def _write_lines(path: Path, count: int) -> None:
    draw = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            values = [round(float(value), 3) for value in draw.normal(10, 2, ROWS_EACH)]
            line = {"item_id": f"s{number}", "start": "2024-01-01", "target": values}
            print(json.dumps(line), file=file)


def _peak(path: Path | None) -> float:
    """Bytes at the peak of a process that reads `path`; of one that only begins, for None."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.quality.forecast_rate",
        *([str(path)] if path else []),
    ]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    from elman.data.series.columns import Columns
    from elman.data.series.dataset import read_panel

    if sys.argv[1:]:
        read_panel(Path(sys.argv[1]), Columns(frequency="D"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
