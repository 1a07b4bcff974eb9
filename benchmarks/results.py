"""RESULTS.md: one section for each benchmark, replaced whenever that benchmark is run again."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import process_time

import torch

from elman.files import write_text

RESULTS = Path(__file__).parent / "RESULTS.md"
PREAMBLE = """\
# Results

Each section is written by the command that it names, run in the project's folder. Data sets are
found through the environment variable ELMAN_DATA; `elman data list` says where they come from.
"""


def write_section(title: str, body: str, path: Path = RESULTS) -> None:
    """Put `body` under the heading `title`: in the place of the one before, else at the end."""
    text = path.read_text(encoding="utf-8") if path.exists() else PREAMBLE
    preamble, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    new = f"## {title}\n\n{body.strip()}\n"
    titles = [section.splitlines()[0].removeprefix("## ").strip() for section in sections]
    if title in titles:
        sections[titles.index(title)] = new
    else:
        sections.append(new)
    write_text(path, "\n".join(part.strip("\n") + "\n" for part in (preamble, *sections)))


def circumstances(command: str, threads: int | None = None) -> str:
    """When, with what and on what a figure was measured, as a paragraph."""
    day = datetime.now(tz=UTC).date().isoformat()
    used = threads or torch.get_num_threads()
    return (
        f"`{command}`\n\n"
        f"{day} · elman {version('elman')}, torch {torch.__version__}, Python"
        f" {platform.python_version()} · {cpu_name()}, {torch.backends.cpu.get_cpu_capability()},"
        f" {os.cpu_count()} cores of {core_speed():.0f} GFLOP/s, {used}"
        f" {'thread' if used == 1 else 'threads'}, float32"
    )


def core_speed(seconds: float = 0.3) -> float:
    """What one core gives in torch's product of matrices, in GFLOP/s.

    Processors of one name differ by a factor of three, and minutes mean nothing without it. It is
    reckoned by the time of the processor, so what else is running counts for little.
    """
    size, threads = 384, torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        a = torch.ones(size, size)
        out = a @ a
        best, until = float("inf"), process_time() + seconds
        while process_time() < until:
            began = process_time()
            for _ in range(4):
                torch.mm(a, a, out=out)
            best = min(best, (process_time() - began) / 4)
    finally:
        torch.set_num_threads(threads)
    return 2 * size**3 / best / 1e9


def cpu_name() -> str:
    """The processor, as the system calls it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
