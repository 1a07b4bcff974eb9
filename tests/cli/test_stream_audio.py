"""`elman stream` hears: bytes in as they come, text out as it is heard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from elman.predictors.recognizer_session import LiveText, RecognizerSession
from tests.cli.conftest import Elman, Ended
from tests.predictors import contract
from tests.recognizers import RATE, recognizer, recording
from tests.wavs import header, wav

PREDICTOR = recognizer()
SPEECH = (recording(4.0) * 32768).astype("<i2").tobytes()
assert SPEECH.count(b"\n") > 50

Streamed = Callable[..., Ended]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recognizer") / "saved"
    PREDICTOR.save(path)
    return path


@pytest.fixture
def streamed(
    elman: Elman, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Streamed:
    """`elman stream` on these bytes of standard input."""

    def run(data: bytes, *flags: object) -> Ended:
        (tmp_path / "input").write_bytes(data)
        with (tmp_path / "input").open() as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            return elman("stream", folder, "--format", "json", *flags)

    return run


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def heard(data: bytes, **options: Any) -> list[Any]:
    answers = contract.answers_of(PREDICTOR.session(**options), [data])
    return [json.loads(json.dumps(asdict(answer))) for answer in answers]


def test_bytes_are_not_cut_at_newlines(streamed: Streamed, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    push = RecognizerSession.push

    def counted(self: RecognizerSession, chunk: bytes) -> list[LiveText]:
        sizes.append(len(chunk))
        return push(self, chunk)

    monkeypatch.setattr(RecognizerSession, "push", counted)
    assert streamed(SPEECH).code == 0
    assert sizes == [len(SPEECH)]


def test_a_wav_and_raw_samples_are_heard_alike(streamed: Streamed) -> None:
    wanted = heard(SPEECH, silence_after=0.3)
    assert {answer["event"] for answer in wanted} == {"partial", "final"}
    for data in (SPEECH, wav(SPEECH, header(rate=RATE)), wav(SPEECH, header(rate=RATE), size=0)):
        ended = streamed(data, "--silence-after", 0.3)
        assert (ended.code, lines(ended.out)) == (0, wanted), ended.err


def test_the_flags_are_those_of_the_session(streamed: Streamed) -> None:
    flags = ["--rate", 16000, "--silence-before", 0.5, "--longest-utterance", 1, "--no-partial"]
    options = {"rate": 16000, "silence_before": 0.5, "longest_utterance": 1, "partial": False}
    ended = streamed(SPEECH, *flags)
    assert (ended.code, lines(ended.out)) == (0, heard(SPEECH, **options)), ended.err


@pytest.mark.parametrize("cut", [0, 7, 30_001, len(SPEECH)])
def test_it_goes_on_where_it_stopped(streamed: Streamed, tmp_path: Path, cut: int) -> None:
    state = tmp_path / "state"
    first = streamed(SPEECH[:cut], "--save-state", state) if cut else Ended(0, "", "")
    second = streamed(SPEECH[cut:], *(["--state", state] if cut else []))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    got, wanted = lines(first.out + second.out), heard(SPEECH)
    assert [one["text"] for one in got] == [one["text"] for one in wanted]
    assert [one["end"] for one in got] == [one["end"] for one in wanted]


@pytest.mark.remedy
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "standard input: no audio came; give a WAV or 16-bit PCM"),
        (b"fLaC" + SPEECH, "standard input: begins as FLAC"),
        (wav(SPEECH, header(rate=RATE), size=1 << 40 >> 10), "is cut off"),
        (SPEECH + b"\1", "in the middle of a sample"),
        (
            wav(SPEECH, header(rate=RATE)) + wav(SPEECH, header(rate=16000)),
            "the rate changes from 8,000 to 16,000 Hz",
        ),
    ],
)
def test_what_is_no_audio_is_one_line_after_what_was_heard(
    streamed: Streamed, data: bytes, message: str
) -> None:
    ended = streamed(data)
    assert ended.code == 2
    assert message in ended.err
    assert ended.err.count("\n") == 1
    if len(data) > len(SPEECH) and not data.startswith(b"fLaC"):
        assert lines(ended.out) == heard(SPEECH)
    assert lines(streamed(wav(SPEECH, header(rate=RATE))).out) == heard(SPEECH)  # the remedy


def test_a_microphone_that_is_switched_off(folder: Path) -> None:
    """What was heard is answered at once, and the last word comes with an interrupt."""
    # A shell's background job ignores interrupts, and what it starts would too.
    interrupted = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    run = f"{interrupted} from elman.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", run, "stream", str(folder), "--format", "json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(SPEECH)
        process.stdin.flush()
        wanted = heard(SPEECH)
        got = [json.loads(process.stdout.readline())]
        os.kill(process.pid, signal.SIGINT)
        got += lines(process.stdout.read().decode())
    assert process.returncode == 130
    assert got == wanted
