import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from elman.errors import InputError, RunFailed
from elman.studies.probe.workers import spread
from tests.studies.probe import jobs

ROOT = Path(__file__).parents[3]


def alive(pid: int) -> bool:
    """Whether there is such a process that is not only waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    """Whether a process ends within a few seconds."""
    for _ in range(100):
        if not alive(pid):
            return True
        time.sleep(0.1)
    return False


def test_each_job_is_done_once_and_answers_decide_what_comes_next() -> None:
    answers: dict[int, int] = {}

    def upcoming() -> list[int]:
        """9 and 8 first; the others once both are known."""
        known = [9, 8] if len(answers) < 2 else [9, 8, 3, 2, 1]
        return [job for job in known if job not in answers]

    order, pids = [], set()
    for job, (square, pid) in spread(jobs.squared, upcoming, 2):
        assert job not in answers
        answers[job] = square
        order.append(job)
        pids.add(pid)
    assert answers == {9: 81, 8: 64, 3: 9, 2: 4, 1: 1}
    assert set(order[:2]) == {9, 8}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert all(gone(pid) for pid in pids)


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [(jobs.refused, InputError, "4: not this one"), (jobs.died, RunFailed, r"4 died \(.*7\)")],
)
def test_what_goes_wrong_in_a_process_is_raised_here(work, error, message) -> None:
    with pytest.raises(error, match=message):
        list(spread(work, lambda: [4], 1))


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_the_processes_of_a_killed_parent_end(tmp_path: Path) -> None:
    place = tmp_path / "pid"
    code = (
        "from elman.studies.probe.workers import spread\n"
        "from tests.studies.probe import jobs\n"
        f"if __name__ == '__main__': list(spread(jobs.busy, lambda: [{str(place)!r}], 1))\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(script)], env=environment)
    try:
        for _ in range(600):
            if place.exists() and place.read_text():
                break
            time.sleep(0.1)
        worker = int(place.read_text())
        assert alive(worker)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert gone(worker)
