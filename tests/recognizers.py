"""Small recognizers with fresh weights, for tests of what is made of their answers."""

from __future__ import annotations

import numpy as np
import torch

from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.transcripts import Spelling
from elman.data.labeled.standardize import Standardizer
from elman.data.tokenizer import train_tokenizer
from elman.models.cells import CellOptions
from elman.predictors.front_end import FrontEnd
from elman.predictors.recognizer import Architecture, RecognizerPredictor

BINS = 12


def fresh(
    *, bidirectional: bool = False, cell: str = "lstm", features: bool = False
) -> RecognizerPredictor:
    """A recognizer of letters with weights so large that it says something."""
    torch.manual_seed(4)
    tokenizer = train_tokenizer("char", ["seven two\n"])
    bank = None if features else FilterBank(rate=8000, bins=BINS)
    front_end = FrontEnd(bank, Standardizer((8.0,) * BINS, (3.0,) * BINS), 0.1)
    options = CellOptions()
    architecture = Architecture(cell, options, 4, 3, "stack", 10, 2, bidirectional)
    model = architecture.make(BINS, tokenizer.vocab_size)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.mul_(10 if name == "readout.weight" else 1.5)
    return RecognizerPredictor(model, tokenizer, front_end, architecture, Spelling(), "digits")


def sounds(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    """Samples of noise and tones at 8 kHz that change four times a second."""
    draw, time = np.random.default_rng(seed), np.arange(round(seconds * 8000)) / 8000
    pitch = np.repeat(draw.uniform(100, 3000, len(time) // 2000 + 1), 2000)[: len(time)]
    found: np.ndarray = 0.2 * np.sin(2 * np.pi * pitch * time) + 0.02 * draw.normal(size=len(time))
    return found.astype(np.float32)
