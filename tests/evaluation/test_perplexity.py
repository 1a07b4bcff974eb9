import math

import numpy as np
import pytest

from elman.data.tokens import TextCounts
from elman.evaluation.perplexity import Measurement, Split


def test_units_of_a_loss() -> None:
    measured = Measurement(nats=200.0, tokens=100, characters=400)
    assert measured.loss == 2.0
    assert measured.perplexity == pytest.approx(math.exp(2))
    assert measured.bits_per_character == pytest.approx(0.5 / math.log(2))
    assert [score.unit for score in measured.scores("test")] == [
        "nats per token",
        "per token",
        "bits per character",
    ]
    assert Measurement(1e9, 1, 1).perplexity < math.inf


def test_a_cut_split_counts_characters_in_proportion() -> None:
    split = Split(np.arange(10), TextCounts(10, 40, 60))
    cut = split.cut(5)
    assert cut.tokens.tolist() == [0, 1, 2, 3, 4]
    assert cut.counts == TextCounts(5, 20, 30)
    assert split.cut(10) is split


@pytest.mark.fault(37)
def test_unknown_tokens_are_spelled_in_bits_per_character_alone() -> None:
    measured = Measurement(200.0, 100, 400, unknown=5, spelling=50.0)
    assert measured.loss == 2.0
    assert measured.bits_per_character == pytest.approx(250 / 400 / math.log(2))
    share = measured.scores("test")[-1]
    assert (share.metric, share.value, share.unit) == ("unknown", 0.05, "of all tokens")
    counts = Split(np.arange(10), TextCounts(10, 40, 60, 4, 8.0)).cut(5).counts
    assert (counts.unknown, counts.spelling) == (2, 4.0)
