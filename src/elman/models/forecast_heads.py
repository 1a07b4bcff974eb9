"""What a forecast is made of: the distribution, the quantiles or the one number of each step.

A head turns P raw outputs of a network into parameters (`settle`), and from parameters gives the
loss, the mean, quantiles and draws. Parameters are in the units of the scaler; `scale` (B,) is
what one such unit is in the data's own, which only counts need to know.

Legend: B batch, P parameters, Q quantile levels; "…" any leading axes, their last one B.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, final

import torch
from torch import Tensor
from torch.nn import functional

from elman.models.student_t import student_t_quantile

HeadKind = Literal["student-t", "gaussian", "negative-binomial", "quantile", "median", "mean"]

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""The quantiles that the quantile head learns: the median and the 50, 80 and 95 % intervals."""

# A spread below this share of the scaler's unit is noise of single precision.
_SMALLEST = 1e-4


class Head(ABC):
    """One kind of answer."""

    width: ClassVar[int]
    """P."""
    has_spread: ClassVar[bool] = True
    """Whether it says how sure it is."""
    center: ClassVar[int] = 0
    """Which of the parameters is the point forecast."""

    @abstractmethod
    def settle(self, raw: Tensor, location: Tensor, spread: Tensor) -> Tensor:
        """Parameters (…, B, P) from raw outputs, which are about (v - location) / spread."""

    @abstractmethod
    def loss(self, parameters: Tensor, targets: Tensor, scale: Tensor) -> Tensor:
        """The loss (…, B) of each target (…, B): nats where there is a distribution."""

    def mean(self, parameters: Tensor) -> Tensor:
        """The point forecast (…, B)."""
        return parameters[..., self.center]

    @abstractmethod
    def quantiles(self, parameters: Tensor, levels: Sequence[float], scale: Tensor) -> Tensor:
        """The quantiles (…, B, Q); for a head without a spread, its one number each time."""

    @abstractmethod
    def sample(self, parameters: Tensor, scale: Tensor, uniform: Tensor) -> Tensor:
        """One draw (…, B), made of `uniform` (…, B), which was drawn between 0 and 1."""


class _ContinuousHead(Head):
    """A head whose quantiles are known at every level."""

    @abstractmethod
    def at(self, parameters: Tensor, levels: Tensor) -> Tensor:
        """The quantiles (…, B, Q) of parameters (…, B, P) at levels (Q,) or (…, B, Q)."""

    def quantiles(self, parameters: Tensor, levels: Sequence[float], scale: Tensor) -> Tensor:
        return self.at(parameters, parameters.new_tensor(levels))

    def sample(self, parameters: Tensor, scale: Tensor, uniform: Tensor) -> Tensor:
        return self.at(parameters, uniform.unsqueeze(-1))[..., 0]


@final
class GaussianHead(_ContinuousHead):
    """A normal distribution: mean and standard deviation."""

    width = 2

    def settle(self, raw: Tensor, location: Tensor, spread: Tensor) -> Tensor:
        mean = raw[..., 0] * spread + location
        deviation = (functional.softplus(raw[..., 1]) + _SMALLEST) * spread
        return torch.stack([mean, deviation], -1)

    def loss(self, parameters: Tensor, targets: Tensor, scale: Tensor) -> Tensor:
        """-log N(y; mean, deviation)."""
        mean, deviation = parameters.unbind(-1)
        standard = (targets - mean) / deviation
        return 0.5 * standard.square() + deviation.log() + 0.5 * math.log(2 * math.pi)

    def at(self, parameters: Tensor, levels: Tensor) -> Tensor:
        mean, deviation = parameters.unsqueeze(-2).unbind(-1)
        normal: Tensor = torch.special.ndtri(levels)
        return mean + deviation * normal


@final
class StudentTHead(_ContinuousHead):
    """Student's t: location, spread, degrees of freedom above 2, so that it has a variance."""

    width = 3

    def settle(self, raw: Tensor, location: Tensor, spread: Tensor) -> Tensor:
        center = raw[..., 0] * spread + location
        width = (functional.softplus(raw[..., 1]) + _SMALLEST) * spread
        freedom = 2 + functional.softplus(raw[..., 2]) + _SMALLEST
        return torch.stack([center, width, freedom], -1)

    def loss(self, parameters: Tensor, targets: Tensor, scale: Tensor) -> Tensor:
        """-log t(y; center, width, freedom)."""
        center, width, freedom = parameters.unbind(-1)
        standard = (targets - center) / width
        return (
            torch.lgamma(freedom / 2)
            - torch.lgamma((freedom + 1) / 2)
            + 0.5 * (math.pi * freedom).log()
            + width.log()
            + (freedom + 1) / 2 * torch.log1p(standard.square() / freedom)
        )

    def at(self, parameters: Tensor, levels: Tensor) -> Tensor:
        center, width, freedom = parameters.unsqueeze(-2).unbind(-1)
        return center + width * student_t_quantile(levels, freedom)


@final
class NegativeBinomialHead(Head):
    """Counts: mean m and shape a, of variance m + a m².

    With one unit of the scaler worth s counts, m is s times the first parameter. Source: DeepAR,
    Salinas et al. 2017, arXiv:1704.04110, equation 4.
    """

    width = 2
    DRAWS: ClassVar[int] = 1000
    """Quantiles are those of so many draws, always from the same seed."""

    def settle(self, raw: Tensor, location: Tensor, spread: Tensor) -> Tensor:
        mean = (functional.softplus(raw[..., 0]) + 1e-6) * spread
        shape = functional.softplus(raw[..., 1]) + _SMALLEST
        return torch.stack([mean, shape], -1)

    def loss(self, parameters: Tensor, targets: Tensor, scale: Tensor) -> Tensor:
        """-log NB(y; m, a)."""
        mean, shape, counts = parameters[..., 0] * scale, parameters[..., 1], targets * scale
        counts = counts.round()
        size = 1 / shape
        return (
            torch.lgamma(size)
            + torch.lgamma(counts + 1)
            - torch.lgamma(counts + size)
            + size * torch.log1p(shape * mean)
            - counts * ((shape * mean).log() - torch.log1p(shape * mean))
        )

    def quantiles(self, parameters: Tensor, levels: Sequence[float], scale: Tensor) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            draws = torch.stack([self._draw(parameters, scale) for _ in range(self.DRAWS)])
        ordered = draws.sort(dim=0).values
        places = [math.ceil(level * (self.DRAWS - 1)) for level in levels]
        return ordered[places].movedim(0, -1)

    def sample(self, parameters: Tensor, scale: Tensor, uniform: Tensor) -> Tensor:
        """One draw with torch's own randomness: counts have no quantile in closed form."""
        return self._draw(parameters, scale)

    def _draw(self, parameters: Tensor, scale: Tensor) -> Tensor:
        mean, shape = parameters[..., 0] * scale, parameters[..., 1]
        rate = torch.distributions.Gamma(1 / shape, 1 / (shape * mean)).sample()
        return torch.poisson(rate) / scale


@final
class QuantileHead(_ContinuousHead):
    """The quantiles at `LEVELS` themselves, which never cross: the lowest, then steps upward.

    Learned by the pinball loss (Koenker and Bassett 1978). Between two levels a quantile is read
    off a straight line; beyond the outermost ones, off the line through the last two.
    """

    width = len(LEVELS)
    center = LEVELS.index(0.5)

    def settle(self, raw: Tensor, location: Tensor, spread: Tensor) -> Tensor:
        middle = self.center
        steps = functional.softplus(raw)
        above = raw[..., middle, None] + steps[..., middle + 1 :].cumsum(-1)
        below = raw[..., middle, None] - steps[..., :middle].flip(-1).cumsum(-1).flip(-1)
        all_levels = torch.cat([below, raw[..., middle, None], above], -1)
        return all_levels * spread.unsqueeze(-1) + location.unsqueeze(-1)

    def loss(self, parameters: Tensor, targets: Tensor, scale: Tensor) -> Tensor:
        """Twice the pinball loss, the mean over the levels; for the median, the absolute error."""
        levels = parameters.new_tensor(LEVELS)
        over = targets.unsqueeze(-1) - parameters
        return 2 * torch.maximum(levels * over, (levels - 1) * over).mean(-1)

    def at(self, parameters: Tensor, levels: Tensor) -> Tensor:
        known = parameters.new_tensor(LEVELS)
        right = torch.bucketize(levels, known).clamp(1, len(LEVELS) - 1)
        share = (levels - known[right - 1]) / (known[right] - known[right - 1])
        right = right.expand(*parameters.shape[:-1], right.shape[-1])
        low, high = parameters.gather(-1, right - 1), parameters.gather(-1, right)
        return low + share * (high - low)


class _PointHead(_ContinuousHead):
    """One number, and no word on how sure it is."""

    width = 1
    has_spread = False

    def settle(self, raw: Tensor, location: Tensor, spread: Tensor) -> Tensor:
        return raw * spread.unsqueeze(-1) + location.unsqueeze(-1)

    def at(self, parameters: Tensor, levels: Tensor) -> Tensor:
        return parameters.expand(*parameters.shape[:-1], levels.shape[-1])


@final
class MeanHead(_PointHead):
    """The mean, learned by the squared error."""

    def loss(self, parameters: Tensor, targets: Tensor, scale: Tensor) -> Tensor:
        return (parameters[..., 0] - targets).square()


@final
class MedianHead(_PointHead):
    """The median, learned by the absolute error."""

    def loss(self, parameters: Tensor, targets: Tensor, scale: Tensor) -> Tensor:
        return (parameters[..., 0] - targets).abs()


def make_head(kind: str) -> Head:
    """The head of that name."""
    heads: dict[str, type[Head]] = {
        "student-t": StudentTHead,
        "gaussian": GaussianHead,
        "negative-binomial": NegativeBinomialHead,
        "quantile": QuantileHead,
        "median": MedianHead,
        "mean": MeanHead,
    }
    return heads[kind]()
