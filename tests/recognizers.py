"""Recognizers with weights that were drawn, for tests: what they hear means nothing, but much."""

from __future__ import annotations

import numpy as np
import torch

from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.transcripts import Spelling
from elman.data.labeled.rows import Floats
from elman.data.labeled.standardize import Standardizer
from elman.data.tokenizer import Tokenizer
from elman.data.units.char import CharTokenizer
from elman.models.cells import CellOptions
from elman.predictors.front_end import FrontEnd
from elman.predictors.recognizer import Architecture, RecognizerPredictor

RATE = 8000


def recognizer(
    *, tail: float = 0.1, seed: int = 0, tokenizer: Tokenizer | None = None, **changes: object
) -> RecognizerPredictor:
    """A small recognizer of one direction that says about five tokens a second of noise."""
    tokenizer = tokenizer or CharTokenizer(" abcdefgh")
    bank = FilterBank(rate=RATE, bins=8)
    front = FrontEnd(bank, Standardizer((12.0,) * 8, (4.0,) * 8), tail)
    made = {
        "cell": "lstm",
        "options": CellOptions(),
        "window": 6,
        "stride": 4,
        "encoder": "stack",
        "hidden_size": 12,
        "num_layers": 2,
        "bidirectional": False,
    }
    architecture = Architecture(**{**made, **changes})  # type: ignore[arg-type]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = architecture.make(front.bins, tokenizer.vocab_size)
        torch.nn.init.normal_(model.readout.weight, std=6)
    with torch.no_grad():
        for parameter in model.layers.parameters():
            parameter.mul_(3)
        frames = torch.from_numpy(front.frames(recording(20.0, 99))).unsqueeze(1)
        windows = model.window.cut(frames)
        # So that each output has its turn, and the blank most of them.
        heard, _ = model.layers(model.encoder(windows))
        model.readout.bias.copy_(-model.readout.weight @ heard.mean((0, 1)))
        model.readout.bias[-1] += 3
    return RecognizerPredictor(model, tokenizer, front, architecture, Spelling())


def recording(seconds: float, seed: int = 0, rate: int = RATE) -> Floats:
    """Bursts of noise and tones with pauses of digital silence between, (N,)."""
    generator = np.random.default_rng(seed)
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < seconds * rate:
        count = int(rate * generator.uniform(0.05, 0.3))
        tone = np.sin(2 * np.pi * generator.uniform(100, 3000) * np.arange(count) / rate)
        noise = generator.normal(size=count) * generator.uniform(0, 0.3)
        parts.append(generator.uniform(0.05, 0.6) * (tone + noise))
        if generator.random() < 0.2:
            parts.append(np.zeros(int(rate * generator.uniform(0.1, 1.5))))
    found = np.concatenate(parts)[: round(seconds * rate)].clip(-1, 1)
    return (found * 32767).round().astype(np.float32) / np.float32(32768)
