"""A language model reads a text, and everything that can be seen of it meanwhile.

Legend: T time, H hidden.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from elman.data.tokenizer import Tokenizer
from elman.diagnostics.activations import Activations, Expected, Step, panels_of
from elman.diagnostics.trace import trace
from elman.errors import InputError
from elman.models.language_model import LanguageModel
from elman.streaming.stream import evaluating
from elman.streaming.text import Guess, TextStream

MOST_TOKENS = 20_000
"""A layer of 512 units then fills 240 MB."""


def read_text(
    model: LanguageModel, tokenizer: Tokenizer, text: str, title: str, guesses: int = 5
) -> Activations:
    """The states and gates after each token of `text`, what was expected, and the surprise.

    Tokens, bits and guesses are those of `elman.streaming.text.TextStream`.

    Raises:
        InputError: an empty text, or one of more than `MOST_TOKENS` tokens.
        RunFailed: states that are not finite numbers.
    """
    tokens = len(tokenizer.encode(text))
    if not tokens:
        raise InputError("the text to show is empty; give some with --text")
    if tokens > MOST_TOKENS:
        raise InputError(
            f"the text has {tokens:,} tokens; at most {MOST_TOKENS:,} can be shown: "
            "give a part of it"
        )
    stream = TextStream(model, tokenizer, guesses)
    read = [*stream.push(text), *stream.flush()]
    device = next(model.parameters()).device
    ids = torch.tensor([tokenizer.start_id, *(token.id for token in read)], device=device)
    with evaluating(model), torch.inference_mode():
        traces = trace(model, lambda: model(ids[:, None], model.initial_state(1)))
    return Activations(
        title,
        [Step(token.text, token.bits, _expected(token.guesses)) for token in read],
        panels_of(traces, begin=1),  # without the newline that stands before every text
        _expected(stream.peek(guesses)),
    )


def _expected(guesses: Sequence[Guess]) -> tuple[Expected, ...]:
    return tuple(Expected(guess.text, guess.probability) for guess in guesses)
