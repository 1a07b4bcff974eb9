"""The input side of a recognizer: recordings or features to normalized frames.

Legend: N samples, T frames, F bins.
"""

from __future__ import annotations

from elman.data.arrays import Array
from elman.data.audio.decode import Clip, Limits, Samples, read_clip, read_samples
from elman.data.audio.features import read_frames
from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.rows import Utterances
from elman.data.labeled.rows import Floats
from elman.errors import InputError
from elman.predictors.front_end import FrontEnd


def samples_of(rows: Utterances, row: int, bank: FilterBank | None, limits: Limits) -> Array:
    """The samples (N,) of one row at the rate of the bank; without a bank its features (T, F).

    Raises:
        InputError: names the place: it can't be read, or is of the other kind.
    """
    source, where = rows.audio[row], rows.where(row)
    if not isinstance(source, Clip | Samples):
        if bank is not None:
            raise InputError(f"{where}: features, but this recognizer reads audio; give audio")
        return read_frames(source, where)
    if bank is None:
        raise InputError(
            f"{where}: audio, but this recognizer reads features; give arrays of frames x bins"
        )
    if isinstance(source, Samples):
        return read_samples(source, bank.rate, limits, where)
    return read_clip(source, bank.rate, limits)


def frames_of(rows: Utterances, row: int, front_end: FrontEnd, limits: Limits) -> Floats:
    """The normalized frames (T, F) of one row.

    Raises:
        InputError: as `samples_of`, or features of another width.
    """
    read = samples_of(rows, row, front_end.bank, limits)
    return front_end.scale.apply(read) if front_end.bank is None else front_end.frames(read)
