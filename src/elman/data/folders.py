"""The files of a folder of data, which have to be in it: a link may not lead to others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from elman.bounds import check_regular
from elman.errors import InputError


def files_in(folder: Path) -> Iterator[Path]:
    """All files of a folder and of those in it, in the order of names; hidden ones are left out.

    Raises:
        InputError: a link that leads out of the folder or nowhere, a pipe, a device or a socket.
    """
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            check_inside(folder, Path(place, name))
        found += [Path(place, name) for name in names if not name.startswith(".")]
    for path in sorted(found):
        check_inside(folder, path)
        check_regular(path)
        yield path


def check_inside(folder: Path, path: Path) -> None:
    """Raise InputError for a link in `folder` that leads to nothing or out of it."""
    if not path.is_symlink():
        return
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: a link to itself
        raise InputError(f"{path}: a link that leads to no file; correct or remove it") from error
    if not target.is_relative_to(folder.resolve()):
        raise InputError(
            f"{path}: a link out of the folder, to {target}, which is not followed; copy the file"
            " into the folder, or name the files one by one"
        )
