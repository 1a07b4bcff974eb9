"""A recognizer as it hears: its states, the outputs of each step, and the text that emerges.

Legend: T frames, F bins, S network steps, K outputs.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from elman.data.incremental import IncrementalDecoder
from elman.data.labeled.rows import Floats
from elman.data.tokenizer import Tokenizer
from elman.decoding.ctc import GreedySearch
from elman.diagnostics.activations import Activations, Expected, Step, panels_of
from elman.diagnostics.heard import Heard, Said
from elman.diagnostics.trace import trace
from elman.errors import InputError
from elman.models.acoustic import AcousticModel
from elman.predictors.front_end import FrontEnd
from elman.predictors.spoken_words import text_of
from elman.streaming.stream import evaluating

MOST_STEPS = 20_000
BLANK, NOTHING = "∅", "·"
_GUESSES = 5


def activations_of_speech(
    model: AcousticModel, tokenizer: Tokenizer, front_end: FrontEnd, frames: Floats, title: str
) -> Activations:
    """The states, the gates and the outputs at each step of normalized frames (T, F).

    The label of a step is what greedy search puts out there first, "·" where it is nothing.

    Raises:
        InputError: no frames, or too many to be shown.
    """
    steps = model.window.steps(len(frames))
    if not 1 <= steps <= MOST_STEPS:
        raise InputError(
            f"{title}: {len(frames):,} frames, {steps:,} steps; between 1 and {MOST_STEPS:,} can be"
            " shown: give another recording"
        )
    device = model.readout.weight.device
    read = torch.from_numpy(frames).to(device)[:, None]
    outputs: list[Tensor] = []
    with evaluating(model), torch.inference_mode():
        traces = trace(model, lambda: outputs.append(model(read, [len(frames)])[0][:, 0]))
    log_probs = outputs[0].cpu()
    search = GreedySearch()
    best = search.best(search.advance(search.start(), log_probs))
    decoder = IncrementalDecoder(tokenizer)
    said = [
        Said(step, text)
        for token, step in zip(best.tokens, best.steps, strict=True)
        if (text := decoder.push([token]))
    ]
    labels = [NOTHING] * steps
    for piece in said:
        labels[piece.step] = piece.text
    names = [
        *(tokenizer.spell(token, None).decode(errors="replace") for token in range(model.blank)),
        None,
    ]
    probabilities = log_probs.exp().numpy()
    guesses = [_guesses(names, each) for each in probabilities]
    return Activations(
        title,
        [Step(label, None, before) for label, before in zip(labels, [(), *guesses], strict=False)],
        panels_of(traces),
        guesses[-1],
        ahead="answer",
        heard=Heard(
            front_end.scale.invert(frames),
            model.window.stride,
            front_end.frame_seconds,
            None if front_end.bank is None else front_end.bank.hertz,
            probabilities,
            tuple(names),
            tuple(said),
            text_of(tokenizer, best.tokens),
        ),
    )


def _guesses(names: list[str | None], probabilities: np.ndarray) -> tuple[Expected, ...]:
    order = np.argsort(-probabilities, kind="stable")[:_GUESSES]
    return tuple(
        Expected(BLANK if (name := names[place]) is None else name, float(probabilities[place]))
        for place in order
    )
