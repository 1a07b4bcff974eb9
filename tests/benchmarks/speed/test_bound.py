import pytest

from benchmarks.speed.bound import Level, Machine, bound
from benchmarks.speed.cells import Cell
from benchmarks.speed.machine import USUAL_SIZES, cache_sizes

# Round numbers: 100 FLOP a second in fp32, 200 in bf16; reads of 1000, 100 and 10 bytes a second.
MACHINE = Machine(
    {"fp32": 100.0, "bf16": 200.0},
    (Level("L1", 40, 1000.0), Level("L2", 400, 100.0), Level("memory", 10**6, 10.0)),
)


def test_flops_where_a_batch_uses_every_weight_often() -> None:
    cell = Cell("LSTM", "infer", 5, 8, 3, 2)
    flops = 2 * 5 * 8 * (4 * 2) * (3 + 2)
    assert bound(cell, 1, "fp32", MACHINE) == flops / 100
    assert bound(cell, 2, "fp32", MACHINE) == flops / 200
    assert bound(cell, 1, "bf16", MACHINE) == flops / 200


def test_training_counts_the_products_three_times() -> None:
    sizes = (5, 8, 3, 2)
    infer, train = (Cell("GRU", mode, *sizes) for mode in ("infer", "train"))
    assert bound(train, 1, "fp32", MACHINE) == 3 * bound(infer, 1, "fp32", MACHINE)


def test_a_second_layer_has_the_first_ones_outputs_as_input() -> None:
    cell = Cell("RNN", "infer", 5, 8, 3, 2, layers=2)
    assert bound(cell, 1, "fp32", MACHINE) == pytest.approx(2 * 5 * 8 * 2 * (5 + 4) / 100)


def test_one_row_reads_its_weights_at_every_step_and_adds_the_input_product() -> None:
    cell = Cell("RNN", "infer", 50, 1, 3, 9)
    weights = 4 * 9 * 9  # bytes, more than L1 holds
    product = 2 * 50 * 9 * 3 / 100
    assert bound(cell, 1, "fp32", MACHINE) == pytest.approx(50 * weights / 100 + product)
    # Half of them for each thread is still more than L1 holds; a tenth fits, and FLOPs decide.
    assert bound(cell, 2, "fp32", MACHINE) == pytest.approx(50 * weights / 200 + product / 2)
    assert bound(cell, 10, "fp32", MACHINE) == pytest.approx(50 * 2 * 9 * 12 / 1000)


def test_a_single_step_reads_both_matrices_from_where_both_fit() -> None:
    cell = Cell("RNN", "step", 1, 1, 8, 8)
    assert bound(cell, 1, "fp32", MACHINE) == pytest.approx(2 * 4 * 64 / 10)
    assert bound(cell, 2, "fp32", MACHINE) == pytest.approx(2 * 4 * 64 / 200)


def test_a_training_step_of_one_row_reads_its_weights_twice() -> None:
    cell = Cell("RNN", "train", 50, 1, 3, 9)
    product = 3 * 2 * 50 * 9 * 3 / 100
    assert bound(cell, 1, "fp32", MACHINE) == pytest.approx(2 * 50 * 4 * 81 / 100 + product)


def test_padding_has_no_flops() -> None:
    full = Cell("GRU", "train", 10, 4, 3, 2)
    ragged = Cell("GRU", "train", 10, 4, 3, 2, ragged=True)
    part = sum(ragged.lengths) / 40
    assert 0 < part < 1
    expected = part * bound(full, 1, "fp32", MACHINE)
    assert bound(ragged, 1, "fp32", MACHINE) == pytest.approx(expected)


def test_the_figures_of_the_issue() -> None:
    # The machine that the aims were set on, and the bounds that stood beside them, in seconds.
    levels = (Level("L1", 32 << 10, 214e9), Level("L2", 1 << 20, 117e9), Level("L3", 1 << 25, 98e9))
    zen4 = Machine({"fp32": 117e9, "bf16": 235e9}, levels)
    for cell, threads, seconds in (
        (Cell("RNN", "train", 35, 20, 200, 200), 1, 2.86e-3),
        (Cell("LSTM", "train", 784, 64, 1, 128), 2, 84.8e-3),
        (Cell("LSTM", "train", 35, 20, 650, 650, 2), 1, 241.8e-3),
        (Cell("GRU", "infer", 100, 1, 128, 128), 1, 0.25e-3),
        (Cell("LSTM", "infer", 100, 1, 512, 512), 1, 6.04e-3),
        (Cell("LSTM", "step", 1, 1, 512, 512), 1, 85.7e-6),
        (Cell("GRU", "step", 1, 64, 256, 256), 2, 215e-6),
    ):
        assert bound(cell, threads, "fp32", zen4) == pytest.approx(seconds, rel=0.03), cell.name


def test_cache_sizes_come_from_the_system(tmp_path) -> None:
    assert cache_sizes(tmp_path / "nothing") == USUAL_SIZES
    for number, values in enumerate((("1", "Data", "48K"), ("1", "Instruction", "64K"))):
        folder = tmp_path / f"index{number}"
        folder.mkdir()
        for name, value in zip(("level", "type", "size"), values, strict=True):
            (folder / name).write_text(f"{value}\n")
    assert cache_sizes(tmp_path) == (48 << 10, *USUAL_SIZES[1:])
