"""From what a table calls a recording to its file, which has to be below a folder that is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from elman.data.labeled.formats.rows_of_table import BadCell

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True)
class Places:
    """Where the paths of a table lead.

    A table may come from a stranger, so a path in it leads below one of two folders, also by way
    of links: that of the table, or the one that `--audio-root` or `--video-root` names.

    Attributes:
        base: the folder of the table; None for a table in memory, whose paths are the user's own.
        root: the folder that the option names, where relative paths are looked for first.
        kind: "audio" or "video", as messages and the option say.
    """

    base: Path | None
    root: Path | None = None
    kind: str = "audio"

    def find(self, cell: object) -> Path:
        """The file that a cell names.

        Raises:
            BadCell: no path, a file that is not there, or one out of the folders.
        """
        if not isinstance(cell, str | Path):
            raise BadCell(f"its {self.kind} is {cell!r:.40}, expected a path")
        text = str(cell).strip()
        if not text:
            raise BadCell(f"has no path of its {self.kind}")
        if _ADDRESS.match(text):
            raise BadCell(f"{text}: an address; get the file, and name that")
        if "\0" in text:
            raise BadCell("a path with a character 0")
        folders = [folder for folder in (self.root, self.base) if folder is not None] or [Path()]
        found = [path for folder in folders if (path := folder / text).exists()]
        if not found:
            raise BadCell(f"{folders[0] / text}: no such file; {self._remedy(text)}")
        for path in found:
            real = path.resolve()
            if (self.base is None and self.root is None) or any(
                real.is_relative_to(folder.resolve()) for folder in folders
            ):
                return path
        raise BadCell(
            f"{text}: out of {' and '.join(map(str, folders))}; give --{self.kind}-root, a folder"
            f" with all of the {self.kind} in it"
        )

    def _remedy(self, text: str) -> str:
        if "\\" in text:
            return "write / in place of \\"
        if self.root is None:
            return f"correct the path, or give --{self.kind}-root, the folder that paths are below"
        return f"correct the path, or --{self.kind}-root"
