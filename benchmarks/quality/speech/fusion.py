"""A language model beside the recognizer: where there is a grammar, and where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np

from benchmarks.quality.running import Options, Trained, train
from benchmarks.quality.speech.digits import Strings, recordings, strings
from benchmarks.quality.speech.grammar import Grammar, uniform
from benchmarks.quality.speech.measure import (
    Figures,
    fused_errors,
    heard,
    kept,
    texts_of,
    tuned,
    word_errors,
)
from benchmarks.results import circumstances, table, write_section
from elman.files import write_text

RECIPE, LANGUAGE = "speech-noisy-strings", "speech-digits-language-model"
SNR = 5.0
BEAM = 16
WEIGHTS, BONUSES = (0.0, 0.25, 0.5, 1.0, 1.5), (0.0, 1.0)
LINES = {"train": 20_000, "valid": 2_000}
GRAMMAR = Grammar.draw(seed=7)
TESTED_ON = Strings(count=1_000, seed=13, snr=SNR)
TUNED_ON = Strings(count=300, seed=12, snr=SNR)
Draw = Callable[[int, np.random.Generator], Sequence[int]]
KINDS: dict[str, Draw] = {"grammar": GRAMMAR, "uniform": uniform}
COLUMNS = (
    *("strings", "seed", "WER, greedy", "WER, beam alone", "WER, with the language model"),
    *("weight", "bonus"),
)


def language_model(options: Options) -> None:
    """Train the recognizer on noisy strings and a language model a kind; tune; compare."""
    folder = options.out / "speech-fusion-data"
    parts = [_noisy(folder, "train", 12_000, 10), _noisy(folder, "valid", 400, 11)]
    models = {kind: _language_model(folder, kind, options) for kind in KINDS}
    found = [
        (kind, seed, _figures(options, folder, kind, models[kind], trained, seed))
        for seed in options.chosen
        for trained in [train(RECIPE, parts, f"{RECIPE}-seed{seed}", options, seed=seed)]
        for kind in KINDS
    ]
    if options.seed is not None:
        return
    grammar, flat = ([f for k, _, f in found if k == kind] for kind in KINDS)
    less = 100 * (1 - _mean(grammar, "fused") / _mean(grammar, "beam"))
    more = _mean(flat, "fused") - _mean(flat, "beam")
    body = f"""\
On strings of the grammar, the language model lowers the WER by **{less:.0f} %** of itself, from
{_mean(grammar, "beam"):.2f} % to **{_mean(grammar, "fused"):.2f} %**. On uniform strings, with a
model trained and a weight tuned on such, it changes it by **{more:+.2f} points**.

{table(COLUMNS, [_row(*each) for each in found])}

White noise at {SNR:g} dB on strings of 3 to 7 digits, 1,000 of test recordings each kind, 300 of
validation recordings to tune on: weights {_said(WEIGHTS)}, a bonus of {_said(BONUSES)} nats a
token; a beam of {BEAM} with and without. The grammar: after each digit one of three others, with
0.75, 0.2 and 0.05; the first digit is uniform; its perplexity is
{GRAMMAR.perplexity(TESTED_ON.lengths):.2f} a digit, the first included (10 for uniform ones). The
models (LSTM over characters, {LINES["train"]:,} strings) have {_said_perplexity(models)} on new
strings, the length of the string included. The recognizer has heard strings of training recordings,
half of them with noise of 0 to 20 dB.

{circumstances(options.command, options.threads)}"""
    write_section("FSDD: strings in noise, with a language model", body)


def _noisy(folder: Path, part: str, count: int, seed: int) -> Path:
    """Strings of a split as `speech-strings` has them, half of them with noise."""
    lengths = (1, 1, 3, 4, 5, 6, 7)
    made = Strings(count=count, seed=seed, lengths=lengths, snr=(0.0, 20.0), noisy_share=0.5)
    return strings(folder, part, recordings(part), made)


def _language_model(folder: Path, kind: str, options: Options) -> Trained:
    generator = np.random.default_rng(5)
    files = []
    for part, count in LINES.items():
        files.append(folder / kind / f"{part}.txt")
        lengths = generator.choice(TESTED_ON.lengths, size=count)
        lines = (" ".join(map(str, KINDS[kind](int(n), generator))) for n in lengths)
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        write_text(files[-1], "".join(line + "\n" for line in lines))
    return train(LANGUAGE, files, f"{LANGUAGE}-{kind}", options, seed=1)


def _figures(
    options: Options, folder: Path, kind: str, model: Trained, trained: Trained, seed: int
) -> Figures:
    def measure() -> Figures:
        drawn = KINDS[kind]
        valid, test = (
            strings(folder, f"{kind}-{part}", recordings(part), replace(made, digits=drawn))
            for part, made in (("valid", TUNED_ON), ("test", TESTED_ON))
        )
        predictor, path = trained.run.predictor, model.run.path
        weight, bonus = tuned(predictor, valid, path, BEAM, WEIGHTS, BONUSES)
        said = texts_of(test)
        return {
            "greedy": word_errors(said, heard(predictor, test)),
            "beam": word_errors(said, heard(predictor, test, beam=BEAM)),
            "fused": fused_errors(predictor, test, path, BEAM, weight, bonus),
            "weight": weight,
            "bonus": bonus,
        }

    return kept(options, f"speech-language-model-{kind}-seed{seed}", measure)


def _mean(found: list[Figures], name: str) -> float:
    return mean(figures[name] for figures in found)


def _said(numbers: Sequence[float]) -> str:
    *some, last = (f"{number:g}" for number in numbers)
    return f"{', '.join(some)} or {last}"


def _said_perplexity(models: dict[str, Trained]) -> str:
    # A string of n digits is 2 n characters: n digits, n - 1 spaces and the line end.
    return " and ".join(
        f"{math.exp(2 * model.outcome.best_loss):.2f} a digit ({kind})"
        for kind, model in models.items()
    )


def _row(kind: str, seed: int, figures: Figures) -> list[str]:
    return [
        kind,
        str(seed),
        *(f"{figures[name]:.2f} %" for name in ("greedy", "beam", "fused")),
        f"{figures['weight']:g}",
        f"{figures['bonus']:g}",
    ]
