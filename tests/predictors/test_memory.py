"""A memory predictor answers each step alike in a session, in a batch and on its own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import InputError
from elman.layers.state import State
from elman.models.cells import CellOptions
from elman.predictors.memory import Architecture, MemoryPredictor
from tests.predictors import contract

ROWS = np.random.default_rng(0).random((9, 2)).astype(np.float32)
TEXT = "".join(f"{a!r},{b!r}\n" for a, b in ROWS.tolist()).encode()


def made(seed: int = 0, problem: str = "counting", cell: str = "lstm") -> MemoryPredictor:
    torch.manual_seed(seed)
    architecture = Architecture(problem, cell, 5, CellOptions())
    predictor = MemoryPredictor(architecture.make(), architecture)
    predictor.network.eval()
    return predictor


def same(got: list[Any], wanted: list[Any]) -> None:
    assert got == wanted  # one step at a time, whatever the chunks


@settings(max_examples=20)
@given(st.data())
def test_any_cut_is_the_whole(data: st.DataObject) -> None:
    contract.any_cut_and_any_stop_is_the_whole(made(), ROWS, data, same)


@settings(max_examples=20)
@given(st.integers(0, len(TEXT)), st.integers(0, len(TEXT)))
def test_lines_of_text_are_rows(first: int, second: int) -> None:
    wanted = contract.answers_of(made().session(), [ROWS])
    session, got = made().session(), []
    begin, end = sorted((first, second))
    for chunk in (TEXT[:begin], TEXT[begin:end], TEXT[end:-1]):
        session = session.fork()
        got += session.push(chunk)
    same(got + session.flush(), wanted)


def test_an_end_that_fails() -> None:
    contract.an_end_that_fails_is_an_end(made(), TEXT, same)


def test_two_sessions() -> None:
    contract.sessions_never_touch(made(), ROWS, ROWS[::-1].copy(), same)


def test_a_new_process(tmp_path: Path) -> None:
    contract.goes_on_in_a_new_process(made(), tmp_path, TEXT, 17, same)


def test_a_reset_forgets_the_place() -> None:
    session = made().session()
    before = session.state.to_bytes()
    session.push(TEXT + b"\n" + TEXT + b"0.")
    session.reset()
    assert session.state.to_bytes() == before


def test_other_weights() -> None:
    contract.other_weights_are_refused(made(0), made(1), ROWS, same)


@settings(max_examples=20)
@given(st.data())
def test_damaged_snapshots(data: st.DataObject) -> None:
    contract.damaged_snapshots_are_refused(made(), ROWS, data)


def test_a_folder_holds_it_all(tmp_path: Path) -> None:
    contract.saved_and_loaded_is_the_same(made(cell="gru"), tmp_path, ROWS, same)


@pytest.mark.parametrize("problem", ["counting", "adding"])
def test_the_answers_are_the_networks(problem: str) -> None:
    predictor = made(problem=problem)
    records = predictor.predict([ROWS, ROWS[:4]])
    assert [(r.sequence, r.step) for r in records] == [
        *((1, step) for step in range(1, 10)),
        *((2, step) for step in range(1, 5)),
    ]
    state: State = predictor.model.initial_state(1)
    for row, record in zip(torch.from_numpy(ROWS), records, strict=False):
        with torch.no_grad():
            outputs, state = predictor.model.step(row[None], state)
        if problem == "adding":
            assert record.answer == pytest.approx(float(outputs[0, 0]))
        else:
            assert record.answer == int(outputs.argmax())
            assert record.probability == pytest.approx(float(outputs.softmax(-1).max()))


def test_what_it_cannot_read() -> None:
    predictor = made()
    with pytest.raises(InputError, match=r"reads sequences of numbers, \(steps, 2\) arrays"):
        predictor.predict(["a text", "and one more"])
    with pytest.raises(InputError, match=r"shape \(3, 3\), expected .*\(steps, 2\)"):
        predictor.predict([np.zeros((3, 3))])
    with pytest.raises(InputError, match="rows must be numbers of one shape"):
        predictor.session().push([[1, 2], [3]])
    session = predictor.session()
    with pytest.raises(InputError, match="standard input:2: 1 numbers, expected 2") as caught:
        session.push("1 2\n3\n4 5\n")
    assert [answer.step for answer in caught.value.answers] == [1]
    assert [answer.step for answer in session.push("")] == [2]


@pytest.mark.parametrize(
    "rows", [None, "nan,1\n", [[1.0, np.inf]], [[1e300, 0]], torch.ones(1, 2, requires_grad=True)]
)
def test_numbers_that_would_spoil_the_state_are_refused(rows: Any) -> None:
    session = made().session()
    with pytest.raises(InputError, match=r"not finite|numbers"):
        session.push(rows)
    session.reset()
    same(contract.answers_of(session, [ROWS]), contract.answers_of(made().session(), [ROWS]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.bool])
def test_a_state_of_another_dtype_is_converted(dtype: torch.dtype) -> None:
    session = made().session()
    stored = session.state
    other = State.with_axes(
        {name: part.to(dtype) for name, part in stored.states["layer"].items()},
        stored.states["layer"].axes,
    )
    session.state = replace(stored, states={"layer": other})
    same(contract.answers_of(session, [ROWS]), contract.answers_of(made().session(), [ROWS]))


@pytest.mark.parametrize("steps", [float("inf"), float("nan"), None, "x"])
def test_a_count_that_is_none_is_refused(steps: Any) -> None:
    session = made().session()
    stored = session.state
    with pytest.raises(InputError, match="does not fit"):
        session.state = replace(stored, values={**stored.values, "steps": steps})


def test_faults_of_text() -> None:
    contract.faults_of_text_are_kept_and_ended(made(), TEXT, same)
