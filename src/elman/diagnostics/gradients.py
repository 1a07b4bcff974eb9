"""How much of the gradient of a loss is left at the states k steps back.

Legend: T time, B batch, K the largest lag, N samples (a step t of a row each).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from elman.diagnostics.losses import StepLosses, step_losses
from elman.diagnostics.steps import Steps, of_rows, record
from elman.errors import InputError

INPUT = "input"
"""The name under which the gradient by what a place reads is kept, beside ``h`` and ``c``."""


@dataclass(frozen=True, eq=False)
class LagProfile:
    """The norm of the gradient by one quantity of one place, by lag.

    Attributes:
        place: which layer and direction.
        quantity: "h", "c", another tensor of the state, or "input".
        norms: (N, K + 1), float64: |d loss_t / d q_{t-k}| of each sample. A sample is a row at a
            step t.
        rows: (N,), the row of each sample: samples of one row are not independent.
    """

    place: str
    quantity: str
    norms: Tensor
    rows: Tensor

    @property
    def ratios(self) -> Tensor:
        """(N, K + 1): the norms over that at lag 0, for the samples that have one."""
        there = self.norms[:, 0] > 0
        return self.norms[there] / self.norms[there, :1]

    def quantile(self, share: float) -> Tensor:
        """(K + 1,): the quantile of `ratios` over the samples; 0.5 is the median."""
        ratios = self.ratios
        if not len(ratios):
            return self.norms.new_zeros(self.norms.shape[1])
        return ratios.nanquantile(share, dim=0)

    @property
    def longest(self) -> tuple[float, int]:
        """The most that the gradient is, in the median and in times that at lag 0; and the lag."""
        curve = self.quantile(0.5).nan_to_num(0)
        return float(curve.amax()), int(curve.argmax())


@dataclass(frozen=True, eq=False)
class GradientByLag:
    """What `gradient_by_lag` measured.

    Attributes:
        max_lag: K.
        times: the steps t whose losses were followed back, from 0; -1 is the end of each row.
        profiles: one for each place and quantity.
        mean_loss: of all steps that have a loss.
    """

    max_lag: int
    times: tuple[int, ...]
    profiles: tuple[LagProfile, ...]
    mean_loss: float

    @property
    def places(self) -> tuple[str, ...]:
        """The places there are, from the input up."""
        return tuple(dict.fromkeys(profile.place for profile in self.profiles))

    def profile(self, place: str | None = None, quantity: str = "h") -> LagProfile:
        """The profile of `quantity` at `place`; None is the topmost that reads forward.

        Raises:
            KeyError: there is none.
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
    """The norm of the gradient of the loss at step t by the states k = 0 … K steps back.

        |d loss_t / d h_{t-k}|,  |d loss_t / d c_{t-k}|,  |d loss_t / d x_{t-k}|

    for each recurrent layer, each row of the batch and several t. Derivatives are total: they go
    along every path from the state to the loss, so in a stack that of a lower layer also goes up
    through the layers above and along their memory, and that of c_t also through the h_t it makes.
    They are what backpropagation through time carries. h and c are taken after the step, x is what
    the layer reads at the step. Where a place reads from the end, its lag counts steps ahead.

    Places may differ in how many steps they take, as an encoder and a decoder do; losses are then
    (B,), and lags that a place doesn't have are NaN.

    One forward pass by single steps and one backward pass for each t give all lags, places and
    rows at once. The mode of the model is as the caller left it, and neither its weights nor their
    gradients are touched.

    Args:
        model: any module with a recurrent layer: `elman.RNN`, `GRU`, `LSTM`, `elman.Recurrent`,
            torch.nn's, or one that is itself such a layer.
        batch: what `losses` takes.
        losses: (model, batch) -> losses (T, B), or (B,) at the end of each row; rows must not mix.
            By default `elman.diagnostics.losses.step_losses`.
        max_lag: K; by default three quarters of the steps.
        times: how many steps t, spread evenly over those that have K steps before them; or which.
        places: only places for which this is true.

    Raises:
        InputError: no recurrent layer; fewer steps than lags; a loss that is not finite.
    """
    with torch.enable_grad():
        loss, steps = record(model, lambda: (losses or step_losses)(model, batch), places)
    steps = of_rows(steps, loss.shape[-1]) if loss.dim() else steps
    length = max((len(taken) for taken in steps.values()), default=0)
    _check(loss, length)
    max_lag = max((length - 1) * 3 // 4, 1) if max_lag is None else max_lag
    if not 1 <= max_lag < length:
        raise InputError(
            f"the data have {length} steps, which is too short for a lag of {max_lag}; give longer "
            "sequences or a smaller max_lag"
        )
    chosen = _times(times, max_lag, length) if loss.dim() == 2 else (-1,)
    samples: dict[tuple[str, str], list[Tensor]] = defaultdict(list)
    for number, t in enumerate(chosen):
        target = loss.sum() if t == -1 else loss[t].sum()
        last = number == len(chosen) - 1
        for key, norms in _norms(target, steps, retain=not last).items():
            reverse = steps[key[0]][0].reverse
            samples[key].append(_by_lag(norms, t, max_lag, reverse))
    batch_size = loss.shape[-1]
    rows = torch.arange(batch_size).repeat(len(chosen))
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
            f"the loss is {float(loss.detach()[where])} at {place}; no gradient can be followed "
            "from there: look at the weights and the data for NaN and infinity"
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
    """(T, B) norms of the gradient by each step's quantities, in the order of the sequence."""
    nodes: dict[tuple[str, str], list[Tensor]] = defaultdict(list)
    axes: dict[tuple[str, str], int] = {}
    for place, taken in steps.items():
        for step in reversed(taken) if taken[0].reverse else taken:
            for name, tensor in {**step.after, INPUT: step.x}.items():
                nodes[place, name].append(tensor)
                axes[place, name] = step.axes.get(name, 0)
    flat = [tensor for several in nodes.values() for tensor in several]
    found = iter(torch.autograd.grad(target, flat, retain_graph=retain, allow_unused=True))
    norms = {}
    for key, several in nodes.items():
        lengths = [_row_norms(next(found), tensor, axes[key]) for tensor in several]
        norms[key] = torch.stack(lengths)
    return norms


def _row_norms(gradient: Tensor | None, tensor: Tensor, axis: int) -> Tensor:
    if gradient is None:
        return torch.zeros(tensor.shape[axis], dtype=torch.float64)
    # In single precision the squares of a vanished gradient are 0 long before it is.
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
        # Past the end of a row there is no gradient at all.
        order = torch.arange(length).unsqueeze(1)
        ends = torch.where(norms > 0, order, -1).amax(0)
    lags = torch.arange(max_lag + 1)
    at = ends.unsqueeze(1) + (lags if reverse else -lags)
    outside = (at < 0) | (at >= length)
    picked = norms.t().gather(1, at.clamp(0, length - 1))
    return picked.masked_fill(outside, torch.nan)
