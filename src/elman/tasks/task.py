"""The protocol of a task: how one kind of predictor is trained.

A task says how data become batches, what predictor is made, what its loss and its metrics are. The
loop, the checkpoints, the run directory and the command line are never its business, and what a
trained network answers is the predictor's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from elman.data.given import Given
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput, Lags
from elman.errors import InputError
from elman.evaluation.report import Report
from elman.predictors.predictor import Predictor
from elman.settings import Options
from elman.tasks.network_config import CellConfig
from elman.training.contracts import Objective, Source

ConfigT = TypeVar("ConfigT", bound=CellConfig)
DataT = TypeVar("DataT")
PredictorT = TypeVar("PredictorT", bound=Predictor)


class Task(ABC, Generic[ConfigT, DataT, PredictorT]):
    """How one kind of predictor is trained, on data that were prepared.

    A task is made of two values and keeps nothing else: another config over the same data is
    another task, and so is the same config over other data.

    Args:
        config: the settings.
        data: what `prepare` or `open` gave.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Config: ClassVar[type[CellConfig]]
    counted: ClassVar[str]
    """What training counts, in the plural: "tokens"."""
    takes_data: ClassVar[bool] = True
    """Whether it is trained on the user's data; a task without draws its own."""
    data_help: ClassVar[str] = "train, valid and test files, or one to be cut"
    """What DATA may be, for the command line's help."""
    common: ClassVar[tuple[str, ...]]
    """The fields of `Config` that `--help` shows; `--help-all` shows the rest too."""

    Evaluation: ClassVar[type[Options]] = Options
    """The options of `evaluate`; each field is a flag of the command."""

    def __init__(self, config: ConfigT, data: DataT) -> None:
        self.config = config
        self.data = data

    @classmethod
    @abstractmethod
    def prepare(cls, config: ConfigT, given: Given | None, folder: Path) -> DataT:
        """Read the user's data once and leave in the empty `folder` all that training needs.

        Raises:
            InputError: data that can't be trained on.
        """

    @classmethod
    @abstractmethod
    def open(cls, config: ConfigT, folder: Path) -> DataT:
        """What `prepare` left in `folder`."""

    @abstractmethod
    def describe(self) -> list[str]:
        """What was read, in lines for the terminal."""

    @abstractmethod
    def make(self) -> PredictorT:
        """The predictor with fresh weights."""

    @abstractmethod
    def objective(self, predictor: PredictorT) -> Objective:
        """The loss to train on and the validation that goes with it."""

    @abstractmethod
    def source(self) -> Source:
        """The batches to train on, endless and resumable."""

    def finish(self, predictor: PredictorT) -> PredictorT:
        """The trained predictor with what only validation data can tell, such as a calibration."""
        return predictor

    @abstractmethod
    def evaluate(self, predictor: PredictorT, given: Given | None, options: Options) -> Report:
        """The metrics on the task's own validation and test data, or on what is given."""

    @abstractmethod
    def activations(self, predictor: PredictorT, sequence: str | Path | None) -> Activations:
        """The states, the gates and the guesses at each step of a text, or of the recording in a
        file, or, for None, of data of the run's own.

        Raises:
            InputError: a sequence of another kind than the network reads.
        """

    @abstractmethod
    def diagnosis_input(
        self, predictor: PredictorT, given: Given | None, lags: Lags
    ) -> DiagnosisInput:
        """The network on validation data, or on what is given, as a diagnosis takes it."""

    @abstractmethod
    def next_steps(self, run: str) -> Sequence[str]:
        """What to type next, once `run` (quoted for a shell) is trained."""


def text_of(sequence: str | Path | None, name: str) -> str | None:
    """The text to read, for a network that can't hear.

    Raises:
        InputError: a recording.
    """
    if isinstance(sequence, Path):
        raise InputError(
            f"{name}: hears no recordings and sees no videos; leave --audio and --video out"
        )
    return sequence


AnyTask = Task[Any, Any, Any]
