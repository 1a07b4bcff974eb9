"""The rules by which an utterance ends, in seconds and in steps."""

from __future__ import annotations

import pytest

from elman.streaming.end_points import EndPoints, StepRules

RULES = EndPoints(silence_before=5.0, silence_after=0.8, longest_utterance=20.0).in_steps(0.04)


@pytest.mark.parametrize(
    ("steps", "silent", "rule"),
    [
        (124, None, None),
        (125, None, "silence before"),
        (400, 19, None),
        (400, 20, "silence after"),
        (499, 0, None),
        (500, 0, "longest utterance"),
        (125, 0, None),  # what was said lifts the first rule
        (500, 20, "silence after"),
    ],
)
def test_each_rule_at_its_step(steps: int, silent: int | None, rule: str | None) -> None:
    assert RULES.ended(steps, silent) == rule


@pytest.mark.parametrize(("seconds", "steps"), [(0.8, 20), (0.81, 21), (0.001, 1), (0.12, 3)])
def test_seconds_are_steps_rounded_up(seconds: float, steps: int) -> None:
    rules = EndPoints(seconds, seconds, seconds).in_steps(0.04)
    assert (rules.silence_before, rules.silence_after, rules.longest_utterance) == (steps,) * 3


def test_a_rule_of_no_seconds_never_applies() -> None:
    rules = EndPoints(0, 0, 0).in_steps(0.04)
    assert rules.ended(10**9, None) is None
    assert rules.ended(10**9, 10**9) is None


def test_the_shortest_rule_applies_at_once() -> None:
    assert EndPoints(1e-9, 0.0, 1e-9).in_steps(0.03) == StepRules(1, 0, 1)
