"""Lines in, outputs out, and the attention of the best of each."""

from __future__ import annotations

from elman.predictors.translation import LineTranslator, TranslationOptions
from tests.translators import LINES, translator


def test_the_alignment_of_the_best_output_of_each_line_is_told() -> None:
    made = translator()
    found: list[object] = []
    options = TranslationOptions(n_best=2, beam=2, replace_unknown=True, max_length=5)
    lines = LineTranslator(made.model, made.vocabularies, options, found.append)
    outputs = lines.translate(LINES)
    assert [output.rank for output in outputs].count(2) == 4
    assert len(found) == 4  # two lines are empty
    told: list[object] = []
    LineTranslator(made.model, made.vocabularies, TranslationOptions(), told.append).translate(
        LINES[:1]
    )
    assert len(told) == 1
    assert not LineTranslator(made.model, made.vocabularies, options).translate([""])[0].translation
