"""Small translators that have learned nothing, made without a run."""

from __future__ import annotations

from typing import Any

import torch

from elman.data.pairs.rows import Pair
from elman.models.cells import CellOptions
from elman.predictors.translator import Architecture, TranslatorPredictor
from elman.predictors.vocabularies import Vocabularies

PAIRS = [
    Pair(f"a {word} ball {n}", f"ein {word}er Ball {n}") for word in ("red", "blue") for n in "123"
]
LINES = ["a red ball 1", "", "a blue ball 2 blue", "   ", "red red red", "the unheard ball"]


def vocabularies(unit: str = "word", *, joint: bool = True) -> Vocabularies:
    size = 300 if unit == "bpe" else None
    return Vocabularies.train(PAIRS, unit, joint=joint, vocab_size=size, min_count=1)  # type: ignore[arg-type]


def translator(
    unit: str = "word", *, joint: bool = True, seed: int = 0, **changes: Any
) -> TranslatorPredictor:
    """Weights so large that the outputs differ from line to line."""
    architecture = Architecture(
        **{
            "cell": "gru",
            "options": CellOptions(),
            "embedding_size": 8,
            "encoder_size": 8,
            "hidden_size": 8,
            "encoder_layers": 1,
            "num_layers": 1,
            "attention": "general",
            "input_feeding": False,
            "tied": "all" if joint else "decoder",
            "dropout": 0.2,
            **changes,
        }
    )
    torch.manual_seed(seed)
    sides = vocabularies(unit, joint=joint)
    model = architecture.make(sides).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 3
    return TranslatorPredictor(model, sides, architecture, "the translator")
