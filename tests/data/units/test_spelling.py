from __future__ import annotations

import itertools
import math

import pytest

from elman.data.units.spelling import CODE_POINTS, Spelling
from elman.errors import InputError


@pytest.mark.fault(37)
def test_the_code_by_hand() -> None:
    spelling = Spelling.of(["ab", "a"], unknown=3, literal=1)
    # Counts: a 2, b 1, end 2; with 1 added to each, and 1 for an escape: 3 + 2 + 3 + 1 = 9.
    known = -math.log(4 / 6)
    assert spelling.nats("ab") == pytest.approx(known - math.log(3 / 9 * 2 / 9 * 3 / 9))
    assert spelling.nats("") == pytest.approx(known - math.log(3 / 9))
    assert spelling.nats("z") == pytest.approx(known - math.log(1 / 9 / CODE_POINTS * 3 / 9))
    assert spelling.literal_nats == pytest.approx(-math.log(2 / 6))


@pytest.mark.fault(37)
def test_it_is_a_proper_code() -> None:
    spelling = Spelling.of(["ab", "a", "bb"], unknown=7)
    each = (
        math.exp(-spelling.nats("".join(letters)))
        for length in range(12)
        for letters in itertools.product("ab", repeat=length)
    )
    assert sum(each) + math.exp(-spelling.literal_nats) < 1


def test_it_is_what_was_saved_and_damage_is_said() -> None:
    spelling = Spelling.of(["ab", "é"], unknown=2)
    assert Spelling.from_contents(spelling.contents()) == spelling
    for wrong in (
        None,
        {"characters": {"ab": 1}, "words": 1, "unknown": 0, "literal": 0},
        {"characters": {"a": -1}, "words": 1, "unknown": 0, "literal": 0},
        {"characters": {"a": 1}, "words": "1", "unknown": 0, "literal": 0},
    ):
        with pytest.raises(InputError, match='"spelling" must'):
            Spelling.from_contents(wrong)
