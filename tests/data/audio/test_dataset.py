"""Which utterances are drawn to be held out."""

import pytest

from elman.data.audio.dataset import AudioOptions, read_utterances
from elman.data.given import Audio
from tests.data.audio.waves import RATE, tone

VOICES = 20


def utterances(texts: list[str]) -> Audio:
    return Audio([(tone(0.1, hertz=300 + 10 * n), RATE) for n in range(len(texts))], texts)


@pytest.mark.parametrize("seed", range(8))
def test_training_has_every_letter_where_parts_are_drawn(seed: int) -> None:
    texts = ["ab", "ba", "abba", "zab", "ab", "ba", "qa", "ab", "qb", "ba", "x"]
    found = read_utterances(utterances(texts), AudioOptions(seed=seed, test_fraction=0.3))
    assert found.test is not None
    parts = [found.train.texts, found.valid.texts, found.test.texts]
    assert sorted(text for part in parts for text in part or ()) == sorted(texts)
    assert set("".join(found.train.texts or ())) >= set("abzqx") - set(found.valid.texts or ())


def test_a_part_keeps_a_row() -> None:
    texts = list("abcdefghij")
    found = read_utterances(utterances(texts), AudioOptions(valid_fraction=0.3, test_fraction=0))
    assert len(found.valid) == 1
    assert len(found.train) == 9


def test_speakers_are_held_out_so_that_training_has_every_letter() -> None:
    texts = [f"{'qxz'[n]}ab" if n < 3 else "ab" for n in range(VOICES)]
    audio = [(tone(0.1, hertz=300 + 10 * n), RATE) for n in range(VOICES)]
    for seed in range(8):
        names = [f"s{n:02}" for n in range(VOICES)]
        table = {"audio": audio, "text": texts, "speaker": names}
        found = read_utterances(table, AudioOptions(seed=seed, test_fraction=0.2))
        assert found.test is not None
        assert set("".join(found.train.texts or ())) == set("abqxz")
        parts = [set(part.speakers or ()) for part in (found.train, found.valid, found.test)]
        assert sum(map(len, parts)) == VOICES == len(set.union(*parts))
        assert any("split by speaker" in note for note in found.notes)


def test_letters_that_no_drawing_of_speakers_gives_to_training() -> None:
    texts = [f"{'abcdefghij'[n % 10]}" for n in range(20)]
    audio = [(tone(0.1, hertz=300 + 10 * n), RATE) for n in range(20)]
    table = {"audio": audio, "text": texts, "speaker": [f"s{n % 10}" for n in range(20)]}
    found = read_utterances(table, AudioOptions(test_fraction=0))
    assert set("".join(found.train.texts or ())) >= set("abcdefghij") - set(found.valid.texts or ())
    assert any("split at random" in note for note in found.notes)
