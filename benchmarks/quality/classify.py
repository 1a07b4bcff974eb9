"""Classification: sentences of film reviews, spoken vowels, and digits read as sequences."""

from __future__ import annotations

import gzip
from pathlib import Path
from statistics import mean

import numpy as np
import numpy.typing as npt

from benchmarks.quality.running import Options, Trained, data_file, train
from benchmarks.results import circumstances, table, write_section
from elman.errors import InputError
from elman.files import atomic_path, write_text

COLUMNS = (
    *("seed", "parameters", "steps", "minutes of training"),
    *("accuracy, validation", "accuracy, test"),
)
VALID_DIGITS = 5_000


def sst2(options: Options) -> None:
    """Sentences of film reviews, alone and from a language model of the same sentences."""
    splits = [data_file("sst2", f"{part}.tsv") for part in ("train", "dev", "test")]
    alone = _seeds("sst2", splits, options)
    sentences = [_sentences(path, options.out / "sst2-sentences") for path in splits[:2]]
    model = train("sst2-language-model", sentences, "sst2-language-model", options)
    started = _seeds("sst2-from", splits, options, from_run=model.run.path)
    fresh = _seeds("sst2-from", splits, options, name="sst2-fresh")
    gain = _mean(started) - _mean(fresh)
    body = f"""\
Mean test accuracy **{_mean(alone):.1f} %** over {len(alone)} seeds;
{_beside(alone[0])}.

{table(COLUMNS, [_row(t) for t in alone])}

Only the 6,920 labeled sentences; nothing trained elsewhere. The kept weights are those of the
lowest loss on the development sentences, which are evaluated after every epoch.

From a language model of the same sentences ({model.minutes:.1f} minutes of training), one LSTM of
128 units in one direction: mean **{_mean(started):.1f} %**.

{table(COLUMNS, [_row(t) for t in started])}

The same network with fresh weights: mean **{_mean(fresh):.1f} %**, so the start is worth
**{gain:+.1f} points**.

{table(COLUMNS, [_row(t) for t in fresh])}

{circumstances(options.command, options.threads)}"""
    write_section("SST-2 sentences", body)


def japanese_vowels(options: Options) -> None:
    """Which of nine speakers says two vowels: 12 channels, 7 to 29 steps."""
    parts = [data_file("japanese_vowels", f"JapaneseVowels_{p}.ts") for p in ("TRAIN", "TEST")]
    _plain("JapaneseVowels", "japanese-vowels", parts, options)


def mnist_rows(options: Options) -> None:
    """Digits read row by row."""
    data = _digits(options.out / "mnist-rows-data", (28, 28))
    _plain("MNIST by rows", "mnist-rows", data, options)


def mnist_pixels(options: Options) -> None:
    """Digits read pixel by pixel."""
    data = _digits(options.out / "mnist-pixels-data", (784, 1))
    published = "\nPublished: GRU 96.2 %, LSTM 87.2 % (Bai et al. 2018).\n"
    _plain("MNIST by pixels", "mnist-pixels", data, options, published)


def _plain(title: str, recipe: str, data: list[Path], options: Options, note: str = "") -> None:
    trained = _seeds(recipe, data, options)
    body = f"""\
Test accuracy **{_mean(trained):.2f} %**, mean of {len(trained)}; {_beside(trained[0])}.

{table(COLUMNS, [_row(t) for t in trained])}
{note}
{circumstances(options.command, options.threads)}"""
    write_section(title, body)


def _seeds(
    recipe: str, data: list[Path], options: Options, name: str | None = None, **settings: object
) -> list[Trained]:
    return [
        train(recipe, data, f"{name or recipe}-seed{seed}", options, seed=seed, **settings)
        for seed in range(1, options.seeds + 1)
    ]


def _mean(trained: list[Trained]) -> float:
    """Percent of the test rows that are right."""
    return 100 * mean(t.scores("accuracy")["test"] for t in trained)


def _row(trained: Trained) -> list[str]:
    scores = trained.scores("accuracy")
    return [
        str(trained.run.task.config.seed),
        f"{trained.parameters:,}",
        f"{trained.outcome.step:,}",
        f"{trained.minutes:.1f}",
        f"{100 * scores['valid']:.2f} %",
        f"{100 * scores['test']:.2f} %",
    ]


def _beside(trained: Trained) -> str:
    """The baselines on the test rows, in words."""
    found = [
        f"{score.metric.removeprefix('accuracy of ')} {100 * score.value:.1f} %"
        for score in trained.run.evaluate()
        if score.split == "test" and score.metric.startswith("accuracy of ")
    ]
    return "beside it, fitted on the same rows, " + ", ".join(found)


def _sentences(table_file: Path, folder: Path) -> Path:
    """The sentences of a table without their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = table_file.read_text(encoding="utf-8").splitlines()
    path = folder / f"{'valid' if table_file.stem == 'dev' else table_file.stem}.txt"
    write_text(path, "".join(" ".join(line.split("\t")[0].split()) + "\n" for line in lines))
    return path


def _digits(folder: Path, shape: tuple[int, int]) -> list[Path]:
    """MNIST as sequences of that shape, values from 0 to 1; the last of training to validate."""
    folder.mkdir(parents=True, exist_ok=True)
    x, y = _idx("train", shape)
    test = _idx("t10k", shape)
    cut = len(x) - VALID_DIGITS
    parts = {"train": (x[:cut], y[:cut]), "valid": (x[cut:], y[cut:]), "test": test}
    paths = []
    for name, (values, labels) in parts.items():
        paths.append(folder / f"{name}.npz")
        if not paths[-1].exists():
            with atomic_path(paths[-1]) as partial, partial.open("wb") as file:
                np.savez(file, values=values, labels=labels)
    return paths


def _idx(
    part: str, shape: tuple[int, int]
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8]]:
    images, labels = (
        np.frombuffer(
            gzip.decompress(data_file("mnist", f"{part}-{file}-ubyte.gz").read_bytes()), "u1"
        )
        for file in ("images-idx3", "labels-idx1")
    )
    if len(images) - 16 != 784 * (len(labels) - 8):
        raise InputError(f"mnist {part}: its images and labels do not fit together; get them again")
    return (images[16:].reshape(-1, *shape) / 255).astype(np.float16), labels[8:]
