"""A few kills and full disks, as `make kill` makes hundreds of."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_training_survives(tmp_path: Path) -> None:
    results = tmp_path / "results.md"
    flags = ["--count", "6", "--full", "2", "--tasks", "language-model", "--results", str(results)]
    command = [sys.executable, "-m", "benchmarks.faults", "kill", *flags]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    row = next(line for line in results.read_text().splitlines() if line.startswith("| all "))
    name, kills, *_, full, resumed, started, wrong = (cell.strip() for cell in row[1:-1].split("|"))
    assert (name, kills, full, wrong) == ("all", "6", "2", "0")
    assert int(resumed) + int(started) >= 8
