"""Bytes cut anywhere are the text that they were, and bad ones are said where they stand."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import InputError
from elman.streaming.text_input import LineInput, TextInput

TEXT = "añ→🎈\r\nzwei\n\nfin"


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@given(st.text(), st.lists(st.integers(0, 1000)))
def test_any_cut_of_the_bytes_is_the_same_text(text: str, cuts: list[int]) -> None:
    reader = TextInput()
    read = "".join(reader.read(piece) for piece in pieces(text.encode(), cuts)) + reader.end()
    assert read == text.removeprefix("\ufeff")


@given(st.text("ab\r\nñ→🎈", max_size=40), st.lists(st.integers(0, 1000)))
def test_any_cut_is_the_same_lines_also_over_a_saved_place(text: str, cuts: list[int]) -> None:
    reader = LineInput()
    lines = []
    for piece in pieces(text.encode(), cuts):
        lines += list(reader.read(piece))
        again = LineInput()
        again.state = json.loads(json.dumps(reader.state))
        reader = again
    lines += list(reader.end())
    whole = text.split("\n")
    expected = whole[:-1] + ([whole[-1]] if whole[-1] else [])
    assert lines == [line.removesuffix("\r") for line in expected]
    assert reader.number == len(lines)


@pytest.mark.fault(13)
def test_a_byte_order_mark_is_dropped_at_the_beginning_alone() -> None:
    reader = TextInput()
    read = "".join(reader.read(bytes([byte])) for byte in "\ufeffa\ufeffb".encode())
    assert read == "a\ufeffb"


def test_what_comes_before_a_bad_byte_is_read_first() -> None:
    reader = LineInput("standard input")
    lines = reader.read(b"one\ntwo\xff\nthree\n")
    assert next(lines) == "one"
    with pytest.raises(InputError, match="standard input: not UTF-8 at byte 7; convert it"):
        next(lines)


def test_an_end_inside_of_a_character_is_an_error() -> None:
    reader = TextInput()
    assert reader.read("ñ".encode()[:1]) == ""
    with pytest.raises(InputError, match="not UTF-8 at byte 0"):
        reader.end()


def test_who_stops_at_a_line_finds_the_others() -> None:
    reader = LineInput()
    assert next(reader.read(b"one\ntwo\nthr")) == "one"
    assert list(reader.read(b"ee\n")) == ["two", "three"]
    assert reader.place == "standard input:3"


def test_a_line_without_an_end_is_bounded() -> None:
    reader = LineInput(longest=10)
    with pytest.raises(InputError, match="standard input:2: a line of more than 10 characters"):
        list(reader.read("one\n" + "x" * 11))


def test_lines_after_one_that_is_refused_are_not_lost_at_the_end() -> None:
    reader = LineInput(longest=10)
    with pytest.raises(InputError, match="standard input:1"):
        list(reader.read("x" * 11 + "\ntwo\nthr"))
    assert list(reader.end()) == ["two", "thr"]


def test_a_bad_byte_is_part_of_the_place() -> None:
    reader, again = TextInput(), TextInput()
    assert reader.read(b"one\xff") == "one"
    again.state = json.loads(json.dumps(reader.state))
    with pytest.raises(InputError, match="not UTF-8 at byte 3"):
        again.read(b"two")


@pytest.mark.parametrize(
    "state", [{}, {"bytes": "zz"}, {"bytes": "00" * 9, "seen": 0, "begun": 1, "fault": None}]
)
def test_a_place_that_is_none_is_refused(state: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        TextInput().state = state


def test_a_line_that_comes_a_character_at_a_time_is_not_copied_each_time() -> None:
    reader = LineInput(longest=10**7)
    copied = 0
    for _ in range(2000):
        pending = reader._pending
        list(reader.read("x"))
        copied += reader._pending is not pending
    assert copied == 0
    assert [len(line) for line in reader.read("\n")] == [2000]


def test_the_lines_after_an_error_are_there_at_the_end() -> None:
    reader = LineInput(longest=5)
    with pytest.raises(InputError, match="standard input:1"):
        list(reader.read("too long\ntwo\nthree\nfo"))
    assert list(reader.end()) == ["two", "three", "fo"]


def test_a_held_back_half_of_a_pair_is_refused() -> None:
    state = LineInput().state
    with pytest.raises(ValueError, match="surrogates"):
        LineInput().state = {**state, "pending": "\ud800"}


def test_a_saved_place_knows_how_far_it_is() -> None:
    reader, again = TextInput(), TextInput()
    assert reader.read(b"\xef\xbb\xbfone") == "one"
    again.state = json.loads(json.dumps(reader.state))
    assert again.read("\ufeff") == "\ufeff"  # dropped at the beginning alone
    assert again.read(b"a\xff") == "a"
    with pytest.raises(InputError, match="not UTF-8 at byte 7"):
        again.check()
