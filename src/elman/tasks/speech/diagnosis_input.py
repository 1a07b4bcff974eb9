"""A recognizer as a diagnosis takes it: windows in, and the loss of each network step.

Legend: S network steps, B batch, W width of a window, F bins, K outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from elman.data.audio.signals import Signals
from elman.data.audio.utterances import EncodedUtterances, ToFrames, Tokens, UtteranceBatch
from elman.data.labeled.rows import Floats, offsets_of
from elman.data.units.base import Ids
from elman.diagnostics.diagnosis_input import DiagnosisInput, Lags
from elman.errors import InputError
from elman.models.acoustic import AcousticModel
from elman.streaming.stream import evaluating

ROWS, MOST_ROWS = 32, 256
"""Rows of the batch, and of other data those among which the longest are looked for."""

MOST = 400
"""Steps of a row; a diagnosis takes single steps."""


def speech_diagnosis_input(
    model: AcousticModel, batch: UtteranceBatch, cell: str, lags: Lags
) -> DiagnosisInput:
    """The network on the steps up to the last token of each utterance, as many as all of them have.

    CTC has one loss for an utterance. That of step s is its share

        loss_s = -sum_k gamma_{s,k} log p_{s,k},    gamma_{s,k} = p(output k at step s | text)

    with gamma, from the network as it is, held fixed: their gradients together are that of the CTC
    loss. In one direction only the step counts at which the last token comes out, for between
    tokens there is nothing to remember; in two directions all do.

    Raises:
        InputError: too few steps for the lags, or for the texts.
    """
    batch = batch.to(model.readout.weight.device)
    with evaluating(model):
        shares = posteriors(model, batch)
    fits = (shares != 0).any(-1).any(0)
    if not bool(fits.any()):
        raise InputError("no utterance has the steps that its text needs; give longer recordings")
    ends = last_tokens(shares, model.blank)
    # Rows that end early would shorten all others.
    columns = (fits & (2 * ends >= ends[fits].max())).nonzero().flatten()
    ends = ends[columns]
    steps = min(int(ends.min()) + 1, max(MOST, (lags.most or 0) + 1))
    asked = 1 if lags.most is None else lags.most
    if steps <= asked:
        raise InputError(
            f"the longest utterances have {steps} steps up to their last token, too few for a lag"
            f" of {asked}; give longer recordings"
            + (" or a smaller --max-lag" if asked > 1 else "")
        )
    places = ends + 1 - steps + torch.arange(steps, device=ends.device).unsqueeze(1)
    shares = shares[places, columns]

    def log_probs(windows: Tensor) -> Tensor:
        return model.from_windows(windows)

    return DiagnosisInput(
        model,
        model.window.cut(batch.frames)[places, columns],
        lambda windows: -(shares * log_probs(windows)).sum(-1),
        log_probs,
        categorical=True,
        scored=None if model.bidirectional else (steps - 1,),
        needs=lags.needs,
        cell=cell,
        max_lag=lags.most,
    )


def posteriors(model: AcousticModel, batch: UtteranceBatch) -> Tensor:
    """gamma (S, B, K), the probability of each output at each step, the text being known.

    0 past the end of a row, and all over one whose text doesn't fit its steps.
    """
    with torch.inference_mode(False), torch.no_grad():
        found, steps = model(batch.frames.clone(), batch.lengths)
    log_probs = found.clone().requires_grad_()
    with torch.inference_mode(False), torch.enable_grad():
        loss = functional.ctc_loss(
            log_probs, batch.tokens, steps, batch.token_lengths, blank=model.blank,
            reduction="sum", zero_infinity=True,
        )  # fmt: skip
        (slope,) = torch.autograd.grad(loss, log_probs)
    # PyTorch's gradient is that of the logits, p - gamma.
    inside = torch.arange(len(found), device=steps.device).unsqueeze(1) < steps
    gamma: Tensor = (found.exp() - slope) * (inside & (slope != 0).any(-1)).unsqueeze(-1)
    return gamma.clamp(min=0)


def last_tokens(shares: Tensor, blank: int) -> Tensor:
    """(B,) the last step at which a token is more probable than not, or the likeliest one."""
    tokens = shares.sum(-1) - shares[..., blank]
    there = tokens >= torch.minimum(tokens.amax(0), tokens.new_tensor(0.5))
    order = torch.arange(1, len(tokens) + 1, device=tokens.device).unsqueeze(1)
    last: Tensor = (there * order).argmax(0)
    return last


def in_memory(frames: Sequence[Floats], texts: Iterable[Ids]) -> EncodedUtterances:
    """Utterances whose normalized frames (T, F) and token ids are at hand."""
    if not frames:
        raise InputError("no utterance can be read; give others to diagnose on")
    signals = Signals(np.concatenate(frames), offsets_of([len(each) for each in frames]))
    return EncodedUtterances({1.0: signals}, Tokens.of(list(texts)))


def longest(rows: EncodedUtterances, to_frames: ToFrames) -> UtteranceBatch:
    """Some of the longest rows with a text."""
    spoken = np.flatnonzero(rows.tokens.lengths > 0)
    if not len(spoken):
        raise InputError("no utterance has a text; give others to diagnose on")
    chosen = spoken[np.argsort(-rows.lengths[spoken], kind="stable")][:ROWS]
    # The shortest of them decides how far back all can be looked at.
    chosen = chosen[rows.lengths[chosen] * 2 >= rows.lengths[chosen[0]]]
    return rows.batch(chosen, [to_frames(rows.row(row)) for row in chosen.tolist()])
