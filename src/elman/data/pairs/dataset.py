"""Sentence pairs on disk: which files are the training, validation and test pairs.

Files, columns and rows that can't be used and too few pairs raise `InputError`, which says where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from elman.data.given import Data, Files, Given, Part, given, name_of, one_part
from elman.data.pairs.rows import Pair, Reader, is_table
from elman.data.split_names import SPLITS, in_folder, parts_of
from elman.data.tables.asked import Asked
from elman.data.tables.dialect import Dialect
from elman.data.tables.read import suffix_of
from elman.errors import InputError

__all__ = ["Pair", "PairSplits", "one_by_one", "read_pairs"]

_EXPECTED = (
    "a folder, one .tsv or .jsonl file, two parallel files, or those of train, valid and test in"
    " this order"
)

Group: TypeAlias = tuple[Path, ...]
"""Two parallel files, the source first, or one table."""


@dataclass(frozen=True)
class PairSplits:
    """The pairs of each split, and sentences for the user on how they were read."""

    train: list[Pair]
    valid: list[Pair]
    test: list[Pair]
    notes: list[str]
    dialect: Dialect | None = None
    """How the tables were written; of parallel files, the encoding."""


def read_pairs(
    data: Data | Given,
    *,
    source: str | None = None,
    target: str | None = None,
    valid_fraction: float = 0.05,
    test_fraction: float = 0.05,
    skip_bad_rows: bool = False,
    seed: int = 0,
    asked: Asked = Asked(),  # noqa: B008 (frozen)
) -> PairSplits:
    """Read the pairs, split as they are given or at random.

    `data` is two parallel files or one table (.tsv, .jsonl; any other single file is read as
    tab-separated), split here at random; those of train, valid and perhaps test; or a folder with
    such files, named after their splits (train.en train.de valid.en …). `source` and `target` are
    columns (or their numbers) of a table, keys of JSON lines, endings of parallel files in a
    folder.
    """
    parts = _parts(given(data), source, target)
    reader = Reader(source, target, skip_bad_rows=skip_bad_rows, asked=asked)
    pairs = {name: reader.read(part) for name, part in parts.items()}
    notes = list(dict.fromkeys(reader.found))
    if "valid" not in pairs:
        fraction = 0.0 if "test" in pairs else test_fraction
        pairs |= _drawn(pairs["train"], valid_fraction, fraction, seed, name_of(parts["train"]))
        notes.append(f"split at random, seed {seed}")
    if reader.empty:
        notes.append(f"left out {reader.empty:,} empty rows")
    notes += reader.bad.notes()
    return PairSplits(pairs["train"], pairs["valid"], pairs.get("test", []), notes, reader.dialect)


def _parts(found: Given, source: str | None, target: str | None) -> dict[str, Part]:
    """The data of each split; a single entry where they have yet to be split."""
    if not isinstance(found, Files):
        return parts_of(found)
    paths = found.paths
    if len(paths) == 1 and paths[0].is_dir():
        return _in_folder(paths[0], source, target)
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: there is no such file; check the path")
        if path.is_dir():
            raise InputError(f"{path}: a folder among files; give {_EXPECTED}")
        if not path.is_file():
            raise InputError(f"{path}: not a file that can be read twice; save the pairs in one")
    groups = [_ordered(group, source, target) for group in _groups(paths)]
    if len(groups) > len(SPLITS):
        raise InputError(f"got {len(paths)} files, expected {_EXPECTED}")
    return {name: Files(group) for name, group in zip(SPLITS, groups, strict=False)}


def _ordered(files: Group, source: str | None, target: str | None) -> Group:
    """Parallel files by the names of their endings, where these are given."""
    if len(files) == 1 or source is None or target is None:
        return files
    endings = [_ending(path) for path in files]
    if sorted(endings) != sorted([source.lower(), target.lower()]):
        raise InputError(
            f"{files[0]} and {files[1]}: don't end in .{source} and .{target}; give parallel files"
            " with the source first, and leave --source and --target out"
        )
    return files if endings[0] == source.lower() else (files[1], files[0])


def one_by_one(data: Data | Given) -> list[tuple[str, Part]]:
    """Sets of pairs one by one, each with its name: tables, or parallel files two by two."""
    part = one_part(data)
    if not isinstance(part, Files):
        return [(part.where, part)]
    return [(group[-1].name, Files(group)) for group in _groups(part.paths)]


def _groups(paths: Sequence[Path]) -> list[Group]:
    if len(paths) == 1 or all(map(is_table, paths)):
        return [(path,) for path in paths]
    if any(map(is_table, paths)):
        raise InputError(f"{paths[0]}: tables and parallel files mixed; give one kind of them")
    if len(paths) % 2:
        raise InputError(
            f"got {len(paths)} files, expected two parallel ones for each set of pairs, the source"
            " first; or tables, .tsv or .jsonl"
        )
    return [tuple(paths[begin : begin + 2]) for begin in range(0, len(paths), 2)]


def _in_folder(folder: Path, source: str | None, target: str | None) -> dict[str, Part]:
    found = in_folder(folder)
    for split in ("train", "valid"):
        if split not in found:
            raise InputError(f"{folder}: holds no {split}.* file; give {_EXPECTED}")
    parts: dict[str, Part] = {}
    for split, paths in found.items():
        tables = [path for path in paths if is_table(path)]
        if len(paths) == 1 and tables:
            parts[split] = Files((paths[0],))
            continue
        by_ending = {_ending(path): path for path in paths}
        names = [path.name for path in paths]
        if tables or len(by_ending) != len(paths) or len(paths) == 1:
            raise InputError(
                f"{folder}: {', '.join(names)}: not one table and not parallel files of the {split}"
                " pairs; name the files one by one"
            )
        if source is None or target is None:
            first, second = list(by_ending)[:2]
            raise InputError(
                f"{folder}: holds {' and '.join(names[:2])}; say which is translated into which,"
                f" such as --source {first} --target {second}"
            )
        for ending in (source, target):
            if ending not in by_ending:
                raise InputError(
                    f"{folder}: no {split} file ends in .{ending}, only {', '.join(names)}; check"
                    " --source and --target"
                )
        parts[split] = Files((by_ending[source], by_ending[target]))
    return parts


def _ending(path: Path) -> str:
    return suffix_of(path).removeprefix(".")


def _drawn(
    pairs: list[Pair], valid_fraction: float, test_fraction: float, seed: int, name: str
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
            f"{name}: too short: {len(pairs)} pairs can't be split into training,"
            " validation and test pairs; use more of them"
        )
    order = np.random.default_rng(seed).permutation(len(pairs))
    cut = zip(("valid", "test", "train"), np.split(order, [valid, valid + test]), strict=True)
    return {
        name: [pairs[place] for place in np.sort(places)] for name, places in cut if len(places)
    }
