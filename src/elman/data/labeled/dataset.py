"""From files of labeled texts or sequences to training, validation and test data.

What a file is, its name says: `.csv`, `.tsv`, `.jsonl`, `.parquet`; `.npz`, `.ts` or a folder of
CSV files for numbers; columns of words and labels, as CoNLL has them, where every word has a label.

What can't be read, does not fit together or has no classes raises `InputError`, which says where.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from elman.data.given import Data, Given, given, name_of, one_part
from elman.data.labeled.formats.splits import check_kind, read_rows, read_splits
from elman.data.labeled.rows import (
    Columns,
    Labeled,
    LabeledSplits,
    LabelKind,
    Labels,
    ParsedRows,
)
from elman.data.origin import Integers
from elman.data.split_names import SPLITS
from elman.data.tables.numerals import MISSING
from elman.data.tables.table import BadRows
from elman.errors import InputError


def read_labeled(
    data: Data | Given,
    columns: Columns = Columns(),  # noqa: B008 (frozen)
    *,
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
    seed: int = 0,
    skip_bad_rows: bool = False,
) -> LabeledSplits:
    """Read a data set, split as its files or its split column say, or by class at random.

    `data` is one file or folder; or train and valid, and perhaps test. A folder may hold parts that
    are named train, valid and test. Where only the training and the test part are given, by their
    names, the validation part is drawn from the training part.
    """
    bad = BadRows(skip_bad_rows)
    parts, notes, columns = read_splits(given(data), columns, bad)
    return labeled_splits(parts, notes, columns, Cut(valid_fraction, test_fraction, seed), bad)


@dataclass(frozen=True)
class Cut:
    """The share of rows that validation and test get where the data have no parts, and the seed."""

    valid: float = 0.1
    test: float = 0.1
    seed: int = 0


def labeled_splits(
    parts: Mapping[str, ParsedRows],
    notes: tuple[str, ...],
    columns: Columns,
    cut: Cut,
    bad: BadRows,
) -> LabeledSplits:
    """Parts that were read, "train" at least, with ids of labels; what is missing is drawn."""
    parts = dict(parts)
    names = _names(parts["train"])
    if "valid" not in parts:
        whole = parts.pop("train")
        fractions = [cut.valid] if "test" in parts else [cut.valid, cut.test]
        place = {name: number for number, name in enumerate(names)}
        classes = [tuple(sorted({place[name] for name in row})) for row in whole.labels or ()]
        rows = stratified(classes, fractions, cut.seed)
        parts |= dict(zip(SPLITS, map(whole.take, rows), strict=False))
        notes = (*notes, f"split by class at random, seed {cut.seed}")
    made = {role: labeled_rows(part, names) for role, part in parts.items()}
    notes = (*notes, *bad.notes())
    notes = (*notes, *_about_names(names))
    test = made.get("test")
    return LabeledSplits(
        made["train"],
        made["valid"],
        test if test is not None and len(test) else None,
        replace(columns, asked=columns.asked.for_later(), label_first=False),
        notes,
        bad.count,
    )


def read_more(
    data: Data | Given,
    columns: Columns,
    names: Sequence[str],
    kind: LabelKind,
    *,
    skip_bad_rows: bool = False,
    bad: BadRows | None = None,
) -> Labeled:
    """Other data of the kind that `LabeledSplits` are, with the same columns and classes.

    `bad` takes the rows that can't be read, in place of `skip_bad_rows`.
    """
    part = one_part(data)
    found = read_rows(part, columns, bad or BadRows(skip_bad_rows), labeled=True, classes=names)
    if kind == "many" and found.kind == "one":
        found = replace(found, kind=kind)
    check_kind(found, kind, name_of(part))
    return labeled_rows(found, names)


def read_unlabeled(
    data: Data | Given,
    columns: Columns,
    names: Sequence[str] = (),
    bad: BadRows = BadRows(),  # noqa: B008 (it counts nothing: it raises)
) -> ParsedRows:
    """Rows to be classified; what labels that may be there say is not looked at."""
    return read_rows(one_part(data), columns, bad, labeled=False, classes=names)


def _names(train: ParsedRows) -> tuple[str, ...]:
    """The classes, numbers in their order and other names by the alphabet."""
    flat = set(chain.from_iterable(train.labels or ()))
    if len(flat) < 2:
        which = f"only {next(iter(flat))!r}" if flat else "none"
        raise InputError(
            f"{train.inputs.origin.files[0]}: the training part has {which} for a label; "
            "a classifier needs at least two classes"
        )
    try:
        numbers = {name: float(name) for name in flat}
    except ValueError:
        return tuple(sorted(flat))
    if any(map(math.isnan, numbers.values())):
        return tuple(sorted(flat))
    return tuple(sorted(flat, key=lambda name: (numbers[name], name)))


def _about_names(names: Sequence[str]) -> list[str]:
    """What may not be meant so, in lines for the terminal."""
    lines = []
    by_value: dict[float, str] = {}
    for name in names:
        try:
            other = by_value.setdefault(float(name), name)
        except ValueError:
            continue
        if other != name and "_" not in name:
            lines.append(f"{other} and {name} are two classes; write them alike if they are one")
    lines += [
        f"{name} is a class; leave the cell empty where there is no label"
        for name in names
        if name in MISSING
    ]
    return lines


def labeled_rows(found: ParsedRows, names: Sequence[str]) -> Labeled:
    """Rows with the ids of their labels among the classes `names`."""
    place = {name: number for number, name in enumerate(names)}
    labels = found.labels or ()
    for row, several in enumerate(labels):
        for name in several:
            if name not in place:
                shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
                raise InputError(
                    f"{found.inputs.origin.where(row)}: the label {name!r} is not in the training "
                    f"data, whose labels are {shown}; add rows with it there, or take it out here"
                )
    if found.kind == "many":
        ids: Any = np.zeros((len(labels), len(names)), dtype=np.bool_)
        for row, several in enumerate(labels):
            ids[row, [place[name] for name in several]] = True
    else:
        ids = np.array([place[name] for several in labels for name in several], dtype=np.int64)
    return Labeled(found.inputs, Labels(tuple(names), found.kind, ids))


def stratified(
    classes: Sequence[tuple[Hashable, ...]], fractions: Sequence[float], seed: int
) -> list[Integers]:
    """Draw parts of rows that have these `classes`; the rows of a part are in ascending order.

    The `fractions` are of all parts but the first, which has the rest, and a row of every class.
    Rows are put in order by class, in random order within a class, and dealt out evenly, so that
    each part has its share of each class to within a row.
    """
    if any(not 0 <= f < 1 for f in fractions) or sum(fractions) >= 1:
        raise InputError(
            f"the validation and test fractions must be at least 0 and together below 1, got "
            f"{', '.join(f'{f:g}' for f in fractions)}"
        )
    shuffled = np.random.default_rng(seed).permutation(len(classes))
    seen: set[Hashable] = set()
    first: list[int] = []
    dealt: list[int] = []
    for row in shuffled:
        new = set(classes[row]) - seen
        (first if new else dealt).append(int(row))
        seen |= new
    dealt.sort(key=lambda row: repr(classes[row]))  # a stable sort keeps the random order within
    sizes = [round(f * len(classes)) for f in fractions]
    quotas = [max(len(dealt) - sum(sizes), 0), *sizes]
    parts: list[list[int]] = [[] for _ in quotas]
    for place, row in enumerate(dealt, 1):
        # The part furthest behind its quota gets the next row, so all quotas are met at the end.
        due = [quota * place / len(dealt) - len(p) for quota, p in zip(quotas, parts, strict=True)]
        parts[due.index(max(due))].append(row)
    parts[0] += first
    for fraction, part in zip(fractions, parts[1:], strict=True):
        if fraction and not part:
            raise InputError(
                f"too few rows: {len(classes)} of them, in {len(seen)} classes, leave none for a "
                f"part of {fraction:g}; give at least {math.ceil(1 / fraction) + len(seen)}"
            )
    return [np.sort(np.asarray(part, dtype=np.int64)) for part in parts]
