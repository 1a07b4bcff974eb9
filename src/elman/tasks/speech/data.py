"""What training a recognizer needs of the user's data: frames on disk, tokens, texts.

Legend: N rows, T frames, F bins, S network steps.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.arrays import Array
from elman.data.audio.augment import change_speed
from elman.data.audio.dataset import AudioOptions, read_utterances
from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.rate import usual_rate
from elman.data.audio.rows import AudioColumns, Utterances
from elman.data.audio.signals import Signals, SignalWriter
from elman.data.audio.utterances import EncodedUtterances, Tokens, steps_needed
from elman.data.given import Given
from elman.data.labeled.rows import Floats
from elman.data.labeled.standardize import RunningStandardizer
from elman.data.tables.table import BadRows
from elman.data.tokenizer import Tokenizer, tokenizer_from_bytes, train_tokenizer
from elman.errors import InputError
from elman.files import write_bytes, write_json
from elman.models.acoustic import FrameWindow
from elman.predictors.front_end import SCALER, FrontEnd, raw_frames
from elman.predictors.recognizer import TOKENIZER
from elman.predictors.recognizer_inputs import Reader, can_be_spelled
from elman.settings import adapter
from elman.tasks.speech.config import SpeechConfig

SPLITS = ("train", "valid", "test")

FOUND = logging.getLogger("elman.data")
"""Hears what was read; the command line prints it."""

PROGRESS = logging.getLogger("elman.progress")
"""Hears what is being done."""

_DATA = "data.json"
_SPEED, _OFFSETS = "speed-", "-offsets.npy"

_SHOWN = 3
"""How many of the rows that were left out are named."""


@dataclass(frozen=True)
class Part:
    """How much a split holds."""

    rows: int
    seconds: float
    tokens: int


@dataclass(frozen=True)
class _Found:
    """The part of `SpeechData` that is a file of JSON."""

    front_end: Mapping[str, Any]
    columns: AudioColumns
    parts: Mapping[str, Part]
    texts: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class SpeechData:
    """Utterances of each split, ready for a network, with what makes them so.

    Attributes:
        splits: frames or samples, and tokens.
        texts: the transcripts of the held-out splits, spelled as asked.
        parts: how much each split holds.
    """

    splits: Mapping[str, EncodedUtterances] = field(repr=False)
    texts: Mapping[str, Sequence[str]] = field(repr=False)
    parts: Mapping[str, Part]
    tokenizer: Tokenizer
    front_end: FrontEnd
    columns: AudioColumns
    notes: Sequence[str]

    def frames(self, kept: Array) -> Floats:
        """Normalized frames (T, F) of what a row keeps: raw frames, or samples."""
        return self.front_end.scale.apply(kept) if kept.ndim == 2 else self.front_end.frames(kept)


def prepare(config: SpeechConfig, given: Given, folder: Path) -> None:
    """Read recordings with transcripts and leave in `folder` what `open_data` takes.

    Raises:
        InputError: a row that can't be read, or none that can be trained on.
    """
    bad = BadRows(config.skip_bad_rows)
    splits = read_utterances(given, reading_options(config), bad)
    spelling = config.spelling
    rows = {name: part for name in SPLITS if (part := getattr(splits, name)) is not None}
    texts = {name: [spelling(text) for text in part.texts or ()] for name, part in rows.items()}
    tokenizer = train_tokenizer(
        config.unit,
        (f"{text}\n" for text in texts["train"]),
        config.vocabulary_limit,
        config.min_count,
    )
    if splits.train.has_features:
        config.check_features(splits.train.where(0))
    bank = None if splits.train.has_features else _bank(config, splits.train)
    reader = Reader(bank, bad, config.limits, silence=False)
    if config.min_count == 1 and config.vocabulary_limit is None:
        for name in rows.keys() - {"train"}:
            rows[name], texts[name] = _spelled(rows[name], texts[name], tokenizer, bad)
    notes = [*splits.notes, *_about(texts, tokenizer)]
    parts: dict[str, Part] = {}
    scale = None
    for name, part in rows.items():
        PROGRESS.info("reading %s recordings (%s)", f"{len(part):,}", name)
        writer = _Writer(config, bank, reader, tokenizer, part, texts[name], folder / name)
        parts[name], scale_of_part = writer.write(training=name == "train")
        scale = scale or scale_of_part
        texts[name] = writer.kept_texts
        notes += writer.notes(name)
    if (more := bad.count - splits.skipped) > 0:
        few = "1 more row" if more == 1 else f"{more:,} more rows"
        notes.append(f"left out {few} that can't be used")
    notes += reader.notes()
    assert scale is not None
    front_end = FrontEnd(bank, scale, config.tail)
    for name, content in {TOKENIZER: tokenizer.to_bytes(), **front_end.files()}.items():
        write_bytes(folder / name, content)
    held_out = {name: tuple(each) for name, each in texts.items() if name != "train"}
    columns = replace(splits.columns, root=None)
    found = _Found(front_end.settings(), columns, parts, held_out, tuple(notes))
    for line in described(found.notes, parts, front_end, tokenizer):
        FOUND.info(line)
    write_json(folder / _DATA, asdict(found))


def open_data(folder: Path) -> SpeechData:
    """What `prepare` left in `folder`; the frames stay on disk until they are used."""
    path = folder / _DATA
    try:
        found = adapter(_Found).validate_json(path.read_bytes())
        files = {name: (folder / name).read_bytes() for name in (TOKENIZER, SCALER)}
        front_end = FrontEnd.of(found.front_end, files, str(folder))
    except (KeyError, OSError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: cannot be read as the data of a recognizer ({reason}); train again"
        ) from error
    tokenizer = tokenizer_from_bytes(files[TOKENIZER], str(folder / TOKENIZER))
    splits = {}
    for name in found.parts:
        tokens = Tokens.open(folder / name)
        paths = sorted((folder / name).glob(f"{_SPEED}*{_OFFSETS}"))
        stems = [path.name.removesuffix(_OFFSETS) for path in paths]
        signals = {
            float(stem.removeprefix(_SPEED)): Signals.open(folder / name, stem) for stem in stems
        }
        if 1.0 not in signals or any(len(each) != len(tokens) for each in signals.values()):
            raise InputError(f"{folder / name}: its files do not fit together; train again")
        splits[name] = EncodedUtterances(signals, tokens)
    return SpeechData(
        splits, found.texts, found.parts, tokenizer, front_end, found.columns, found.notes
    )


def described(
    notes: Sequence[str], parts: Mapping[str, Part], front_end: FrontEnd, tokenizer: Tokenizer
) -> list[str]:
    """What was read, in lines."""
    lines = list(notes)
    for name, part in parts.items():
        long = (
            f"{part.seconds / 3600:.1f} hours"
            if part.seconds >= 3600
            else f"{part.seconds / 60:.1f} minutes"
        )
        if front_end.bank is None:
            long = f"{part.seconds:,.0f} frames"
        lines.append(f"{name:<5} {part.rows:>9,} utterances  {long:>14}  {part.tokens:>11,} tokens")
    if (bank := front_end.bank) is not None:
        lines.append(
            f"{bank.bins} mel bins at {bank.rate:,} Hz, a frame each {1000 * bank.frame_shift:g} ms"
        )
    lines.append(f"vocabulary {tokenizer.vocab_size:,} ({tokenizer.unit})")
    return lines


def _stem(speed: float) -> str:
    """The name of the signals of a speed, which says it to all its digits."""
    return f"{_SPEED}{speed!r}"


def reading_options(config: SpeechConfig) -> AudioOptions:
    """How the recordings are read and split, as the settings say."""
    columns = config.audio_columns(
        text=config.text_column, split=config.split_column, asked=config.asked
    )
    return AudioOptions(
        columns,
        config.limits,
        config.valid_fraction,
        config.test_fraction,
        config.seed,
        config.skip_bad_rows,
    )


def _bank(config: SpeechConfig, heard: Utterances) -> FilterBank:
    return FilterBank(
        rate=config.rate or usual_rate(heard),
        bins=config.bins,
        frame_length=config.frame_length,
        frame_shift=config.frame_shift,
        low=config.low,
        high=config.high,
    )


def _spelled(
    rows: Utterances, texts: Sequence[str], tokenizer: Tokenizer, bad: BadRows
) -> tuple[Utterances, list[str]]:
    """Held-out rows without those that have letters which training has not."""
    kept = [
        row
        for row, text in enumerate(texts)
        if can_be_spelled(tokenizer, text, rows.where(row), bad)
    ]
    return rows.take(np.array(kept, np.int64)), [texts[row] for row in kept]


def _about(texts: Mapping[str, Sequence[str]], tokenizer: Tokenizer) -> list[str]:
    """What is to be said of the transcripts."""
    notes = []
    training = "".join(texts["train"])
    if any(map(str.isupper, training)) and any(map(str.islower, training)):
        notes.append("transcripts have upper and lower case; --lower makes them easier to learn")
    for name, part in texts.items():
        if name != "train" and (unknown := tokenizer.unknown("\n".join(part))):
            shown = " ".join(unknown[:10])
            notes.append(
                f"{name}: {len(unknown)} characters are in no training transcript and cannot be"
                f" recognized: {shown}"
            )
    return notes


class _Writer:
    """Writes the signals and the tokens of one split, a row at a time."""

    def __init__(
        self,
        config: SpeechConfig,
        bank: FilterBank | None,
        reader: Reader,
        tokenizer: Tokenizer,
        rows: Utterances,
        texts: Sequence[str],
        folder: Path,
    ) -> None:
        self._config, self._bank, self._reader, self._tokenizer = config, bank, reader, tokenizer
        self._rows, self._texts, self._folder = rows, texts, folder
        self._window = FrameWindow(config.window, config.stride)
        self.kept_texts: list[str] = []
        self._unfit: list[str] = []

    def write(self, *, training: bool) -> tuple[Part, Any]:
        """Write all rows that can be used; how much that is, and the scale of its frames."""
        config, bank = self._config, self._bank
        samples = config.keeps_samples and bank is not None
        speeds: tuple[float, ...] = (1.0,)
        if training and not samples and bank is not None:
            speeds = tuple(sorted({1.0, *config.speeds}))
        tokens: list[Array] = []
        seconds, running = 0.0, None
        with ExitStack() as stack:
            writers: dict[float, SignalWriter] = {}
            for row, kept in self._reader.read(self._rows):
                ids = self._tokenizer.encode(self._texts[row])
                frames = kept if bank is None else raw_frames(bank, kept, config.tail)
                if not self._fits(row, ids, len(frames)) and training:
                    continue
                if not writers:
                    width, kind = frames.shape[1], np.dtype(np.int16 if samples else np.float32)
                    for speed in speeds:
                        writer = SignalWriter(
                            self._folder, _stem(speed), kind, None if samples else width
                        )
                        writers[speed] = stack.enter_context(writer)
                    running = RunningStandardizer(width)
                assert running is not None
                # The silence after an utterance is no part of what is normalized.
                running.add(frames if bank is None else frames[: max(bank.count(len(kept)), 1)])
                for speed, writer in writers.items():
                    if samples:
                        scaled = np.rint(kept * 32768).clip(-32768, 32767)
                        writer.append(scaled.astype(np.int16))
                    elif speed == 1:
                        writer.append(frames)
                    else:
                        assert bank is not None
                        writer.append(raw_frames(bank, change_speed(kept, speed), config.tail))
                tokens.append(ids)
                self.kept_texts.append(self._texts[row])
                seconds += len(kept) if bank is None else len(kept) / bank.rate
        if running is None:
            raise InputError(f"{self._folder.name}: {self._nothing_left()}")
        Tokens.of(tokens).save(self._folder)
        return Part(len(tokens), seconds, sum(map(len, tokens))), running.result()

    def notes(self, name: str) -> list[str]:
        """Which rows have no room for their text, in lines."""
        if not (count := len(self._unfit)):
            return []
        shown = "; ".join(self._unfit[:_SHOWN]) + ("; …" if count > _SHOWN else "")
        rows = "1 row has" if count == 1 else f"{count:,} rows have"
        became = "left out of training" if name == "train" else "counted as errors"
        line = f"{name}: {rows} more text than network steps and {'is' if count == 1 else 'are'}"
        return [f"{line} {became} ({shown}); a smaller --stride has more steps"]

    def _fits(self, row: int, ids: Array, frames: int) -> bool:
        needed, steps = steps_needed(ids), self._window.steps(frames)
        if needed > steps or not frames:
            self._unfit.append(f"{self._rows.where(row)} needs {needed} steps and has {steps}")
            return False
        return True

    def _nothing_left(self) -> str:
        reasons = self._unfit or ["there are no rows"]
        return (
            f"no row can be used: {reasons[0]}; give longer recordings, a smaller --stride"
            " or fewer tokens with --unit bpe"
        )
