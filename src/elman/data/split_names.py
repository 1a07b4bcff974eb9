"""What the names of files and splits say: training, validation or test."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from elman.data.given import Part, Splits
from elman.errors import InputError

SPLITS = ("train", "valid", "test")

SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    "test": "test",
}

BY_NAME = "name the files one by one: train valid test"


def split_of(name: str) -> str | None:
    """The split that a name has a word for; None for no split or several."""
    parts = re.split(r"[^a-z]+", name.lower())
    splits = {SPLIT_NAMES[part] for part in parts if part in SPLIT_NAMES}
    return splits.pop() if len(splits) == 1 else None


def in_folder(folder: Path) -> dict[str, list[Path]]:
    """What a folder holds for each split, by the names; hidden files are left out."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        split = split_of(path.name)
        if split and not path.name.startswith("."):
            found.setdefault(split, []).append(path)
    return {split: found[split] for split in SPLITS if split in found}


def one_each(
    found: Mapping[str, list[Path]], folder: Path, needed: Sequence[str] = ("train",)
) -> dict[str, Path]:
    """The file of each split.

    Raises:
        InputError: several for one split, or none for one of `needed`.
    """
    for split, several in found.items():
        if len(several) > 1:
            raise InputError(
                f"{folder}: {several[0].name} and {several[1].name} could each be the {split} "
                f"part; {BY_NAME}"
            )
    names = " and ".join(several[0].name for several in found.values())
    for split in needed:
        if split not in found:
            raise InputError(f"{folder}: holds {names} but no {split}.*; add it, or {BY_NAME}")
    return {split: path for split, (path,) in found.items()}


def parts_of(splits: Splits) -> dict[str, Part]:
    """The splits that are given, by name."""
    parts = {"train": splits.train, "valid": splits.valid, "test": splits.test}
    return {name: part for name, part in parts.items() if part is not None}
