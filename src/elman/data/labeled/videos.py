"""Videos with labels: what `elman.data.video` reads, with its parts and the ids of classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from elman.data.given import Given, one_part
from elman.data.labeled.dataset import Cut, labeled_rows, labeled_splits
from elman.data.labeled.rows import Columns, Labeled, LabeledSplits, LabelKind, ParsedRows
from elman.data.split_names import SPLITS
from elman.data.tables.table import BadRows
from elman.data.video.clips import VideoLimits
from elman.data.video.groups import check_apart, drawn_apart
from elman.data.video.read import read_rows, read_splits
from elman.data.video.rows import VideoColumns, VideoRows


@dataclass(frozen=True)
class VideoOptions:
    """How a data set of videos is read and split.

    Attributes:
        columns: where in a table what is.
        limits: bounds on each video.
        valid_fraction: share of the rows drawn for validation, where they are not split.
        test_fraction: share of the rows drawn for testing; 0 for no test part.
        seed: of the drawing.
    """

    columns: VideoColumns = field(default_factory=VideoColumns)
    limits: VideoLimits = field(default_factory=VideoLimits)
    valid_fraction: float = 0.1
    test_fraction: float = 0.1
    seed: int = 0


def read_labeled_videos(
    data: Given, options: VideoOptions, separator: str | None, bad: BadRows
) -> tuple[LabeledSplits, VideoColumns]:
    """Videos with a label each, or several with a `separator` between, and where they were.

    Where groups are known no group is in two parts: parts that are missing are drawn group by
    group, and parts that are given have to keep to it. Without groups each part has its share of
    each class.

    Raises:
        InputError: a group in two parts, too few groups, a class that has one video only, or what
            can't be read and isn't skipped.
    """
    found, columns = read_splits(
        data, options.columns, bad, separator=separator, limits=options.limits
    )
    found = _without_single(found, bad)
    notes = [note for part in found.values() for note in part.notes]
    if "valid" not in found and found["train"].videos.groups is not None:
        found, note = _by_group(found, options)
        notes.append(note)
    check_apart(found)
    answers = [answer for part in found.values() for answer in part.answers or ()]
    many = separator is not None or any(len(answer) != 1 for answer in answers)
    kind: LabelKind = "many" if many else "one"
    own = Columns(label_separator=separator)
    parts = {name: _parsed(part, kind, own) for name, part in found.items()}
    cut = Cut(options.valid_fraction, options.test_fraction, options.seed)
    return labeled_splits(parts, tuple(dict.fromkeys(notes)), own, cut, bad), columns


def read_more_videos(
    data: Given,
    columns: VideoColumns,
    names: Sequence[str],
    kind: LabelKind,
    separator: str | None,
    bad: BadRows,
    limits: VideoLimits,
) -> Labeled:
    """Other videos with labels, of the kind and the classes that training had."""
    rows = read_rows(one_part(data), columns, bad, labeled=True, separator=separator, limits=limits)
    return labeled_rows(_parsed(rows, kind, Columns(label_separator=separator)), names)


def _parsed(rows: VideoRows, kind: LabelKind, columns: Columns) -> ParsedRows:
    """The same rows, as those of texts and numbers are."""
    return ParsedRows(rows.videos, kind, rows.answers, None, columns)


def _without_single(found: dict[str, VideoRows], bad: BadRows) -> dict[str, VideoRows]:
    """The parts without videos that are the only one of a class, which can't be held out."""
    counts = Counter(
        name for part in found.values() for answer in part.answers or () for name in answer
    )
    kept: dict[str, VideoRows] = {}
    for part_name, part in found.items():
        rows = []
        for row, answer in enumerate(part.answers or ()):
            single = [name for name in answer if counts[name] == 1]
            if single:
                bad.add(
                    part.videos.where(row),
                    f"the only video of {single[0]!r}, with none to measure by; add another of"
                    " that label, or leave it out with --skip-bad-rows",
                )
            else:
                rows.append(row)
        whole = len(rows) == len(part)
        kept[part_name] = part if whole else part.take(np.asarray(rows, np.int64))
    return kept


def _by_group(
    found: dict[str, VideoRows], options: VideoOptions
) -> tuple[dict[str, VideoRows], str]:
    """The parts with those that are missing, of groups of their own, and a note on it."""
    whole = found["train"]
    groups = whole.videos.groups
    assert groups is not None
    assert whole.answers is not None
    wanted = {"valid": options.valid_fraction}
    if "test" not in found:
        wanted["test"] = options.test_fraction
    rows = drawn_apart(
        groups,
        [tuple(answer) for answer in whole.answers],
        wanted,
        options.seed,
        str(whole.videos.origin.files[0]),
    )
    parts = {**found, **{name: whole.take(chosen) for name, chosen in rows.items()}}
    held = [
        f"{name} {', '.join(sorted({groups[row] for row in rows[name]})[:5])}"
        for name in SPLITS[1:]
        if name in rows
    ]
    note = f"split by group, {len(set(groups))} of them, seed {options.seed}: {'; '.join(held)}"
    return parts, note
