"""The protocol of a task: one use of a recurrent network, in one file.

A task says how data become batches, what the model is, what its loss and its metrics are, and
how a trained one is applied. The loop, the checkpoints, the run directory and the command line
are never its business.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict
from torch import nn

from elman.data.text import whole_text
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


@dataclass(frozen=True)
class Report:
    """What an evaluation found.

    Attributes:
        scores: the numbers.
        verdict: what they mean, in sentences that stand above them.
    """

    scores: Sequence[Score]
    verdict: Sequence[str] = ()


Record: TypeAlias = Any
"""A row: an instance of a dataclass, or a mapping, with the same columns from row to row."""


class Options(BaseModel):
    """What a command may be told about one use of a trained model; a task's own are subclasses.

    Each field has a description, which is what the command line's help says of its flag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


NO_OPTIONS = Options()


@dataclass(frozen=True)
class Given:
    """What a model is applied to: a file, or lines as they arrive.

    Attributes:
        path: the file; None where there is none.
        arriving: the lines, where they don't come from a file; read no sooner than asked for.
    """

    path: Path | None = None
    arriving: Iterable[str] = field(default=(), repr=False)

    def lines(self) -> Iterator[str]:
        """The lines, without what ends them.

        Raises:
            InputError: a file that can't be read as text.
        """
        if self.path is None:
            yield from self.arriving
        else:
            yield from lines_of(whole_text(self.path).blocks())


def lines_of(pieces: Iterable[str]) -> Iterator[str]:
    """The lines of a text that arrives in pieces, each without waiting for the whole."""
    waiting = ""
    for piece in pieces:
        *complete, waiting = (waiting + piece).split("\n")
        yield from complete
    if waiting:
        yield waiting


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
    data: ClassVar[str] = "train, valid and test files, or one to be cut"
    """What DATA may be, for the command line's help."""
    common: ClassVar[tuple[str, ...]]
    """The fields of `Config` that `--help` shows; `--help-all` shows the rest too."""
    Evaluation: ClassVar[type[Options]] = Options
    Prediction: ClassVar[type[Options]] = Options
    Streaming: ClassVar[type[Options]] = Options
    """What `evaluate`, `predict` and `stream` may be told; each field is a flag of the command."""

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
    def evaluate(
        self, model: nn.Module, paths: Sequence[Path] = (), options: Options = NO_OPTIONS
    ) -> Report:
        """The metrics on the run's validation and test data, or on the files at `paths`."""

    @abstractmethod
    def predict(
        self, model: nn.Module, given: Given, options: Options = NO_OPTIONS
    ) -> Iterator[Record]:
        """The model applied to a file or to lines, a row at a time."""

    @abstractmethod
    def stream(self, model: nn.Module, options: Options = NO_OPTIONS) -> FrontEnd:
        """The model as something that text is pushed into."""

    @abstractmethod
    def next_steps(self) -> list[str]:
        """What to type next, once the run is trained."""


def columns(record: Record) -> dict[str, Any]:
    """The names and values of a row, nested dataclasses as mappings."""
    return dict(record) if isinstance(record, Mapping) else asdict(record)
