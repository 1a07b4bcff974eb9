from pathlib import Path

import pytest

from benchmarks.speed import records, shared
from benchmarks.speed.cells import Cell
from benchmarks.speed.environments import Environments
from benchmarks.speed.memory import OURS, RECOMPUTED, TORCH, Step, row
from benchmarks.speed.pool import Workers
from benchmarks.speed.shared import Times, judged

BIG, SMALL = Cell("RNN", "train", 9, 20, 5, 5), Cell("RNN", "infer", 9, 1, 5, 5)


def test_only_work_that_counts_is_judged_on_a_shared_machine() -> None:
    slow, quick = Times([0.01, 0.01], [0.02, 0.06]), Times([0.004], [1.0])
    assert judged(BIG, slow) == ("≤ 3", "missed")
    assert judged(BIG, Times([0.01], [0.03])) == ("≤ 3", "met")
    assert judged(BIG, quick) == ("–", "–")
    assert judged(SMALL, slow) == ("–", "–")
    assert judged(BIG, "it died") == ("–", "not measured")


def test_memory_is_judged_against_torch_and_recomputing_against_time_too() -> None:
    steps = {OURS: Step(9_000_000, 1.0), TORCH: Step(10_000_000, 2.0)}
    assert row(BIG, steps)[1:6] == ["9.0", "10.0", "0.90", "≤ 1", "met"]
    assert row(BIG, steps)[-1] == "–"
    assert row(BIG, steps | {RECOMPUTED: Step(3_000_000, 1.3)})[-1] == "met"
    assert row(BIG, steps | {RECOMPUTED: Step(3_000_000, 1.5)})[-1] == "missed"
    assert row(BIG, steps | {RECOMPUTED: Step(4_000_000, 1.3)})[-1] == "missed"


def test_calls_are_timed_while_a_core_is_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("QUIET_SECONDS", "HEAD_START"):
        monkeypatch.setattr(shared, name, 0.05)
    cell = Cell("RNN", "infer", 2, 1, 3, 4)
    with Workers(Environments(tmp_path), tmp_path / "logs") as workers:
        times = shared.timed(cell, "numpy", 1, workers)
    assert isinstance(times, Times)
    assert 0 < len(times.quiet) <= shared.CALLS
    assert 0 < len(times.busy) <= shared.CALLS
    line = shared.line(cell, {"elman": times, "torch": "it died"})
    assert len(line) == len(shared.COLUMNS)


def test_a_measurement_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    kept = tmp_path / "shared.jsonl"
    for tests, threads in (("now", 2), ("before", 2), ("now", 1)):
        line = {"tests": tests, "threads": threads, "cell": "RNN", "row": [tests, str(threads)]}
        records.append(kept, line)
    with kept.open("a", encoding="utf-8") as file:
        file.write('{"tests": "now", "threa')
    assert shared._known(kept, "now", 2) == {"RNN": ["now", "2"]}
