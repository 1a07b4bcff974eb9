"""Read-outs: from the features of a step to a distribution over the vocabulary.

Legend: N positions, F features, V vocabulary, S sampled words.

The full read-out is y_t = softmax(W h_t + b_y). The other two make training cheap where V is
large, and both are evaluated exactly. They expect token ids in order of falling frequency.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.errors import InputError

IGNORE = -100
"""The target of a position that is not scored."""

LOGITS_AT_ONCE = 1 << 23
"""Evaluation computes at most this many logits at a time, which bounds its memory (32 MB)."""

_SHRINK = 4
"""Each cluster of the adaptive softmax sees features this many times narrower than the last."""


class Readout(nn.Module, ABC):
    """A distribution over V tokens for each row of features."""

    @abstractmethod
    def loss(self, features: Tensor, targets: Tensor) -> Tensor:
        """The mean negative log-likelihood, in nats, of `targets` (N,) given `features` (N, F).

        Positions whose target is `IGNORE` do not count; with none left the loss is 0.
        """

    @abstractmethod
    def log_probs(self, features: Tensor) -> Tensor:
        """Log-probabilities (…, V), in nats, for `features` (…, F)."""


class MatrixReadout(Readout, ABC):
    """Abstract: W (V, F) and b_y (V,); W is its own, or `tied_to` the embedding's parameter.

    Tying is Press & Wolf 2017, arXiv:1608.05859.
    """

    def __init__(self, features: int, vocab_size: int, *, tied_to: Tensor | None = None) -> None:
        super().__init__()
        if vocab_size < 2:
            raise InputError(f"vocab_size must be at least 2, got {vocab_size}")
        if tied_to is None:
            bound = features**-0.5
            self.weight = nn.Parameter(torch.empty(vocab_size, features).uniform_(-bound, bound))
        elif tied_to.shape == (vocab_size, features):
            self.weight = cast("nn.Parameter", tied_to)
        else:
            raise InputError(
                f"tied weights need an embedding of ({vocab_size}, {features}), "
                f"got {tuple(tied_to.shape)}"
            )
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def logits(self, features: Tensor) -> Tensor:
        """z = W h + b_y, (…, V); see `_logits`."""
        return _logits(features, self.weight, self.bias)

    def log_probs(self, features: Tensor) -> Tensor:
        return functional.log_softmax(self.logits(features), dim=-1)

    def exact_loss(self, features: Tensor, targets: Tensor) -> Tensor:
        """The loss over the whole vocabulary."""
        # Without gradients nothing keeps the logits, so a slice at a time will do.
        at_once = max(1, LOGITS_AT_ONCE // len(self.weight))
        rows = len(targets) if torch.is_grad_enabled() else at_once
        total = features.new_zeros((), dtype=torch.promote_types(features.dtype, torch.float32))
        slices = zip(torch.split(features, rows), torch.split(targets, rows), strict=True)
        for some, wanted in slices:
            total = total + functional.cross_entropy(
                self.logits(some), wanted, ignore_index=IGNORE, reduction="sum"
            )
        return total / (targets != IGNORE).sum().clamp(min=1)


class FullReadout(MatrixReadout):
    """The softmax over the whole vocabulary."""

    def loss(self, features: Tensor, targets: Tensor) -> Tensor:
        return self.exact_loss(features, targets)


class SampledReadout(MatrixReadout):
    """A full read-out that in training compares each target with sampled words only.

    The sum over the vocabulary in the softmax is estimated from S draws. A word k is drawn with
    probability Q(k) = log((k + 2) / (k + 1)) / log(V + 1), so it is among the distinct words
    drawn with probability E(k) = 1 - (1 - Q(k))^S, and

        Z_t ≈ exp(z_t,y) + Σ_{k drawn, k ≠ y} exp(z_t,k) / E(k)

    which is unbiased: the logits of sampled words are corrected by log E(k), and a target, which
    is always there, by log 1. One draw serves all positions of a call, from torch's global
    generator. In eval mode the loss and the log-probabilities are exact.

    Source: Jean et al. 2015, arXiv:1412.2007, section 3, with a log-uniform proposal.
    """

    def __init__(
        self, features: int, vocab_size: int, *, samples: int = 1024, tied_to: Tensor | None = None
    ):
        if samples < 1:
            raise InputError(f"samples must be at least 1, got {samples}")
        super().__init__(features, vocab_size, tied_to=tied_to)
        self.samples = samples

    def loss(self, features: Tensor, targets: Tensor) -> Tensor:
        if not self.training:
            return self.exact_loss(features, targets)
        scored = targets != IGNORE
        features, targets = features[scored], targets[scored]
        if not len(targets):
            return features.sum()
        words = self._draw(targets.device)
        correction = log_uniform_presence(words, self.samples, len(self.weight)).log()
        sampled = _logits(features, self.weight[words], self.bias[words])
        sampled = sampled - correction.to(sampled.dtype)
        # A draw of the target itself would count it twice.
        sampled = sampled.masked_fill(words == targets[:, None], -math.inf)
        true = (features * self.weight[targets]).sum(-1) + self.bias[targets]
        logits = torch.cat([true[:, None].to(sampled.dtype), sampled], dim=1)
        return (torch.logsumexp(logits, dim=1) - logits[:, 0]).mean()

    def _draw(self, device: torch.device) -> Tensor:
        """The distinct words among S draws from the log-uniform distribution, by its inverse."""
        log_range = math.log(len(self.weight) + 1)
        uniform = torch.rand(self.samples, device=device, dtype=torch.float64)
        words = (uniform * log_range).exp().long() - 1
        distinct: Tensor = torch.unique(words.clamp_(0, len(self.weight) - 1))
        return distinct


class AdaptiveReadout(Readout):
    """The adaptive softmax: frequent words first, rarer ones in clusters of growing size.

    `cutoffs` are the ids at which a cluster begins, V excluded; the default splits at V / 25
    and V / 5. Exact in every mode.

    Source: Grave et al. 2017, arXiv:1609.04309, by `torch.nn.AdaptiveLogSoftmaxWithLoss`.
    """

    def __init__(self, features: int, vocab_size: int, *, cutoffs: Sequence[int] | None = None):
        super().__init__()
        cutoffs = [vocab_size // 25, vocab_size // 5] if cutoffs is None else list(cutoffs)
        rising = bool(cutoffs) and sorted(set(cutoffs)) == cutoffs
        if not rising or not 0 < cutoffs[0] <= cutoffs[-1] < vocab_size:
            raise InputError(
                f"an adaptive read-out needs rising cutoffs between 0 and {vocab_size}, "
                f"got {cutoffs}; for a small vocabulary use the full read-out"
            )
        if features < _SHRINK ** len(cutoffs):
            raise InputError(
                f"an adaptive read-out with {len(cutoffs)} cutoffs needs at least "
                f"{_SHRINK ** len(cutoffs)} features, got {features}; use the full read-out"
            )
        self.softmax = nn.AdaptiveLogSoftmaxWithLoss(features, vocab_size, cutoffs, _SHRINK)

    def loss(self, features: Tensor, targets: Tensor) -> Tensor:
        scored = targets != IGNORE
        features, targets = features[scored], targets[scored]
        if not len(targets):
            return features.sum()
        loss: Tensor = self.softmax(features, targets).loss
        return loss

    def log_probs(self, features: Tensor) -> Tensor:
        flat = self.softmax.log_prob(features.reshape(-1, features.shape[-1]))
        return flat.view(*features.shape[:-1], -1)


def log_uniform_presence(words: Tensor, samples: int, vocab_size: int) -> Tensor:
    """The probability E(k) that each of `words` is among the distinct ones of `samples` draws."""
    k = words.double()
    proposal = torch.log1p(1 / (k + 1)) / math.log(vocab_size + 1)
    return -torch.expm1(samples * torch.log1p(-proposal))


def _logits(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """z = W h + b_y, at least in single precision: under autocast the product is bfloat16."""
    logits = functional.linear(features, weight, bias)
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits


def embedded(table: nn.Embedding, tokens: Tensor) -> Tensor:
    """The vectors of `tokens`; InputError for ids outside of the vocabulary."""
    try:
        return cast("Tensor", table(tokens))
    except IndexError as error:
        raise InputError(
            f"token ids must be from 0 to {table.num_embeddings - 1}, got {int(tokens.min())}"
            f" to {int(tokens.max())}; they belong to another vocabulary"
        ) from error
