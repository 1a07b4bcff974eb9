"""UTD-MHAD: 27 actions by people who were never seen; with frames shuffled; played backwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.quality.running import Options, Trained, data_file, train
from benchmarks.quality.speech.measure import Figures, kept
from benchmarks.quality.video.baseline import mean_frame_accuracy
from benchmarks.quality.video.clips import Frames, manifest, read, rows, write_lossless
from benchmarks.results import circumstances, table, write_section
from elman.errors import InputError

RECIPE = "video-actions"
PARTS = ("train", "valid", "test")
ACTIONS = (
    *("swipe left", "swipe right", "wave", "clap", "throw", "arm cross", "basketball shoot"),
    *("draw x", "draw circle clockwise", "draw circle counter clockwise", "draw triangle"),
    *("bowling", "boxing", "baseball swing", "tennis swing", "arm curl", "tennis serve", "push"),
    *("knock", "catch", "pick up and throw", "jog", "walk", "sit to stand", "stand to sit"),
    *("lunge", "squat"),
)
"""Numbered from 1 in the names of the files."""
OPPOSITE = {"sit to stand": "stand to sit", "stand to sit": "sit to stand"}
COUNT, RATE = 861, 30
COLUMNS = (
    *("seed", "parameters", "minutes of training", "accuracy, test", "with frames shuffled"),
    *("played backwards, called the other", "of"),
)


@dataclass(frozen=True)
class Video:
    """A clip of UTD-MHAD; `person` is 1 to 8 and `trial` 1 to 4."""

    path: Path
    action: str
    person: int
    trial: int

    @property
    def part(self) -> str:
        """Even people test. Of the odd ones, an action's clip of one person in turn validates."""
        if self.person % 2 == 0:
            return "test"
        turn = 2 * (ACTIONS.index(self.action) % 4) + 1
        return "valid" if (self.person, self.trial) == (turn, 1) else "train"


def actions(options: Options) -> None:
    """Several seeds of both trainings, and the test clips of sitting and standing backwards."""
    found = videos()
    root = found[0].path.parent
    folder = options.out / "video-actions-data"
    parts = _listed(folder / "given", found)
    shuffled = _written(folder / "shuffled", found, _shuffled)
    sitting = [each for each in found if each.part == "test" and each.action in OPPOSITE]
    backwards = _written(folder / "backwards", sitting, lambda _, frames: frames[::-1])[-1]
    trained, mixed, turned = [], [], []
    for seed in options.chosen:
        name = f"{RECIPE}-seed{seed}"
        one = train(RECIPE, parts, name, options, seed=seed, video_root=root)
        trained.append(one)
        turned.append(_backwards(options, one, backwards, name))
        mixed.append(train(RECIPE, shuffled, f"{RECIPE}-shuffled-seed{seed}", options, seed=seed))
    if options.seed is not None:
        return
    baseline = mean_frame_accuracy(trained[0])
    other, clips = (sum(each[name] for each in turned) for name in ("other", "clips"))
    lines = [
        _row(seed, one, other_order, reverse)
        for seed, one, other_order, reverse in zip(
            options.chosen, trained, mixed, turned, strict=True
        )
    ]
    body = f"""\
Test accuracy **{_mean(trained):.1f} %** (mean of {len(trained)} seeds; the aim is 75 %), beside
{_mean(mixed):.1f} % of the same network with the frames of each clip in a random order in training
and test, and {baseline:.1f} % of a logistic regression on the mean frame.

Test clips of sitting down and standing up that are played backwards are called the other in
**{100 * other / clips:.0f} %** ({other:.0f} of {clips:.0f} over the seeds; the aim is 70 %).

{table(COLUMNS, lines)}

Depth videos, nothing pre-trained. People 2, 4, 6 and 8 test ({_count(parts, 2)} clips); 1, 3, 5 and
7 train ({_count(parts, 0)}), but for one clip an action that chooses the checkpoint
({_count(parts, 1)}). The settings were chosen with person 7 held out of training.

{circumstances(options.command, options.threads)}"""
    write_section("UTD-MHAD: actions in depth videos", body)


def videos() -> list[Video]:
    """The clips of UTD-MHAD.

    Raises:
        InputError: others than those 861.
    """
    folder = data_file("utd_mhad", "a1_s1_t1.mp4").parent
    found = []
    for path in sorted(folder.glob("*.mp4")):
        numbers = re.fullmatch(r"a(\d+)_s(\d+)_t(\d+)", path.stem)
        if numbers is None:
            raise InputError(f"{path}: expected names such as a1_s1_t1.mp4")
        action, person, trial = map(int, numbers.groups())
        found.append(Video(path, ACTIONS[action - 1], person, trial))
    if len(found) != COUNT:
        raise InputError(f"{folder}: {len(found)} clips; UTD-MHAD's {COUNT} were expected")
    return found


def _listed(folder: Path, given: list[Video]) -> list[Path]:
    """Manifests of the clips where they are."""
    return [
        manifest(
            folder / f"{part}.jsonl",
            ({"path": v.path.name, "label": v.action} for v in given if v.part == part),
        )
        for part in PARTS
    ]


def _written(
    folder: Path, given: list[Video], change: Callable[[int, Frames], Frames]
) -> list[Path]:
    """The clips, changed, in files of their own, and their manifests."""
    manifests = [folder / f"{part}.jsonl" for part in PARTS]
    if manifests[-1].exists():
        return manifests
    for number, video in enumerate(given):
        path = folder / f"{video.path.stem}.avi"
        if not path.exists():
            write_lossless(path, change(number, read(video.path)), RATE)
    for part, path in zip(PARTS, manifests, strict=True):
        some = [v for v in given if v.part == part]
        manifest(path, ({"path": f"{v.path.stem}.avi", "label": v.action} for v in some))
    return manifests


def _shuffled(number: int, frames: Frames) -> Frames:
    return frames[np.random.default_rng(number).permutation(len(frames))]


def _backwards(options: Options, trained: Trained, clips: Path, name: str) -> Figures:
    def measure() -> Figures:
        wanted = [OPPOSITE[row["label"]] for row in rows(clips)]
        found = trained.run.predictor.predict(clips)
        other = [row["predicted"] == each for row, each in zip(found, wanted, strict=True)]
        return {"other": sum(other), "clips": len(other)}

    return kept(options, f"{name}-backwards", measure)


def _count(parts: list[Path], number: int) -> int:
    return len(rows(parts[number]))


def _mean(trained: list[Trained]) -> float:
    return 100 * mean(each.scores("accuracy")["test"] for each in trained)


def _row(seed: int, trained: Trained, mixed: Trained, turned: Figures) -> list[str]:
    return [
        str(seed),
        f"{trained.parameters:,}",
        f"{trained.minutes:.1f}",
        f"{100 * trained.scores('accuracy')['test']:.1f} %",
        f"{100 * mixed.scores('accuracy')['test']:.1f} %",
        f"{turned['other']:.0f}",
        f"{turned['clips']:.0f}",
    ]
