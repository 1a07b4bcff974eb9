"""The folder that training leaves behind and every other command takes.

config.toml          the task and its settings
data/                what the task made of the user's data
predictor/           the network with the best weights so far, which `elman.load` takes
metrics.jsonl        one line of numbers for each report
checkpoints/         what `resume` goes on from
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Self, final

import tomli_w

from elman.bounds import read_settings
from elman.checksums import SEAL, damaged, is_intact, sealed
from elman.errors import InputError
from elman.files import write_bytes
from elman.parse import parse_toml

FORMAT = 3
"""Raised when a run directory can no longer be read by the code before it."""

_EDITED = (
    "restore it from a copy; to train with other settings, give a copy of it to `elman train` as"
    " --config"
)

_CHECKPOINT = re.compile(r"step-(\d+)\.safetensors")


@final
class RunDirectory:
    """The places inside the run's folder at `path`; `create` makes a new one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / "config.toml"
        self.data = path / "data"
        self.predictor = path / "predictor"
        self.model_path = self.predictor / "model.safetensors"  # the best weights so far
        self.metrics_path = path / "metrics.jsonl"
        self.checkpoints = path / "checkpoints"

    @classmethod
    def create(cls, path: str | Path, task: str, settings: Mapping[str, Any]) -> Self:
        """A new run directory with its config.toml.

        `settings` are plain values (`config.model_dump(mode="json")`); None is left out, because
        TOML has no such value.
        """
        run = cls(Path(path))
        if run.path.exists() and not run.path.is_dir():
            raise InputError(f"{path}: is a file, expected a new folder; choose another --out")
        if run.path.is_dir() and any(run.path.iterdir()):
            raise InputError(
                f"{path}: exists and is not empty; choose another --out, delete it, or go on with"
                f" `elman resume {path}`"
            )
        for folder in (run.data, run.predictor, run.checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
        header = {
            "sha256": SEAL,
            "version": metadata.version("elman"),
            "format": FORMAT,
            "task": task,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        config = tomli_w.dumps({"elman": header, "settings": given})
        write_bytes(run.config_path, sealed(config.encode()))
        return run

    def read_config(self) -> tuple[str, dict[str, Any]]:
        """The task and its settings, as `create` was given them."""
        where = self.config_path
        if not self.path.is_dir():
            raise InputError(f"{self.path}: there is no such folder, expected a run directory")
        try:
            written = read_settings(where)
            tree = parse_toml(written.decode())
        except FileNotFoundError as error:
            raise InputError(
                f"{self.path}: not a run directory, it has no {where.name};"
                " give the --out of `elman train`"
            ) from error
        except InputError:
            raise
        except (OSError, ValueError) as error:
            raise InputError(f"{where}: cannot be read ({error})") from error
        header, settings = tree.get("elman"), tree.get("settings")
        if not isinstance(header, dict) or not isinstance(settings, dict):
            raise InputError(f"{where}: expected the tables [elman] and [settings] of a run")
        if header.get("format") != FORMAT:
            raise InputError(
                f"{where}: a run of format {header.get('format')!r}, expected {FORMAT}; train it"
                f" again, or use elman {header.get('version')}"
            )
        if not is_intact(written):
            raise damaged(where, _EDITED)
        if not isinstance(header.get("task"), str):
            raise InputError(f"{where}: [elman] names no task")
        return header["task"], settings

    def checkpoint_path(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:08d}.safetensors"

    def all_checkpoints(self) -> list[Path]:
        """The checkpoints there are, oldest first."""
        found = [(_CHECKPOINT.fullmatch(path.name), path) for path in self.checkpoints.glob("*")]
        steps = [(int(match[1]), path) for match, path in found if match]
        return [path for _, path in sorted(steps)]

    def latest_checkpoint(self) -> Path | None:
        """The newest checkpoint, or None before the first."""
        return next(reversed(self.all_checkpoints()), None)

    def keep_latest_checkpoints(self, count: int) -> None:
        """Delete all but the newest `count`."""
        for path in self.all_checkpoints()[:-count]:
            path.unlink(missing_ok=True)

    def clear_leftovers(self) -> None:
        """Delete what a kill in the middle of writing has left: our partial files, safetensors'."""
        for folder in (self.path, self.predictor, self.checkpoints):
            for pattern in (".*.partial", ".tmp??????"):
                for path in folder.glob(pattern):
                    path.unlink(missing_ok=True)
