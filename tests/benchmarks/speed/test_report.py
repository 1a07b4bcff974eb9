from pathlib import Path

import pytest

from benchmarks.speed import medians, plot, report
from benchmarks.speed.cells import CELLS, Cell
from benchmarks.speed.match import FP32, FULL
from benchmarks.speed.records import Timing
from tests.benchmarks.speed.matches import GRU, LSTM, match, timing


def row(text: str, start: str) -> list[str]:
    """The parts of the only line of a table that begins with `start`."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {start} ")]
    return [part.strip() for part in line.strip("|").split("|")]


def test_a_cell_that_meets_its_aims() -> None:
    text = report.body("train", [match()])
    assert row(text, "cell") == [
        *("cell", "bound, ms", "elman", "torch"),
        *("ours / bound", "ours / best", "aim", "verdict"),
    ]
    assert row(text, "LSTM") == [
        *("LSTM T35 B20 I200 H200", "10", "12.1", "**24.5**", "1.21"),
        *("0.49 torch", "≤ 1.3 × bound", "met"),
    ]
    assert "geometric mean over 1 cells: **2.03**, aim 2: met" in text
    for part in ("### 2 threads", "torch 2.13.0", "abc1234", "2026-11-22", "The bound is max("):
        assert part in text


def test_what_is_missed_is_named() -> None:
    timings = {"elman": timing(0.02), "torch": timing(0.03), "jax": timing(0.019)}
    text = report.body("train", [match(timings=timings)])
    assert row(text, "LSTM")[3:5] == ["30", "**19**"]
    assert row(text, "LSTM")[-1] == "missed: 1.3 × bound; slower than jax"
    assert "**1.50**, aim 2: missed" in text


def test_three_percent_are_forgiven_and_four_are_not() -> None:
    for factor, verdict in ((1.03, "met"), (1.04, "missed: slower than torch")):
        timings = {"elman": timing(0.01 * factor), "torch": timing(0.01)}
        assert report.verdict(match(timings=timings)) == verdict


def test_no_time_is_a_dash_with_its_reason_below() -> None:
    timings = {"elman": timing(0.012), "flax": Timing(reason="could not be installed: no wheel")}
    text = report.body("train", [match(timings=timings), match(GRU, timings=timings)])
    assert row(text, "GRU")[3] == "–"
    assert "- flax: could not be installed: no wheel (2 rows)" in text
    wrong = {"elman": Timing(reason="wrong, so not timed"), "torch": timing(0.01)}
    assert row(report.body("train", [match(timings=wrong)]), "LSTM")[-1] == "not measured"


def test_a_wide_spread_is_marked() -> None:
    assert report.time_of(timing(1.0, 1.0, 1.1, 1.0), 1) == "1"
    assert report.time_of(timing(1.0, 2.0, 3.0, 4.0), 1) == "2.5~"


def test_a_step_is_judged_as_a_drop_in_too() -> None:
    cell = Cell("LSTM", "step", 1, 1, 256, 256)
    timings = {
        "elman": timing(10e-6),
        "elman-forward": timing(20e-6),
        "torch": timing(100e-6),
        "onnxruntime": timing(12e-6),
    }
    text = report.body("step", [match(cell, timings=timings, bound=5e-6)])
    assert row(text, "cell")[1] == "bound, µs"
    assert row(text, "LSTM")[1:6] == ["5", "10", "20", "100", "**12**"]
    assert "torch.nn / elman, geometric mean over 1 cells: **10.00**." in text
    assert "torch.nn / elman-forward, geometric mean over 1 cells: **5.00**, aim 4: met." in text


def test_bf16_has_to_pay() -> None:
    timings = {"elman": timing(0.0095), FP32: timing(0.01), "torch": timing(0.02)}
    text = report.body("train", [match(dtype="bf16", timings=timings)])
    assert "#### bf16" in text
    assert row(text, "LSTM")[-1] == "missed: 0.95 of fp32's time, not 0.9"
    assert row(text, "LSTM")[-2] == "–"


def test_ragged_batches_have_a_table_of_their_own() -> None:
    (cell,) = [c for c in CELLS if c.ragged and c.kind == "GRU" and c.mode == "train"]
    timings = {"elman": timing(0.06), FULL: timing(0.1)}
    found = row(report.body("train", [match(cell, timings=timings)]), "GRU")
    assert found[2:] == ["100", "60", "0.60", "≤ 0.65", "met"]


def test_the_medians_and_the_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    matches = [match(LSTM), match(GRU, timings={"elman": timing(0.02)})]
    medians.write_csv(tmp_path / "medians.csv", matches)
    lines = (tmp_path / "medians.csv").read_text().splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("kind,mode,steps,batch,inputs,hidden,layers,ragged,dtype,threads")
    assert ",fp32,2,0.01,torch,0.0245," in lines[2]
    plot.draw(tmp_path / "train.png", "train", matches)
    assert (tmp_path / "train.png").read_bytes().startswith(b"\x89PNG")
    plot.draw(tmp_path / "step.png", "step", matches)
    assert not (tmp_path / "step.png").exists()
