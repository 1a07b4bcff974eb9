"""What a library of C writes to the standard error, as lines for us and not for the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def complaints(said: list[str]) -> Iterator[None]:
    """Put the lines that are written to file descriptor 2 meanwhile into `said`.

    mpg123, inside libsndfile, writes there of damaged MP3 and has no other way to tell. The
    descriptor belongs to the process, so one thread at a time does this.
    """
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            said += file.read().decode("utf-8", "replace").splitlines()
