"""What a diagnosis is given of a language model: windows of a text it was not trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from elman.data.batching import TokenArray
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.diagnostics.losses import losses_of
from elman.errors import InputError
from elman.models.language_model import LanguageModel
from elman.tasks.language_model.config import LanguageModelConfig

ROWS = 16
BEYOND = 32
"""Steps of a window beyond the largest lag, over which the losses are spread."""

FEWEST, MOST = 64, 192
"""Between these, three times the truncation is looked at unless another lag is asked for."""

SHORTEST = 16
MOST_NUMBERS = 2**25
"""Of the outputs of all rows together; rows are left out where the vocabulary is large."""


def text_diagnosis_input(
    model: LanguageModel,
    tokens: TokenArray,
    config: LanguageModelConfig,
    *,
    max_lag: int | None = None,
    needs: int | None = None,
) -> DiagnosisInput:
    """A language model on windows spread over a text; each begins from the initial state.

    Raises:
        InputError: a text shorter than the lags.
    """
    wanted = max_lag or max(min(max(3 * config.truncation, FEWEST), MOST), needs or 0)
    steps = wanted + BEYOND
    if max_lag is None and len(tokens) <= steps:
        steps = len(tokens) - 1
        wanted = max(steps - BEYOND, steps // 2)
    if len(tokens) <= steps or wanted < min(SHORTEST, max_lag or SHORTEST):
        raise InputError(
            f"the text has {len(tokens):,} tokens, too short for a lag of {max_lag or SHORTEST};"
            f" at least {(max_lag or SHORTEST) + BEYOND + 1} are needed: give a longer text or a"
            " smaller --max-lag"
        )
    fit = max(2, MOST_NUMBERS // (steps * model.vocab_size))
    starts = np.linspace(0, len(tokens) - steps - 1, min(ROWS, fit)).astype(np.int64)
    places = np.arange(steps + 1)[:, None] + starts
    device = next(model.parameters()).device
    rows = torch.from_numpy(np.asarray(tokens[places], dtype=np.int64)).to(device)
    inputs, targets = rows[:-1], rows[1:]

    def outputs(x: Tensor) -> Tensor:
        return model.scan(x, model.initial_state(x.shape[1]))[0]

    return DiagnosisInput(
        model,
        inputs,
        lambda x: losses_of(outputs(x), targets),
        outputs,
        categorical=True,
        truncation=config.window or config.truncation,
        needs=needs,
        cell=config.cell,
        unit="characters" if config.unit == "char" else "tokens",
        max_lag=wanted,
    )
