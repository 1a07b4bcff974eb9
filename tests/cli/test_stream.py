import json
import subprocess
import sys

import pytest

from elman.tasks.runs import Run


def test_each_step_is_answered_at_once(trained: Run) -> None:
    command = ["stream", str(trained.path), "--format", "json"]
    with subprocess.Popen(
        [sys.executable, "-m", "elman.cli.main", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers = []
        for text in ("t", "he", " cat"):
            process.stdin.write(text)
            process.stdin.flush()
            answers += [json.loads(process.stdout.readline()) for _ in text]
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 0
    read = trained.stream().push("the cat")
    assert [answer["text"] for answer in answers] == list("the cat")
    assert [answer["bits"] for answer in answers] == pytest.approx(
        [token.bits for token in read], rel=1e-5
    )
    assert len(answers[0]["guesses"]) == 3
