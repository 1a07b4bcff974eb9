"""What holds of the sessions of every predictor: the tests of each kind call these functions.

An input is anything that can be sliced and of which each slice is a chunk: text, bytes, a list of
rows, an array. `same(got, wanted)` asserts that two lists of answers are equal, within a tolerance
where they hold numbers.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from elman.errors import InputError
from elman.predictors.predictor import Predictor, load
from elman.streaming.session import Session, Snapshot

Same = Callable[[list[Any], list[Any]], None]


def answers_of(session: Session[Any, Any], chunks: Iterable[Any]) -> list[Any]:
    """All that the session says to the chunks and to the end after them."""
    answers = [answer for chunk in chunks for answer in session.push(chunk)]
    return answers + session.flush()


def any_cut_and_any_stop_is_the_whole(
    predictor: Predictor, sequence: Any, data: st.DataObject, same: Same, **options: Any
) -> None:
    """One piece == any cut == gone on from bytes at any place == a fork at any place."""
    wanted = answers_of(predictor.session(**options), [sequence])
    session, got = predictor.session(**options), []
    places = sorted(data.draw(st.lists(st.integers(0, len(sequence)), max_size=5)))
    for begin, end in zip([0, *places], [*places, len(sequence)], strict=True):
        got += session.push(sequence[begin:end])
        match data.draw(st.sampled_from(["on", "restore", "fork", "twin"])):
            case "restore":
                stored = session.state.to_bytes()
                session = predictor.session(**options)
                session.state = Snapshot.from_bytes(stored)
                assert session.state.to_bytes() == stored
            case "fork":
                session, old = session.fork(), session
                _disturb(old, sequence[:7])
            case "twin":
                _disturb(session.fork(), sequence[:7])
    same(got + session.flush(), wanted)
    same(answers_of(session, [sequence]), wanted)  # after the end, as if nothing had been
    session.push(sequence[: places[-1]] if places else sequence)
    session.reset()
    same(answers_of(session, [sequence]), wanted)


def sessions_never_touch(
    predictor: Predictor, one: Any, other: Any, same: Same, **options: Any
) -> None:
    """Two sessions that are pushed in turns say what each says alone."""
    wanted = [answers_of(predictor.session(**options), [each]) for each in (one, other)]
    sessions = [predictor.session(**options) for _ in wanted]
    got: list[list[Any]] = [[], []]
    half = max(len(one), len(other)) // 2 + 1
    for part in (slice(half), slice(half, None)):
        for session, answers, each in zip(sessions, got, (one, other), strict=True):
            answers += session.push(each[part])
    for session, answers, alone in zip(sessions, got, wanted, strict=True):
        same(answers + session.flush(), alone)


def goes_on_in_a_new_process(
    predictor: Predictor, folder: Path, sequence: Any, place: int, same: Same, **options: Any
) -> None:
    """A session saved at `place` goes on in a process that has only what was saved."""
    wanted = answers_of(predictor.session(**options), [sequence])
    session = predictor.session(**options)
    before = session.push(sequence[:place])
    predictor.save(folder / "predictor")
    session.state.save(folder / "snapshot")
    with (folder / "rest").open("wb") as file:
        pickle.dump((sequence[place:], options), file)
    command = [sys.executable, "-m", "tests.predictors.contract", str(folder)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    with (folder / "answers").open("rb") as file:
        same(before + pickle.load(file), wanted)  # noqa: S301 (our own file)


def other_weights_are_refused(
    predictor: Predictor, other: Predictor, sequence: Any, same: Same, **options: Any
) -> None:
    """The snapshot of another model is refused by name; the session stays as it was."""
    wanted = answers_of(predictor.session(**options), [sequence])
    half = len(sequence) // 2
    session, stranger = predictor.session(**options), other.session(**options)
    before = session.push(sequence[:half])
    stranger.push(sequence[:half])
    for model in (predictor, other):
        assert model.fingerprint == model.fingerprint
    with pytest.raises(InputError, match="belongs to model") as error:
        session.state = stranger.state
    assert other.fingerprint[:12] in str(error.value)
    assert predictor.fingerprint[:12] in str(error.value)
    assert "\n" not in str(error.value)
    same(before + answers_of(session, [sequence[half:]]), wanted)


def damaged_snapshots_are_refused(
    predictor: Predictor, sequence: Any, data: st.DataObject, **options: Any
) -> None:
    """Bytes that were cut, changed or swapped for others give one line, never a crash."""
    session = predictor.session(**options)
    session.push(sequence)
    stored = bytearray(session.state.to_bytes())
    if data.draw(st.booleans()):
        del stored[data.draw(st.integers(0, len(stored) - 1)) :]
    else:
        stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        session.state = Snapshot.from_bytes(bytes(stored))
        session.push(sequence)  # a changed number of a state shows nowhere
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017


def snapshots_with_nan_are_refused(predictor: Predictor, sequence: Any, **options: Any) -> None:
    """Wherever a number of a snapshot is NaN; the session then is where it was."""
    session = predictor.session(**options)
    session.push(sequence)
    stored, tried = session.state.to_bytes(), 0
    for value in (float("nan"), float("inf")):
        whole = Snapshot.from_bytes(stored)
        states = [tensor for state in whole.states.values() for tensor in state.values()]
        for tensor in (*states, *whole.tensors.values()):
            if tensor.is_floating_point() and tensor.numel():
                kept = tensor.flatten()[-1].item()
                tensor.view(-1)[-1] = value
                with pytest.raises(InputError, match="the snapshot does not fit this session"):
                    session.state = whole
                assert session.state.to_bytes() == stored
                tensor.view(-1)[-1] = kept
                tried += 1
        session.state = whole
    assert tried >= 6


def faults_of_text_are_kept_and_ended(
    predictor: Predictor, text: bytes, same: Same, **options: Any
) -> None:
    """Bytes that are no text stay a fault in every copy, until a flush or a reset begins anew."""
    wanted = answers_of(predictor.session(**options), [text])
    session = predictor.session(**options)
    with pytest.raises(InputError, match=f"not UTF-8 at byte {len(text)};"):
        session.push(text + b"\xff")
    restored = predictor.session(**options)
    restored.state = Snapshot.from_bytes(session.state.to_bytes())
    for each in (session, session.fork(), restored):
        with pytest.raises(InputError, match="not UTF-8"):
            each.push(text)
        with pytest.raises(InputError, match="not UTF-8"):
            each.flush()
        same(answers_of(each, [text]), wanted)
    for wrong in (None, 5, object(), {1}):
        with pytest.raises(InputError, match=r"expected|numbers") as error:
            session.push(wrong)
        assert "\n" not in str(error.value)
    session.reset()
    with pytest.raises(InputError, match="half of a surrogate pair"):
        session.push("a\ud800")
    same(answers_of(session, [text]), wanted)


def an_end_that_fails_is_an_end(
    predictor: Predictor, sequence: str | bytes, same: Same, **options: Any
) -> None:
    """After an end inside of a character the next push begins as if nothing had been."""
    data = sequence.encode() if isinstance(sequence, str) else sequence
    wanted = answers_of(predictor.session(**options), [data])
    session = predictor.session(**options)
    session.push(data[: len(data) // 2])
    with suppress(InputError):  # half of the input may itself end inside of something
        session.push(b"\xf0\x9f")
    with pytest.raises(InputError, match="not UTF-8"):
        session.flush()
    same(answers_of(session, [data]), wanted)


def saved_and_loaded_is_the_same(
    predictor: Predictor, folder: Path, sequence: Any, same: Same, **options: Any
) -> None:
    """A folder holds all of a predictor: its answers and its fingerprint are those before."""
    predictor.save(folder / "saved")
    loaded = load(folder / "saved")
    assert type(loaded) is type(predictor)
    assert loaded.fingerprint == predictor.fingerprint
    wanted = answers_of(predictor.session(**options), [sequence])
    same(answers_of(loaded.session(**options), [sequence]), wanted)


def _disturb(session: Session[Any, Any], chunk: Any) -> None:
    with suppress(InputError):  # the chunk may not fit where the session stands
        answers_of(session, [chunk])


def _go_on(folder: Path) -> None:
    with (folder / "rest").open("rb") as file:
        rest, options = pickle.load(file)  # noqa: S301 (our own file)
    session = load(folder / "predictor").session(**options)
    session.state = Snapshot.load(folder / "snapshot")
    with (folder / "answers").open("wb") as file:
        pickle.dump(answers_of(session, [rest]), file)


if __name__ == "__main__":
    _go_on(Path(sys.argv[1]))
