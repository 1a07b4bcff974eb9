"""Reads a folder of audio with transcripts beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from elman.data.audio.decode import AUDIO_SUFFIXES, Clip
from elman.data.audio.rows import Utterances, UtteranceSplits
from elman.data.given import Files, Given
from elman.data.origin import Origin
from elman.errors import InputError
from elman.tasks.speech.config import SpeechConfig


def read_given(config: SpeechConfig, given: Given) -> UtteranceSplits:
    """The utterances of a folder, or of train, valid and test folders."""
    if not isinstance(given, Files):
        raise InputError("give a folder of audio with a text file beside each recording")
    parts = [_folder(path) for path in given.paths]
    if len(parts) > 1:
        return UtteranceSplits(parts[0], parts[1], parts[2] if len(parts) > 2 else None)
    (whole,) = parts
    order = np.random.default_rng(config.seed).permutation(len(whole))
    valid = max(round(config.valid_fraction * len(order)), 1)
    test = round(config.test_fraction * len(order))
    return UtteranceSplits(
        whole.take(np.sort(order[valid + test :])),
        whole.take(np.sort(order[:valid])),
        whole.take(np.sort(order[valid : valid + test])) if test else None,
    )


def _folder(folder: Path) -> Utterances:
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
    paths = [path for path in paths if path.with_suffix(".txt").exists()]
    if not paths:
        raise InputError(
            f"{folder}: no recording has a text file beside it, such as a.wav and a.txt"
        )
    texts = tuple(path.with_suffix(".txt").read_text(encoding="utf-8").strip() for path in paths)
    origin = Origin(tuple(paths), np.arange(len(paths)), np.zeros(len(paths), np.int64))
    return Utterances(tuple(map(Clip, paths)), texts, None, origin)
