"""FSDD: isolated digits, strings of them with pauses and noise, as manifests of WAV files.

Indices 0 to 4 of each speaker and digit test, 45 to 49 validate, the rest train.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.quality.running import data_file
from elman.data.optional import library
from elman.errors import InputError
from elman.files import atomic_path, write_text

RATE = 8000
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
PARTS = ("train", "valid", "test")
NOISE_FLOOR = 10 ** (-60 / 20)
"""Root mean square of a pause that is not silent: 60 dB below full scale."""

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """One spoken digit of FSDD."""

    path: Path
    digit: int
    speaker: str
    index: int

    @property
    def part(self) -> str:
        """The split that its index puts it in."""
        return "test" if self.index < 5 else "valid" if self.index >= 45 else "train"


@dataclass(frozen=True)
class Strings:
    """How strings of digits are made.

    Attributes:
        count: how many strings.
        seed: of everything that is drawn.
        lengths: how many digits a string may have, each as likely as the others.
        digits: what draws the digits of a string of that length; None: each as likely.
        snr: signal-to-noise ratio of white noise over the whole string, in dB, or the lowest and
            the highest that it is drawn from; None: no noise.
        noisy_share: the share of the strings that have it.
        longest_pause: seconds; pauses between two digits are uniform from 0 to this.
    """

    count: int
    seed: int
    lengths: Sequence[int] = (3, 4, 5, 6, 7)
    digits: Callable[[int, np.random.Generator], Sequence[int]] | None = None
    snr: float | tuple[float, float] | None = None
    noisy_share: float = 1.0
    longest_pause: float = 0.5


def recordings(part: str | None = None) -> list[Recording]:
    """The recordings of a split, or all of them, by digit, speaker and index."""
    folder = data_file("fsdd", "recordings/0_george_0.wav").parent
    found = []
    for path in sorted(folder.glob("*.wav")):
        digit, speaker, index = path.stem.split("_")
        found.append(Recording(path, int(digit), speaker, int(index)))
    if len(found) != 3000 or {r.speaker for r in found} != set(SPEAKERS):
        raise InputError(f"{folder}: {len(found)} recordings; FSDD's 3,000 by six were expected")
    return [r for r in found if part in {None, r.part}]


def isolated(folder: Path, given: Iterable[Recording], name: str, text: str = "text") -> Path:
    """A manifest of single recordings, by their full path; `text` names the digit's column."""
    lines = [
        {"audio": str(r.path), text: str(r.digit), "speaker": r.speaker}
        for r in given
    ]  # fmt: skip
    return _manifest(folder / f"{name}.jsonl", lines)


def strings(folder: Path, name: str, given: Sequence[Recording], made: Strings) -> Path:
    """Strings of one speaker's recordings each: WAV files in `folder / name` and their manifest.

    Every other string has digital silence in its pauses, the others low noise. A manifest that is
    there was written last, so its files are whole and it is taken as it is.
    """
    manifest = folder / f"{name}.jsonl"
    if manifest.exists():
        return manifest
    audio = folder / name
    audio.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(made.seed)
    by_digit = _by_speaker_and_digit(given)
    lines = []
    for number in range(made.count):
        speaker = sorted(by_digit)[generator.integers(len(by_digit))]
        length = int(generator.choice(made.lengths))
        digits = (
            made.digits(length, generator) if made.digits else generator.integers(10, size=length)
        )
        chosen = [
            by_digit[speaker][d][generator.integers(len(by_digit[speaker][d]))] for d in digits
        ]
        path = audio / f"{number:05d}.wav"
        samples = _joined(chosen, generator, made, noisy_pauses=number % 2 == 1)
        # Whole or not at all: another seed may be reading what this one writes again.
        with atomic_path(path) as partial:
            library("soundfile", "speech").write(
                partial, samples, RATE, subtype="PCM_16", format="WAV"
            )
        text = " ".join(str(d) for d in digits)
        lines.append({"audio": f"{name}/{path.name}", "text": text, "speaker": speaker})
    return _manifest(manifest, lines)


def _by_speaker_and_digit(given: Iterable[Recording]) -> dict[str, dict[int, list[Path]]]:
    found: dict[str, dict[int, list[Path]]] = {}
    for recording in given:
        digits = found.setdefault(recording.speaker, {digit: [] for digit in range(10)})
        digits[recording.digit].append(recording.path)
    return found


def _joined(
    paths: Sequence[Path], generator: np.random.Generator, made: Strings, *, noisy_pauses: bool
) -> Samples:
    """The recordings with pauses between them, and noise over all where it is asked for."""
    pieces: list[Samples] = []
    for path in paths:
        if pieces:
            pause = int(generator.uniform(0, made.longest_pause) * RATE)
            level = NOISE_FLOOR if noisy_pauses else 0.0
            pieces.append(_noise(pause, level, generator))
        pieces.append(read(path))
    joined = np.concatenate(pieces)
    if made.snr is not None and generator.random() < made.noisy_share:
        snr = generator.uniform(*made.snr) if isinstance(made.snr, tuple) else made.snr
        # The level is that of the speech: pauses would make the noise weaker than it is said to be.
        power = np.mean(np.square(np.concatenate(pieces[::2])))
        level = float(np.sqrt(power / 10 ** (snr / 10)))
        joined = joined + _noise(len(joined), level, generator)
        joined = joined / max(1.0, float(np.abs(joined).max()))
    return joined


def _noise(count: int, level: float, generator: np.random.Generator) -> Samples:
    return level * generator.standard_normal(count, dtype=np.float32)


@cache
def read(path: Path) -> Samples:
    """Samples of a recording; all of FSDD is 20 minutes, so they are kept."""
    samples: Samples
    samples, rate = library("soundfile", "speech").read(path, dtype="float32")
    if rate != RATE or samples.ndim != 1:
        raise InputError(f"{path}: {rate} Hz, {samples.ndim} axes; FSDD is {RATE} Hz and mono")
    return samples


def _manifest(path: Path, lines: Iterable[dict[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join(json.dumps(line) + "\n" for line in lines))
    return path
