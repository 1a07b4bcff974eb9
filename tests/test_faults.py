"""Inputs that once went wrong have a test each, and remedies that messages name have been tried."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
KINDS = 42
LEAST_REMEDIES = 20


def marked(pattern: str) -> list[str]:
    return [
        found
        for path in sorted(TESTS.rglob("*.py"))
        for found in re.findall(rf"pytest\.mark\.{pattern}", path.read_text(encoding="utf-8"))
    ]


def test_every_kind_has_a_test() -> None:
    numbers = {int(n) for found in marked(r"fault\(([\d, ]+)\)") for n in found.split(",")}
    assert numbers == set(range(1, KINDS + 1))


def test_remedies_are_tried() -> None:
    assert len(marked(r"remedy\b")) >= LEAST_REMEDIES
