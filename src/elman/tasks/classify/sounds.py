"""Recordings with labels, prepared: frames on disk, copies of them that training draws from.

A training row is kept once for each speed, and once more with noise where there is any; each epoch
draws one of the copies. Copies lie one set after the other, the recordings as they are first.

Legend: N rows, S frames of all, T frames of one, B batch, F bins.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from elman.data.arrays import Array
from elman.data.audio.augment import Channel, SpecAugment, add_noise, change_speed
from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.rate import usual_rate
from elman.data.audio.rows import Utterances
from elman.data.labeled.encoded import Encoded, Vary
from elman.data.labeled.rows import (
    Floats,
    Labeled,
    LabeledSplits,
    Labels,
    Sequences,
    numbered,
    offsets_of,
)
from elman.data.labeled.standardize import RunningStandardizer
from elman.data.origin import Integers
from elman.data.tables.table import BadRows
from elman.errors import InputError
from elman.predictors.classifier_sounds import SoundEncoder, SoundReader, in_parts, stored
from elman.predictors.front_end import FrontEnd
from elman.tasks.classify.sound_config import SoundConfig

Change = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Copies:
    """The copies of a training row: how each was made, and how often an epoch draws it."""

    changes: tuple[Change | None, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class PreparedSounds:
    """Encoded recordings by the name of their part, for the network and for the baselines."""

    encoder: SoundEncoder
    encoded: dict[str, Encoded]
    frames: LabeledSplits
    notes: tuple[str, ...]
    shares: tuple[float, ...]


def prepare_sounds(
    config: SoundConfig, splits: LabeledSplits, folder: Path, bad: BadRows
) -> PreparedSounds:
    """Compute the frames of all recordings into files of `folder`, in bounded memory.

    Raises:
        InputError: a recording that can't be read, where such are not skipped.
    """
    sounds = splits.train.inputs
    assert isinstance(sounds, Utterances)
    if sounds.has_features:
        config.check_features(sounds.where(0))
    bank = None if sounds.has_features else bank_of(config, sounds)
    copies = copies_of(config) if bank is not None else Copies((None,), (1.0,))
    parts = {"train": splits.train, "valid": splits.valid}
    if splits.test is not None:
        parts["test"] = splits.test
    raw: dict[str, _Raw] = {}
    reader = SoundReader(bank, config.tail, bad, config.limits)
    for name, part in parts.items():
        changes = copies.changes if name == "train" else (None,)
        raw[name] = _computed(reader, part, changes, folder)
    train = raw["train"].frames[0]
    fitted = RunningStandardizer(train.shape[1])
    for some in in_parts(train):
        fitted.add(some)
    encoder = SoundEncoder(FrontEnd(bank, fitted.result(), config.tail), config.window)
    scale = encoder.front_end.scale
    encoded, plain = {}, {}
    for name, each in raw.items():
        normal = stored(
            (scale.apply(part) for copy in each.frames for part in in_parts(copy)), folder
        )
        labels = np.concatenate([each.labels.ids] * len(each.lengths))
        offsets = offsets_of([length for copy in each.lengths for length in copy])
        encoded[name] = Encoded(normal, offsets, labels, each.labels.kind, config.window)
        own = offsets[: len(each.lengths[0]) + 1]
        values = Sequences(normal[: own[-1]], own, numbered(normal), each.sounds.origin)
        plain[name] = Labeled(values, each.labels)
    frames = replace(splits, train=plain["train"], valid=plain["valid"], test=plain.get("test"))
    return PreparedSounds(
        encoder, encoded, frames, (*_notes(bank, config, raw), *reader.notes()), copies.shares
    )


def bank_of(config: SoundConfig, sounds: Utterances) -> FilterBank:
    """The filter bank of the settings, at the rate of the training recordings."""
    rate = config.rate or usual_rate(sounds)
    return FilterBank(
        rate, config.bins, config.frame_length, config.frame_shift, config.low, config.high
    )


def copies_of(config: SoundConfig) -> Copies:
    """What is done to the samples for each copy of a training row."""
    speeds = config.speeds if 1.0 in config.speeds else (1.0, *config.speeds)
    changes: list[Change | None] = [
        None if speed == 1 else partial(change_speed, factor=speed) for speed in speeds
    ]
    drawn = 1 / len(config.speeds)
    shares = [drawn if speed in config.speeds else 0.0 for speed in speeds]
    if config.noise:
        changes += [partial(_noisy, config=config, change=change) for change in changes]
        noisy = [config.noise * share for share in shares]
        shares = [(1 - config.noise) * share for share in shares] + noisy
    return Copies(tuple(changes), tuple(shares))


def vary_of(config: SoundConfig, front_end: FrontEnd) -> Vary | None:
    """Another channel and SpecAugment on the frames of a batch, anew each time.

    Features that were computed elsewhere need not be log energies, so they keep their channel.
    """
    masks = SpecAugment(
        config.time_masks, config.time_width, config.frequency_masks, config.frequency_width
    )
    hides = config.time_masks * config.time_width + config.frequency_masks * config.frequency_width
    channel = None
    if config.channel and front_end.bank is not None:
        channel = Channel(config.channel, front_end.scale)
    if not hides and channel is None:
        return None

    def vary(frames: Array, lengths: Integers, *, generator: np.random.Generator) -> None:
        for row, length in enumerate(lengths):
            own = frames[:length, row]
            if channel is not None:
                own = channel(own, generator)
            frames[:length, row] = masks(own, generator)

    return vary


@dataclass(frozen=True, eq=False)
class _Raw:
    """Frames that are not normalized yet, and their lengths, of each copy; the rows that stayed."""

    frames: list[Array]
    lengths: list[list[int]]
    sounds: Utterances
    labels: Labels
    silent: tuple[str, ...]


def _computed(
    reader: SoundReader, part: Labeled, changes: Sequence[Change | None], folder: Path
) -> _Raw:
    sounds = part.inputs
    assert isinstance(sounds, Utterances)
    kept: list[int] = []
    silent: list[str] = []

    def readable() -> Iterator[Floats]:
        for row, frames in reader.read(sounds):
            if reader.listens and not frames.any():
                silent.append(sounds.where(row))
            kept.append(row)
            yield frames

    def changed(change: Change | None) -> Iterator[Floats]:
        for row in kept:
            frames = again.row(sounds, row, change)
            assert frames is not None, "it was read before"
            yield frames

    made = [_stored(readable(), folder)]
    if not kept:
        raise InputError(
            f"{sounds.where(0)}: no recording of this part could be read; give one that can"
        )
    again = reader.again()
    made += [_stored(changed(change), folder) for change in changes[1:]]
    rows = np.asarray(kept)
    labels = replace(part.labels, ids=part.labels.ids[rows])
    frames, lengths = [each for each, _ in made], [each for _, each in made]
    return _Raw(frames, lengths, sounds.take(rows), labels, tuple(silent))


def _stored(parts: Iterator[Floats], folder: Path) -> tuple[Array, list[int]]:
    """The frames of all recordings in a file, and how many each has."""
    lengths: list[int] = []

    def counted() -> Iterator[Floats]:
        for part in parts:
            lengths.append(len(part))
            yield part

    return stored(counted(), folder), lengths


def _noisy(samples: Floats, config: SoundConfig, change: Change | None) -> Floats:
    """Samples with white noise, drawn by what they are: the same whenever they come."""
    generator = np.random.default_rng((config.seed, zlib.crc32(samples.tobytes())))
    changed = samples if change is None else change(samples)
    found: Floats = add_noise(changed, generator.uniform(config.snr[0], config.snr[1]), generator)
    return found


def _notes(bank: FilterBank | None, config: SoundConfig, raw: dict[str, _Raw]) -> tuple[str, ...]:
    lines = []
    if bank is not None:
        step = 1000 * config.window * config.frame_shift
        lines.append(
            f"{bank.rate:,} Hz, {bank.bins} mel bins; a step is {config.window} frames, {step:g} ms"
        )
    if silent := [where for each in raw.values() for where in each.silent]:
        count = "1 recording is" if len(silent) == 1 else f"{len(silent):,} recordings are"
        lines.append(f"{count} digital silence, such as {silent[0]}; check the recording")
    return tuple(lines)
