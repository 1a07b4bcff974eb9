"""The protocol of a task: one use of a recurrent network, in one file.

A task says how data become batches, what the model is, what its loss and its metrics are, and
how a trained one is applied. The loop, the checkpoints, the run directory and the command line
are never its business.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias

from torch import nn

from elman.training.config import TrainingConfig
from elman.training.contracts import Objective, Source
from elman.training.run_directory import RunDirectory


@dataclass(frozen=True)
class Score:
    """One measured number, with the unit without which it says nothing."""

    split: str
    metric: str
    value: float
    unit: str


Record: TypeAlias = Any
"""An instance of a dataclass whose fields are the columns of a table or the keys of JSON."""


class FrontEnd(Protocol):
    """A trained model that text is pushed into, in chunks of any size."""

    def push(self, text: str) -> Sequence[Record]:
        """What is settled by `text`."""
        ...

    def flush(self) -> Sequence[Record]:
        """What was held back, when the text has ended."""
        ...


class Task(ABC):
    """One use of a recurrent network, bound to a config and a run directory."""

    name: ClassVar[str]
    summary: ClassVar[str]
    Config: ClassVar[type[TrainingConfig]]
    counted: ClassVar[str]
    """What training counts, in the plural: "tokens"."""
    takes_data: ClassVar[bool] = True
    """Whether it is trained on the user's files; a task without draws its own data."""
    common: ClassVar[tuple[str, ...]]
    """The fields of `Config` that `--help` shows; `--help-all` shows the rest too."""

    def __init__(self, config: TrainingConfig, run: RunDirectory) -> None:
        self.config = config
        self.run = run

    @abstractmethod
    def prepare(self, paths: Sequence[Path]) -> None:
        """Read the user's data once and leave in the run directory all that training needs.

        Raises:
            InputError: data that can't be trained on.
        """

    @abstractmethod
    def describe(self) -> list[str]:
        """What was read, in lines for the terminal."""

    @abstractmethod
    def build_model(self) -> nn.Module:
        """The network with fresh weights."""

    @abstractmethod
    def objective(self, model: nn.Module) -> Objective:
        """The loss to train on and the validation that goes with it."""

    @abstractmethod
    def source(self) -> Source:
        """The batches to train on, endless and resumable."""

    @abstractmethod
    def evaluate(self, model: nn.Module, paths: Sequence[Path] = ()) -> list[Score]:
        """The metrics on the run's validation and test data, or on the files at `paths`."""

    @abstractmethod
    def predict(self, model: nn.Module, lines: Iterable[str]) -> Iterator[Record]:
        """One record for each line of the input."""

    @abstractmethod
    def stream(self, model: nn.Module) -> FrontEnd:
        """The model as something that text is pushed into."""

    @abstractmethod
    def next_steps(self) -> list[str]:
        """What to type next, once the run is trained."""
