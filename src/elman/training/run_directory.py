"""The folder that training leaves behind and every other command takes.

config.toml          the task and its settings
data/                what the task made of the user's data
predictor/           the network with the best weights so far, which `elman.load` takes
metrics.jsonl        one line of numbers for each report
checkpoints/         what `resume` goes on from
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, final

import tomli_w

from elman.bounds import read_settings
from elman.checksums import SEAL, damaged, is_file_intact, is_intact, sealed
from elman.errors import ElmanWarning, InputError
from elman.files import write_bytes
from elman.parse import parse_toml
from elman.tensors import load_tree
from elman.training.run_lock import LOCK, is_alive, owner_of

FORMAT = 3
"""Raised when a run directory can no longer be read by the code before it."""

INSIDE = ".preparing"
"""Where a run is prepared in a folder that is there already."""

RESUMED = "decoded"
"""The folder of the data in which a task may keep what a killed `train` is to be resumed from."""

_EDITED = (
    "restore it from a copy; to train with other settings, give a copy of it to `elman train` as"
    " --config"
)

_CHECKPOINT = re.compile(r"step-(\d+)\.safetensors")


@final
class RunDirectory:
    """The places inside the run's folder at `path`; `preparing` makes a new one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / "config.toml"
        self.data = path / "data"
        self.predictor = path / "predictor"
        self.header_path = self.predictor / "predictor.json"
        self.model_path = self.predictor / "model.safetensors"  # the best weights so far
        self.metrics_path = path / "metrics.jsonl"
        self.checkpoints = path / "checkpoints"

    @property
    def is_whole(self) -> bool:
        """Whether its preparation came to an end."""
        return self.config_path.is_file() and self.header_path.is_file()

    def write_config(
        self,
        task: str,
        settings: Mapping[str, Any],
        record: Mapping[str, Any] | None = None,
    ) -> None:
        """Write config.toml, the last file of a run that is made: it says that the run is whole.

        `settings` are plain values (`config.model_dump(mode="json")`); None is left out, because
        TOML has no such value. `record` is what is kept beside them, such as versions.
        """
        header = {
            "sha256": SEAL,
            "version": metadata.version("elman"),
            "format": FORMAT,
            "task": task,
            **(record or {}),
        }
        given = {name: value for name, value in settings.items() if value is not None}
        config = tomli_w.dumps({"elman": header, "settings": given})
        write_bytes(self.config_path, sealed(config.encode()))

    def read_config(self) -> tuple[str, dict[str, Any]]:
        """The task and its settings, as `write_config` was given them."""
        header, settings = self._read()
        return header["task"], settings

    def read_record(self) -> dict[str, Any]:
        """What is kept beside the settings, such as versions."""
        return self._read()[0]

    def _read(self) -> tuple[dict[str, Any], dict[str, Any]]:
        where = self.config_path
        try:
            written = read_settings(where)
            tree = parse_toml(written.decode())
        except FileNotFoundError as error:
            raise self.why_no_run() from error
        except InputError:
            raise
        except ValueError as error:
            raise damaged(where, _EDITED) from error
        except OSError as error:
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
        return header, settings

    def checkpoint_path(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:08d}.safetensors"

    def all_checkpoints(self) -> list[Path]:
        """The checkpoints there are, oldest first."""
        found = [(_CHECKPOINT.fullmatch(path.name), path) for path in self.checkpoints.glob("*")]
        steps = [(int(match[1]), path) for match, path in found if match]
        return [path for _, path in sorted(steps)]

    def usable_checkpoint(self) -> Path | None:
        """The newest checkpoint that can be read, or None where there is none at all.

        A warning names those that are damaged.

        Raises:
            InputError: there are some, and all of them are damaged.
        """
        broken: list[str] = []
        for path in reversed(self.all_checkpoints()):
            try:
                load_tree(path, "the checkpoint before it is used")
            except InputError as error:
                broken.append(str(error))
                continue
            for line in broken:
                warnings.warn(f"{line}: {path.name}", ElmanWarning, stacklevel=2)
            return path
        if broken:
            raise InputError(
                f"{self.checkpoints}: every checkpoint in it is damaged; delete this folder, and"
                f" `elman resume {self.path}` trains from the beginning"
            )
        return None

    def keep_latest_checkpoints(self, count: int) -> None:
        """Delete all but the newest `count`, or two: the newest may turn out to be damaged."""
        for path in self.all_checkpoints()[: -max(count, 2)]:
            path.unlink(missing_ok=True)

    def check_best(self) -> None:
        """Check that the best weights so far are there and intact, before training goes on.

        Raises:
            InputError: they are not.
        """
        path = self.model_path
        remedy = (
            f"restore it from a copy, or delete the folder {self.checkpoints}, and"
            f" `elman resume {self.path}` trains from the beginning"
        )
        if not path.is_file():
            raise InputError(f"{path}: is missing; {remedy}")
        if not is_file_intact(path):
            raise damaged(path, remedy)

    def go_back_to(self, checkpoint: Path | None) -> None:
        """Delete the checkpoints after the one that training goes on from, which is none of them.

        Only the process that owns the run may do so.
        """
        kept = self.all_checkpoints()
        later = kept if checkpoint is None else kept[kept.index(checkpoint) + 1 :]
        for path in later:
            path.unlink(missing_ok=True)

    def clear_leftovers(self) -> None:
        """Delete what kills have left: partial files of dead processes, safetensors' own.

        Only the process that owns the run may do so. Partial files of live processes stay, since
        `elman evaluate` may be writing its figures.
        """
        for folder in (self.path, self.predictor, self.checkpoints):
            for path in folder.glob(".*.partial"):
                pid = path.name.split(".")[-2]
                if not pid.isdecimal() or int(pid) == os.getpid() or not is_alive(int(pid)):
                    path.unlink(missing_ok=True)
            for path in folder.glob(".tmp??????"):
                path.unlink(missing_ok=True)

    def why_no_run(self) -> InputError:
        """What there is instead of a run, and the command that works."""
        begin = f"`elman train TASK DATA --out {self.path}`"
        target = Path(os.path.realpath(self.path))
        if not self.path.exists():
            if owner := owner_of(beside(target)):
                return InputError(f"{self.path}: {owner} is still preparing this run; wait for it")
            return InputError(
                f"{self.path}: there is no such folder, expected a run directory; {begin} makes one"
            )
        if not self.path.is_dir():
            return InputError(f"{self.path}: is a file, expected a run directory")
        if (target / INSIDE / self.config_path.name).is_file():
            return InputError(
                f"{self.path}: a run that was killed in its first moment; go on with"
                f" `elman resume {self.path}`"
            )
        if owner := owner_of(target):
            return InputError(f"{self.path}: {owner} is still preparing this run; wait for it")
        if not occupied(target):
            return InputError(f"{self.path}: holds no run yet; begin it with {begin}")
        return InputError(
            f"{self.path}: not a run directory, it has no {self.config_path.name};"
            " give the --out of `elman train`"
        )


def beside(target: Path) -> Path:
    """Where a run is prepared that will appear at `target`."""
    return target.with_name(f".{target.name}.preparing")


def occupied(folder: Path) -> bool:
    """Whether there is anything in `folder` but what a new run leaves or may find there."""
    return any(path.name not in (LOCK, INSIDE, "lost+found") for path in folder.iterdir())
