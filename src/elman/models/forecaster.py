"""What all forecasters share: the window they read, and how it is made comparable.

Legend: T look-back, K rows before it that only lags reach, H horizon, B batch, F features, J lags.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from elman.models.forecast_heads import Head

Normalization = Literal["none", "last", "revin"]


class Window(Protocol):
    """Rows of B series side by side, in the units of the scaler; see `WindowBatch`.

    Attributes:
        values: (K + T, B), the past; where nothing was observed, 0.
        observed: (K + T, B), 1.0 where a value was observed and 0.0 elsewhere.
        features: (T + H, B, F), what is known of each step beside the value: the calendar,
            covariates; those known of the past alone are 0 in the last H.
        targets: (H, B), the future where it is known, else 0.
        scored: (H, B), 1.0 where a target was observed.
        series: (B,) int64, which series each row is cut from.
        scale: (B,), what a value of 1 is in the data's own units.
    """

    @property
    def values(self) -> Tensor: ...
    @property
    def observed(self) -> Tensor: ...
    @property
    def features(self) -> Tensor: ...
    @property
    def targets(self) -> Tensor: ...
    @property
    def scored(self) -> Tensor: ...
    @property
    def series(self) -> Tensor: ...
    @property
    def scale(self) -> Tensor: ...


@dataclass(frozen=True)
class Form:
    """The sizes that data and model must agree on.

    Attributes:
        look_back: T.
        horizon: H.
        features: F.
        series: how many series training knew.
        lags: how many steps before each step its lagged inputs lie, each at least 1.
        embedding: the width of what is learned of each series by its number; 0: nothing.
    """

    look_back: int
    horizon: int
    features: int = 0
    series: int = 1
    lags: tuple[int, ...] = ()
    embedding: int = 0

    @property
    def before(self) -> int:
        """K, the rows before the look-back that lags reach."""
        return max(self.lags, default=0)


class Forecaster(nn.Module, ABC):
    """Gives the parameters of the head for each coming step of a window."""

    form: Form
    head: Head

    @abstractmethod
    def forward(self, window: Window) -> Tensor:
        """The head's parameters of the last steps of a window, H or more, (…, B, P)."""

    def losses(self, window: Window) -> tuple[Tensor, Tensor]:
        """The loss of each step that `forward` expects (…, B), and 1.0 for each that is scored."""
        parameters = self(window)
        values, observed = window.targets, window.scored
        if (steps := len(parameters)) > len(values):
            values = torch.cat([window.values, values])[-steps:]
            observed = torch.cat([window.observed, observed])[-steps:]
        return self.head.loss(parameters, values, window.scale), observed

    def loss(self, window: Window) -> tuple[Tensor, int]:
        """The mean loss over the scored targets, and how many they are."""
        losses, scored = self.losses(window)
        units = int(scored.sum())
        return (losses * scored).sum() / max(units, 1), units


class Normalizer(nn.Module):
    """Each window's own location and scale, taken out of the inputs and put back into outputs.

    "last" subtracts the last observed value (SegRNN, Lin et al. 2023). "revin" subtracts the mean
    of the window and divides by its standard deviation, then applies a learned gain and offset
    (reversible instance normalization, Kim et al. 2022, equations 1 to 3; here one gain and one
    offset for all series, so that a series never seen can be forecast).
    """

    def __init__(self, kind: Normalization) -> None:
        super().__init__()
        self.kind = kind
        if kind == "revin":
            self.gain = nn.Parameter(torch.ones(()))
            self.offset = nn.Parameter(torch.zeros(()))

    def measure(self, values: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
        """Location and scale (B,) of the look-back `values` (T, B): (v - location) / scale."""
        if self.kind == "none":
            return torch.zeros_like(values[0]), torch.ones_like(values[0])
        if self.kind == "last":
            steps = torch.arange(1, len(values) + 1, device=values.device).unsqueeze(1)
            last = (steps * (observed > 0)).argmax(0)
            return values.gather(0, last[None])[0], torch.ones_like(values[0])
        count = observed.sum(0).clamp(min=1)
        mean = (values * observed).sum(0) / count
        variance = ((values - mean).square() * observed).sum(0) / count
        spread = (variance + 1e-5).sqrt() / self.gain
        return mean - self.offset * spread, spread

    def forward(self, window: Window, look_back: int) -> tuple[Tensor, Tensor, Tensor]:
        """Values (K + T, B) made comparable, 0 where unobserved, and their location and scale."""
        location, spread = self.measure(window.values[-look_back:], window.observed[-look_back:])
        return (window.values - location) / spread * window.observed, location, spread


def lagged(values: Tensor, observed: Tensor, form: Form) -> Tensor:
    """(S, B, 2 J): for each of S steps the values at its lags, then whether they were observed.

    `values` and `observed` are (K + S, B).
    """
    steps = len(values) - form.before
    shifted = [
        rows[form.before - lag : form.before - lag + steps]
        for rows in (values, observed)
        for lag in form.lags
    ]
    if not shifted:
        return values.new_zeros(steps, values.shape[1], 0)
    return torch.stack(shifted, -1)
