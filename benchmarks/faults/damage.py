"""`python -m benchmarks.faults damage`: each file of a run damaged in turn, by each command.

A tiny run of each task is trained, evaluated and diagnosed. What each command reads of it is seen
by Python's audit hook. Then every file is damaged, one at a time: a byte changed at a random place,
the second half cut off, emptied, removed. Each command that reads the file must refuse in one line,
or say what it did instead (`resume` goes on from the checkpoint before a damaged one); none may
give other figures or a traceback. `elman verify` must notice every damage.
"""

from __future__ import annotations

import argparse
import io
import random
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.small_runs import RUNS, SmallRun
from benchmarks.results import circumstances, table, write_section
from elman.cli.main import main as elman

Change = Callable[[bytes, random.Random], bytes | None]
_REPORTS = (".png", ".html", "evaluation.json", "diagnosis.json")
WRONG = ("other figures", "traceback", "not noticed by verify")
OUTCOMES = ("refused", "recovered, said", "written anew", "not needed", *WRONG)


def _byte(content: bytes, draw: random.Random) -> bytes | None:
    place = draw.randrange(len(content))
    other = content[place] ^ (1 << draw.randrange(8))
    return content[:place] + bytes([other]) + content[place + 1 :]


DAMAGES: dict[str, Change] = {
    "one byte changed": _byte,
    "cut in half": lambda content, draw: content[: len(content) // 2],
    "emptied": lambda content, draw: b"",
    "removed": lambda content, draw: None,
}


@dataclass(frozen=True)
class Ended:
    """How a command ended; `code` is None for a traceback."""

    code: int | None
    out: str
    err: str
    weights: bytes


@dataclass(frozen=True)
class Found:
    """What a command, or `verify`, made of one damage."""

    task: str
    file: str
    damage: str
    command: str
    outcome: str
    said: str


def study(
    small: SmallRun, folder: Path, damages: Sequence[str], seed: int, copies: int = 1
) -> Iterator[Found]:
    """Damage each file of a run of one task, `copies` times where a byte is drawn at random."""
    kept, run = folder / "kept", folder / "run"
    with _quiet():
        small.train(folder)
    run.rename(kept)
    commands = small.commands(run, folder)
    shutil.copytree(kept, run)
    usual, reads = {}, {}
    for name, (words, given) in commands.items():
        with _opened(run) as files:
            usual[name] = _command(run, words, given)
        reads[name] = {file for file in files if not file.endswith(_REPORTS)}
        if usual[name].code != 0:
            raise RuntimeError(f"{name}: {usual[name].err}")
        _fresh(kept, run)
    draw = random.Random(seed)
    for path in sorted(each for each in kept.rglob("*") if each.is_file()):
        file, content = path.relative_to(kept).as_posix(), path.read_bytes()
        for damage in damages:
            for _ in range(copies if damage == "one byte changed" else 1):
                changed = DAMAGES[damage](content, draw)
                for name in ("verify", *(name for name in commands if file in reads[name])):
                    _fresh(kept, run)
                    _put(run / file, changed)
                    words, given = commands.get(name, (["verify", str(run), "--no-metrics"], b""))
                    ended = _command(run, words, given)
                    outcome = (
                        _verified(ended)
                        if name == "verify"
                        else _outcome(ended, usual[name], (run / file, changed), name)
                    )
                    said = ended.err.strip() or ended.out.strip()
                    yield Found(small.name, file, damage, name, outcome, said)


def _outcome(ended: Ended, usual: Ended, put: tuple[Path, bytes | None], name: str) -> str:
    path, changed = put
    if ended.code is None or "Traceback" in ended.err:
        return "traceback"
    if ended.code != 0:
        # Warnings that the whole run gives too may stand above the line.
        line = ended.err.removeprefix(usual.err)
        return "refused" if line.startswith("elman: ") and line.count("\n") == 1 else "traceback"
    same = ended.weights == usual.weights if name == "resume" else ended.out == usual.out
    if not same:
        return "other figures"
    if "warning" in ended.err.lower():
        return "recovered, said"
    now = path.read_bytes() if path.exists() else None
    return "written anew" if now != changed else "not needed"


def _verified(ended: Ended) -> str:
    if ended.code is None:
        return "traceback"
    return "refused" if ended.code == 2 else "not noticed by verify"


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def _fresh(kept: Path, run: Path) -> None:
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(kept, run)


def _command(run: Path, words: list[str], given: bytes) -> Ended:
    """Run one command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), None
    before = sys.stdin
    with tempfile.TemporaryFile() as file, io.TextIOWrapper(file, encoding="utf-8") as stdin:
        file.write(given)
        file.seek(0)
        sys.stdin = stdin
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = elman(words)
        except Exception:  # noqa: BLE001  (a traceback is what is looked for)
            err.write(traceback.format_exc())
        finally:
            sys.stdin = before
    weights = run / "predictor" / "model.safetensors"
    return Ended(
        code, out.getvalue(), err.getvalue(), weights.read_bytes() if weights.exists() else b""
    )


_watched: list[tuple[str, set[str]]] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _watched and isinstance(arguments[0], str | bytes):
        root, files = _watched[-1]
        path, mode = arguments[0], arguments[1]
        text = path.decode() if isinstance(path, bytes) else path
        if text.startswith(root) and (mode is None or "r" in str(mode)):
            files.add(text[len(root) :])


@contextmanager
def _opened(run: Path) -> Iterator[set[str]]:
    """The files below `run` that are opened to be read within the block."""
    files: set[str] = set()
    if not _watched:
        sys.addaudithook(_hook)
    _watched.append((f"{run}/", files))
    try:
        yield files
    finally:
        _watched.append(("\0", set()))


@contextmanager
def _quiet() -> Iterator[None]:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


def report(found: Sequence[Found]) -> str:
    """A table of outcomes by command, and one line for each that is wrong."""
    columns = [o for o in OUTCOMES if any(f.outcome == o for f in found) or o in WRONG]
    rows = []
    for task in dict.fromkeys(f.task for f in found):
        mine = [f for f in found if f.task == task]
        for command in dict.fromkeys(f.command for f in mine):
            counts = Counter(f.outcome for f in mine if f.command == command)
            files = len({f.file for f in mine if f.command == command})
            rows.append([task, command, str(files), *(str(counts[o]) for o in columns)])
    totals = Counter(f.outcome for f in found)
    files = len({(f.task, f.file) for f in found})
    rows.append(["all", "", str(files), *(str(totals[o]) for o in columns)])
    wrong = [
        f"- {f.task}, {f.command}, {f.file}, {f.damage}: {f.outcome} ({f.said[-200:]})"
        for f in found
        if f.outcome in WRONG
    ]
    return "\n\n".join(
        [
            _intro(files),
            table(["run", "command", "files", *columns], rows),
            "\n".join(wrong) if wrong else "No damage gave other figures or a traceback.",
        ]
    )


def _intro(files: int) -> str:
    return (
        f"Each of the {files} files of the runs is damaged in turn ({', '.join(DAMAGES)}); then"
        " each command that reads it is run. `verify` refuses where it notices the damage; `resume`"
        " recovers where it goes on from the checkpoint before a damaged one; not needed is a"
        " checkpoint that is older or gone. Reports that a command replaces without looking at"
        " them are left to `verify`."
    )


def main(arguments: list[str]) -> int:
    """Run the study and write its section of RESULTS.md."""
    parser = argparse.ArgumentParser("python -m benchmarks.faults damage")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", nargs="*", default=list(RUNS), choices=list(RUNS))
    parser.add_argument("--copies", type=int, default=1, help="bytes changed in each file, in turn")
    parser.add_argument("--dry", action="store_true", help="print only")
    chosen = parser.parse_args(arguments)
    found: list[Found] = []
    for task in chosen.tasks:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            found += study(RUNS[task], folder, list(DAMAGES), chosen.seed, chosen.copies)
        print(report([f for f in found if f.task == task]), file=sys.stderr, flush=True)
    body = report(found)
    print(body)
    if not chosen.dry:
        command = "python -m benchmarks.faults damage"
        write_section("Damaged files", f"{circumstances(command, 1)}\n\n{body}")
    return 1 if any(f.outcome in WRONG for f in found) else 0
