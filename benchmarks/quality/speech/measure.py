"""What a recognizer hears in the recordings of a manifest, whole or as streams, and how wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.quality.running import Options, Trained
from elman.data.optional import library
from elman.files import write_text
from elman.predictors.predictor import Predictor

Figures = dict[str, float]


def kept(options: Options, name: str, measure: Callable[[], Figures]) -> Figures:
    """Figures that are measured once and kept beside the runs."""
    path = options.out / f"{name}.json"
    if not path.exists():
        write_text(path, json.dumps(measure(), indent=2) + "\n")
    found: Figures = json.loads(path.read_text(encoding="utf-8"))
    return found


def rows(manifest: Path) -> list[dict[str, Any]]:
    """The rows of a manifest."""
    return [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]


def audio_of(manifest: Path) -> list[Path]:
    """The audio files of a manifest; their paths are below its folder."""
    return [manifest.parent / row["audio"] for row in rows(manifest)]


def texts_of(manifest: Path) -> list[str]:
    """What is said in each."""
    return [str(row["text"]) for row in rows(manifest)]


def heard(predictor: Predictor, manifest: Path, **options: Any) -> list[str]:
    """What is heard in each recording as a whole."""
    return [row.text for row in predictor.predict(audio_of(manifest), **options)]


def streamed(
    predictor: Predictor, manifest: Path, milliseconds: int, workers: int = 1
) -> list[str]:
    """What is heard in each recording as a stream in chunks of so many milliseconds."""
    with ThreadPoolExecutor(workers) as pool:
        one = partial(_stream, predictor, milliseconds)
        return list(pool.map(one, audio_of(manifest)))


def pushed(
    predictor: Predictor, chunks: Iterable[npt.NDArray[np.int16]], rate: int
) -> Iterator[str]:
    """The final texts of one stream of 16-bit samples."""
    session = predictor.session(rate=rate)
    for chunk in chunks:
        yield from _finals(session.push(chunk.tobytes()))
    yield from _finals(session.flush())


def word_errors(said: Sequence[str], found: Sequence[str]) -> float:
    """Word error rate in percent, over all words together."""
    return 100 * float(library("jiwer", "speech").wer(list(said), list(found)))


def fused_errors(
    predictor: Predictor, manifest: Path, model: Path, beam: int, weight: float, bonus: float
) -> float:
    """Word error rate in percent with a language model beside the recognizer."""
    found = heard(
        predictor, manifest, beam=beam, language_model=model, lm_weight=weight, bonus=bonus
    )
    return word_errors(texts_of(manifest), found)


def tuned(
    predictor: Predictor,
    manifest: Path,
    model: Path,
    beam: int,
    weights: Sequence[float],
    bonuses: Sequence[float],
) -> tuple[float, float]:
    """The weight of the language model and the bonus a token with the fewest errors."""
    _, weight, bonus = min(
        (fused_errors(predictor, manifest, model, beam, weight, bonus), weight, bonus)
        for weight, bonus in product(weights, bonuses)
    )
    return weight, bonus


def whole(said: Sequence[str], found: Sequence[str]) -> float:
    """Percent of the recordings that are heard without any mistake."""
    return 100 * float(np.mean([a == b for a, b in zip(said, found, strict=True)]))


def look_ahead(trained: Trained) -> float:
    """Milliseconds of audio from the begin of a network step to the last sample that it reads."""
    config = trained.run.task.config
    return 1000 * ((config.window - 1) * config.frame_shift + config.frame_length)


def _stream(predictor: Predictor, milliseconds: int, path: Path) -> str:
    samples, rate = library("soundfile", "speech").read(path, dtype="int16")
    size = rate * milliseconds // 1000
    chunks = (samples[i : i + size] for i in range(0, len(samples), size))
    return " ".join(pushed(predictor, chunks, rate))


def _finals(records: Iterable[Any]) -> Iterator[str]:
    return (record.text for record in records if record.event == "final" and record.text)
