"""What some tasks can do beyond the protocol of all: write, be watched, be diagnosed."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from torch import nn

from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.predictors.generation import Generation, Request


class Writes(Protocol):
    """A task whose models write."""

    def generate(self, model: nn.Module, request: Request) -> Generation:
        """What the model goes on to write."""
        ...


class Reads(Protocol):
    """A task whose models can be watched as they read."""

    def read(self, model: nn.Module, text: str | None) -> Activations:
        """The states, the gates and the guesses at each step of a text, or of data of its own."""
        ...


class Diagnosable(Protocol):
    """A task whose models can be diagnosed."""

    def diagnosis_input(
        self,
        model: nn.Module,
        path: Path | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> DiagnosisInput:
        """The model on data that it was not trained on."""
        ...
