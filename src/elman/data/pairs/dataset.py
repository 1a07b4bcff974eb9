"""Sentence pairs on disk: which files are the training, validation and test pairs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from elman.data.given import Data, Given, paths_of
from elman.data.pairs.rows import TABLES, Pair, Reader, suffix
from elman.errors import InputError

__all__ = ["Pair", "PairSplits", "one_by_one", "read_pairs"]

_ROLES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "valid"),
    "test": "test",
}
_SPLITS = ("train", "valid", "test")
_EXPECTED = (
    "a folder, one .tsv or .jsonl file, two parallel files, or those of train, valid and test in"
    " this order"
)

Files = tuple[Path, ...]
"""Two parallel files, the source first, or one table."""


@dataclass(frozen=True)
class PairSplits:
    """The pairs of each split, and sentences for the user on how they were read."""

    train: list[Pair]
    valid: list[Pair]
    test: list[Pair]
    notes: list[str]


def read_pairs(
    data: Data | Given,
    *,
    source: str | None = None,
    target: str | None = None,
    valid_fraction: float = 0.05,
    test_fraction: float = 0.05,
    skip_bad_rows: bool = False,
    seed: int = 0,
) -> PairSplits:
    """Read the pairs, split as they are given or by a draw.

    Args:
        data: two parallel files or one table (.tsv, .jsonl; any other single file is read as
            tab-separated), split here by a draw; those of train, valid and perhaps test; or a
            folder with such files, named after their splits (train.en train.de valid.en …).
        source: what the source is called: the column (or its number) of a table, the key of JSON
            lines, the ending of parallel files in a folder.
        target: the same of the target.
        valid_fraction: the share of pairs drawn for validation where nothing is split yet.
        test_fraction: the share drawn for testing; 0 for no test.
        skip_bad_rows: leave out rows that can't be read, and count them.
        seed: of the draw.

    Raises:
        InputError: files, columns or rows that can't be used, or too few pairs.
    """
    parts = _parts(list(paths_of(data, "pairs")), source, target)
    reader = Reader(source, target, skip_bad_rows=skip_bad_rows)
    pairs = {role: reader.read(files) for role, files in parts.items()}
    notes = list(dict.fromkeys(reader.found))
    if len(parts) == 1:
        (everything,) = pairs.values()
        pairs = _drawn(everything, valid_fraction, test_fraction, seed, parts)
        notes.append(f"split by a draw, seed {seed}")
    if reader.empty:
        notes.append(f"left out {reader.empty:,} empty rows")
    if reader.bad:
        notes.append(f"left out {reader.bad:,} rows that can't be read")
    return PairSplits(pairs["train"], pairs["valid"], pairs.get("test", []), notes)


def _parts(paths: list[Path], source: str | None, target: str | None) -> dict[str, Files]:
    """The files of each split; a single entry where they have yet to be split."""
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file; check the path")
        if not (path.is_file() or path.is_dir()):
            raise InputError(f"{path}: not a file that can be read twice; save the pairs in one")
    if len(paths) == 1 and paths[0].is_dir():
        return _in_folder(paths[0], source, target)
    for path in paths:
        if path.is_dir():
            raise InputError(f"{path}: a folder among files; give {_EXPECTED}")
    groups = one_by_one(paths)
    if len(groups) > len(_SPLITS):
        raise InputError(f"got {len(paths)} files, expected {_EXPECTED}")
    ordered = [_ordered(group, source, target) for group in groups]
    return dict(zip(_SPLITS, ordered, strict=False))


def _ordered(files: Files, source: str | None, target: str | None) -> Files:
    """Parallel files by the names of their endings, where these are given."""
    if len(files) == 1 or source is None or target is None:
        return files
    endings = [suffix(path).removeprefix(".") for path in files]
    if sorted(endings) != sorted([source.lower(), target.lower()]):
        raise InputError(
            f"{files[0]} and {files[1]}: don't end in .{source} and .{target}; give parallel files"
            " with the source first, and leave --source and --target out"
        )
    return files if endings[0] == source.lower() else (files[1], files[0])


def one_by_one(data: Data | Given) -> list[Files]:
    """Tables one by one, or parallel files two by two.

    Raises:
        InputError: both kinds, or an odd number of parallel files.
    """
    paths = paths_of(data, "pairs")
    if len(paths) == 1 or all(suffix(path) in TABLES for path in paths):
        return [(path,) for path in paths]
    if any(suffix(path) in TABLES for path in paths):
        raise InputError(f"{paths[0]}: tables and parallel files mixed; give one kind of them")
    if len(paths) % 2:
        raise InputError(
            f"got {len(paths)} files, expected two parallel ones for each set of pairs, the source"
            " first; or tables, .tsv or .jsonl"
        )
    return [tuple(paths[begin : begin + 2]) for begin in range(0, len(paths), 2)]


def _in_folder(folder: Path, source: str | None, target: str | None) -> dict[str, Files]:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            roles = {_ROLES[w] for w in re.split(r"[^a-z]+", path.name.lower()) if w in _ROLES}
            if len(roles) == 1:
                found.setdefault(roles.pop(), []).append(path)
    for role in ("train", "valid"):
        if role not in found:
            raise InputError(f"{folder}: holds no {role}.* file; give {_EXPECTED}")
    roles_there = [role for role in _SPLITS if role in found]
    return {role: _of_role(folder, role, found[role], source, target) for role in roles_there}


def _of_role(
    folder: Path, role: str, paths: list[Path], source: str | None, target: str | None
) -> Files:
    tables = [path for path in paths if suffix(path) in TABLES]
    if len(paths) == 1 and tables:
        return (paths[0],)
    by_ending = {suffix(path).removeprefix("."): path for path in paths}
    if tables or len(by_ending) != len(paths) or len(paths) == 1:
        names = ", ".join(path.name for path in paths)
        raise InputError(
            f"{folder}: {names}: not one table and not parallel files of the {role} pairs; name"
            " the files one by one"
        )
    if source is None or target is None:
        names = " and ".join(path.name for path in paths[:2])
        first, second = list(by_ending)[:2]
        raise InputError(
            f"{folder}: holds {names}; say which is translated into which, such as"
            f" --source {first} --target {second}"
        )
    for ending in (source, target):
        if ending not in by_ending:
            raise InputError(
                f"{folder}: no {role} file ends in .{ending}, only"
                f" {', '.join(path.name for path in paths)}; check --source and --target"
            )
    return by_ending[source], by_ending[target]


def _drawn(
    pairs: list[Pair],
    valid_fraction: float,
    test_fraction: float,
    seed: int,
    parts: Mapping[str, Files],
) -> dict[str, list[Pair]]:
    if valid_fraction + test_fraction >= 1:
        raise InputError(
            f"--valid-fraction {valid_fraction} and --test-fraction {test_fraction} leave nothing"
            " to train on; make them smaller"
        )
    valid = max(1, round(valid_fraction * len(pairs)))
    test = max(1, round(test_fraction * len(pairs))) if test_fraction else 0
    if len(pairs) < valid + test + 1:
        raise InputError(
            f"{parts['train'][0]}: too short: {len(pairs)} pairs can't be split into training,"
            " validation and test pairs; use more of them"
        )
    order = np.random.default_rng(seed).permutation(len(pairs))
    cuts = {
        "valid": order[:valid],
        "test": order[valid : valid + test],
        "train": order[valid + test :],
    }
    return {role: [pairs[place] for place in np.sort(places)] for role, places in cuts.items()}
