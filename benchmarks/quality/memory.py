"""Anonymous resident memory while a text far larger than it becomes tokens and is trained on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics
from tempfile import TemporaryDirectory

from benchmarks.quality.running import Options
from benchmarks.results import circumstances, table, write_section
from elman.errors import RunFailed

TITLE = "Memory on a text of 2 GB"
TEXT_BYTES = 2_000_000_000
HELD_OUT_BYTES = 100_000
STEPS = 500
SECONDS_BETWEEN_LOOKS = 0.05
LIMIT_MB = 1000


@dataclass
class Peaks:
    """The most anonymous memory seen, in MB: until the tokens are built, and from then on."""

    building: float = 0.0
    training: float = 0.0
    building_seconds: float = 0.0
    training_seconds: float = 0.0


def memory(options: Options) -> None:
    """Train with the command itself, and look at RssAnon from outside."""
    sections = []
    for unit in ("char", "word"):
        with TemporaryDirectory(dir=options.out) as folder:
            peaks = _watch(unit, Path(folder), options.threads)
        sections.append(
            [
                unit,
                f"{peaks.building:.0f}",
                f"{peaks.building_seconds:.0f}",
                f"{peaks.training:.0f}",
                f"{peaks.training_seconds:.0f}",
            ]
        )
    columns = ("unit", "MB building tokens", "seconds", f"MB over {STEPS} steps", "seconds")
    body = f"""\
The most RssAnon of `elman train language-model`, read from /proc/PID/status every
{1000 * SECONDS_BETWEEN_LOOKS:.0f} ms; the aim is under {LIMIT_MB:,}. The text is the language
reference that Python carries, repeated until there are {TEXT_BYTES / 1e9:.0f} GB.

{table(columns, sections)}

{circumstances(options.command, options.threads)}"""
    write_section(TITLE, body)


def _watch(unit: str, folder: Path, threads: int) -> Peaks:
    """Train in a process of its own and note the peaks.

    Raises:
        RunFailed: the command failed.
    """
    text = "\n".join(topics[name] for name in sorted(topics)).encode()
    data, run = folder / "data", folder / "run"
    data.mkdir()
    _repeat(data / "train.txt", text, TEXT_BYTES)
    for name in ("valid.txt", "test.txt"):
        _repeat(data / name, text, HELD_OUT_BYTES)
    command = [
        *(
            sys.executable,
            "-m",
            "elman.cli.main",
            "train",
            "language-model",
            str(data),
            "--out",
            str(run),
        ),
        *("--unit", unit, "--max-steps", str(STEPS), "--threads", str(threads)),
        *("--hidden-size", "256", "--eval-every", str(STEPS)),
    ]
    peaks = Peaks()
    process = subprocess.Popen(command)
    began = time.monotonic()
    try:
        while process.poll() is None:
            # The test text is the last to become tokens, and its file appears when it is whole.
            training = (run / "tokens" / "test.npy").exists()
            now = time.monotonic()
            seen = anonymous_mb(process.pid)
            if training:
                peaks.training = max(peaks.training, seen)
                peaks.training_seconds = now - began - peaks.building_seconds
            else:
                peaks.building = max(peaks.building, seen)
                peaks.building_seconds = now - began
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        process.kill()
    if process.returncode:
        raise RunFailed(f"{' '.join(command)}: left with exit code {process.returncode}")
    return peaks


@dataclass(frozen=True)
class Seen:
    """The most anonymous memory of a phase, in MB (10^6 bytes), and how long the phase was."""

    mb: float = 0.0
    seconds: float = 0.0


def watched(command: list[str], run: Path) -> dict[str, Seen]:
    """Train with a command in a process of its own, and note the peaks while it prepares the data
    and while it trains.

    Args:
        command: `elman train …` with `--out RUN`.
        run: that directory.

    Raises:
        RunFailed: the command failed.
    """
    seen = {"preparing": Seen(), "training": Seen()}
    process = subprocess.Popen(command)
    began = time.monotonic()
    try:
        while process.poll() is None:
            # Prepared beside and renamed: the run directory is there once training can begin.
            phase = "training" if (run / "predictor").exists() else "preparing"
            before = seen["preparing"].seconds if phase == "training" else 0.0
            peak = max(seen[phase].mb, anonymous_mb(process.pid))
            seen[phase] = Seen(peak, time.monotonic() - began - before)
            time.sleep(SECONDS_BETWEEN_LOOKS)
    finally:
        process.kill()
    if process.returncode:
        raise RunFailed(f"{' '.join(command)}: left with exit code {process.returncode}")
    return seen


def _repeat(path: Path, text: bytes, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, len(text)):
            file.write(text[: size - start])


def anonymous_mb(pid: int) -> float:
    """RssAnon of a process in MB (10^6 bytes); 0 once it has ended.

    Raises:
        RunFailed: this system has no /proc.
    """
    if not Path("/proc/self/status").exists():
        raise RunFailed(f"{os.uname().sysname} has no /proc; run this benchmark on Linux")
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"^RssAnon:\s*(\d+) kB$", status, flags=re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else 0.0
