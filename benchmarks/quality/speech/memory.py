"""Anonymous memory: of training on 100 hours of audio, and of a stream for an hour."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.quality.memory import SECONDS_BETWEEN_LOOKS, anonymous_mb, watched
from benchmarks.quality.running import Options, train
from benchmarks.quality.speech.strings import data
from benchmarks.results import circumstances, table, write_section
from elman.data.optional import library
from elman.errors import RunFailed
from elman.files import atomic_path, write_text

RATE = 16_000
HOURS = 100
SECONDS_A_ROW = 10
STEPS = 200
LIMIT_MB = 2_000
STREAMED_MINUTES = 60
LOOKS = (1, 5, 15, 30, 45, 60)


def training(options: Options) -> None:
    """Prepare and train with the command itself, and look at RssAnon from outside."""
    folder = options.out / "speech-memory-data"
    manifests = [_hours(folder, part, hours) for part, hours in (("train", HOURS), ("valid", 0.1))]
    run = options.out / "speech-memory"
    command = [
        *(sys.executable, "-m", "elman.cli.main", "train", "speech", *map(str, manifests)),
        *("--out", str(run), "--max-steps", str(STEPS), "--eval-every", str(STEPS)),
        *("--speeds", "1", "--threads", str(options.threads)),
    ]
    seen = watched(command, run)
    lines = [
        [phase, f"{each.mb:,.0f}", f"{each.seconds:,.0f}"]
        for phase, each in zip(
            ("preparing", f"{STEPS} steps of 16 rows"), seen.values(), strict=True
        )
    ]
    body = f"""\
The most RssAnon of `elman train speech` on {HOURS} hours of generated audio, read from
/proc/PID/status every {1000 * SECONDS_BETWEEN_LOOKS:.0f} ms; the aim is under {LIMIT_MB:,} MB.

{table(("phase", "MB", "seconds"), lines)}

An hour of tones and noise at {RATE // 1000} kHz, of which {HOURS} times 360 rows of
{SECONDS_A_ROW} s with random texts name different stretches; the default network.

{circumstances(options.command, options.threads)}"""
    write_section("Speech, memory of training on 100 hours", body)


def streaming(options: Options) -> None:
    """RssAnon of `elman stream` at minutes of the audio, which comes as fast as it is taken."""
    name = "speech-strings-stream"
    parts = data(options.out / "speech-strings-data")
    trained = train(name, parts, f"{name}-seed1", options, seed=1)
    minute = _minute(parts[-1])
    rate = (
        library("soundfile", "speech")
        .info(next(parts[-1].with_suffix("").glob("*.wav")))
        .samplerate
    )
    command = [
        *(sys.executable, "-m", "elman.cli.main", "stream", str(trained.run.path)),
        *("--rate", str(rate)),
    ]
    heard = options.out / "speech-stream.jsonl"
    seen: dict[int, float] = {}
    began = time.monotonic()
    with heard.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out)
        assert process.stdin is not None
        try:
            for number in range(1, STREAMED_MINUTES + 1):
                for start in range(0, len(minute), rate // 5):
                    process.stdin.write(minute[start : start + rate // 5])
                process.stdin.flush()
                if number in LOOKS:
                    # The pipe holds 64 kB, 4 seconds, which are still to be read.
                    seen[number] = anonymous_mb(process.pid)
            process.stdin.close()
            process.wait()
        finally:
            process.kill()
    if process.returncode:
        raise RunFailed(f"{' '.join(command)}: left with exit code {process.returncode}")
    seconds = time.monotonic() - began
    growth = seen[STREAMED_MINUTES] - seen[5]
    body = f"""\
RssAnon of `elman stream` grows by **{growth:+.2f} MB** from minute 5 to minute
{STREAMED_MINUTES} of the audio; the aim is at most 1 MB.

{table(("minute", *map(str, seen)), [["MB", *(f"{mb:.2f}" for mb in seen.values())]])}

A minute of FSDD strings with half a second of silence between them, {STREAMED_MINUTES} times on
one standard input as 16-bit PCM at {rate} Hz, as fast as it is read: {STREAMED_MINUTES} minutes of
audio in {seconds:.0f} seconds.

{circumstances(options.command, options.threads)}"""
    write_section("Speech, memory of a stream", body)


def _hours(folder: Path, part: str, hours: float) -> Path:
    """A manifest of so many hours, in rows that name stretches of one file of an hour."""
    manifest, audio = folder / f"{part}.jsonl", folder / "hour.wav"
    if manifest.exists():
        return manifest
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(1)
    if not audio.exists():
        with atomic_path(audio) as partial:
            _write_hour(partial, generator)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz  "))
    lines = []
    for _ in range(int(hours * 3600 / SECONDS_A_ROW)):
        start = round(float(generator.uniform(0, 3600 - SECONDS_A_ROW)), 3)
        text = " ".join("".join(generator.choice(letters, size=80)).split())
        row = {"audio": audio.name, "text": text, "start": start, "end": start + SECONDS_A_ROW}
        lines.append(json.dumps(row) + "\n")
    write_text(manifest, "".join(lines))
    return manifest


def _write_hour(path: Path, generator: np.random.Generator) -> None:
    second = np.arange(RATE) / RATE
    with library("soundfile", "speech").SoundFile(
        path, "w", RATE, 1, subtype="PCM_16", format="WAV"
    ) as file:
        for _ in range(3600):
            tone = np.sin(2 * np.pi * generator.uniform(100, 4000) * second)
            file.write(0.3 * tone + 0.05 * generator.standard_normal(RATE))


def _minute(manifest: Path) -> bytes:
    """60 seconds of 16-bit PCM: strings with silence between them."""
    pieces: list[np.ndarray] = []
    length = size = 0
    for path in sorted(manifest.with_suffix("").glob("*.wav")):
        samples, rate = library("soundfile", "speech").read(path, dtype="int16")
        pieces += [samples, np.zeros(rate // 2, np.int16)]
        size, length = 60 * rate, length + len(samples) + rate // 2
        if length >= size:
            break
    return np.concatenate(pieces)[:size].tobytes()
