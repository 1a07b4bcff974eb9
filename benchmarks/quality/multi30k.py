"""Multi30k, English to German: BLEU on the test of 2016, and how long it takes to translate it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from benchmarks.quality.running import Options, Trained, data_file, train
from benchmarks.results import circumstances, table, write_section

TITLE = "Multi30k, English to German, within 60 minutes"
SPLITS = ("train", "val", "test_2016_flickr")
WAYS = {"beam of 5": {"beam": 5}, "greedy": {"method": "greedy"}}
PROTOCOL = """\
Trained on the 29,000 pairs alone; the checkpoint is the one with the lowest loss on the 1,014
validation pairs. Scores are of plain text as it is written, in true case, against the file of
references as it is. The seconds are those of `predict` on the whole file, reading and writing
included, the run already loaded."""


@dataclass(frozen=True)
class Translated:
    """The test, translated in one way."""

    bleu: float
    chrf: float
    seconds: float
    signature: str


def translation(options: Options) -> None:
    """One seed, trained or gone on with; then the test, translated in each way."""
    trained = trained_run(options)
    ways = {name: translate(trained, asked, options) for name, asked in WAYS.items()}
    best = ways["beam of 5"]
    rows = [
        [name, f"{way.bleu:.2f}", f"{way.chrf:.2f}", f"{way.seconds:.1f}"]
        for name, way in ways.items()
    ]
    outcome = trained.outcome
    body = f"""\
BLEU **{best.bleu:.2f}** with a beam of 5 after {trained.minutes:.1f} minutes of training; the
1,000 sentences are translated in {best.seconds:.1f} seconds.

{table(("test_2016_flickr", "BLEU", "chrF", "seconds"), rows)}

{trained.parameters:,} parameters, {outcome.step:,} steps of {trained.milliseconds:.0f} ms;
validation loss {outcome.best_loss:.4f} nats per token at step {outcome.best_step:,}.
BLEU's signature: `{best.signature}`.

{PROTOCOL}

{circumstances(options.command, options.threads)}"""
    write_section(TITLE, body)


def trained_run(options: Options) -> Trained:
    """The recipe, trained on the pairs as they are given."""
    paths = [_file(split, language) for split in SPLITS for language in ("en", "de")]
    return train("multi30k", paths, "multi30k", options, seed=1)


def translate(trained: Trained, asked: dict[str, object], options: Options) -> Translated:
    """The test, translated as `asked`."""
    torch.set_num_threads(options.threads)
    references = _file(SPLITS[-1], "de").read_text(encoding="utf-8").splitlines()
    began = perf_counter()
    outputs = [
        row.translation for row in trained.run.predictor.predict(_file(SPLITS[-1], "en"), **asked)
    ]
    seconds = perf_counter() - began
    bleu = BLEU()
    return Translated(
        bleu.corpus_score(outputs, [references]).score,
        CHRF().corpus_score(outputs, [references]).score,
        seconds,
        str(bleu.get_signature()),
    )


def _file(split: str, language: str) -> Path:
    return data_file("multi30k", f"{split}.{language}")
