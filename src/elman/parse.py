"""JSON and TOML as anybody may have written them: whatever is wrong raises ValueError."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from elman.bounds import MOST_NESTED, MOST_TOML


def parse_json(text: str | bytes) -> Any:
    """The value that JSON in UTF-8 holds.

    Raises:
        ValueError: not JSON, not UTF-8, or nested too deeply for what works on it afterwards.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    if text.count("[") + text.count("{") > MOST_NESTED:
        _check_depth(value)
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """The table that TOML holds.

    Raises:
        ValueError: not TOML, or nested too deeply.
    """
    if len(text) > MOST_TOML:
        raise ValueError(f"larger than {MOST_TOML:,} characters, the bound of TOML")
    if _LONG_KEY.search(text):  # tomllib takes the square of its length
        raise ValueError(_TOO_DEEP)
    try:
        tree = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    _check_depth(tree)
    return tree


def shown(value: object, most: int = 80) -> str:
    """A value as a message shows it: what Python writes for it, cut off where it is long."""
    try:
        text = repr(value if not isinstance(value, str | bytes) else value[: most + 1])
    except (ValueError, RecursionError):  # a whole number of more than 4,300 digits
        return f"{type(value).__name__} too large to show"
    return text if len(text) <= most else f"{text[:most]} …"


_LONG_KEY = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{MOST_NESTED}}}"""
)
_TOO_DEEP = f"nested more than {MOST_NESTED} levels deep"


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_NESTED):
        inner: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                inner.extend(node.values())
            elif isinstance(node, list):
                inner.extend(node)
        level = [node for node in inner if isinstance(node, dict | list)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)
