"""Strings of FSDD's digits: one and two directions, whole and as streams, and single digits."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

from benchmarks.quality.running import Options, Trained, train
from benchmarks.quality.speech.digits import Strings, isolated, recordings, strings
from benchmarks.quality.speech.measure import (
    Figures,
    heard,
    kept,
    look_ahead,
    streamed,
    texts_of,
    whole,
    word_errors,
)
from benchmarks.results import circumstances, table, write_section

CHUNK = 100
"""Milliseconds of audio that a stream brings at a time."""
TRAINED_ON = Strings(count=12_000, seed=1, lengths=(1, 1, 3, 4, 5, 6, 7))
VALIDATED_ON = Strings(count=400, seed=2, lengths=(1, 1, 3, 4, 5, 6, 7))
TESTED_ON = Strings(count=1_000, seed=3)
COLUMNS = (
    *("directions", "seed", "parameters", "minutes of training"),
    *("single digits right", "WER, whole", "WER, streaming"),
)


def digit_strings(options: Options) -> None:
    """Train both kinds of network for each seed, and hear single digits and strings with them."""
    folder = options.out / "speech-strings-data"
    parts = data(folder)
    found = [
        (name, trained, _figures(options, trained, folder, name, seed))
        for name in ("speech-strings", "speech-strings-stream")
        for seed in options.chosen
        for trained in [train(name, parts, f"{name}-seed{seed}", options, seed=seed)]
    ]
    if options.seed is not None:
        return
    both, one = (
        [f for name, _, f in found if name == n] for n in dict.fromkeys(n for n, _, _ in found)
    )
    ahead = look_ahead(next(t for name, t, _ in found if name == "speech-strings-stream"))
    body = f"""\
1,000 strings of 3 to 7 test recordings of one speaker each, pauses of 0 to 0.5 s (half of the
strings with digital silence in them, half with noise at -60 dB): WER
**{_mean(both, "whole"):.2f} %** with two directions, **{_mean(one, "whole"):.2f} %** with one, and
**{_mean(one, "streaming"):.2f} %** with one as a stream in chunks of {CHUNK} ms and a look-ahead of
**{ahead:.0f} ms**: from the begin of a network step to the last sample that it reads.

The 300 single test recordings, with the same networks: **{_mean(both, "single"):.2f} %** right with
two directions, **{_mean(one, "single"):.2f} %** with one.

{table(COLUMNS, [_row(*each) for each in found])}

Training strings ({TRAINED_ON.count:,}, two of seven of them a single digit) are made the same way
from the training recordings (indices 5 to 44); strings of indices 45 to 49 choose the checkpoint.

{circumstances(options.command, options.threads)}"""
    write_section("FSDD: strings of digits", body)


def data(folder: Path) -> list[Path]:
    """The manifests of train, valid and test."""
    made = {"train": TRAINED_ON, "valid": VALIDATED_ON, "test": TESTED_ON}
    return [strings(folder, part, recordings(part), each) for part, each in made.items()]


def _figures(options: Options, trained: Trained, folder: Path, name: str, seed: int) -> Figures:
    def measure() -> Figures:
        predictor, test = trained.run.predictor, folder / "test.jsonl"
        single = isolated(folder, recordings("test"), "single-test")
        found = {
            "whole": word_errors(texts_of(test), heard(predictor, test)),
            "single": whole(texts_of(single), heard(predictor, single)),
        }
        if not trained.run.task.config.bidirectional:
            found["streaming"] = word_errors(texts_of(test), streamed(predictor, test, CHUNK))
        return found

    return kept(options, f"{name}-seed{seed}", measure)


def _mean(found: list[Figures], name: str) -> float:
    return mean(figures[name] for figures in found)


def _row(name: str, trained: Trained, figures: Figures) -> list[str]:
    config = trained.run.task.config
    streaming = figures.get("streaming")
    return [
        "two" if config.bidirectional else "one",
        str(config.seed),
        f"{trained.parameters:,}",
        f"{trained.minutes:.1f}",
        f"{figures['single']:.2f} %",
        f"{figures['whole']:.2f} %",
        "" if streaming is None else f"{streaming:.2f} %",
    ]
