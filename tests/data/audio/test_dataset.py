"""Which utterances are drawn to be held out."""

import pytest

from elman.data.audio.dataset import AudioOptions, read_utterances
from elman.data.given import Audio
from tests.data.audio.waves import RATE, tone


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
