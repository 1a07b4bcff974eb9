"""Update rules, schedules and averaging.

A schedule is a pure function of the step and of the validation losses so far, so there is no
state of a schedule to save, and none that a resumed run could get wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self, assert_never

import torch
from torch import Tensor, nn

from elman.training.config import TrainingConfig


@dataclass(frozen=True)
class Pace:
    """How fast one parameter learns, beside the schedule.

    Attributes:
        factor: of the learning rate.
        begin: the step before which it does not learn at all.
    """

    factor: float = 1.0
    begin: int = 0


def set_rates(optimizer: torch.optim.Optimizer, rate: float, step: int) -> None:
    """Give every group of parameters its learning rate for the update that follows `step`."""
    for group in optimizer.param_groups:
        begun = step >= group.get("begin", 0)
        group["lr"] = rate * group.get("factor", 1.0) if begun else 0.0


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019) or SGD over all parameters of `model`.

    Weight decay is for matrices only: pulling a bias or a gain to zero does not regularize. A
    model whose parts learn at rates of their own says so in `paces`; see `Pace`.
    """
    paces: Mapping[str, Pace] = getattr(model, "paces", {})
    groups: dict[tuple[bool, Pace], dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            matrix, pace = parameter.dim() > 1, paces.get(name, Pace())
            decay = config.weight_decay if matrix else 0.0
            group = {"params": [], "weight_decay": decay, **vars(pace)}
            groups.setdefault((matrix, pace), group)["params"].append(parameter)
    # Matrices first: a checkpoint knows its parameters by their order.
    ordered = [groups[key] for key in sorted(groups, key=lambda key: not key[0])]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(ordered, config.learning_rate, config.betas, fused=True)
    return torch.optim.SGD(ordered, config.learning_rate, config.momentum, fused=True)


def restore_optimizer(optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Give an optimizer the state that another over the same parameters had.

    A file keeps tensors row by row. The fused update rules read a parameter and its moments side by
    side in memory, so moments of a parameter that lies otherwise, such as a convolution's with
    channels last, are laid out as it is.
    """
    optimizer.load_state_dict(dict(saved))
    for parameter, own in optimizer.state.items():
        for name, value in own.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                own[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def learning_rate(config: TrainingConfig, step: int, history: Sequence[float]) -> float:
    """The learning rate of the update that follows `step` updates.

    With peak p, floor f, decay rate r and warm-up of w steps, n decays so far:

        constant   p
        cosine     f + (p - f) (1 + cos(pi (step - w) / (max_steps - w))) / 2
        linear     f + (p - f) (1 - (step - w) / (max_steps - w))
        step       max(f, p r^n),  n = 1 + (step - decay_start) // decay_every from decay_start on
        plateau    max(f, p r^n),  n from `plateau_decays`

    each times (step + 1) / w during the warm-up; linear with one is the slanted triangle of Howard
    & Ruder 2018. Zaremba et al. 2014 (halved every epoch after the fourth, E steps an epoch) is
    step with decay_start 4 E, decay_every E, decay_rate 0.5. `history` has the validation losses of
    all regular evaluations so far, oldest first.
    """
    peak, floor = config.learning_rate, config.final_learning_rate
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    match config.schedule:
        case "constant":
            rate = peak
        case "cosine" | "linear":
            length = max(1, config.max_steps - config.warmup_steps)
            done = min(1.0, max(0, step - config.warmup_steps) / length)
            left = (1 + math.cos(math.pi * done)) / 2 if config.schedule == "cosine" else 1 - done
            rate = floor + (peak - floor) * left
        case "step":
            late = step - config.decay_start
            decays = 1 + late // config.decay_every if late >= 0 else 0
            rate = max(floor, peak * config.decay_rate**decays)
        case "plateau":
            decays = plateau_decays(history, config.plateau_patience)
            rate = max(floor, peak * config.decay_rate**decays)
        case unknown:
            assert_never(unknown)
    return warmup * rate


def plateau_decays(history: Sequence[float], patience: int) -> int:
    """How often the loss has failed to improve for more than `patience` evaluations in a row."""
    best, waited, decays = math.inf, 0, 0
    for loss in history:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited > patience:
            waited, decays = 0, decays + 1
    return decays


def evaluations_since_best(history: Sequence[float]) -> int:
    """How many of the latest evaluations have brought no better loss."""
    return len(history) - 1 - history.index(min(history)) if history else 0


def averaging_begins(history: Sequence[float], interval: int) -> bool:
    """NT-ASGD's trigger (Merity et al. 2017, algorithm 1).

    True when the latest loss is worse than the best of those that are more than `interval`
    evaluations older.
    """
    return len(history) > interval + 1 and history[-1] > min(history[: -1 - interval])


@dataclass
class Average:
    """The running mean of a model's parameters over `count` updates.

    With a `decay` d the latest count most: an update that is n old weighs d^n. Until there have
    been 1 / (1 - d) of them, all count alike, so that the first weights leave no trace.
    """

    means: list[Tensor]
    count: int = 0
    decay: float = 1.0

    @classmethod
    def of(cls, model: nn.Module, decay: float = 1.0) -> Self:
        """An average that has seen no update yet."""
        return cls([p.detach().clone() for p in model.parameters()], decay=decay)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the parameters as they are: m <- m + (w - m) max(1 / count, 1 - d)."""
        self.count += 1
        share = max(1 / self.count, 1 - self.decay)
        for mean, parameter in zip(self.means, model.parameters(), strict=True):
            mean.lerp_(parameter, share)

    def state_dict(self) -> dict[str, Any]:
        return {"means": self.means, "count": self.count, "decay": self.decay}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any], device: torch.device) -> Self:
        means = [mean.to(device) for mean in state["means"]]
        return cls(means, state["count"], state["decay"])


@contextmanager
def averaged(model: nn.Module, average: Average | None) -> Iterator[None]:
    """Inside, `model` has its averaged weights, if there is an average; afterwards its own."""
    if average is None or average.count == 0:
        yield
        return
    parameters = list(model.parameters())
    own = [parameter.detach().clone() for parameter in parameters]
    _overwrite(parameters, average.means)
    try:
        yield
    finally:
        _overwrite(parameters, own)


@torch.no_grad()
def _overwrite(parameters: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    # copy_ rather than .data: whoever watches a weight's version must see that it changed.
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)


def gradient_norm(model: nn.Module) -> float:
    """The 2-norm of all gradients together; inf or nan when one of them is."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    return float(nn.utils.get_total_norm(gradients)) if gradients else 0.0


def clip_gradients(model: nn.Module, norm: float, longest: float) -> None:
    """Scale all gradients, whose norm is `norm`, so that it is at most `longest`; 0: leave them.

    Pascanu et al. 2013, algorithm 1.
    """
    if longest and norm > longest:
        scale_gradients(model, longest / norm)


@torch.no_grad()
def scale_gradients(model: nn.Module, factor: float) -> None:
    """Multiply every gradient by `factor`."""
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.mul_(factor)
