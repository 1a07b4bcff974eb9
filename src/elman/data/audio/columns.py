"""Which column of a table is the recording, the text, the label, where a row begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np

from elman.data.audio.rows import AudioColumns
from elman.data.audio.source import is_audio_name, recording_in
from elman.data.labeled.formats.columns import LABEL, SPLIT, is_numeral, named
from elman.data.tables.table import Table, listed
from elman.errors import InputError

Answer: TypeAlias = Literal["text", "label", ""]
"""What is to be known of a row besides what it hears."""

AUDIO = (
    *("audio", "audio_path", "audio_filepath", "audio_file", "path", "file", "filename"),
    *("file_name", "filepath", "wav", "wav_path", "wav_file", "wav_filename", "clip", "recording"),
    *("sound", "features"),
)
TEXT = (
    *("text", "transcript", "transcription", "sentence", "utterance", "words", "normalized_text"),
)
BEGIN = ("begin", "start", "offset", "begin_time", "start_time", "start_seconds", "begin_seconds")
END = ("end", "stop", "end_time", "stop_time", "end_seconds", "stop_seconds")
DURATION = ("duration",)
SPEAKER = ("speaker", "speaker_id", "client_id", "spk", "spk_id", "speakerid")
NAMES = frozenset((*AUDIO, *TEXT, *BEGIN, *END, *SPEAKER, *LABEL, *SPLIT))

_COLUMNS = ("audio", "text", "label", "begin", "end", "duration", "speaker", "split")
_LOOKED_AT = 1000


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds names: no recording, and a usual name or a recording below."""
    first, second = rows[0], rows[1] if len(rows) > 1 else ()
    if any(map(is_audio_name, first)):
        return False
    usual = not NAMES.isdisjoint(cell.strip().lower() for cell in first)
    return usual or any(map(is_audio_name, second))


def choose(table: Table, columns: AudioColumns, answer: Answer) -> tuple[AudioColumns, str]:
    """The columns to read, and how they were chosen, for the terminal.

    What `columns` names is taken as it is, unless it was only found in another table and is not in
    this one; the rest shows in the names and in the first rows.
    """
    absent = [n for n in columns.found if getattr(columns, n) not in table.columns]
    nothing: dict[str, Any] = dict.fromkeys(absent)
    columns = replace(columns, **nothing)
    said = {n for n in _COLUMNS if getattr(columns, n) is not None and n not in columns.found}
    audio, how = _audio(table, columns.audio)
    taken: list[str | None] = [audio]

    def find(chosen: str | None, usual: Sequence[str], what: str) -> str | None:
        name, _ = named(table, chosen, usual, what, taken)
        taken.append(name)
        return name

    found = replace(
        columns,
        audio=audio,
        begin=find(columns.begin, BEGIN, "start"),
        end=find(columns.end, END, "end"),
        speaker=find(columns.speaker, SPEAKER, "speaker"),
        split=find(columns.split, SPLIT, "split"),
    )
    if found.begin and not found.end:
        found = replace(found, duration=find(columns.duration, DURATION, "duration"))
    note = f"audio column {audio!r} ({how})"
    if answer:
        usual = TEXT if answer == "text" else LABEL
        chosen = columns.text if answer == "text" else columns.label
        name, how = named(table, chosen, usual, answer, taken)
        if name is None:
            name, how = _only(table, taken, answer), "by what it holds"
        note += f", {answer} column {name!r} ({how})"
        found = replace(found, text=name) if answer == "text" else replace(found, label=name)
    kept = ("begin", "end", "duration", "speaker", "split")
    note += "".join(f", {n} column {own!r}" for n in kept if (own := getattr(found, n)))
    new = (n for n in _COLUMNS if getattr(found, n) is not None and n not in said)
    return replace(found, found=tuple(new)), note


def has_audio(table: Table) -> bool:
    """Whether a column of a table holds recordings or names of files with them."""
    return any(_is_audio(table.cells(name)) for name in table.columns)


def _audio(table: Table, chosen: str | None) -> tuple[str, str]:
    if chosen is not None:
        name, how = named(table, chosen, (), "audio", ())
        assert name is not None
        return name, how
    held = [name for name in table.columns if _is_audio(table.cells(name))]
    usual = sorted(
        (name for name in held or table.columns if name.lower() in AUDIO),
        key=lambda name: AUDIO.index(name.lower()),
    )
    if usual:
        return usual[0], "by its name"
    if len(held) == 1:
        return held[0], "by what it holds"
    reason = f"{listed(held)} could each be it" if held else f"it has {listed(table.columns)}"
    raise InputError(
        f"{table.name}: no column of recordings found: {reason}; name it with --audio-column"
    )


def _is_audio(cells: Sequence[Any]) -> bool:
    """Whether most of the first cells that are not empty hold or name recordings."""
    looked = [cell for cell in cells[:_LOOKED_AT] if not _is_empty(cell)]
    return 2 * sum(map(_is_recording, looked)) > len(looked)


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _is_recording(cell: Any) -> bool:
    return is_audio_name(cell) or isinstance(cell, np.ndarray) or recording_in(cell) is not None


def _only(table: Table, taken: Sequence[str | None], answer: Answer) -> str:
    """The one column that is left, or that has words in it."""
    rest = [name for name in table.columns if name not in taken]
    worded = [name for name in rest if _has_words(table.cells(name))]
    found = worded if len(rest) > 1 else rest
    if len(found) == 1:
        return found[0]
    reason = f"{listed(found)} could each be it" if found else f"it has {listed(table.columns)}"
    raise InputError(
        f"{table.name}: no column of the {answer} found: {reason}; name it with --{answer}-column"
    )


def _has_words(cells: Sequence[Any]) -> bool:
    looked = [cell for cell in cells[:_LOOKED_AT] if not _is_empty(cell)]
    return bool(looked) and all(
        isinstance(cell, str) and not is_numeral(cell) and not is_audio_name(cell)
        for cell in looked
    )
