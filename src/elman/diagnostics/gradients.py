"""The gradient of a loss with respect to the states k steps back.

Legend: T time, B batch, K the largest lag, N samples (one row at one step t each).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from elman.diagnostics.losses import StepLosses, bound_losses
from elman.diagnostics.steps import Steps, of_rows, record
from elman.errors import InputError

INPUT = "input"
"""The quantity that stands for the input of a layer, beside ``h`` and ``c``."""


@dataclass(frozen=True, eq=False)
class LagProfile:
    """The norm of the gradient with respect to one quantity of one layer, by lag.

    Attributes:
        place: name of the layer and direction.
        quantity: "h", "c", another tensor of the state, or "input".
        norms: (N, K + 1), float64: |d loss_t / d q_{t-k}| of each sample.
        rows: (N,), the row of each sample; samples of the same row are not independent.
    """

    place: str
    quantity: str
    norms: Tensor
    rows: Tensor

    @property
    def ratios(self) -> Tensor:
        """(N', K + 1): norms divided by the norm at lag 0, for samples where that is not 0."""
        there = self.norms[:, 0] > 0
        return self.norms[there] / self.norms[there, :1]

    def quantile(self, share: float) -> Tensor:
        """(K + 1,): a quantile of `ratios` over the samples; 0.5 is the median."""
        ratios = self.ratios
        if not len(ratios):
            return self.norms.new_zeros(self.norms.shape[1])
        return ratios.nanquantile(share, dim=0)

    @property
    def largest(self) -> tuple[float, int]:
        """The largest median of `ratios` over all lags, and its lag."""
        curve = self.quantile(0.5).nan_to_num(0)
        return float(curve.amax()), int(curve.argmax())


@dataclass(frozen=True, eq=False)
class GradientByLag:
    """What `gradient_by_lag` measured.

    Attributes:
        max_lag: K.
        times: the steps t whose losses were differentiated; -1 is the end of each row.
        profiles: one for each layer, direction and quantity.
        mean_loss: over all steps that have a loss.
    """

    max_lag: int
    times: tuple[int, ...]
    profiles: tuple[LagProfile, ...]
    mean_loss: float

    @property
    def places(self) -> tuple[str, ...]:
        """Layers and directions, from the input up."""
        return tuple(dict.fromkeys(profile.place for profile in self.profiles))

    def profile(self, place: str | None = None, quantity: str = "h") -> LagProfile:
        """The profile of `quantity` at `place`; None is the topmost forward layer.

        Raises:
            KeyError: no such profile.
        """
        forward = [p.place for p in self.profiles if not p.place.endswith("reverse")]
        place = (forward or list(self.places))[-1] if place is None else place
        for profile in self.profiles:
            if (profile.place, profile.quantity) == (place, quantity):
                return profile
        raise KeyError(f"{place} {quantity}")


def gradient_by_lag(
    model: nn.Module,
    batch: Any,
    *,
    losses: StepLosses | None = None,
    max_lag: int | None = None,
    times: int | Sequence[int] = 4,
    places: Callable[[str], bool] | None = None,
) -> GradientByLag:
    """The norm of the gradient of the loss at step t with respect to states k = 0 … K steps back.

        |d loss_t / d h_{t-k}|,  |d loss_t / d c_{t-k}|,  |d loss_t / d x_{t-k}|

    for each recurrent layer, each row of the batch and several t. Derivatives are total, as in
    backpropagation through time: they follow every path from the state to the loss, in a stack also
    through the layers above and their memory, and from c_t also through h_t. h and c are taken
    after the step, x is the input of the layer at the step. For the backward direction of a layer,
    the lag counts steps ahead.

    Layers may take different numbers of steps, as an encoder and a decoder do; losses are then
    (B,), and lags that a layer does not have are NaN.

    One forward pass in single steps and one backward pass for each t give all lags, layers and rows
    at once. The model stays in its mode; its weights and their gradients are not changed.

    Args:
        model: any module that is or contains a recurrent layer of elman or torch.nn.
        batch: passed to `losses`.
        losses: (model, batch) -> losses (T, B), or (B,) at the end of each row, each row by itself.
            By default `elman.diagnostics.losses.step_losses`.
        max_lag: K; by default three quarters of the steps.
        times: the number of steps t, spread evenly over those with K steps before them; or the
            steps themselves.
        places: restricts the layers to those for which it is true.

    Raises:
        InputError: no recurrent layer; fewer steps than lags; a loss that is not finite.
    """
    with torch.enable_grad():
        run = bound_losses(model, batch) if losses is None else partial(losses, model, batch)
        loss, steps = record(model, run, places)
    steps = of_rows(steps, loss.shape[-1]) if loss.dim() else steps
    length = max((len(taken) for taken in steps.values()), default=0)
    _check(loss, length)
    max_lag = max((length - 1) * 3 // 4, 1) if max_lag is None else max_lag
    if not 1 <= max_lag < length:
        raise InputError(
            f"the data have {length} steps, which is too short for a lag of {max_lag}; use longer "
            "sequences or a smaller max_lag"
        )
    chosen = _times(times, max_lag, length) if loss.dim() == 2 else (-1,)
    samples: dict[tuple[str, str], list[Tensor]] = defaultdict(list)
    for number, t in enumerate(chosen, 1):
        target = loss.sum() if t == -1 else loss[t].sum()
        for key, norms in _norms(target, steps, retain=number < len(chosen)).items():
            samples[key].append(_by_lag(norms, t, max_lag, steps[key[0]][0].reverse))
    rows = torch.arange(loss.shape[-1]).repeat(len(chosen))
    profiles = [
        LagProfile(place, quantity, torch.cat(parts), rows)
        for (place, quantity), parts in samples.items()
    ]
    scored = loss.detach().double()
    scored = scored[scored != 0]
    return GradientByLag(
        max_lag, chosen, tuple(profiles), float(scored.mean()) if len(scored) else 0.0
    )


def _check(loss: Tensor, length: int) -> None:
    if loss.dim() not in (1, 2) or (loss.dim() == 2 and len(loss) != length):
        raise InputError(
            f"the losses have shape {tuple(loss.shape)}, expected (T, B) with T = {length}, or (B,)"
        )
    wrong = (~loss.detach().isfinite()).nonzero()
    if len(wrong):
        where = tuple(int(index) for index in wrong[0])
        place = f"step {where[0]} of row {where[1]}" if loss.dim() == 2 else f"row {where[0]}"
        raise InputError(
            f"the loss is {float(loss.detach()[where])} at {place}; it has no gradient "
            "there: look for NaN and infinity in the weights and the data"
        )


def _times(times: int | Sequence[int], max_lag: int, length: int) -> tuple[int, ...]:
    if isinstance(times, int):
        if times < 1:
            raise InputError(f"times must be at least 1, got {times}")
        spread = torch.linspace(length - 1, max_lag, min(times, length - max_lag))
        return tuple(sorted({round(float(t)) for t in spread}))
    if not times or any(not max_lag <= t < length for t in times):
        raise InputError(
            f"times must be from max_lag, {max_lag}, to the last step, {length - 1}; "
            f"got {list(times)}"
        )
    return tuple(times)


def _norms(target: Tensor, steps: Steps, *, retain: bool) -> dict[tuple[str, str], Tensor]:
    """(T, B) norms of the gradient with respect to each quantity, in the order of the sequence."""
    nodes = [
        ((place, name), tensor, step.axes.get(name, 0))
        for place, taken in steps.items()
        for step in (reversed(taken) if taken[0].reverse else taken)
        for name, tensor in {**step.after, INPUT: step.x}.items()
    ]
    tensors = [tensor for _, tensor, _ in nodes]
    found = torch.autograd.grad(target, tensors, retain_graph=retain, allow_unused=True)
    norms: dict[tuple[str, str], list[Tensor]] = defaultdict(list)
    for (key, tensor, axis), gradient in zip(nodes, found, strict=True):
        norms[key].append(_row_norms(gradient, tensor, axis))
    return {key: torch.stack(several) for key, several in norms.items()}


def _row_norms(gradient: Tensor | None, tensor: Tensor, axis: int) -> Tensor:
    if gradient is None:
        return torch.zeros(tensor.shape[axis], dtype=torch.float64)
    # In single precision the square of a small gradient underflows long before the gradient.
    rows = gradient.movedim(axis, 0).flatten(1).cpu()
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1, dtype=torch.float64)
    return norms


def _by_lag(norms: Tensor, t: int, max_lag: int, reverse: bool) -> Tensor:
    """Norms (T, B) of the loss at `t` as (B, K + 1) by lag, NaN where a row has no such step."""
    length, batch_size = norms.shape
    if t >= 0:
        ends = torch.full((batch_size,), t)
    elif reverse:
        ends = torch.zeros(batch_size, dtype=torch.long)
    else:
        # The gradient is 0 past the end of a row.
        order = torch.arange(length).unsqueeze(1)
        ends = torch.where(norms > 0, order, -1).amax(0)
    lags = torch.arange(max_lag + 1)
    at = ends.unsqueeze(1) + (lags if reverse else -lags)
    outside = (at < 0) | (at >= length)
    picked = norms.t().gather(1, at.clamp(0, length - 1))
    return picked.masked_fill(outside, torch.nan)
