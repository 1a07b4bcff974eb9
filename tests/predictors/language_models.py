"""Small language models over each kind of token, with weights that a seed draws."""

from __future__ import annotations

from functools import cache

import torch

from elman.data.tokenizer import Tokenizer, train_tokenizer
from elman.models.cells import CellOptions
from elman.predictors.language_model import Architecture, LanguageModelPredictor

UNITS = ("char", "bpe", "word")
TEXT = "The cat sat on the mat.\nThe dog, 42 of them, sat – on the cat!\n" * 20


@cache
def tokenizer_of(unit: str) -> Tokenizer:
    """The tokenizer of `TEXT`."""
    return train_tokenizer(unit, [TEXT], 300 if unit == "bpe" else None)  # type: ignore[arg-type]


@cache
def predictor_of(unit: str, seed: int = 2) -> LanguageModelPredictor:
    """A predictor over that tokenizer."""
    torch.manual_seed(seed)
    options = CellOptions(layer_norm=True, zoneout=0.1, learn_initial_state=True)
    architecture = Architecture("lstm", options, 5, 7, 2, tied=True)
    tokenizer = tokenizer_of(unit)
    model = architecture.make(tokenizer.vocab_size)
    return LanguageModelPredictor(model, tokenizer, architecture)
