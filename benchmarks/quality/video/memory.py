"""Anonymous memory of training on 10,000 clips of three seconds, and on ten of an hour."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.quality.memory import SECONDS_BETWEEN_LOOKS, Seen, watched
from benchmarks.quality.running import Options
from benchmarks.quality.video.clips import Frames, manifest, write_mp4
from benchmarks.results import circumstances, table, write_section

CLIPS, CLIP_SECONDS = 10_000, 3
LONG, LONG_SECONDS = 10, 3600
RATE, SIDE = 10, 64
STEPS, LIMIT_MB = 200, 4_000
LABELS = ("left", "right")
COLUMNS = ("data", "phase", "MB", "seconds")


def memory(options: Options) -> None:
    """Train on both with the command itself, and look at RssAnon from outside."""
    lines = []
    for name, make in (("short", _short), ("long", _long)):
        data = make(options.out / f"video-memory-{name}")
        seen = _train(options, data, options.out / f"video-memory-{name}-run")
        lines += [[name, phase, f"{each.mb:,.0f}", f"{each.seconds:,.0f}"] for phase, each in seen]
    body = f"""\
The most RssAnon of `elman train video`, read from /proc/PID/status every
{1000 * SECONDS_BETWEEN_LOOKS:.0f} ms; the aim is at most {LIMIT_MB:,} MB.

{table(COLUMNS, lines)}

Short: {CLIPS:,} files of {CLIP_SECONDS} s. Long: {LONG} files of an hour. {RATE} frames a second,
{SIDE} x {SIDE}, H.264, bars that move to the left or to the right over noise. The default network
for {STEPS} steps, then validation and test of whole clips.

{circumstances(options.command, options.threads)}"""
    write_section("Video, memory of training", body)


def _train(options: Options, data: Path, run: Path) -> list[tuple[str, Seen]]:
    command = [
        *(sys.executable, "-m", "elman.cli.main", "train", "video", str(data)),
        *("--out", str(run), "--max-steps", str(STEPS), "--eval-every", str(STEPS)),
        *("--threads", str(options.threads)),
    ]
    seen = watched(command, run)
    return [("preparing", seen["preparing"]), (f"{STEPS} steps", seen["training"])]


def _short(folder: Path) -> Path:
    return _made(folder, CLIPS, CLIP_SECONDS)


def _long(folder: Path) -> Path:
    return _made(folder, LONG, LONG_SECONDS)


def _made(folder: Path, count: int, seconds: int) -> Path:
    path = folder / "clips.jsonl"
    if path.exists():
        return path
    rows = []
    for number in range(count):
        name, label = f"clips/{number:05d}.mp4", number % len(LABELS)
        if not (folder / name).exists():
            write_mp4(folder / name, islice(_bars(number, 1 - 2 * label), seconds * RATE), RATE)
        rows.append({"path": name, "label": LABELS[label]})
    return manifest(path, rows)


def _bars(seed: int, step: int) -> Iterator[Frames]:
    """Frames without end, each `step` pixels further than the one before."""
    generator = np.random.default_rng(seed)
    wide = generator.integers(0, 96, (SIDE, 2 * SIDE), np.uint8)
    wide[:, :: int(generator.integers(7, 20))] = 255
    while True:
        yield wide[:, :SIDE]
        wide = np.roll(wide, step, 1)
