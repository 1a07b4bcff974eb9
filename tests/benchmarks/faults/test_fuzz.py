"""Some of the inputs of `make fuzz`, and proof that a fault is noticed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from time import sleep

import pytest

from benchmarks.faults import outcome as outcomes
from benchmarks.faults.fuzz import SHARES, generators, numbers_of, one
from benchmarks.faults.outcome import GOOD, Input, outcome
from elman.errors import InputError

COUNTS = {"series": 150, "predictor": 12, "run": 12, "toml": 60, "parquet": 80}


@pytest.mark.parametrize("name", generators())
def test_a_hostile_input_is_read_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    for number in range(COUNTS.get(name, 120)):
        found = one(name, 1, number, tmp_path)
        assert found.verdict in GOOD, f"--seed 1 --replay {name}:{number}: {found.words}"


def test_at_least_a_fifth_of_the_tables_of_series_get_past_the_first_check(tmp_path: Path) -> None:
    found = [one("series", 2, number, tmp_path) for number in range(60)]
    assert sum(each.past for each in found) >= 12
    assert any(each.verdict == "read" for each in found)


def test_the_kinds_besides_tables_of_series_are_as_many() -> None:
    assert sum(SHARES.values()) == 100
    counts = numbers_of(50_000)
    assert counts.pop("series") == sum(counts.values()) == 50_000
    assert counts.keys() | {"series"} == generators().keys()


def fails(folder: Path) -> object:
    raise KeyError("x")


def warns(folder: Path) -> object:
    warnings.warn("raw", UserWarning, stacklevel=1)
    return None


def waits(folder: Path) -> object:
    sleep(5)
    return None


def computes(folder: Path) -> object:
    return sum(range(10**9))


def talks(folder: Path) -> object:
    error = InputError("short")
    error.args = ("long " * 1000,)
    raise error


@pytest.mark.parametrize(
    ("read", "verdict"),
    [
        (fails, "traceback"),
        (warns, "warning"),
        (waits, "hang"),
        (computes, "hang"),
        (talks, "long"),
    ],
)
def test_a_fault_is_noticed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[Path], object],
    verdict: str,
) -> None:
    monkeypatch.setattr(outcomes, "SECONDS" if read is computes else "WAITING", 0.05)
    assert outcome(Input({}, read), tmp_path).verdict == verdict
