"""What a run keeps of its evaluation and of the record of its training, with checksums."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import TypeAdapter

from elman.checksums import fault, list_files, listed_in, replace_listed, unlist
from elman.errors import ElmanWarning, InputError
from elman.evaluation.report import Report, Score
from elman.files import json_bytes
from elman.plots.gradient_watch import draw_gradients
from elman.plots.style import is_available
from elman.predictors.predictor import Predictor
from elman.settings import Options
from elman.training.gradient_watch import curves_of
from elman.training.log import read_metrics
from elman.training.run_directory import RunDirectory

EVALUATION = "evaluation.json"
"""The scores of the run's own held-out data."""

_GRADIENTS, _TENSORBOARD = "gradients.png", "tensorboard"


@dataclass(frozen=True)
class KeptScore:
    """A `Score`; the value is None where it is no finite number."""

    split: str
    metric: str
    value: int | float | None
    unit: str


@dataclass(frozen=True)
class Kept:
    """The scores of a predictor, whose fingerprint says which weights they are of."""

    fingerprint: str
    scores: tuple[KeptScore, ...]


_KEPT = TypeAdapter(Kept)


def keep_report(run: Path, predictor: Predictor, report: Report, options: Options) -> None:
    """Keep the scores and the figures of a report on the run's own data in its folder.

    Scores of other than the usual options are not kept. Where the folder cannot be written, a
    warning says so.

    Raises:
        InputError: the list of hashes of the folder is damaged.
    """
    files = dict(_drawn(report.figures)) if is_available() else {}
    if _is_usual(options):
        kept = Kept(predictor.fingerprint, tuple(map(_kept, report.scores)))
        files[EVALUATION] = json_bytes(asdict(kept))
    try:
        replace_listed(run, files)
    except OSError as error:
        warnings.warn(
            f"{run}: the report is not kept in it ({error.strerror or error})",
            ElmanWarning,
            stacklevel=2,
        )


def read_kept(run: Path) -> Kept | None:
    """What `keep_report` kept; None where there is nothing.

    Raises:
        InputError: it is damaged.
    """
    path, remedy = run / EVALUATION, f"`elman evaluate {run}` writes it again"
    if not path.exists():
        return None
    if (reason := fault(path, listed_in(run).get(EVALUATION, []), remedy)) is not None:
        raise reason
    try:
        return _KEPT.validate_json(path.read_bytes())
    except ValueError as error:
        words = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as scores ({words}); {remedy}") from error


def begin_record(place: RunDirectory) -> None:
    """Take what training changes out of the list of hashes.

    Raises:
        InputError: events of TensorBoard are damaged; training would go on with them.
    """
    for name, hashes in listed_in(place.path).items():
        path = place.path / name
        if name.startswith(f"{_TENSORBOARD}/") and path.is_file():
            reason = fault(path, hashes, "delete it to go on without it")
            if reason is not None:
                raise reason
    unlist(place.path, (place.metrics_path.name, f"{_TENSORBOARD}/", f"{place.checkpoints.name}/"))


def end_record(place: RunDirectory) -> None:
    """Draw the curves of a training that is done, and list what it leaves."""
    curves = curves_of(read_metrics(place.metrics_path))
    if curves and is_available():

        def draw(path: Path) -> None:
            draw_gradients(curves, path)

        replace_listed(place.path, dict(_drawn({_GRADIENTS: draw})))
    list_record(place)


def list_record(place: RunDirectory) -> None:
    """List what training leaves; it comes off the list when training goes on."""
    events = sorted((place.path / _TENSORBOARD).rglob("*"))
    paths = [place.metrics_path, *place.all_checkpoints(), *events]
    names = [path.relative_to(place.path).as_posix() for path in paths if path.is_file()]
    list_files(place.path, names)


def _drawn(figures: Mapping[str, Callable[[Path], None]]) -> Iterator[tuple[str, bytes]]:
    with TemporaryDirectory() as scratch:
        for name, draw in figures.items():
            path = Path(scratch) / name
            draw(path)
            yield name, path.read_bytes()


def _is_usual(options: Options) -> bool:
    """Whether all is as by default but where else the report goes."""
    fields, read = type(options).model_fields, options.reads
    chosen: Iterator[tuple[str, Any]] = iter(options)
    return all(
        value == fields[name].default or (isinstance(value, Path) and name not in read)
        for name, value in chosen
    )


def _kept(score: Score) -> KeptScore:
    value = score.value if math.isfinite(score.value) else None
    return KeptScore(score.split, score.metric, value, score.unit)
