"""What the names of files and splits say: training, validation or test."""

from __future__ import annotations

import re

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
}


def split_of(name: str) -> str | None:
    """The part of the data that a name has a word for; None for no part or several."""
    parts = re.split(r"[^a-z]+", name.lower())
    roles = {SPLIT_NAMES[part] for part in parts if part in SPLIT_NAMES}
    return roles.pop() if len(roles) == 1 else None
