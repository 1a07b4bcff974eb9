"""10,000 sentences of 1,000 words spoken by espeak-ng; test voices and sentences never heard.

A language model of letters, trained on the training sentences, knows how the words are spelled. It
can't know which word follows, since they are drawn uniformly.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import mean

from benchmarks.quality.running import Options, Trained, train
from benchmarks.quality.speech.digits import isolated, recordings
from benchmarks.quality.speech.measure import (
    Figures,
    fused_errors,
    heard,
    kept,
    rows,
    texts_of,
    tuned,
    whole,
    word_errors,
)
from benchmarks.quality.speech.sentences import COUNTS, DIGITS, EFFECTS, lengths_and_voices, spoken
from benchmarks.results import circumstances, table, write_section
from elman.files import write_text

RECIPE, LANGUAGE = "speech-words", "speech-words-language-model"
BEAM, WEIGHTS, BONUSES = 16, (0.5, 1.0, 1.5, 2.0), (0.5, 1.5)
RATE = 16_000
COLUMNS = (
    *("seed", "parameters", "minutes of training", "WER, validation", "WER, test"),
    *("with the language model", "weight", "bonus", "sentences right", "FSDD's words right"),
)


def spoken_words(options: Options) -> None:
    """Train on spoken sentences, and hear those of other voices, and people's digits."""
    manifests = spoken(cache(), RATE, workers=options.threads)
    parts = list(manifests.values())
    model = _language_model(manifests, options)
    found = [
        (trained, _figures(options, trained, model, manifests, seed))
        for seed in options.chosen
        for trained in [train(RECIPE, parts, f"{RECIPE}-seed{seed}", options, seed=seed)]
    ]
    if options.seed is not None:
        return
    heard_of = lengths_and_voices(manifests)
    body = f"""\
Test WER **{mean(f["fused"] for _, f in found):.2f} %** over {len(found)} seeds with a language
model of letters, **{mean(f["test"] for _, f in found):.2f} %** without it.

{table(COLUMNS, [_row(*each) for each in found])}

People's recordings of ten of the words (FSDD's 300 test recordings, each a word alone), by a
network that has heard only espeak-ng: **{mean(f["digits"] for _, f in found):.1f} %** right.

1,000 words that sound different from each other, drawn uniformly, 3 to 8 a sentence, 140 to 190 a
minute, `en-us`: {_split("train", heard_of)}, {_split("valid", heard_of)} and
{_split("test", heard_of)}. A family of variants (a name with its numbers) is in one split alone,
and no sentence is said twice. Left out are {len(EFFECTS)} families that are effects: whispers,
robots, a demon. The language model (one layer of LSTM, {model.minutes:.1f} minutes) has read the
training sentences: it knows how the words are spelled. A beam of {BEAM}; its weight and the bonus a
letter are tuned on the validation sentences.

{circumstances(options.command, options.threads)}"""
    write_section("Words spoken by espeak-ng", body)


def cache() -> Path:
    """The folder that keeps spoken sentences, outside of the project."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root, "elman-benchmarks", f"speech-words-{RATE}")


def _language_model(manifests: dict[str, Path], options: Options) -> Trained:
    """A language model of the training sentences, one a line."""
    files = []
    for part in ("train", "valid"):
        files.append(options.out / "speech-words-data" / f"{part}.txt")
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        write_text(files[-1], "".join(text + "\n" for text in texts_of(manifests[part])))
    return train(LANGUAGE, files, LANGUAGE, options, seed=1)


def _figures(
    options: Options, trained: Trained, model: Trained, manifests: dict[str, Path], seed: int
) -> Figures:
    def measure() -> Figures:
        predictor, path = trained.run.predictor, model.run.path
        digits = isolated(options.out / "speech-words-data", recordings("test"), "digits")
        said = [DIGITS[int(row["text"])] for row in rows(digits)]
        test = heard(predictor, manifests["test"])
        valid = heard(predictor, manifests["valid"])
        weight, bonus = tuned(predictor, manifests["valid"], path, BEAM, WEIGHTS, BONUSES)
        return {
            "fused": fused_errors(predictor, manifests["test"], path, BEAM, weight, bonus),
            "weight": weight,
            "bonus": bonus,
            "valid": word_errors(texts_of(manifests["valid"]), valid),
            "test": word_errors(texts_of(manifests["test"]), test),
            "whole": whole(texts_of(manifests["test"]), test),
            "digits": whole(said, heard(predictor, digits)),
        }

    return kept(options, f"{RECIPE}-seed{seed}", measure)


def _split(part: str, heard_of: dict[str, tuple[float, int]]) -> str:
    hours, voices = heard_of[part]
    purpose = "validate" if part == "valid" else part
    return f"{COUNTS[part]:,} sentences to {purpose} ({hours:.1f} hours, {voices} voices)"


def _row(trained: Trained, figures: Figures) -> list[str]:
    return [
        str(trained.run.task.config.seed),
        f"{trained.parameters:,}",
        f"{trained.minutes:.1f}",
        f"{figures['valid']:.2f} %",
        f"{figures['test']:.2f} %",
        f"{figures['fused']:.2f} %",
        f"{figures['weight']:g}",
        f"{figures['bonus']:g}",
        f"{figures['whole']:.1f} %",
        f"{figures['digits']:.1f} %",
    ]
