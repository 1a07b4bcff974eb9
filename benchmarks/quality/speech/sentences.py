"""Sentences of a list of 1,000 words, spoken by espeak-ng in many voices.

The words sound different from each other (espeak's phonemes of en-us, stress left out), so that
each sentence can be written down from its sound alone. They are drawn uniformly: no grammar helps.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from elman.data.optional import library
from elman.errors import InputError
from elman.files import atomic_path, write_text

WORDS = Path(__file__).with_name("words.txt")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LANGUAGE = "en-us"
COUNTS = {"train": 9_000, "valid": 500, "test": 500}
LENGTHS = (3, 8)
SPEEDS = (140, 190)
FAMILIES_HELD_OUT = 10
"""Of each of validation and test. A family is a voice with its numbered versions."""
EFFECTS = {
    *("whisper", "whisperf", "Demonic", "croak", "fast", "announcer"),
    *("UniRobot", "anikaRobot", "robosoft", "AnxiousAndy"),
}
"""Families that are an effect on a voice, or nobody's."""


@dataclass(frozen=True)
class Sentence:
    """What is said, by which voice and how fast (words a minute)."""

    text: str
    voice: str
    speed: int


def word_list() -> list[str]:
    """The 1,000 words, sorted."""
    return WORDS.read_text(encoding="utf-8").split()


def voices() -> dict[str, list[str]]:
    """Variants of espeak-ng by split; a family is whole in one of them.

    Raises:
        InputError: espeak-ng is not installed.
    """
    if not shutil.which("espeak-ng"):
        raise InputError("espeak-ng is not installed; on Debian: apt-get install espeak-ng")
    listed = subprocess.run(
        ["espeak-ng", "--voices=variant"], capture_output=True, text=True, check=True
    )
    found = sorted(set(re.findall(r"!v/(\S+(?: \S+)?) *$", listed.stdout, flags=re.MULTILINE)))
    families: dict[str, list[str]] = {}
    for voice in found:
        families.setdefault(_family(voice), []).append(voice)
    names = sorted(name for name in families if name not in EFFECTS)
    order = [names[i] for i in np.random.default_rng(19).permutation(len(names))]
    cuts = {
        "test": order[:FAMILIES_HELD_OUT],
        "valid": order[FAMILIES_HELD_OUT : 2 * FAMILIES_HELD_OUT],
        "train": order[2 * FAMILIES_HELD_OUT :],
    }
    return {part: [v for name in cut for v in families[name]] for part, cut in cuts.items()}


def spoken(folder: Path, rate: int, workers: int = 2) -> dict[str, Path]:
    """The manifests of the splits; what is missing of the audio is made, `workers` at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    manifests = {}
    for part, sentences in draw(seed=19).items():
        manifests[part] = folder / f"{part}.jsonl"
        if manifests[part].exists():
            continue
        (folder / part).mkdir(exist_ok=True)
        files = [folder / part / f"{number:05d}.wav" for number in range(len(sentences))]
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(partial(_speak, rate=rate), sentences, files))
        lines = [
            {"audio": f"{part}/{file.name}", "text": s.text, "speaker": s.voice}
            for s, file in zip(sentences, files, strict=True)
        ]
        write_text(manifests[part], "".join(json.dumps(line) + "\n" for line in lines))
    return manifests


def draw(seed: int) -> dict[str, list[Sentence]]:
    """Sentences by split, none of them twice."""
    generator = np.random.default_rng(seed)
    words, speakers = word_list(), voices()
    said: set[str] = set()
    drawn: dict[str, list[Sentence]] = {}
    for part, count in COUNTS.items():
        drawn[part] = []
        while len(drawn[part]) < count:
            length = int(generator.integers(LENGTHS[0], LENGTHS[1] + 1))
            text = " ".join(words[i] for i in generator.integers(len(words), size=length))
            voice = speakers[part][int(generator.integers(len(speakers[part])))]
            speed = int(generator.integers(SPEEDS[0], SPEEDS[1] + 1))
            if text not in said:
                said.add(text)
                drawn[part].append(Sentence(text, voice, speed))
    return drawn


def lengths_and_voices(manifests: dict[str, Path]) -> dict[str, tuple[float, int]]:
    """Hours of audio and number of voices, by split."""
    found = {}
    for part, manifest in manifests.items():
        rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
        seconds = sum(
            library("soundfile", "speech").info(manifest.parent / row["audio"]).duration
            for row in rows
        )
        found[part] = (seconds / 3600, len({row["speaker"] for row in rows}))
    return found


def _speak(sentence: Sentence, file: Path, rate: int) -> None:
    if file.exists():
        return
    command: Sequence[str] = (
        *("espeak-ng", "-v", f"{LANGUAGE}+{sentence.voice}", "-s", str(sentence.speed)),
        *("--stdout", sentence.text),
    )
    wav = subprocess.run(command, capture_output=True, check=True).stdout
    # The header of a WAV on standard output claims 2 GB: the samples are what follows its 44 bytes.
    spoken_at = int.from_bytes(wav[24:28], "little")
    samples = np.frombuffer(wav[44:], "<i2").astype(np.float32) / 32768
    with atomic_path(file) as partial_file:
        resampled = library("soxr", "speech").resample(samples, spoken_at, rate)
        library("soundfile", "speech").write(
            partial_file, resampled, rate, subtype="PCM_16", format="WAV"
        )


def _family(voice: str) -> str:
    return voice if re.fullmatch(r"[fm]\d", voice) else re.sub(r"\d+$", "", voice)
