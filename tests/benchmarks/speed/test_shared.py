from benchmarks.speed.cells import Cell
from benchmarks.speed.memory import OURS, RECOMPUTED, TORCH, Step, row
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
