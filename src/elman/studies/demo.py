"""The first run: a text that every Python carries, as long as the clock allows, and baselines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, count, pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch

from elman.data.tokenizer import train_tokenizer
from elman.data.tokens import TextCounts
from elman.errors import RunFailed
from elman.evaluation.ngram import KneserNey, Unigram
from elman.evaluation.perplexity import Split
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.language_model.data import LanguageModelData
from elman.tasks.language_model.task import LanguageModelTask
from elman.tasks.runs import refit
from elman.training.contracts import StepEvent

CALIBRATION_SECONDS = 4.0
CALIBRATION_VOCABULARY = 128
FAR = 1_000_000
# Fifteen times through the text; beyond that only the training loss falls.
MOST_STEPS = 6000
# With fewer steps the network does not reach the 5-gram model, so a slow machine takes longer.
FEWEST_STEPS_A_MINUTE = 1100
FEWEST_STEPS = 20
ORDER = 5


def reference_text() -> str:
    """The language reference of this Python: about 465,000 characters of English prose."""
    try:
        topics: dict[str, str] = import_module("pydoc_data.topics").topics
    except ImportError as error:
        raise RunFailed(
            "this Python was installed without pydoc_data.topics, the text of the demo; train on "
            "one of your own: elman train language-model FILE --out RUN"
        ) from error
    return "".join(topics.values())


def settings(steps: int, threads: int) -> dict[str, object]:
    """The demo's settings; steps and threads are all that they owe to the machine."""
    return {
        "threads": threads,
        "hidden_size": 256,
        "batch_size": 16,
        "max_steps": steps,
        "warmup_steps": min(50, steps // 10),
        "eval_every": max(steps // 8, 1),
        "checkpoint_every": max(steps // 8, 1),
        "seed": 1,
    }


def steps_in(minutes: float, seconds_per_step: float) -> int:
    """How many steps of training fit into so many minutes, within bounds."""
    fit = min(MOST_STEPS, round(60 * minutes / seconds_per_step))
    return max(FEWEST_STEPS, round(FEWEST_STEPS_A_MINUTE * min(minutes, 2.0)), fit)


@dataclass(frozen=True)
class Pace:
    """How fast this machine trains, and with how many threads that was."""

    seconds_per_step: float
    threads: int


def calibrate(config: LanguageModelConfig, seconds: float) -> Pace:
    """Measure training steps for about so many seconds, with all threads and with one.

    Where other work keeps a core busy, all threads wait for the slowest at every time step and
    one thread alone can be a hundred times faster.
    """
    before = torch.get_num_threads()
    choices = sorted({before, 1})
    try:
        paces = [Pace(_seconds_per_step(config, seconds / len(choices), n), n) for n in choices]
    finally:
        torch.set_num_threads(before)
    return min(paces, key=lambda pace: pace.seconds_per_step)


def _seconds_per_step(config: LanguageModelConfig, seconds: float, threads: int) -> float:
    """The median time of a training step on random tokens, with a model that is thrown away."""
    trial = config.model_copy(
        update={
            "threads": threads,
            "max_minutes": seconds / 60,
            "watch": 0,
            **dict.fromkeys(("max_steps", "eval_every", "checkpoint_every", "log_every"), FAR),
        }
    )
    characters = "".join(map(chr, range(0x21, 0x21 + CALIBRATION_VOCABULARY)))
    tokenizer = train_tokenizer("char", [characters])
    draw = np.random.default_rng(0)
    tokens = draw.integers(tokenizer.vocab_size, size=4 * config.batch_size * config.truncation)
    split = Split(tokens, TextCounts(len(tokens), len(tokens), len(tokens)))
    data = LanguageModelData(tokenizer, {"train": split, "valid": split.cut(config.batch_size)})
    clock = _Clock()
    _, outcome = refit(LanguageModelTask(trial, data), observers=[clock])
    # The first step pays for what later ones find ready, so it is not counted.
    steps = [after - before for before, after in pairwise(clock.times[1:])]
    return median(steps) if steps else outcome.seconds / outcome.step


class _Clock:
    """When each step was computed."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def after_backward(self, event: StepEvent) -> None:
        self.times.append(perf_counter())


def baselines(train: Split, test: Split, vocab_size: int) -> dict[str, float]:
    """The test loss that counting alone reaches, in nats per character, by model."""
    unigram = Unigram.fit(train.tokens, vocab_size)
    kneser_ney = KneserNey.fit(train.tokens, vocab_size, ORDER)
    name = f"{ORDER}-gram, Kneser-Ney"
    return {"unigram": unigram.nats(test.tokens), name: kneser_ney.nats(test.tokens)}


def verdict(loss: float, others: Iterable[float]) -> str:
    """Whether the network beats the models that count."""
    if all(loss < other for other in others):
        return "the LSTM beats both"
    return "the LSTM does not beat both yet: give it more --minutes"


def free_folder(parent: Path) -> Path:
    """`parent`/demo, or demo-2, demo-3, …: the first that is not there."""
    numbered = (parent / f"demo-{number}" for number in count(2))
    return next(folder for folder in chain([parent / "demo"], numbered) if not folder.exists())
