"""scikit-learn's digits moving in eight directions: no single frame tells the direction.

A digit leaves the picture on one side and comes in on the other, and begins anywhere: in each class
each frame has it at each place as often. Another digit stands still, so that the mean of the frames
says little of the line that the first one went.

Legend: T frames, N clips.
"""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.quality.running import Options, Trained, train
from benchmarks.quality.video.baseline import mean_frame_accuracy
from benchmarks.quality.video.clips import Frames, manifest, write_lossless
from benchmarks.results import circumstances, table, write_section
from elman.data.digits import images

RECIPE = "video-moving-digits"
DIRECTIONS = {
    "east": (0, 1),
    "south-east": (1, 1),
    "south": (1, 0),
    "south-west": (1, -1),
    "west": (0, -1),
    "north-west": (-1, -1),
    "north": (-1, 0),
    "north-east": (-1, 1),
}
"""Rows down and columns to the right of a step."""
COUNTS = {"train": 2_000, "valid": 400, "test": 1_000}
SIDE, LARGER, RATE, LENGTHS, STEPS = 32, 2, 10, (8, 12), (1, 2)
"""Pixels of a frame; how often a digit's own 8 pixels are repeated; frames a second; frames of a
clip; pixels of a step."""
COLUMNS = ("seed", "parameters", "minutes of training", "accuracy, test")


def moving_digits(options: Options) -> None:
    """Train, and compare with what the mean frame says."""
    parts = data(options.out / "video-moving-digits-data")
    found = [
        train(RECIPE, parts, f"{RECIPE}-seed{seed}", options, seed=seed) for seed in options.chosen
    ]
    if options.seed is not None:
        return
    baseline = mean_frame_accuracy(found[0])
    accuracy = mean(_accuracy(trained) for trained in found)
    body = f"""\
Test accuracy **{accuracy:.2f} %** (mean of {len(found)} seeds; the aim is 99 %), beside
{baseline:.1f} % of a logistic regression on the mean frame, where guessing gives
{100 / len(DIRECTIONS):.1f} %.

{table(COLUMNS, [_row(each, seed) for each, seed in zip(found, options.chosen, strict=True)])}

{COUNTS["train"]:,} clips train, {COUNTS["valid"]:,} choose the checkpoint, {COUNTS["test"]:,} test,
each of other images of scikit-learn's digits, twice as large on {SIDE} x {SIDE} pixels. A digit
begins anywhere, moves by {STEPS[0]} to {STEPS[-1]} pixels a frame in one of eight directions for
{LENGTHS[0]} to {LENGTHS[1]} frames, and comes in again on the other side; another one stands still.
The network reads a frame and its difference from the one before.

{circumstances(options.command, options.threads)}"""
    write_section("Digits moving in eight directions", body)


def data(folder: Path) -> list[Path]:
    """The manifests of train, valid and test, and their clips."""
    manifests = []
    for seed, (part, count) in enumerate(COUNTS.items()):
        path = folder / f"{part}.jsonl"
        manifests.append(path)
        if path.exists():
            continue
        generator = np.random.default_rng(seed)
        names = list(DIRECTIONS)
        lines = []
        for number in range(count):
            label = names[number % len(names)]
            clip = f"{part}/{number:05d}.avi"
            write_lossless(folder / clip, moving(part, label, generator), RATE)
            lines.append({"path": clip, "label": label})
        manifest(path, lines)
    return manifests


def moving(part: str, direction: str, generator: np.random.Generator) -> Frames:
    """(T, 32, 32) a digit of a split that moves, and one that does not."""
    digit, still = _placed(part, generator), _placed(part, generator)
    step = int(generator.choice(STEPS)) * np.array(DIRECTIONS[direction])
    length = int(generator.integers(LENGTHS[0], LENGTHS[1] + 1))
    return np.stack(
        [np.maximum(np.roll(digit, tuple(t * step), (0, 1)), still) for t in range(length)]
    )


def _placed(part: str, generator: np.random.Generator) -> Frames:
    """(32, 32) a digit anywhere, some of it perhaps beyond one edge and so at the other."""
    pixels, _ = images(part)
    image = pixels[generator.integers(len(pixels))].reshape(8, 8)
    frame = np.zeros((SIDE, SIDE), np.uint8)
    large = np.kron(image, np.ones((LARGER, LARGER)))
    frame[: len(large), : len(large)] = np.round(255 * large)
    return np.roll(frame, tuple(generator.integers(SIDE, size=2)), (0, 1))


def _accuracy(trained: Trained) -> float:
    return 100 * trained.scores("accuracy")["test"]


def _row(trained: Trained, seed: int) -> list[str]:
    return [
        str(seed),
        f"{trained.parameters:,}",
        f"{trained.minutes:.1f}",
        f"{_accuracy(trained):.2f} %",
    ]
