"""Read-outs: a distribution, its loss, and that sampling estimates it without bias."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from elman.errors import InputError
from elman.models.readout import (
    IGNORE,
    AdaptiveReadout,
    FullReadout,
    Readout,
    SampledReadout,
    log_uniform_presence,
)

VOCAB, FEATURES = 60, 16


def readouts() -> list[Readout]:
    return [
        FullReadout(FEATURES, VOCAB),
        SampledReadout(FEATURES, VOCAB, samples=8),
        AdaptiveReadout(FEATURES, VOCAB, cutoffs=[10, 30]),
    ]


@pytest.mark.parametrize("kind", range(3))
def test_a_distribution_and_the_loss_under_it(kind: int) -> None:
    readout = readouts()[kind].double().eval()
    features = torch.randn(4, 5, FEATURES, dtype=torch.float64)
    targets = torch.randint(VOCAB, (4, 5))
    targets[1, 2] = IGNORE
    log_probs = readout.log_probs(features)
    assert log_probs.shape == (4, 5, VOCAB)
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(4, 5, dtype=torch.float64))
    scored = targets != IGNORE
    wanted = -log_probs[scored].gather(-1, targets[scored][:, None]).mean()
    loss = readout.loss(features.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(loss, wanted)


def test_draws_are_log_uniform_and_presence_is_what_is_drawn() -> None:
    readout = SampledReadout(FEATURES, VOCAB, samples=20)
    draws = 4000
    present = torch.zeros(VOCAB)
    for _ in range(draws):
        words = readout._draw(torch.device("cpu"))
        assert words.unique().numel() == len(words)
        present[words] += 1
    expected = log_uniform_presence(torch.arange(VOCAB), 20, VOCAB)
    error = (expected * (1 - expected) / draws).sqrt().float()
    assert bool(((present / draws - expected).abs() < 5 * error + 1e-6).all())


def test_the_sum_over_samples_is_unbiased() -> None:
    readout = SampledReadout(FEATURES, VOCAB, samples=12).double()
    nn.init.normal_(readout.weight, std=0.5)
    nn.init.normal_(readout.bias, std=0.5)
    features = torch.randn(1, FEATURES, dtype=torch.float64)
    target = torch.tensor([7])
    logits = readout.weight @ features[0] + readout.bias
    wanted = (logits.exp().sum() / logits[7].exp()).item()  # Z / exp(z_y)
    with torch.no_grad():
        estimates = torch.stack([readout.loss(features, target).exp() for _ in range(4000)])
    error = estimates.std().item() / math.sqrt(len(estimates))
    assert abs(estimates.mean().item() - wanted) < 4 * error
    assert error < 0.02 * wanted


def test_with_every_word_drawn_the_estimate_is_exact() -> None:
    sampled = SampledReadout(FEATURES, VOCAB, samples=200_000).double()
    features = torch.randn(9, FEATURES, dtype=torch.float64)
    targets = torch.randint(VOCAB, (9,))
    estimate = torch.autograd.grad(sampled.loss(features, targets), sampled.weight)[0]
    sampled.eval()
    exact = torch.autograd.grad(sampled.loss(features, targets), sampled.weight)[0]
    torch.testing.assert_close(estimate, exact)


def test_sampled_training_learns_the_exact_distribution() -> None:
    counts = torch.tensor([400, 200, 100, 50, 30, 20, 10, 5, 3, 2])
    targets = torch.arange(10).repeat_interleave(counts)
    readout = SampledReadout(1, 10, samples=4)
    optimizer = torch.optim.Adam(readout.parameters(), lr=0.05)
    features = torch.ones(len(targets), 1)
    for step in range(600):
        optimizer.param_groups[0]["lr"] = 0.05 * (1 - step / 600)
        optimizer.zero_grad()
        readout.loss(features, targets).backward()
        optimizer.step()
    with torch.no_grad():
        learned = readout.eval().log_probs(torch.ones(1))
    wanted = (counts / counts.sum()).log()
    assert (wanted.exp() * (wanted - learned)).sum().item() < 0.02  # Kullback-Leibler


def test_draws_come_from_the_global_generator() -> None:
    readout = SampledReadout(FEATURES, VOCAB, samples=8)
    features, targets = torch.randn(5, FEATURES), torch.randint(VOCAB, (5,))
    torch.manual_seed(3)
    first, other = readout.loss(features, targets), readout.loss(features, targets)
    torch.manual_seed(3)
    assert torch.equal(first, readout.loss(features, targets))
    assert not torch.equal(first, other)


@pytest.mark.parametrize("cutoffs", [[], [0, 5], [5, 5], [9, 5], [5, VOCAB], [VOCAB + 1]], ids=str)
def test_wrong_cutoffs(cutoffs: list[int]) -> None:
    with pytest.raises(InputError, match="cutoffs"):
        AdaptiveReadout(FEATURES, VOCAB, cutoffs=cutoffs)


def test_wrong_sizes() -> None:
    with pytest.raises(InputError, match="samples"):
        SampledReadout(FEATURES, VOCAB, samples=0)
    with pytest.raises(InputError, match=r"\(60, 16\)"):
        FullReadout(FEATURES, VOCAB, tied_to=nn.Parameter(torch.zeros(VOCAB, 3)))
