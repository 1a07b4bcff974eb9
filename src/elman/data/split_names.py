"""What the names of files and splits say: training, validation or test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from elman.data.folders import check_inside
from elman.data.given import Files, Given, Part, Splits
from elman.errors import InputError

SPLITS = ("train", "valid", "test")

SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    "test": "test",
}

_BY_NAME = "name the files one by one: train valid test"


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
            check_inside(folder, path)
            found.setdefault(split, []).append(path)
    return {split: found[split] for split in SPLITS if split in found}


def parts_of(data: Given, needed: Sequence[str] = ("train",)) -> dict[str, Part]:
    """The data of each split by its name; "train" alone where they have yet to be split.

    Two or three files are train, valid and test; a folder is split where its names say so.
    """
    if isinstance(data, Splits):
        parts = {"train": data.train, "valid": data.valid, "test": data.test}
        return {name: part for name, part in parts.items() if part is not None}
    if not isinstance(data, Files):
        return {"train": data}
    paths = data.paths
    if not 1 <= len(paths) <= 3:
        raise InputError(
            f"got {len(paths)} paths, expected one file or folder, or train valid test"
        )
    if len(paths) > 1:
        return {name: Files((path,)) for name, path in zip(SPLITS, paths, strict=False)}
    found = in_folder(paths[0]) if paths[0].is_dir() else {}
    if len(found) < 2:
        return {"train": data}
    for split, several in found.items():
        if len(several) > 1:
            raise InputError(
                f"{paths[0]}: {several[0].name} and {several[1].name} could each be the {split} "
                f"part; {_BY_NAME}"
            )
    names = " and ".join(several[0].name for several in found.values())
    for split in needed:
        if split not in found:
            raise InputError(f"{paths[0]}: holds {names} but no {split}.*; add it, or {_BY_NAME}")
    return {split: Files(tuple(several)) for split, several in found.items()}
