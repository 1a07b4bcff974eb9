"""`elman predict` and `elman stream` of a classifier of video, from the command line."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import videos
from tests.cli.conftest import Elman, Ended
from tests.cli.test_bad_input import refused
from tests.predictors import contract

PREDICTOR = videos.predictor(seed=5)
CLIP = np.concatenate([videos.clip(25, seed) for seed in range(2)])
RAW = ("--raw", "32x24", "--fps", 25)

Streamed = Callable[..., Ended]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("watcher") / "saved"
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


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def same(got: list[dict[str, Any]], wanted: list[Any]) -> None:
    assert [row["end"] for row in got] == [row["end"] for row in wanted]
    for row, expected in zip(got, wanted, strict=True):
        assert row["probability"] == pytest.approx(expected["probability"], abs=1e-5)


def test_raw_frames_and_a_file_are_answered_as_they_come(
    streamed: Streamed, tmp_path: Path
) -> None:
    wanted = contract.answers_of(PREDICTOR.session(fps=25.0), [CLIP])
    same(lines(streamed(CLIP.tobytes(), *RAW).out), wanted)
    path = videos.write(tmp_path / "clip.avi", CLIP)
    found = lines(streamed(path.read_bytes(), "--every", 1).out)
    assert [row["end"] for row in found] == pytest.approx([1.0, 2.0])


def test_segments_come_with_their_times(streamed: Streamed) -> None:
    options: dict[str, Any] = {"segments": True, "over": 0.8, "shortest": 0.2}
    wanted = contract.answers_of(PREDICTOR.session(fps=25.0, **options), [CLIP])
    flags = ("--segments", "--over", 0.8, "--shortest", 0.2)
    found = lines(streamed(CLIP.tobytes(), *RAW, *flags).out)
    same(found, wanted)
    assert list(found[0]) == ["begin", "end", "label", "probability"]


def test_it_stops_and_goes_on(streamed: Streamed, tmp_path: Path) -> None:
    data, state = CLIP.tobytes(), tmp_path / "state"
    first = streamed(data[:10_000], *RAW, "--save-state", state)
    rest = streamed(data[10_000:], *RAW, "--state", state)
    same(lines(first.out) + lines(rest.out), lines(streamed(data, *RAW).out))


@pytest.mark.fault
@pytest.mark.remedy
@pytest.mark.parametrize(
    ("data", "flags", "message"),
    [
        (b"", (), "standard input: no video came; give --raw WIDTHxHEIGHT --fps N"),
        (b"a" * 1000, RAW, "ends at byte 1,000 in the middle of a frame; give whole frames of 768"),
        (b"a" * 1000, (), "is not a video that can be read as it comes"),
        (b"a" * 1000, ("--raw", "32x24"), "--raw: bare pixels do not say their rate; add --fps"),
        (b"a" * 1000, (*RAW[:2], "--fps", 0), "--fps 0: expected frames a second"),
        (b"a" * 1000, ("--rate", 8000), "--rate: for audio, but this classifier reads video"),
    ],
)
def test_bad_input_is_one_line(
    streamed: Streamed, data: bytes, flags: tuple[object, ...], message: str
) -> None:
    refused(streamed(data, *flags), 2, message)


def test_a_table_of_many_clips(elman: Elman, folder: Path, tmp_path: Path) -> None:
    for seed in range(3):
        videos.write(tmp_path / "clips" / f"{seed}.avi", videos.clip(8, seed))
    out = tmp_path / "out.csv"
    assert elman("predict", folder, tmp_path / "clips", "--out", out).code == 0
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["path"]).name for row in rows] == ["0.avi", "1.avi", "2.avi"]
    assert list(rows[0])[1:] == [
        *("predicted", "probability", "p_left", "p_right", "p_up", "warning"),
    ]
    strip = tmp_path / "strip.png"
    ended = elman("predict", folder, tmp_path / "clips" / "1.avi", "--plot", strip)
    assert ended.code == 0
    assert strip.is_file()
    refused(elman("predict", folder, tmp_path / "no.mp4"), 2, "no.mp4")
