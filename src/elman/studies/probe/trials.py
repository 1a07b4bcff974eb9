"""The folder of a study: a folder for each training, there as a whole or not at all.

study.json       the settings that all trainings share
PROBLEM/CELL/rate-R/lag-L/seed-S/   the predictor, which `elman.load` takes, with its result.json
results.json, results.csv           all results, made from those
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from os import getpid
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, TypeAdapter

from elman.data.memory import PROBLEMS
from elman.errors import InputError
from elman.files import write_json, write_text
from elman.parse import parse_json

FORMAT = 2
"""Raised when a study can no longer be gone on with by the code before it."""


@dataclass(frozen=True)
class Trial:
    """One training; its cell is a name of `CELLS` in probe.py, or the path of a class."""

    problem: str
    cell: str
    learning_rate: float
    lag: int
    seed: int

    @property
    def folder(self) -> Path:
        """Where its predictor stands in a study."""
        cell = self.cell.replace(":", "-")
        rate, lag = f"rate-{self.learning_rate:g}", f"lag-{self.lag}"
        return Path(self.problem, cell, rate, lag, f"seed-{self.seed}")

    def __str__(self) -> str:
        return (
            f"{self.problem}, {self.cell}, rate {self.learning_rate:g}, lag {self.lag},"
            f" seed {self.seed}"
        )


@dataclass(frozen=True)
class Result:
    """How a training ended.

    Attributes:
        score: on the test sequences, in the problem's metric; None where training diverged.
        mastered: whether the score reaches the problem's threshold.
        ended: "solved" (half the error that mastery allows), "max_steps" or "diverged".
        seconds: all that the training took, evaluations included.
    """

    trial: Trial
    score: float | None
    mastered: bool
    updates: int
    ended: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        row = asdict(self)
        return {**row.pop("trial"), "metric": PROBLEMS[self.trial.problem].metric, **row}

    @staticmethod
    def from_dict(row: Mapping[str, Any]) -> Result:
        return _RESULT.validate_python({**row, "trial": row})


_RESULT = TypeAdapter(Result)


class _Header(BaseModel):
    """study.json."""

    format: int
    settings: dict[str, Any]


@dataclass(frozen=True)
class Study:
    """The folder at `path`, all of whose trainings have `settings`; make one with `open`."""

    path: Path
    settings: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path, settings: Mapping[str, Any]) -> Self:
        """The study at `path`, begun now or before, whose trainings share fields of `MemoryConfig`.

        Raises:
            InputError: another kind of folder, or a study with other settings.
            OSError: it cannot be written.
        """
        header = path / "study.json"
        try:
            found = _Header.model_validate_json(header.read_bytes())
        except FileNotFoundError as error:
            if path.is_dir() and any(path.iterdir()):
                raise InputError(
                    f"{path}: a folder that is not a study; give another --out"
                ) from error
            path.mkdir(parents=True, exist_ok=True)
            write_json(header, {"format": FORMAT, "settings": dict(settings)})
            return cls(path, dict(settings))
        except ValueError as error:
            raise InputError(f"{header}: damaged; give another --out") from error
        if found.format != FORMAT:
            raise InputError(
                f"{path}: a study of format {found.format}, expected {FORMAT}; give another --out"
            )
        kept = found.settings
        for name in sorted({*kept, *settings}):
            if kept.get(name) != settings.get(name):
                raise InputError(
                    f"{path}: its trainings have {name} = {kept.get(name)}, not"
                    f" {settings.get(name)}; set it so, or give another --out"
                )
        return cls(path, kept)

    def results(self) -> dict[Trial, Result]:
        """Those of all trainings that were finished; an InputError for one that is damaged."""
        found = {}
        for path in sorted(self.path.glob("*/*/*/*/seed-*/result.json")):
            try:
                result = Result.from_dict(parse_json(path.read_bytes()))
            except (ValueError, TypeError) as error:
                raise InputError(f"{path}: damaged; remove its folder to train it again") from error
            found[result.trial] = result
        return found

    def scratch_path(self, trial: Trial) -> Path:
        """Where this process may put together the folder of `trial`."""
        folder = self.path / trial.folder
        return folder.with_name(f".{folder.name}.{getpid()}.partial")

    def keep(self, trial: Trial, scratch: Path) -> None:
        """Give the finished folder at `scratch` its name."""
        folder = self.path / trial.folder
        if folder.exists():  # the same training by a study that ran at the same time
            shutil.rmtree(scratch)
        else:
            scratch.rename(folder)

    def clear_leftovers(self) -> None:
        """Remove what a kill in the middle of a training has left."""
        for path in self.path.glob("*/*/*/*/.*.partial"):
            shutil.rmtree(path, ignore_errors=True)

    def write_tables(self, results: Sequence[Result], summary: Mapping[str, Any]) -> None:
        """results.json, with `summary` before the rows, and results.csv."""
        rows = [result.as_dict() for result in results]
        write_json(
            self.path / "results.json", {"settings": self.settings, **summary, "results": rows}
        )
        write_text(self.path / "results.csv", csv_text(rows))


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same keys as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
