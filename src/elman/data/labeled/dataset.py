"""From files of labeled texts or sequences to training, validation and test data.

What a file is, its name says: `.csv`, `.tsv`, `.jsonl`, `.parquet`; `.npz`, `.ts` or a folder of
CSV files for numbers; columns of words and labels, as CoNLL has them, where every word has a label.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from elman.data.given import Data, Given, given, name_of, one_part
from elman.data.labeled.formats.parsed import ParsedRows
from elman.data.labeled.formats.splits import check_kind, read_rows, read_splits
from elman.data.labeled.rows import (
    Columns,
    Inputs,
    Labeled,
    LabeledSplits,
    LabelKind,
    Labels,
    Sequences,
    Texts,
    Words,
)
from elman.data.labeled.splitting import stratified
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

    Args:
        data: one file or folder; or train and valid, and perhaps test. A folder may hold parts
            that are named train, valid and test. Where only the training and the test part are
            given, by their names, the validation part is drawn from the training part.
        columns: where the texts and the labels are, as far as the user says.
        valid_fraction: of the rows, where there is no validation part.
        test_fraction: of the rows of a single file; 0 for no test part.
        seed: of the draw.
        skip_bad_rows: leave out rows that can't be read, and count them.

    Raises:
        InputError: files that can't be read or do not fit together, columns that can't be found,
            bad rows, fewer than two classes, labels that are not in the training part.
    """
    bad = BadRows(skip_bad_rows)
    parts, notes, columns = read_splits(given(data), columns, bad)
    names = _names(parts["train"])
    made = {role: _labeled(part, names) for role, part in parts.items()}
    if "valid" not in made:
        whole = made.pop("train")
        fractions = [valid_fraction] if "test" in made else [valid_fraction, test_fraction]
        rows = stratified(_classes(whole), fractions, seed)
        made |= dict(zip(("train", "valid", "test"), map(whole.take, rows), strict=False))
        notes = (*notes, f"split by class at random, seed {seed}")
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
    """Another file of a data set whose classes are known.

    Args:
        data: the file or folder.
        columns: where the texts and the labels are: `LabeledSplits.columns`.
        names: the classes.
        kind: how labels belong to rows.
        skip_bad_rows: leave out rows that can't be read.

    Raises:
        InputError: a file that can't be read or has labels of another kind, or unknown ones.
    """
    part = one_part(data)
    where = name_of(part)
    found = read_rows(part, columns, BadRows(skip_bad_rows), labeled=True, again=True)
    if found.kind != kind and {found.kind, kind} != {"one", "many"}:
        raise InputError(f"{where}: its labels are of kind {found.kind!r}, expected {kind!r}")
    if kind == "many" and found.kind == "one":
        found = replace(found, kind=kind, labels=[(str(name),) for name in found.labels or ()])
    check_kind(found, kind, where)
    return _labeled(found, names)


@dataclass(frozen=True, eq=False)
class Unlabeled:
    """Rows to be classified.

    Attributes:
        inputs: what is read.
        cells: all cells of each row, by column, where the file is a table.
        skipped: rows that could not be read and were left out.
    """

    inputs: Inputs
    cells: Sequence[Mapping[str, Any]] | None
    skipped: int


def read_unlabeled(
    data: Data | Given, columns: Columns, *, skip_bad_rows: bool = False
) -> Unlabeled:
    """Rows to be classified; labels that may be there are not looked at.

    Raises:
        InputError: a file that can't be read, or without the column.
    """
    bad = BadRows(skip_bad_rows)
    found = read_rows(one_part(data), columns, bad, labeled=False, again=True)
    return Unlabeled(found.inputs, found.cells, bad.count)


def _names(train: ParsedRows) -> tuple[str, ...]:
    """The classes, numbers in their order and other names by the alphabet."""
    labels: Any = train.labels
    flat = set(labels) if train.kind != "many" else {name for row in labels for name in row}
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
    labels: Any = found.labels
    assert labels is not None
    unseen: Any = None
    for position, label in enumerate(labels):
        for name in label if found.kind == "many" else (label,):
            if name not in place and unseen is None:
                unseen = position, name
    if unseen is not None:
        position, name = unseen
        row = position
        if found.kind == "step":
            assert isinstance(found.inputs, Words | Sequences)
            row = int(np.searchsorted(found.inputs.offsets, position, side="right")) - 1
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise InputError(
            f"{found.inputs.origin.where(row)}: the label {name!r} is not in the training data, "
            f"whose labels are {shown}; add rows with it there, or take it out here"
        )
    if found.kind == "many":
        ids: Any = np.zeros((len(labels), len(names)), dtype=np.bool_)
        for row, several in enumerate(labels):
            ids[row, [place[name] for name in several]] = True
    else:
        ids = np.fromiter((place[name] for name in labels), dtype=np.int64, count=len(labels))
    return Labeled(found.inputs, Labels(tuple(names), found.kind, ids))


def _classes(labeled: Labeled) -> list[tuple[int, ...]]:
    """The classes of each row, once each."""
    ids = labeled.labels.ids
    if labeled.labels.kind == "one":
        return [(int(label),) for label in ids]
    if labeled.labels.kind == "many":
        return [tuple(np.flatnonzero(row).tolist()) for row in ids]
    assert not isinstance(labeled.inputs, Texts)
    rows = np.split(ids, labeled.inputs.offsets[1:-1])
    return [tuple(np.unique(row).tolist()) for row in rows]
