"""A library of C that writes to the standard error on its own account, kept quiet."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Send what is written to file descriptor 2 to nowhere.

    mpg123, inside libsndfile, writes lines of warning there even of MP3 files that are whole, and
    has no way to be told not to. The descriptor belongs to the process: one thread at a time does
    this, and what others write meanwhile is lost, so it holds for a block of samples and no longer.
    """
    with _ONE_AT_A_TIME:
        sys.stderr.flush()
        kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
