"""From files of labeled texts or sequences to training, validation and test data.

What a file is, its name says: `.csv`, `.tsv`, `.jsonl`, `.parquet`; `.npz`, `.ts` or a folder of
CSV files for numbers; columns of words and labels, as CoNLL has them, where every word has a label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from elman.data.given import Data, Given, given, name_of, one_part
from elman.data.labeled.formats.splits import check_kind, read_rows, read_splits
from elman.data.labeled.rows import Columns, Labeled, LabeledSplits, LabelKind, Labels, ParsedRows
from elman.data.labeled.splitting import stratified
from elman.data.split_names import SPLITS
from elman.data.tables.bad_rows import BadRows
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

    Raises:
        InputError: files that can't be read or do not fit together, columns that can't be found,
            bad rows, fewer than two classes, labels that are not in the training part.
    """
    bad = BadRows(skip_bad_rows)
    parts, notes, columns = read_splits(given(data), columns, bad)
    names = _names(parts["train"])
    if "valid" not in parts:
        whole = parts.pop("train")
        fractions = [valid_fraction] if "test" in parts else [valid_fraction, test_fraction]
        place = {name: number for number, name in enumerate(names)}
        classes = [tuple(sorted({place[name] for name in row})) for row in whole.labels or ()]
        rows = stratified(classes, fractions, seed)
        parts |= dict(zip(SPLITS, map(whole.take, rows), strict=False))
        notes = (*notes, f"split by class at random, seed {seed}")
    made = {role: _labeled(part, names) for role, part in parts.items()}
    if bad.count:
        notes = (*notes, f"left out {bad.count:,} rows that can't be read")
    test = made.get("test")
    return LabeledSplits(
        made["train"],
        made["valid"],
        test if test is not None and len(test) else None,
        columns,
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
) -> Labeled:
    """Other data of the kind that `LabeledSplits` are, with the same columns and classes.

    Raises:
        InputError: data that can't be read or have labels of another kind, or unknown ones.
    """
    part = one_part(data)
    found = read_rows(part, columns, BadRows(skip_bad_rows), labeled=True, again=True)
    if kind == "many" and found.kind == "one":
        found = replace(found, kind=kind)
    check_kind(found, kind, name_of(part))
    return _labeled(found, names)


def read_unlabeled(data: Data | Given, columns: Columns) -> ParsedRows:
    """Rows to be classified; labels that may be there are not looked at.

    Raises:
        InputError: a file that can't be read, or without the column.
    """
    return read_rows(one_part(data), columns, BadRows(), labeled=False, again=True)


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


def _labeled(found: ParsedRows, names: Sequence[str]) -> Labeled:
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
