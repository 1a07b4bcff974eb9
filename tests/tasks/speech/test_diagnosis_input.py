"""The loss that a diagnosis sees at each step is the share of the CTC loss that it has."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from elman.data.audio.signals import Signals
from elman.data.audio.utterances import EncodedUtterances, Tokens, UtteranceBatch
from elman.diagnostics.diagnosis import diagnose_input
from elman.diagnostics.diagnosis_input import Lags
from elman.errors import InputError
from elman.models.acoustic import AcousticModel
from elman.tasks.speech.diagnosis_input import (
    last_tokens,
    longest,
    posteriors,
    speech_diagnosis_input,
)
from tests import recognizers
from tests.decoding.alignments import labelling

BINS = 8
LENGTHS = [40, 22, 31]
TEXTS = [[1, 2, 2], [3], [0, 4]]


def model(*, bidirectional: bool = False) -> AcousticModel:
    return recognizers.recognizer(bidirectional=bidirectional).model.eval()


def batch(lengths: list[int] = LENGTHS) -> UtteranceBatch:
    draw = torch.Generator().manual_seed(0)
    frames = torch.randn(max(lengths), len(lengths), BINS, generator=draw)
    for row, length in enumerate(lengths):
        frames[length:, row] = 0
    tokens = torch.zeros(len(lengths), 3, dtype=torch.long)
    for row, text in enumerate(TEXTS[: len(lengths)]):
        tokens[row, : len(text)] = torch.tensor(text)
    sizes = torch.tensor([len(text) for text in TEXTS[: len(lengths)]])
    return UtteranceBatch(frames, torch.tensor(lengths), tokens, sizes)


def ctc(log_probs: Tensor, steps: Tensor, rows: UtteranceBatch, blank: int) -> Tensor:
    return functional.ctc_loss(
        log_probs, rows.tokens, steps, rows.token_lengths, blank, reduction="sum"
    )


def test_posteriors_are_those_of_all_alignments() -> None:
    network, rows = model(), batch([13, 9, 10])
    found, steps = network(rows.frames, rows.lengths)
    shares = posteriors(network, rows)
    for row, text in enumerate(TEXTS):
        size, wide = int(steps[row]), network.blank + 1
        expected, total = np.zeros((size, wide)), 0.0
        probabilities = found[:size, row].detach().exp().double().numpy()
        for alignment in product({*text, network.blank}, repeat=size):
            if labelling(alignment, network.blank) == tuple(text):
                weight = float(np.prod(probabilities[range(size), alignment]))
                expected[range(size), alignment] += weight
                total += weight
        np.testing.assert_allclose(shares[:size, row], expected / total, atol=1e-5)
        assert not shares[size:, row].any()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_gradients_of_all_steps_are_that_of_the_ctc_loss(bidirectional: bool) -> None:
    network, rows = model(bidirectional=bidirectional), batch([40, 40, 40])
    shares = posteriors(network, rows)
    windows = network.window.cut(rows.frames).requires_grad_()
    log_probs = network.from_windows(windows)
    steps = network.window.steps(rows.lengths)
    (expected,) = torch.autograd.grad(ctc(log_probs, steps, rows, network.blank), windows)
    losses = -(shares * network.from_windows(windows)).sum(-1)
    (found,) = torch.autograd.grad(losses.sum(), windows)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)


def test_a_text_that_does_not_fit_has_no_share() -> None:
    network, rows = model(), batch([40, 22, 3])
    assert not posteriors(network, rows)[:, 2].any()
    assert posteriors(network, rows)[:, 0].any()


def test_last_tokens() -> None:
    shares = torch.zeros(6, 3, 3)
    shares[..., 2] = 1  # the blank
    for step, row, sure in ((1, 0, 0.9), (4, 0, 0.6), (5, 0, 0.4), (2, 1, 0.3), (3, 1, 0.2)):
        shares[step, row, 0], shares[step, row, 2] = sure, 1 - sure
    assert last_tokens(shares, 2).tolist()[:2] == [4, 2]


def test_rows_end_with_their_last_token() -> None:
    network, rows = model(), batch()
    given = speech_diagnosis_input(network, rows, "lstm", Lags(most=3))
    ends = last_tokens(posteriors(network, rows), network.blank).tolist()
    windows = network.window.cut(rows.frames)
    chosen = [row for row, end in enumerate(ends) if 2 * end >= max(ends)]
    for place, row in enumerate(chosen):
        torch.testing.assert_close(given.inputs[-1, place], windows[ends[row], row])
    assert given.steps == min(ends[row] for row in chosen) + 1
    assert given.scored == (given.steps - 1,)
    assert given.losses(given.inputs).shape == (given.steps, len(chosen))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_recognizer_is_diagnosed(bidirectional: bool) -> None:
    rows = batch([90, 80, 85])
    given = speech_diagnosis_input(model(bidirectional=bidirectional), rows, "lstm", Lags())
    found = diagnose_input(given)
    assert found.verdicts
    assert len(found.measured.layers) == (4 if bidirectional else 2)


def test_the_longest_rows_that_say_something() -> None:
    sizes, texts = [50, 10, 60, 26, 90], [[1], [2], [3, 4], [], []]
    values = np.arange(sum(sizes) * BINS, dtype=np.float32).reshape(sum(sizes), -1)
    offsets = np.cumsum([0, *sizes])
    tokens = Tokens.of([np.array(text, np.int64) for text in texts])
    rows = EncodedUtterances({1.0: Signals(values, offsets)}, tokens)
    found = longest(rows, lambda frames: frames + 1)
    assert found.lengths.tolist() == [60, 50]
    assert found.tokens.tolist() == [[3, 4], [1, 0]]
    np.testing.assert_array_equal(found.frames[:50, 1], values[:50] + 1)
    silent = EncodedUtterances(rows.signals, Tokens.of([np.array([], np.int64)] * 5))
    with pytest.raises(InputError, match="no utterance has a text; give others"):
        longest(silent, lambda frames: frames)


def test_rows_without_the_steps_for_their_text_are_left_out() -> None:
    given = speech_diagnosis_input(model(), batch([40, 40, 3]), "lstm", Lags(most=2))
    assert given.rows <= 2
    short = batch([3, 2, 3])
    texts = UtteranceBatch(
        short.frames, short.lengths, torch.ones(3, 3, dtype=torch.long), torch.tensor([3, 3, 3])
    )
    with pytest.raises(InputError, match="no utterance has the steps that its text needs"):
        speech_diagnosis_input(model(), texts, "lstm", Lags())


def test_too_few_steps_for_a_lag() -> None:
    with pytest.raises(InputError, match=r"too few for a lag of 50; .* or a smaller --max-lag"):
        speech_diagnosis_input(model(), batch(), "lstm", Lags(most=50))
