"""The input side of a recognizer: recordings or features, row by row.

Legend: N samples, T frames, F bins.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from elman.data.arrays import Array
from elman.data.audio.clips import Clip, Limits
from elman.data.audio.features import FeatureFile, read_frames
from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.listen import Listener
from elman.data.audio.rows import Utterances
from elman.data.given import Files, Given, Part, one_part
from elman.data.labeled.rows import Floats
from elman.data.tables.table import BadRows
from elman.data.tokenizer import Tokenizer
from elman.errors import InputError
from elman.predictors.front_end import FrontEnd


class Reader:
    """Reads rows one by one: samples (N,) at the rate of a bank, or features (T, F) without one.

    Args:
        bank: of the network; None for one that reads features computed elsewhere.
        bad: takes rows that can't be read.
        limits: bounds on each recording.
        silence: whether a silent recording is a row like others; to train on, it is a bad one.
    """

    def __init__(
        self, bank: FilterBank | None, bad: BadRows, limits: Limits, *, silence: bool
    ) -> None:
        self._bad = bad
        self._listener = None
        if bank is not None:
            self._listener = Listener(bank.rate, bad, limits, silence=silence)

    def read(self, rows: Utterances) -> Iterator[tuple[int, Array]]:
        """The number of each row that can be read, and what it holds.

        Raises:
            InputError: rows of the other kind, or one that can't be read and isn't to be skipped.
        """
        if rows.has_features != (self._listener is None):
            found, expected = (
                ("audio", "features")
                if self._listener is None
                else (
                    "features",
                    "audio",
                )
            )
            raise InputError(
                f"{rows.where(0)}: {found}, but this recognizer reads {expected}; give {expected}"
            )
        if self._listener is not None:
            yield from self._listener.read(rows)
            return
        for row, source in enumerate(rows.audio):
            assert isinstance(source, FeatureFile | np.ndarray)
            where = rows.where(row)
            try:
                frames = read_frames(source, where)
            except InputError as error:
                self._bad.add(where, str(error).removeprefix(f"{where}: "))
                continue
            yield row, frames

    def notes(self) -> list[str]:
        """What is doubtful, in lines for people."""
        if self._listener is None:
            return []
        silent, notes = self._listener.silent, self._listener.notes()
        if not silent:
            return notes
        rows = "1 recording is" if len(silent) == 1 else f"{len(silent):,} recordings are"
        return [*notes, f"{rows} digital silence, such as {silent[0]}; check the recording"]


def normalized(front_end: FrontEnd, read: Array) -> Floats:
    """Normalized frames (T, F) of what `Reader` gave.

    Raises:
        InputError: features of another width than in training.
    """
    return front_end.scale.apply(read) if front_end.bank is None else front_end.frames(read)


def parts_of(inputs: Given | None) -> list[tuple[str, Part]]:
    """Files one by one, or what else is given, each with its name.

    Raises:
        InputError: nothing is given, or data that are cut into splits.
    """
    if inputs is None:
        raise InputError("nothing to recognize; give recordings")
    part = one_part(inputs)
    if not isinstance(part, Files):
        return [(part.where, part)]
    return [(path.name, Files((path,))) for path in part.paths]


def name_of(rows: Utterances, row: int) -> str:
    """What an answer calls its row: a file, or the place of a part of one or of a value."""
    match rows.audio[row]:
        case Clip(path, 0, None) | FeatureFile(path):
            return str(path)
        case _:
            return rows.where(row)


def can_be_spelled(tokenizer: Tokenizer, text: str, where: str, bad: BadRows) -> bool:
    """Whether a recognizer has a token for all of a text that it is compared with.

    Letters that it has in the other case alone don't count: what is heard is told to be of the
    other case. A row with other letters goes to `bad`.
    """
    unknown = tokenizer.unknown(text)
    missing = [letter for letter in unknown if tokenizer.unknown(letter.swapcase())]
    if missing:
        bad.add(where, f"{' '.join(missing[:10])!r} is in no transcript of training")
    return not missing
