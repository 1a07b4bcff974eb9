"""Which tests execute which lines, and which of them are nearest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree as ET

READ_THE_SOURCE = "tests/test_architecture.py::test_the_project_keeps"


@dataclass(frozen=True)
class TestMap:
    """The tests that execute each line of each file, and how long each test takes.

    Attributes:
        lines: file -> line -> the ids of tests.
        seconds: the id of a test -> its time.
    """

    __test__ = False

    lines: Mapping[str, Mapping[int, list[str]]]
    seconds: Mapping[str, float]

    @classmethod
    def made(cls, root: Path, folder: Path, workers: int) -> TestMap:
        """The map kept in `folder`, or a new one: the tests run once under coverage."""
        kept = folder / "map.json"
        if not kept.exists():
            folder.mkdir(parents=True, exist_ok=True)
            data, times = (folder / "coverage").resolve(), (folder / "times.xml").resolve()
            settings = folder / "coveragerc"
            settings.write_text(
                f"[run]\ndata_file = {data}\nsource = src/elman\n", encoding="utf-8"
            )
            subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", "-q", "-n", str(workers), "-m", "not slow"),
                    *("--cov", "--cov-context=test", "--cov-report=", f"--cov-config={settings}"),
                    *("-p", "no:cacheprovider", f"--junitxml={times}"),
                ],
                cwd=root,
                check=False,
            )
            kept.write_text(json.dumps(_read(root, data, times)), encoding="utf-8")
        read = json.loads(kept.read_text(encoding="utf-8"))
        names = read["names"]
        lines = {
            path: {int(line): [names[n] for n in found] for line, found in by_line.items()}
            for path, by_line in read["lines"].items()
        }
        return cls(lines, read["seconds"])

    def nearest(self, path: str, lines: tuple[int, int], budget: float) -> list[str]:
        """The ids of the nearest tests, as many as fit into `budget` seconds; at least one.

        A line that no test executes runs while the file is imported, as a dataclass or a constant
        does. Near to it are the tests that read the source, all of the test file that mirrors it
        (a bound that refuses may run no line of the file), and all that execute the file.
        """
        by_line = self.lines.get(path, {})
        found = {test for n in range(lines[0], lines[1] + 1) for test in by_line.get(n, ())}
        chosen: list[str] = []
        if not found:
            found = {test for tests in by_line.values() for test in tests}
            found |= {test for test in self.seconds if not _distance(path, test)}
            chosen = [test for test in self.seconds if test.startswith(READ_THE_SOURCE)]
            budget -= sum(map(self.cost, chosen))
        for test in sorted(found, key=lambda test: (_distance(path, test), self.cost(test))):
            if chosen and budget < self.cost(test):
                continue
            budget -= self.cost(test)
            chosen.append(test)
        return chosen

    def cost(self, test: str) -> float:
        return self.seconds.get(test, 1.0)


def _read(root: Path, data: Path, times: Path) -> dict[str, object]:
    seconds, failed = {}, set()
    for case in ET.parse(times).iter("testcase"):
        folder = case.get("classname", "").replace(".", "/")
        name = f"{folder}.py::{case.get('name')}"
        seconds[name] = float(case.get("time", 1))
        if case.find("failure") is not None or case.find("error") is not None:
            failed.add(name)  # such a test would kill every mutant
    from coverage import CoverageData  # of `make mutants` alone

    read = CoverageData(str(data))
    read.read()
    names: dict[str, int] = {}
    lines: dict[str, dict[int, list[int]]] = {}
    for file in read.measured_files():
        path = Path(file).relative_to(root).as_posix()
        lines[path] = {}
        for line, contexts in read.contexts_by_lineno(file).items():
            tests = {context.rpartition("|")[0] for context in contexts} - {"", *failed}
            lines[path][line] = sorted(names.setdefault(test, len(names)) for test in tests)
    return {"names": list(names), "lines": lines, "seconds": seconds}


def _distance(path: str, test: str) -> int:
    """0 for a test in the file that mirrors the source, more the farther away it stands."""
    source = PurePosixPath(path).relative_to("src/elman")
    own = PurePosixPath(test.partition("::")[0]).relative_to("tests")
    if own.parent == source.parent and source.stem in own.stem:
        return 0
    same = sum(a == b for a, b in zip(source.parent.parts, own.parent.parts, strict=False))
    return 1 + len(source.parent.parts) - same
