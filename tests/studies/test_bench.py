import pytest
import torch

from elman.errors import RunFailed
from elman.studies import bench


def test_both_are_timed_and_the_backend_is_named() -> None:
    timings = bench.compare("GRU", bench.Shape(3, 1, 4), repeats=2, threads=1)
    assert [timing.what for timing in timings] == ["forward", "train", "step"]
    assert all(timing.ours > 0 and timing.theirs > 0 for timing in timings)
    assert all(timing.choice for timing in timings)


def test_no_speed_is_told_of_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = bench.LAYERS["RNN"]

    def relu(*sizes: int) -> torch.nn.Module:
        return theirs(*sizes, nonlinearity="relu")

    monkeypatch.setitem(bench.LAYERS, "RNN", (ours, relu))
    with pytest.raises(RunFailed, match=r"elman.RNN and torch.nn.RNN differ"):
        bench.compare("RNN", bench.Shape(3, 1, 4), repeats=1)


def test_the_number_of_threads_is_put_back() -> None:
    before = torch.get_num_threads()
    bench.compare("RNN", bench.Shape(3, 1, 4), repeats=1, threads=before + 1)
    assert torch.get_num_threads() == before
