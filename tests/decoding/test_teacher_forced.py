"""A network follows given outputs, in a batch as alone."""

from __future__ import annotations

import pytest
import torch

from elman.decoding.encoder_decoder import score_outputs
from tests.decoding.test_beam import NoAttention
from tests.decoding.writers import END, START, Toy, sources


def test_batched_equals_one_by_one() -> None:
    model, texts = Toy(9), sources(20)
    outputs = [source[::-1][: len(source) // 2] for source in sources(20, seed=5)]
    outputs = [[2 + token % 7 for token in output] for output in outputs]
    together = score_outputs(model, texts, outputs, start_id=START, end_id=END, batch_size=6)
    for source, output, found in zip(texts, outputs, together, strict=True):
        (alone,) = score_outputs(model, [source], [output], start_id=START, end_id=END)
        assert found.log_prob == pytest.approx(alone.log_prob, rel=1e-12)
        assert found.attention is not None
        assert alone.attention is not None
        assert found.attention.shape == (len(output) + 1, len(source))
        torch.testing.assert_close(found.attention, alone.attention)
        torch.testing.assert_close(found.attention.sum(1), torch.ones(len(output) + 1).double())


def test_a_model_without_attention() -> None:
    (found,) = score_outputs(NoAttention(), [[2, 3]], [[4]], start_id=START, end_id=END)
    assert found.attention is None
    assert found.log_prob < 0
