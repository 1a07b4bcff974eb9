"""Multi30k, English to German: BLEU of the test of 2016, and how long its translation takes."""

from __future__ import annotations

from pathlib import Path

from benchmarks.quality.running import Options, Trained, data_file, train

_FILES = ("train", "val", "test_2016_flickr")


def translated(options: Options) -> None:
    """One seed: trained, and the test translated with a beam of 5."""
    trained_run(options)


def trained_run(options: Options) -> Trained:
    """The recipe, trained on the pairs as they are given."""
    paths: list[Path] = [
        data_file("multi30k", f"{name}.{language}") for name in _FILES for language in ("en", "de")
    ]
    return train("multi30k", paths, "multi30k", options, task="translation", seed=1)
