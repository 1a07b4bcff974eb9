"""The samples of rows: what can't be heard is named with its place, or left out and counted."""

from pathlib import Path

import numpy as np
import pytest

from elman.data.audio.clips import Clip, Limits, Samples
from elman.data.audio.dataset import read_unlabeled
from elman.data.audio.listen import Level, Listener
from elman.data.audio.rows import AudioColumns, Utterances
from elman.data.origin import origin_of
from elman.data.tables.table import BadRows
from elman.errors import InputError
from tests.data.audio.waves import RATE, noise, tone, write


def utterances(*audio: Clip | Samples, name: str = "a.jsonl") -> Utterances:
    return Utterances(audio, None, None, origin_of(name, range(1, len(audio) + 1)))


def test_rows_come_with_their_samples() -> None:
    heard = utterances(Samples(tone(), RATE), Samples(tone(1, 8_000), 8_000))
    read = dict(Listener(RATE, BadRows()).read(heard))
    assert [len(samples) for samples in read.values()] == [RATE // 2, RATE]
    assert np.array_equal(read[0], tone())


def test_a_file_that_ends_too_early_is_named_or_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.flac", noise(3))
    path.write_bytes(path.read_bytes()[:-9000])
    heard = utterances(Samples(tone(), RATE), Clip(path), Samples(tone(), RATE))
    with pytest.raises(InputError, match=r"^a\.jsonl:2: .*cut\.flac: is cut off or damaged"):
        list(Listener(RATE, BadRows()).read(heard))
    bad = BadRows(skip=True)
    assert [row for row, _ in Listener(RATE, bad).read(heard)] == [0, 2]
    assert bad.count == 1


def test_a_file_that_is_its_own_place_is_named_once(tmp_path: Path) -> None:
    path = write(tmp_path / "cut.flac", noise(3))
    path.write_bytes(path.read_bytes()[:-9000])
    rows = read_unlabeled(path, AudioColumns(), BadRows())
    with pytest.raises(InputError) as raised:
        list(Listener(RATE, BadRows()).read(rows.heard))
    assert str(raised.value).count("cut.flac") == 1


@pytest.mark.remedy
@pytest.mark.parametrize("level", [0, 1 / 32768])
def test_silence_is_no_row_to_train_on(level: float) -> None:
    silent = np.full(RATE, level, np.float32)
    heard = utterances(Samples(silent, RATE), Samples(tone(), RATE))
    with pytest.raises(InputError, match=r"a\.jsonl:1: is silent.*--skip-bad-rows"):
        list(Listener(RATE, BadRows()).read(heard))
    assert [row for row, _ in Listener(RATE, BadRows(skip=True)).read(heard)] == [1]
    assert [row for row, _ in Listener(RATE, BadRows(), silence=True).read(heard)] == [0, 1]


def test_what_is_quiet_is_not_silent() -> None:
    assert not Level.of(4 / 32768 * 2 * tone()).silent


@pytest.mark.parametrize(
    ("gain", "clipped"), [(1.0, False), (1.99, False), (2.0, False), (4, True)]
)
def test_clipped_recordings_are_counted(gain: float, clipped: bool) -> None:
    samples = np.clip(gain * tone(), -1, 1)
    for values in (samples, np.int16(np.rint(samples * 32767))):
        listener = Listener(RATE, BadRows())
        assert len(list(listener.read(utterances(Samples(values, RATE))))) == 1
        told = ["1 recording is clipped, the first at a.jsonl:1; record with less gain"]
        assert listener.notes() == (told if clipped else [])


def test_clipping_shows_after_resampling_too() -> None:
    listener = Listener(RATE, BadRows())
    list(listener.read(utterances(Samples(np.clip(6 * tone(rate=44_100), -1, 1), 44_100))))
    assert len(listener.clipped) == 1


def test_limits_are_those_of_the_listener() -> None:
    heard = utterances(Samples(tone(2.0), RATE))
    with pytest.raises(InputError, match=r"a\.jsonl:1: longer than 1 s, the bound"):
        list(Listener(RATE, BadRows(), Limits(seconds=1)).read(heard))


def test_a_recording_of_less_than_a_sample_at_the_rate_is_silent() -> None:
    heard = utterances(Samples(np.full(1, 0.5, np.float32), 48_000))
    ((_, samples),) = Listener(RATE, BadRows(), silence=True).read(heard)
    assert Level.of(samples) == Level(0.0, 0.0)
