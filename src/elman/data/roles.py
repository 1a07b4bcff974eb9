"""What the names of files and splits say: training, validation or test."""

from __future__ import annotations

import re

ROLES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
}


def role_of(name: str) -> str | None:
    """The part of the data that a name has a word for; None for no part or several."""
    parts = re.split(r"[^a-z]+", name.lower())
    roles = {ROLES[part] for part in parts if part in ROLES}
    return roles.pop() if len(roles) == 1 else None
