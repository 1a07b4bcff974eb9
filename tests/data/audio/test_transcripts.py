"""Tests of how transcripts are spelled."""

from __future__ import annotations

import pytest

from elman.data.audio.transcripts import Spelling


@pytest.mark.parametrize(
    ("spelling", "text", "expected"),
    [
        (Spelling(), "  Two\twords,\n a  line ", "Two words, a line"),
        (Spelling(), "cafe\u0301", "caf\u00e9"),
        (Spelling(lower=True), "ÉTÉ It", "été it"),
        (
            Spelling(punctuation=False),
            "Don\u2019t, 'stop' - well-known. 5 $",
            "Don't stop well known 5",
        ),
        (Spelling(lower=True, punctuation=False), "¿Qué? «Sí»", "qué sí"),
        (Spelling(), "", ""),
    ],
)
def test_a_transcript_is_spelled_as_asked(spelling: Spelling, text: str, expected: str) -> None:
    assert spelling(text) == expected
    assert spelling(spelling(text)) == expected
