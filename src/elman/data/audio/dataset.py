"""Speech with its transcripts: training, validation and test utterances, and further ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from elman.data.audio.clips import Limits
from elman.data.audio.read import read_rows, read_splits
from elman.data.audio.rows import AudioColumns, AudioRows, Utterances, UtteranceSplits
from elman.data.given import Data, Given, given, one_part
from elman.data.labeled.formats.rows_of_table import text_of
from elman.data.origin import Integers
from elman.data.pairs.rows import clean
from elman.data.split_names import SPLITS
from elman.data.tables.table import BadRows
from elman.errors import InputError

_NEAR = (0.5, 2.0)
"""A part drawn speaker by speaker may have between half and twice the share that is asked for."""

_DRAWINGS = 50
"""So often speakers are drawn, for training to have all letters."""


@dataclass(frozen=True)
class AudioOptions:
    """How a data set of recordings is read and split.

    Attributes:
        columns: where in a table what is.
        limits: bounds on each recording.
        valid_fraction: share of the rows drawn for validation, where they are not split.
        test_fraction: share of the rows drawn for testing; 0 for no test part.
        seed: of the drawing.
        skip_bad_rows: count rows that can't be read, rather than stop at the first.
    """

    columns: AudioColumns = field(default_factory=AudioColumns)
    limits: Limits = field(default_factory=Limits)
    valid_fraction: float = 0.1
    test_fraction: float = 0.1
    seed: int = 0
    skip_bad_rows: bool = False


def transcript(cell: Any) -> str:
    """A transcript: NFC, single spaces, nothing at its ends.

    Raises:
        BadCell: no text, or an empty one.
    """
    return clean(text_of(cell))


def read_utterances(
    data: Data | Given,
    options: AudioOptions = AudioOptions(),
    bad: BadRows | None = None,
) -> UtteranceSplits:
    """Read speech with its transcripts, split as files or a column say, or by speaker at random.

    `data` is a table that lists recordings, or a folder of them with transcripts beside them; train
    and valid, and perhaps test; or a folder with parts of these names. Where the speakers are known
    and there are enough of them, the parts that are drawn have speakers of their own, since a voice
    that was trained on is easier to understand. `bad` takes rows that can't be read.
    """
    bad = bad or BadRows(options.skip_bad_rows)
    found, columns = read_splits(
        given(data), options.columns, bad, answer="text", convert=transcript, limits=options.limits
    )
    notes = [note for part in found.values() for note in part.notes]
    if "valid" not in found:
        wanted = {"valid": options.valid_fraction}
        if "test" not in found:
            wanted["test"] = options.test_fraction
        whole = found["train"]
        parts, note = draw(whole.heard, wanted, options.seed, whole.answers)
        found |= {name: whole.take(rows) for name, rows in parts.items()}
        notes.append(note)
    made = {name: utterances_of(found[name]) for name in SPLITS if name in found}
    return UtteranceSplits(
        made["train"],
        made["valid"],
        made.get("test"),
        replace(columns, asked=columns.asked.for_later()),
        (*dict.fromkeys(notes), *bad.notes()),
        bad.count,
    )


def read_more(
    data: Data | Given,
    columns: AudioColumns,
    bad: BadRows,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Utterances:
    """Other speech with its transcripts, with the columns of `UtteranceSplits`."""
    part = one_part(data)
    return utterances_of(
        read_rows(part, columns, bad, answer="text", convert=transcript, limits=limits)
    )


def read_unlabeled(
    data: Data | Given,
    columns: AudioColumns,
    bad: BadRows,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> AudioRows:
    """Recordings to be understood or classified; what is said of them is not looked at."""
    return read_rows(one_part(data), columns, bad, answer="", limits=limits)


def utterances_of(rows: AudioRows) -> Utterances:
    """Recordings with their transcripts."""
    return replace(rows.heard, texts=tuple(rows.answers or ()))


def draw(
    heard: Utterances,
    fractions: dict[str, float],
    seed: int,
    texts: Sequence[str] | None = None,
) -> tuple[dict[str, Integers], str]:
    """Draw held-out parts, speaker by speaker where that can be, and say how.

    Of recordings with `texts`, training gets one of each letter: speakers are drawn until theirs
    have all, or rows are moved where no speakers do.

    Returns:
        The rows of "train" and of each part of a fraction above 0, in ascending order; a line for
        the user.
    """
    if any(not 0 <= f < 1 for f in fractions.values()) or sum(fractions.values()) >= 1:
        raise InputError(
            "the validation and test fractions must be at least 0 and together below 1, got "
            + ", ".join(f"{f:g}" for f in fractions.values())
        )
    fractions = {name: fraction for name, fraction in fractions.items() if fraction}
    generator = np.random.default_rng(seed)
    speakers = None if heard.speakers is None else np.asarray(heard.speakers)
    count = 0 if speakers is None else len(np.unique(speakers))
    if speakers is not None and (parts := _by_speaker(speakers, fractions, generator, texts)):
        held = "; ".join(
            f"{name} {', '.join(np.unique(speakers[rows])[:5])}"
            for name, rows in parts.items()
            if name != "train"
        )
        return parts, f"split by speaker, {count} of them, seed {seed}: {held}"
    order = generator.permutation(len(heard))
    sizes = [max(1, round(fraction * len(heard))) for fraction in fractions.values()]
    if sum(sizes) >= len(heard):
        raise InputError(
            f"{heard.origin.files[0]}: too few recordings: {len(heard)} leave none to train on,"
            f" with {sum(sizes)} for validation and testing; give more of them"
        )
    cut = zip((*fractions, "train"), np.split(order, np.cumsum(sizes)), strict=True)
    note = f"split at random, seed {seed}"
    if count:
        note += f" ({count} speakers can't be held out from each other)"
    parts = {name: np.sort(rows) for name, rows in cut}
    return parts if texts is None else _with_all_letters(parts, texts), note


def _with_all_letters(parts: dict[str, Integers], texts: Sequence[str]) -> dict[str, Integers]:
    """Parts whose rows with a letter that "train" has not are moved to it; one row stays."""
    known = set().union(*(texts[row] for row in parts["train"]))
    kept: dict[str, list[int]] = {name: [] for name in parts}
    for name, rows in parts.items():
        left = len(rows)
        for row in map(int, rows):
            moved = left > 1 and not known.issuperset(texts[row])
            kept["train" if moved else name].append(row)
            if moved:
                known.update(texts[row])
                left -= 1
    return {name: np.sort(np.array(rows, np.int64)) for name, rows in kept.items()}


def _by_speaker(
    speakers: np.ndarray,
    fractions: dict[str, float],
    generator: np.random.Generator,
    texts: Sequence[str] | None,
) -> dict[str, Integers] | None:
    """Parts with speakers of their own, those of "train" with all letters.

    None where no drawing comes near the fractions, or has the letters.
    """
    letters = set().union(*(texts or ()))
    for _ in range(_DRAWINGS):
        parts = _drawn_speakers(speakers, fractions, generator)
        if parts is None or texts is None:
            return parts
        if letters == set().union(*(texts[row] for row in parts["train"])):
            return parts
    return None


def _drawn_speakers(
    speakers: np.ndarray, fractions: dict[str, float], generator: np.random.Generator
) -> dict[str, Integers] | None:
    """One drawing; None where it does not come near the fractions."""
    names, counts = np.unique(speakers, return_counts=True)
    order = list(generator.permutation(len(names)))
    parts: dict[str, Integers] = {}
    for part, fraction in fractions.items():
        wanted, chosen, rows = fraction * len(speakers), [], 0
        for speaker in list(order):
            if rows >= wanted:
                break
            if rows + counts[speaker] <= _NEAR[1] * wanted:
                chosen.append(speaker)
                order.remove(speaker)
                rows += int(counts[speaker])
        if rows < _NEAR[0] * wanted:
            return None
        parts[part] = np.flatnonzero(np.isin(speakers, names[chosen]))
    if not order:
        return None
    parts["train"] = np.flatnonzero(np.isin(speakers, names[order]))
    return parts
