"""The `elman` command: the table of commands, and what each ending means.

Exit codes: 0 done, 1 failed, 2 wrong usage or bad input, 130 interrupted, 143 terminated.
Commands are imported when they are called, so that help does not wait for torch.
"""

import errno
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from cyclopts import App, CycloptsError, MissingArgumentError

from elman.cli.tokens import prepared, run_to_explain
from elman.errors import ElmanWarning, InputError, RunFailed, command_line
from elman.files import FULL, DiskFull, full_disk
from elman.training.signals import Interrupted
from elman.version import __version__

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("elman.cli.demo:demo", "The first run: train on what Python carries, then write."),
    "train": ("elman.cli.train:app", "Train a recurrent network on your own sequences."),
    "resume": ("elman.cli.resume:resume", "Go on with a run that was stopped or killed."),
    "evaluate": ("elman.cli.evaluate:command", "Measure a trained run on its own or other data."),
    "verify": (
        "elman.cli.verify:verify",
        "Check the files and the figures of a run.",
    ),
    "predict": ("elman.cli.predict:command", "Apply a trained network to a file."),
    "generate": ("elman.cli.generate:generate", "Write with a language model."),
    "stream": ("elman.cli.stream:command", "Standard input to standard output, step by step."),
    "show": (
        "elman.cli.show:show",
        "See the hidden state as a network reads text, numbers, audio or video.",
    ),
    "diagnose": ("elman.cli.diagnose:diagnose", "How far a network remembers, and what to do."),
    "probe": ("elman.cli.probe:probe", "How far back each cell remembers, side by side."),
    "data": ("elman.cli.data:app", "See what would be read of a file; public data sets."),
    "bench": ("elman.cli.bench:bench", "Time the layers beside torch.nn on this machine."),
    "info": ("elman.cli.info:info", "Versions, CPU, threads, backends and extras."),
}

_WRONG_PATH = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)


def build_app() -> App:
    """The command line as cyclopts sees it, made from `COMMANDS`."""
    app = App(
        name="elman",
        help="Recurrent neural networks on the CPU: train, understand, stream.",
        help_format="plaintext",
        version=__version__,
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
        help_epilogue="Start with `elman demo`; `elman COMMAND --help` says more.",
    )
    for name, (path, summary) in COMMANDS.items():
        app.command(path, name=name, help=summary)
    app.register_install_completion_command(
        help="let the shell complete commands and flags (bash, zsh, fish)"
    )
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every failure is one line on stderr."""
    with command_line():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        with _warnings_as_lines():
            _run(prepared(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough (`elman generate RUN | head`). Python flushes stdout once
        # more as it leaves; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except MissingArgumentError as error:
        return _fail(2, _missing(error))
    except (CycloptsError, InputError) as error:
        return _fail(2, str(error))
    except RunFailed as error:
        return _fail(1, str(error))
    except Interrupted as error:
        on = error.checkpoint and f"; go on with: elman resume {error.checkpoint.parent.parent}"
        return _fail(128 + error.signal, f"{error}{on or ''}")
    except _Terminated:
        return _fail(143, "terminated")
    except KeyboardInterrupt as stop:
        return _fail(130, str(stop) or "interrupted")
    except OSError as error:
        return _fail(*_explain(error))
    finally:
        signal.signal(signal.SIGTERM, previous)
    return 0


def _run(tokens: Sequence[str]) -> None:
    asked = run_to_explain(tokens, ("evaluate", "predict", "stream"))
    if asked is not None:
        from elman.cli.help_of_run import explain

        if explain(*asked):
            return
    build_app()(tokens)


def _missing(error: MissingArgumentError) -> str:
    """What to say of an argument without which a command cannot begin."""
    argument = error.argument
    if argument is None or error.keyword is not None or argument.tokens:
        return str(error)  # a flag without its value
    command = " ".join(("elman", *(error.command_chain or ())))
    about = f": {argument.parameter.help}" if argument.parameter.help else ""
    return f"{argument.name} is required{about} (see `{command} --help`)"


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print our own warnings as lines for people, without the place in our code."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, ElmanWarning):
                print(f"elman: warning: {' '.join(str(message).split())}", file=sys.stderr)
            else:
                shown(message, category, filename, lineno, file, line)

        warnings.simplefilter("always", ElmanWarning)
        warnings.showwarning = show
        yield


class _Terminated(BaseException):
    """SIGTERM, as an exception, so that partial files are removed on the way out."""


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise _Terminated


def _fail(code: int, message: str) -> int:
    line = " ".join(message.split())
    print(f"elman: {line}", file=sys.stderr)
    return code


def _explain(error: OSError) -> tuple[int, str]:
    """The exit code and the line for an error of the operating system."""
    where = f" ({error.filename})" if error.filename else ""
    if (number := full_disk(error)) is not None:
        full = str(error) if isinstance(error, DiskFull) else f"{FULL[number]}{where}"
        return 1, f"{full}: nothing was half-written; free some space and try again"
    reason = error.strerror or str(error)
    if isinstance(error, (*_WRONG_PATH, PermissionError)) or error.errno == errno.EROFS:
        return 2, f"{reason}{where}: give a path that exists and that you may use"
    return 1, f"{reason}{where}"


if __name__ == "__main__":
    sys.exit(main())
