"""The command line in forked children: each is a process of its own, without the wait for imports.

The parent imports everything once and computes nothing, so that a fork finds no threads at work.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import final

_IMPORTED = (
    *(
        "torch",
        "torch._dynamo",
        "pandas",
        "sklearn.linear_model",
        "sklearn.feature_extraction.text",
        "sacrebleu",
    ),
    *("soundfile", "soxr", "kaldi_native_fbank", "jiwer"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "tokenizers"),
    *("elman.cli.main", "elman.cli.train", "elman.cli.resume"),
)


def import_everything() -> None:
    """What a training needs, in the parent; one thread, since pools of threads don't fork."""
    import torch

    torch.set_num_threads(1)
    for name in _IMPORTED:
        import_module(name)


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        code: its exit code, or minus the signal that killed it.
        line: the last line that it wrote to standard error.
    """

    code: int
    line: str


@final
class Child:
    """`elman` with `tokens` in a forked process that writes to the file `log`.

    Args:
        tokens: the command line.
        log: takes its output.
        file_limit: no file of the child can grow beyond so many bytes.
    """

    def __init__(self, tokens: Sequence[str], log: Path, file_limit: int | None = None) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._log = log
        log.unlink(missing_ok=True)  # what it says is this child's, from the beginning
        self._ended: Ended | None = None
        self.began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
                os.dup2(out, 1)
                os.dup2(out, 2)
                if file_limit is not None:
                    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
                    resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, hard))
                from elman.cli.main import main

                code = main(tokens)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(code)

    def ended(self) -> Ended | None:
        """How it ended, or None while it runs."""
        if self._ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._end(status)
        return self._ended

    def wait(self) -> Ended:
        """Until it has ended."""
        if self._ended is None:
            self._end(os.waitpid(self.pid, 0)[1])
        assert self._ended is not None
        return self._ended

    def kill(self) -> Ended:
        """SIGKILL; it may have ended before."""
        if self.ended() is None:
            os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def _end(self, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        text = self._log.read_text("utf-8", "replace") if self._log.exists() else ""
        self._ended = Ended(code, (text.strip().splitlines() or [""])[-1])
