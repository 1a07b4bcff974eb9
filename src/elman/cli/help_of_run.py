"""`elman predict RUN --help`: the flags of the task that the run is of, and no others."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from elman.cli import evaluate, predict, stream
from elman.cli.choices import Use, with_options
from elman.cli.flags import Command
from elman.errors import InputError
from elman.predictors.predictor import folder_of, read_parts
from elman.training.run_directory import RunDirectory

EXPLAINED: dict[str, tuple[Command, Use]] = {
    "evaluate": (evaluate.evaluate, "Evaluation"),
    "predict": (predict.predict, "Prediction"),
    "stream": (stream.stream, "Streaming"),
}


def explain(command: str, run: str) -> bool:
    """Print the help of a command for one run; False where there is no such run."""
    function, use = EXPLAINED[command]
    path = Path(run)
    try:
        if use == "Evaluation":
            kind, _ = RunDirectory(path).read_config()
        else:
            kind, _ = read_parts(folder_of(path))
    except (InputError, OSError):
        return False
    only = with_options(function, use, only=kind)
    App(name=f"elman {command}", default_command=only, help_format="plaintext").help_print([])
    print(f"{run} is of the kind {kind}; `elman {command} --help` shows the flags of all.")
    return True
