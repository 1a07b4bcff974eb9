"""The loss of each line of a text, every line a sequence of its own.

Legend: T time, B batch (lines scored side by side), V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from elman.data.batching import IGNORE
from elman.data.tokenizer import Tokenizer
from elman.models.language_model import LanguageModel
from elman.streaming.stream import evaluating

LINES_AT_ONCE = 64
LENGTH = 256


@dataclass(frozen=True)
class LineScore:
    """The loss of one line, its newline included.

    Attributes:
        line: its number, from 1.
        nats: of the whole line.
        nats_per_token: the mean.
        bits_per_character: the same, whatever a token is.
        tokens: how many were scored.
        unknown: how many different characters or words the model does not know.
        text: the line.
    """

    line: int
    nats: float
    nats_per_token: float
    bits_per_character: float
    tokens: int
    unknown: int
    text: str


def score_lines(
    model: LanguageModel, tokenizer: Tokenizer, lines: Iterable[str]
) -> Iterator[LineScore]:
    """The loss of each line.

    Each line begins from the initial state and is scored with the newline that ends it, so that
    an empty line has a loss too. Lines are read and answered in groups; memory does not grow with
    the text.
    """
    numbered = enumerate(lines, 1)
    while group := list(islice(numbered, LINES_AT_ONCE)):
        texts = [line.rstrip("\r\n") for _, line in group]
        totals, counts = _nats(model, tokenizer, [f"{text}\n" for text in texts])
        for (number, _), text, nats, tokens in zip(group, texts, totals, counts, strict=True):
            yield LineScore(
                line=number,
                nats=nats,
                nats_per_token=nats / tokens,
                bits_per_character=nats / math.log(2) / (len(text) + 1),
                tokens=tokens,
                unknown=len(tokenizer.unknown(text)),
                text=text,
            )


def _nats(
    model: LanguageModel, tokenizer: Tokenizer, texts: list[str]
) -> tuple[list[float], list[int]]:
    """The nats of each text in all, and its tokens."""
    device = next(model.parameters()).device
    rows = [tokenizer.encode(text) for text in texts]
    sizes = torch.tensor([len(row) for row in rows])
    longest = int(sizes.max())
    tokens = np.full((longest + 1, len(rows)), tokenizer.start_id, dtype=np.int64)
    for column, row in enumerate(rows):
        tokens[1 : len(row) + 1, column] = row
    inputs = torch.from_numpy(tokens[:-1])
    targets = torch.from_numpy(tokens[1:]).masked_fill(
        torch.arange(longest).unsqueeze(1) >= sizes, IGNORE
    )
    totals = torch.zeros(len(rows), dtype=torch.float64)
    with evaluating(model), torch.inference_mode():
        state = model.initial_state(len(rows))
        for start in range(0, longest, LENGTH):
            chunk = slice(start, start + LENGTH)
            lengths = (sizes - start).clamp(0, len(inputs[chunk])).to(device)
            features, state = model(inputs[chunk].to(device), state, lengths)
            wanted = targets[chunk].to(device)
            for column in range(len(rows)):
                loss, units = model.loss(features[:, [column]], wanted[:, [column]])
                totals[column] += float(loss) * units
    return totals.tolist(), sizes.tolist()
