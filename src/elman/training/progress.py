"""How far training has come, and all that a checkpoint has to hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from elman.errors import InputError
from elman.machine import random_states, restore_random_states
from elman.settings import adapter
from elman.tensors import load_tree, load_weights, save_tree
from elman.training.config import TrainingConfig
from elman.training.contracts import Objective, Source
from elman.training.optim import Average, evaluations_since_best, restore_optimizer
from elman.training.tbptt import Window

_FORMAT = 1


@dataclass
class Tally:
    """Sums over the steps since the last report."""

    steps: int = 0
    units: int = 0
    loss: float = 0.0
    grad_norm: float = 0.0
    seconds: float = 0.0

    def add(self, loss: float, units: int, grad_norm: float, seconds: float) -> None:
        """Take in one step, whose `loss` is the mean over `units`."""
        self.steps += 1
        self.units += units
        self.loss += loss * units
        self.grad_norm += grad_norm
        self.seconds += seconds

    def means(self) -> dict[str, float]:
        """Mean loss per unit, mean norm per step, speed; empty without a step."""
        if not self.steps or not self.units:
            return {}
        return {
            "loss": self.loss / self.units,
            "grad_norm": self.grad_norm / self.steps,
            "units_per_second": self.units / max(self.seconds, 1e-9),
        }


@dataclass
class Progress:
    """Where training stands.

    Attributes:
        step: updates made.
        reported: the step up to which reports and evaluations are done.
        seconds: training time, without evaluation and checkpoints.
        history: validation losses of the regular evaluations, oldest first. All that depends on
            how training goes (plateau, NT-ASGD, patience) is a function of this list.
        best_loss: the lowest validation loss of any evaluation.
        best_step: when that was.
        solved: whether the latest regular evaluation said that there is nothing left to learn.
        tally: sums since the last report.
    """

    step: int = 0
    reported: int = 0
    seconds: float = 0.0
    history: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best_step: int = 0
    solved: bool = False
    tally: Tally = field(default_factory=Tally)

    def reason_to_stop(self, config: TrainingConfig) -> str | None:
        """What says stop: the name of a setting, "solved", or None."""
        if self.solved:
            return "solved"
        if self.step >= config.max_steps:
            return "max_steps"
        if config.max_minutes is not None and self.seconds >= 60 * config.max_minutes:
            return "max_minutes"
        if config.patience and evaluations_since_best(self.history) >= config.patience:
            return "patience"
        return None

    def budget(self, config: TrainingConfig) -> tuple[float, float]:
        """The part of the budget that is used, 0 to 1, and the seconds left by the pace so far."""
        done = self.step / config.max_steps
        if config.max_minutes is not None:
            done = max(done, self.seconds / (60 * config.max_minutes))
        left = self.seconds * (1 - done) / done if done else math.inf
        return min(done, 1.0), max(left, 0.0)


def reported_in(path: Path) -> int:
    """The step up to which reports had been made when the checkpoint at `path` was written.

    Raises:
        InputError: no checkpoint, or a damaged one.
    """
    tree = load_tree(path)
    try:
        return int(tree["progress"]["reported"])
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a checkpoint of training") from error


@dataclass
class Training:
    """Everything that changes while training, and so everything that a checkpoint holds."""

    objective: Objective
    optimizer: torch.optim.Optimizer
    source: Source
    window: Window = field(default_factory=Window)
    average: Average | None = None
    progress: Progress = field(default_factory=Progress)

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically."""
        tree = {
            "format": _FORMAT,
            "model": dict(self.objective.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "window": self.window.state_dict(),
            "source": self.source.state_dict(),
            "progress": asdict(self.progress),
            "random": random_states(),
        }
        save_tree(path, tree)

    def restore(self, path: Path) -> None:
        """Become what was saved at `path`, to the bit, the global random states included."""
        tree = load_tree(path)
        if not isinstance(tree, Mapping) or tree.get("format") != _FORMAT:
            raise InputError(f"{path}: not a checkpoint of training of format {_FORMAT}")
        model = self.objective.model
        device = next(model.parameters()).device
        load_weights(model, tree.get("model"), path)
        try:
            restore_optimizer(self.optimizer, tree["optimizer"])
            self.source.load_state_dict(tree["source"])
            self.window = Window.from_state_dict(tree["window"], device)
            average = tree["average"]
            self.average = None if average is None else Average.from_state_dict(average, device)
            self.progress = adapter(Progress).validate_python(tree["progress"])
            restore_random_states(tree["random"])
        except InputError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{path}: does not fit this run ({reason}); resume with the settings and the data"
                " that the run began with"
            ) from error
