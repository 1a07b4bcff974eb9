"""`python -m benchmarks.quality NAME`: train, evaluate, and write the figure into RESULTS.md.

A benchmark that was cut off goes on where it stopped when the same command is given again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.quality import (
    classify,
    etth1,
    forecast_rate,
    forecasts,
    memory,
    multi30k,
    penn_treebank,
    probe,
    tinyshakespeare,
)
from benchmarks.quality.running import Options
from benchmarks.quality.speech import fusion, singles, speed, strings, words
from benchmarks.quality.speech import memory as speech_memory
from benchmarks.quality.video import actions as video_actions
from benchmarks.quality.video import digits as video_digits
from benchmarks.quality.video import memory as video_memory
from benchmarks.quality.video import speed as video_speed
from elman.errors import InputError, RunFailed
from elman.training.signals import Interrupted

BENCHMARKS: dict[str, tuple[Callable[[Options], None], int]] = {
    "tinyshakespeare": (tinyshakespeare.six_minutes, 3),
    "tinyshakespeare-long": (tinyshakespeare.twenty_minutes, 1),
    "penn-treebank-small": (penn_treebank.small, 1),
    "penn-treebank": (penn_treebank.best, 1),
    "penn-treebank-characters": (penn_treebank.characters, 1),
    "memory": (memory.memory, 1),
    "multi30k": (multi30k.translation, 1),
    "etth1": (etth1.etth1, 1),
    "seattle-weather": (forecasts.weather, 3),
    "stocks": (forecasts.stocks, 1),
    "synthetic-seasons": (forecasts.synthetic, 1),
    "forecast-rate": (forecast_rate.rate, 1),
    "forecast-memory": (forecast_rate.memory, 1),
    "probe": (probe.probe, probe.DEFAULT.seeds),
    "sst2": (classify.sst2, 3),
    "japanese-vowels": (classify.japanese_vowels, 3),
    "mnist-rows": (classify.mnist_rows, 1),
    "mnist-pixels": (classify.mnist_pixels, 1),
    "speech-digits": (singles.single_digits, 3),
    "speech-speakers": (singles.speakers_left_out, 1),
    "speech-strings": (strings.digit_strings, 3),
    "speech-language-model": (fusion.language_model, 3),
    "speech-words": (words.spoken_words, 3),
    "speech-speed": (speed.speed, 1),
    "speech-memory": (speech_memory.training, 1),
    "speech-stream-memory": (speech_memory.streaming, 1),
    "video-actions": (video_actions.actions, 3),
    "video-moving-digits": (video_digits.moving_digits, 3),
    "video-speed": (video_speed.speed, 1),
    "video-memory": (video_memory.memory, 1),
}
"""Name -> what measures it, and over how many seeds unless the flag says otherwise."""

BY_SEED = (
    *("speech-digits", "speech-speakers", "speech-strings", "speech-language-model"),
    *("speech-words", "video-actions", "video-moving-digits"),
)
"""Those whose runs can be trained a seed at a time."""


def main() -> int:
    """Run one benchmark; its exit code is that of `elman`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--out", type=Path, default=Path("runs/quality"), help="folder of the runs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, help="how many seeds, from 1 on")
    parser.add_argument(
        "--seed",
        type=int,
        help="train this seed only; the same command without it writes the section of all",
    )
    given = parser.parse_args()
    if given.seed is not None and given.name not in BY_SEED:
        parser.error(f"--seed: {given.name} has no runs a seed; one of {', '.join(BY_SEED)} has")
    measure, seeds = BENCHMARKS[given.name]
    # Where the runs are kept is the machine's own affair and no part of the figure.
    seeds = given.seeds or seeds
    command = f"python -m benchmarks.quality {given.name} --threads {given.threads} --seeds {seeds}"
    given.out.mkdir(parents=True, exist_ok=True)
    try:
        measure(Options(given.out, given.threads, seeds, command, given.seed))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except RunFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Interrupted as stopped:
        sys.stderr.write(f"{stopped}\n")
        return 128 + stopped.signal
    return 0


if __name__ == "__main__":
    sys.exit(main())
