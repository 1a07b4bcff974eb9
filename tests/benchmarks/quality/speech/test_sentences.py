"""Sentences to speak: their words, and which voices are kept for the test."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest

from benchmarks.quality.speech import sentences

LISTED = """\
Pty Language       Age/Gender VoiceName          File                 Other Languages
 5  variant         --/M      Gene               !v/Gene
 5  variant         --/M      Gene2              !v/Gene2
 5  variant         --/M      Mr_Serious         !v/Mr serious
 5  variant         --/M      whisper            !v/whisper
 5  variant         --/F      female2            !v/f2
 5  variant         --/F      female3            !v/f3
"""


@pytest.fixture
def espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    others = "".join(f" 5  variant  --/M  x{a}  !v/x{a}\n" for a in "abcdefghijklmnopqrstuvw")
    answer = SimpleNamespace(stdout=LISTED + others)
    monkeypatch.setattr(sentences.shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: answer)


def test_there_are_1000_words_with_the_digits_among_them() -> None:
    words = sentences.word_list()
    assert len(set(words)) == len(words) == 1000
    assert set(sentences.DIGITS) <= set(words)
    assert all(word.isalpha() and word.islower() for word in words)


def test_a_family_of_voices_is_in_one_split(espeak: None) -> None:
    found = sentences.voices()
    everyone = [voice for part in found.values() for voice in part]
    assert len(set(everyone)) == len(everyone) == 28
    assert "whisper" not in everyone
    assert "Mr serious" in everyone
    assert [{"Gene", "Gene2"} <= set(part) for part in found.values()].count(True) == 1
    assert len({sentences._family(voice) for voice in found["test"]}) == 10


def test_no_sentence_is_drawn_twice(espeak: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "COUNTS", {"train": 60, "valid": 20, "test": 20})
    drawn = sentences.draw(seed=1)
    texts = [sentence.text for part in drawn.values() for sentence in part]
    assert len(set(texts)) == len(texts) == 100
    assert {len(text.split()) for text in texts} == set(range(3, 9))
    speakers = sentences.voices()
    for part, said in drawn.items():
        assert {sentence.voice for sentence in said} <= set(speakers[part])
    assert sentences.draw(seed=1) == drawn
