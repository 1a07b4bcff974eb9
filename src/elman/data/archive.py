"""A data set of many files that comes as one archive, known by what is in it.

An archive that a site makes on request is not the same bytes each time; its contents are. So they
have the checksum: the SHA-256 of the lines that `sha256sum *` writes of the files in the order of
their names (`LC_ALL=C`).
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from elman.files import write_bytes

_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Archive:
    """A zip file at an origin, of which one folder is taken.

    Attributes:
        file: its name below the origin.
        folder: the folder in it that is taken; below a folder of its own that the archive may have.
        sha256: of the contents; see `digest_of`.
        files: how many there are.
        size: how many bytes they hold together.
        columns: what the parts of a name are, between underscores; a table says it of each file.
    """

    file: str
    folder: str
    sha256: str
    files: int
    size: int
    columns: tuple[str, ...] = ()

    def is_in(self, folder: Path) -> bool:
        """Whether `folder` holds the files, as they were."""
        place = folder / self.folder
        if not place.is_dir():
            return False
        contents = {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}
        return digest_of(contents) == self.sha256

    def unpack(self, archive: Path, folder: Path) -> None:
        """Take the files out of `archive` into `folder`, with a table of what their names say.

        Raises:
            ValueError: not what the archive should hold; nothing is written then.
        """
        contents = dict(self._contents(archive))
        if digest_of(contents) != self.sha256:
            raise ValueError("other files than those that are known")
        for name, content in contents.items():
            (folder / self.folder).mkdir(parents=True, exist_ok=True)
            write_bytes(folder / self.folder / name, content)
        if self.columns:
            write_bytes(folder / "metadata.csv", self._table(sorted(contents)).encode())

    def _contents(self, archive: Path) -> Iterator[tuple[str, bytes]]:
        """Each file of the folder, read no further than the bytes that are known."""
        count, left = 0, self.size
        try:
            with zipfile.ZipFile(archive) as opened:
                for member in opened.infolist():
                    path = PurePosixPath(member.filename)
                    if member.is_dir() or path.parts[:-1][-1:] != (self.folder,):
                        continue
                    count += 1
                    if count > self.files:
                        raise ValueError("more files than are known")
                    with opened.open(member) as file:
                        content = file.read(left + 1)
                    left -= len(content)
                    if left < 0:
                        raise ValueError("more bytes than are known")
                    yield path.name, content
        except _UNREADABLE as error:
            raise ValueError(f"no zip file that can be read ({error})") from error

    def _table(self, names: list[str]) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("file", *self.columns))
        for name in names:
            parts = PurePosixPath(name).stem.split("_")
            writer.writerow((f"{self.folder}/{name}", *parts))
        return text.getvalue()


def digest_of(contents: Mapping[str, bytes]) -> str:
    """The SHA-256 of a line for each file in order: that of its bytes, two spaces, its name."""
    lines = (
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in sorted(contents.items())
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
