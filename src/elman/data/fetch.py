"""Public data sets: what they are, where they come from, and how to get them.

Each file is taken from its public origin at one commit, and must have the checksum given here; so
must what is in an archive.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from elman.data.archive import Archive
from elman.errors import InputError, RunFailed, missing_extra


@dataclass(frozen=True)
class DataSet:
    """A public data set.

    Attributes:
        what: its contents in one line.
        origin: the https address its files are below.
        license: as stated at the origin.
        split: how it is divided for published results, and the usual metric.
        files: what `get` brings: name, below the origin -> SHA-256 of the file's bytes.
        archive: in place of files, where there are too many to name.
    """

    name: str
    what: str
    origin: str
    license: str
    split: str
    files: Mapping[str, str] = field(default_factory=dict)
    archive: Archive | None = None


def list_datasets() -> tuple[DataSet, ...]:
    """The data sets that `get` knows, as datasets.toml describes them."""
    table = files("elman.data").joinpath("datasets.toml").read_text(encoding="utf-8")
    return tuple(_of(row) for row in tomllib.loads(table)["dataset"])


def _of(row: dict[str, Any]) -> DataSet:
    archive = row.pop("archive", None)
    if archive is not None:
        archive = Archive(**{**archive, "columns": tuple(archive.get("columns", ()))})
    return DataSet(**row, archive=archive)


def get(name: str, folder: str | os.PathLike[str]) -> list[Path]:
    """Bring a data set to `folder`/name; the paths of its files, or that folder for an archive.

    What is there already is not fetched again.

    Raises:
        InputError: no data set of that name, or the optional package pooch is missing.
        RunFailed: a file cannot be fetched, or is not what it was.
        OSError: a file cannot be written.
    """
    known = {dataset.name: dataset for dataset in list_datasets()}
    if name not in known:
        raise InputError(f"no data set is called {name!r}; there are {', '.join(known)}")
    dataset, place = known[name], Path(folder, name)
    if dataset.archive is not None and dataset.archive.is_in(place):
        return [place]
    try:
        import pooch  # type: ignore[import-untyped]
    except ImportError as error:
        raise missing_extra("to get data", "pooch", "data") from error
    pooch.get_logger().setLevel("WARNING")  # a library says nothing of its own accord
    if (archive := dataset.archive) is not None:
        url = f"{dataset.origin}/{archive.file}"
        with TemporaryDirectory() as temporary:
            path = _fetched(pooch, url, None, archive.file, Path(temporary))
            try:
                archive.unpack(path, place)
            except ValueError as error:
                raise RunFailed(f"{url} is not what it was: {error}; try again") from error
        return [place]
    paths = []
    for file, digest in dataset.files.items():
        url = f"{dataset.origin}/{file}"
        try:
            path = _fetched(pooch, url, f"sha256:{digest}", file, place)
        except ValueError as error:
            raise RunFailed(
                f"{url} is not the file it was: its SHA-256 is not {digest}; try again"
            ) from error
        paths.append(Path(path))
    return paths


def _fetched(pooch: Any, url: str, digest: str | None, file: str, folder: Path) -> Path:
    try:
        return Path(pooch.retrieve(url, digest, fname=file, path=folder))
    except OSError as error:
        if error.errno is not None:  # of the disk; those of the network have no number
            raise
        raise RunFailed(
            f"cannot fetch {url} ({type(error).__name__}); check the connection and try again"
        ) from error
