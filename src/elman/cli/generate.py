"""`elman generate RUN --prompt TEXT`: a language model writes, token by token."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from elman.cli.options import Cell, Device, PredictorPath, State, Threads, check_folder
from elman.errors import InputError
from elman.machine import use_threads
from elman.predictors.language_model import LanguageModelPredictor
from elman.predictors.language_model_session import Generation
from elman.predictors.predictor import Predictor, load
from elman.streaming.session import Snapshot


def generate(
    run: PredictorPath,
    /,
    *,
    prompt: Annotated[str, Parameter(help="what the text begins with")] = "",
    length: Annotated[int, Parameter(help="tokens to draw")] = 500,
    temperature: Annotated[float, Parameter(help="0 is greedy, 1 the model's own")] = 0.8,
    top_k: Annotated[int | None, Parameter(help="draw from the k most probable")] = None,
    top_p: Annotated[float, Parameter(help="draw from the fewest that reach this share")] = 1.0,
    seed: Annotated[int | None, Parameter(help="makes the text the same each time")] = None,
    samples: Annotated[int | None, Parameter(help="texts side by side; default: 1")] = None,
    save_state: Annotated[Path | None, Parameter(help="where to keep the state at the end")] = None,
    state: State = None,
    device: Device = None,
    threads: Threads = None,
    cell: Cell = None,
) -> None:
    """Write with a language model; the text appears as it is drawn.

    Characters of the prompt that the model does not know are named on standard error and
    replaced. With --state the text goes on where --save-state of `elman generate` or
    `elman stream` left it.
    """
    use_threads(threads)
    if save_state is not None:
        check_folder("--save-state", save_state)
    writing = writer(load(run, cell=cell, device=device or "cpu")).generate(
        prompt,
        length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        samples=samples,
        state=None if state is None else Snapshot.load(state),
    )
    if writing.unknown:
        named = " ".join(repr(item) for item in writing.unknown)
        print(f"elman: not in the vocabulary, replaced: {named}", file=sys.stderr)
    write(writing)
    if save_state is not None:
        writing.state.save(save_state)


def writer(predictor: Predictor) -> LanguageModelPredictor:
    """The predictor as one that writes; an InputError where it is of another kind."""
    if not isinstance(predictor, LanguageModelPredictor):
        raise InputError(
            f"{predictor.name}: a {predictor.kind} does not write text; give a language-model"
        )
    return predictor


def write(writing: Generation) -> None:
    """The first sample as it is drawn, then the others, each under a line of its own."""
    others: list[list[str]] = []
    print(writing.prompt, end="", flush=True)
    for first, *rest in writing:
        print(first, end="", flush=True)
        others.append(rest)
    first, *rest = writing.flush()
    others.append(rest)
    print(first)
    for number, pieces in enumerate(zip(*others, strict=True), 2):
        print(f"\n--- sample {number}\n{writing.prompt}{''.join(pieces)}")
    sys.stdout.flush()
