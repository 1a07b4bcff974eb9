"""The page of explanations: words with their contribution, and no text that becomes markup."""

from pathlib import Path

import pytest

from elman.diagnostics.explanation import Explanation, WordEffect
from elman.plots.explain_page import strength, write_page

WORDS = (WordEffect("fine", 0.5, 0.4), WordEffect("<b>not</b>", -0.25, -0.1))


def test_a_word_has_its_color_and_its_numbers(tmp_path: Path) -> None:
    write_page([Explanation("good & true", 0.931, WORDS)], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>good &amp; true</b> 93.1 %" in page
    first = 'title="+50.0 % (gradient +40.0 %)" style="background: rgb(34 160 80 / 0.75)">fine<'
    assert first in page
    second = (
        'title="-25.0 % (gradient -10.0 %)" style="background: rgb(210 60 50 / 0.38)">&lt;b&gt;'
    )
    assert second in page
    assert "<b>not" not in page
    assert page.count("<section>") == 1


@pytest.mark.parametrize("words", [(), (WordEffect("a", None, 0.0),)])
def test_nothing_that_contributes(words: tuple[WordEffect, ...], tmp_path: Path) -> None:
    assert strength(words) == [0.0] * len(words)
    write_page([Explanation("x", 0.5, words)], tmp_path / "page.html")


def test_lone_surrogates_do_not_stop_the_page(tmp_path: Path) -> None:
    write_page([Explanation("x", 0.5, (WordEffect("a\ud800", 1.0, 1.0),))], tmp_path / "page.html")
    assert ">a?<" in (tmp_path / "page.html").read_text(encoding="utf-8")
