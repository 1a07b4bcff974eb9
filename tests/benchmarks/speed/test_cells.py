from benchmarks.speed.cells import CELLS, TARGETS, Cell, chosen


def test_the_rows_of_the_issue_are_all_there() -> None:
    timed = [cell for cell in CELLS if not cell.ragged]
    counts = {mode: sum(cell.mode == mode for cell in timed) for mode in ("train", "infer", "step")}
    assert counts == {"train": 16, "infer": 12, "step": 15}
    assert len(set(CELLS)) == len(CELLS)
    assert len(TARGETS) == 28
    assert TARGETS[Cell("LSTM", "train", 100, 64, 512, 512), 2] == 1.25
    assert TARGETS[Cell("RNN", "infer", 100, 1, 128, 128), 1] == 1.25
    assert (Cell("RNN", "infer", 100, 1, 128, 128), 2) not in TARGETS


def test_lengths_are_the_same_every_time_and_in_range() -> None:
    cell = Cell("GRU", "train", 100, 64, 256, 256, ragged=True)
    assert cell.lengths == cell.lengths
    assert min(cell.lengths) >= 1
    assert max(cell.lengths) <= 100
    assert len(set(cell.lengths)) > 20
    assert 0.35 < sum(cell.lengths) / 6400 < 0.65


def test_cells_are_chosen_by_parts_of_their_names() -> None:
    assert {cell.kind for cell in chosen(("train",), ("lstm",))} == {"LSTM"}
    assert [cell.name for cell in chosen(("train",), ("L2",))] == [
        "LSTM train T35 B20 I650 H650 L2"
    ]
    assert len(chosen(("step",), ())) == 15
