"""A session is a value: cut, saved, forked and gone on with, it answers the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import InputError
from elman.layers.state import State
from elman.streaming.session import Session, Snapshot


class Model:
    def __init__(self, fingerprint: str = "f" * 64) -> None:
        self.fingerprint = fingerprint


class Sums(Session[str, int]):
    """Sums the digits of each word; a letter is a fault."""

    kind = "sums"

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.model = model
        self.reset()

    def reset(self) -> None:
        self.total = State(h=torch.zeros(1, 1))
        self.begun = False

    def _read(self, chunk: str) -> Iterator[int]:
        for character in chunk:
            if character == " ":
                yield from self._end()
            elif character.isdigit():
                self.total = State(h=self.total["h"] + int(character))
                self.begun = True
            else:
                raise InputError(f"{character!r}: not a digit; leave it out")

    def _end(self) -> Iterator[int]:
        if self.begun:
            total = int(self.total["h"])
            self.reset()
            yield total

    def _another(self) -> Sums:
        return Sums(self.model)

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            self.kind, self.model.fingerprint, {"sum": self.total}, {}, {"begun": self.begun}
        )

    def _restore(self, snapshot: Snapshot) -> None:
        total, begun = snapshot.states["sum"], snapshot.values["begun"]
        total.require_like(self.total, "the sum")
        self.total, self.begun = total, bool(begun)


digits = st.text("0123456789 ", max_size=30)


@given(digits, st.lists(st.integers(0, 30)))
def test_cut_saved_and_forked_at_any_place(text: str, cuts: list[int]) -> None:
    whole = Sums(Model())
    expected = [*whole.push(text), *whole.flush()]
    session, answers = Sums(Model()), []
    places = sorted({0, *(cut for cut in cuts if cut < len(text)), len(text)})
    for begin, end in pairwise(places):
        answers += session.push(text[begin:end])
        other = Sums(Model())
        other.state = Snapshot.from_bytes(session.state.to_bytes())
        session.push("999")  # the one that was left behind goes its own way
        session = other.fork()
        other.push("9")
    assert [*answers, *session.flush()] == expected


def test_answers_before_a_fault_are_not_lost() -> None:
    session = Sums(Model())
    with pytest.raises(InputError, match="'x': not a digit") as caught:
        session.push("12 34 x 5")
    assert caught.value.answers == (3, 7)
    assert session.push("1 ") == [1]


def test_the_snapshot_of_another_model_is_refused_by_name() -> None:
    session, other = Sums(Model("a" * 64)), Sums(Model("b" * 64))
    session.push("12")
    with pytest.raises(InputError, match=f"belongs to model {'a' * 12}.* of model {'b' * 12}"):
        other.state = session.state
    assert other.push("1 ") == [1]


def test_the_snapshot_of_another_kind_or_shape_is_refused() -> None:
    session = Sums(Model())
    with pytest.raises(InputError, match="of a words session, expected one of a sums"):
        session.state = Snapshot("words", "f" * 64)
    session.push("12")
    for states in ({}, {"sum": State(h=torch.zeros(1, 2))}):
        with pytest.raises(InputError):
            session.state = Snapshot("sums", "f" * 64, states, {}, {"begun": True})
    assert session.push(" ") == [3]


@pytest.mark.parametrize("snapshot", [None, b"", {"kind": "sums"}])
def test_what_is_no_snapshot_is_said(snapshot: object) -> None:
    with pytest.raises(InputError, match="expected a Snapshot"):
        Sums(Model()).state = snapshot  # type: ignore[assignment]


def test_a_number_without_bounds_is_refused() -> None:
    header = (
        '{"format": 1, "kind": "sums", "model": "f", "axes": {"s": [["h", 1e999]]}, "values": {}}'
    )
    stored = safetensors.torch.save({"state/s/h": torch.zeros(1)}, {"elman.session": header})
    with pytest.raises(InputError, match="cannot be read as a snapshot"):
        Snapshot.from_bytes(stored)


def test_the_same_session_has_the_same_bytes(tmp_path: Path) -> None:
    session = Sums(Model())
    session.push("12")
    assert session.state.to_bytes() == session.fork().state.to_bytes()
    session.state.save(tmp_path / "place")
    session.push(" 5")
    session.state = Snapshot.load(tmp_path / "place")
    assert session.push(" ") == [3]


def hostile() -> list[bytes]:
    header = {"format": 1, "kind": "sums", "model": "f", "axes": {}, "values": {}}
    changes: list[dict[str, object]] = [
        {"format": 2}, {"axes": {"sum": [["h", 0]]}}, {"axes": {"sum": []}}, {"axes": 5},
        {"values": 5}, {"axes": {"sum": [["h", 9]]}},
    ]  # fmt: skip
    tensor = {"state/sum/h": torch.zeros(1, 1)}
    made = [
        safetensors.torch.save(tensor if i == 5 else {}, {"elman.session": json.dumps(header | c)})
        for i, c in enumerate(changes)
    ]
    deep = safetensors.torch.save({}, {"elman.session": "[" * 100_000})
    plain = safetensors.torch.save(tensor, {})
    good = safetensors.torch.save(tensor, {"elman.session": json.dumps(header)})
    return [*made, deep, plain, b"", b"x" * 7, b"\xff" * 64, good[:-1], good[:20]]


@pytest.mark.parametrize("data", hostile())
def test_bytes_that_are_no_snapshot_are_one_line(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^place: ") as caught:
        Snapshot.from_bytes(data, "place")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing: cannot be read"):
        Snapshot.load(tmp_path / "nothing")


def test_the_parts_of_a_state_keep_their_order() -> None:
    state = State(h=torch.zeros(1, 2), c=torch.ones(1, 2))
    stored = Snapshot("sums", "f", {"layer": state}).to_bytes()
    assert list(Snapshot.from_bytes(stored).states["layer"]) == ["h", "c"]
