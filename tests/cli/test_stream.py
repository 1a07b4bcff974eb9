import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elman.tasks.runs import Run, train
from tests import reviews, series, toy_language
from tests.cli.conftest import Elman, Ended


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
    read = trained.predictor.session().push("the cat")
    assert [answer["text"] for answer in answers] == list("the cat")
    assert [answer["bits"] for answer in answers] == pytest.approx(
        [token.bits for token in read], rel=1e-5
    )
    assert len(answers[0]["guesses"]) == 3


Streamed = Callable[..., Ended]


@pytest.fixture
def streamed(elman: Elman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Streamed:
    """`elman stream` on these bytes of standard input."""

    def run(source: object, data: bytes, *flags: object) -> Ended:
        (tmp_path / "input").write_bytes(data)
        with (tmp_path / "input").open() as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            return elman("stream", source, "--format", "json", *flags)

    return run


@pytest.mark.parametrize("cut", [0, 5, 7, 8, 12])
def test_it_goes_on_where_it_stopped(
    streamed: Streamed, trained: Run, tmp_path: Path, cut: int
) -> None:
    text = "the caté sat".encode()  # of two bytes, which a cut at 8 takes apart
    whole = streamed(trained.path, text)
    state = tmp_path / "state"
    first = streamed(trained.path, text[:cut], "--save-state", state)
    second = streamed(trained.path, text[cut:], "--state", state)
    assert (first.code, second.code) == (0, 0)
    assert first.out + second.out == whole.out


def same(got: Any, wanted: Any) -> None:
    """Equal, with numbers within the rounding of other chunks."""
    match wanted:
        case dict():
            assert got.keys() == wanted.keys()
            for name, value in wanted.items():
                same(got[name], value)
        case list():
            assert len(got) == len(wanted)
            for one, other in zip(got, wanted, strict=True):
                same(one, other)
        case float():
            assert got == pytest.approx(wanted, rel=1e-4, abs=1e-5)
        case _:
            assert got == wanted


SHORT: dict[str, Any] = {"max_steps": 1, "eval_every": 1, "checkpoint_every": 1}
KINDS: dict[str, tuple[Callable[[Path], Run], bytes]] = {
    "classifier": (
        lambda folder: reviews.run(folder, bidirectional=False, **SHORT),
        b"a fine film\nand a dull end\n",
    ),
    "forecaster": (
        lambda folder: series.run(folder, **SHORT),
        b"date,y\n2023-07-20,21.5\n2023-07-21,22.5\n",
    ),
    "translator": (
        lambda folder: toy_language.run(folder, **SHORT),
        "\n".join(toy_language.sources()[:3]).encode(),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_goes_on_where_it_stopped(streamed: Streamed, tmp_path: Path, kind: str) -> None:
    make, data = KINDS[kind]
    run = make(tmp_path)
    ended = streamed(run.path, data)
    assert ended.code == 0, ended.err
    whole = [json.loads(line) for line in ended.out.splitlines()]
    assert whole
    state = tmp_path / "state"
    for cut in (0, 5, len(data) - 4):
        first = streamed(run.path, data[:cut], "--save-state", state)
        second = streamed(run.path, data[cut:], "--state", state)
        assert (first.code, second.code) == (0, 0), first.err + second.err
        same([json.loads(line) for line in (first.out + second.out).splitlines()], whole)


def test_a_memory_run_streams_rows(streamed: Streamed, tmp_path: Path) -> None:
    settings = {"problem": "counting", "lag": 9, "max_steps": 1, "eval_sequences": 5}
    run = train("memory", None, tmp_path / "run", **settings)
    rows = b"1 0\n0 1\n1 0\n"
    answers = [json.loads(line) for line in streamed(run.path, rows).out.splitlines()]
    assert [answer["step"] for answer in answers] == [1, 2, 3]
    state = tmp_path / "state"
    first = streamed(run.path, rows[:6], "--save-state", state)
    assert [json.loads(line) for line in first.out.splitlines()] == answers[:1]
    second = streamed(run.path, rows[6:], "--state", state)
    assert [json.loads(line) for line in second.out.splitlines()] == answers[1:]


def test_what_comes_before_a_fault_is_answered(streamed: Streamed, trained: Run) -> None:
    ended = streamed(trained.path, b"the\xff")
    assert ended.code == 2
    assert [json.loads(line)["text"] for line in ended.out.splitlines()] == list("the")
    assert "not UTF-8 at byte 3" in ended.err


def test_a_folder_that_was_saved_streams_too(
    streamed: Streamed, trained: Run, tmp_path: Path
) -> None:
    trained.predictor.save(tmp_path / "model")
    assert streamed(tmp_path / "model", b"the cat").out == streamed(trained.path, b"the cat").out


def test_a_state_that_is_not_its_own(streamed: Streamed, trained: Run, tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert streamed(trained.path, b"the", "--save-state", state).code == 0
    other = train("memory", None, tmp_path / "run", lag=9, max_steps=1, eval_sequences=5)
    ended = streamed(other.path, b"", "--state", state)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "of a language-model session, expected one of a memory" in ended.err
    ended = streamed(trained.path, b"", "--state", tmp_path / "no")
    assert "no: cannot be read" in ended.err
