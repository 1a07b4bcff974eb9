"""What is typed, before it is read as a command: lists of numbers, and what help is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

LISTS = ("--lags", "--levels", "--quantile-levels", "--region", "--seasons", "--snr", "--speeds")
"""Flags that take several numbers, with spaces or commas between them."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?,?")
_HELP = ("--help", "-h")


def prepared(typed: Sequence[str]) -> list[str]:
    """`typed` with `--levels 50 90` as `--levels 50,90`, and with `--help-all` where it counts."""
    tokens = list(_joined(typed))
    if "--help-all" not in tokens:
        return tokens
    return [*(token for token in tokens[:2] if not token.startswith("-")), "--help-all"]


def run_to_explain(tokens: Sequence[str], commands: Sequence[str]) -> tuple[str, str] | None:
    """The command and the run of `elman predict RUN --help`, whose flags are those of one task."""
    plain = [token for token in tokens if token not in _HELP]
    if len(plain) == len(tokens) or len(plain) < 2 or plain[0] not in commands:
        return None
    return None if plain[1].startswith("-") else (plain[0], plain[1])


def _joined(tokens: Sequence[str]) -> Iterator[str]:
    """Numbers after a flag that takes several, as one word."""
    place = 0
    while place < len(tokens):
        yield tokens[place]
        place += 1
        if tokens[place - 1] not in LISTS:
            continue
        numbers = []
        while place < len(tokens) and _NUMBER.fullmatch(tokens[place]):
            numbers.append(tokens[place].rstrip(","))
            place += 1
        if numbers:
            yield ",".join(numbers)
