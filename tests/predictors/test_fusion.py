"""Tuning finds the weight and the bonus with the fewest errors, in few trials."""

from __future__ import annotations

from elman.predictors.fusion import BONUSES, WEIGHTS, Fusion, tune


def test_it_finds_the_bottom() -> None:
    for best in (Fusion(0.25, 2.0), Fusion(2.0, -1.0), Fusion(1.0, 0.0)):

        def errors(fusion: Fusion, best: Fusion = best) -> tuple[int, int]:
            far = 9 * abs(fusion.weight - best.weight) + abs(fusion.bonus - best.bonus)
            return round(100 * far), 0

        tuned = tune(errors)
        assert tuned.best == best
        assert len(tuned.tried) == 1 + len(WEIGHTS) * len(BONUSES)


def test_a_weight_that_pays_only_with_a_bonus_is_found() -> None:
    tuned = tune(lambda f: (abs(round(10 * (f.weight - 0.25 * f.bonus))) + 4 - int(f.bonus), 0))
    assert tuned.best == Fusion(1.0, 4.0)


def test_where_a_language_model_does_not_help_it_does_not_count() -> None:
    tuned = tune(lambda f: (round(100 * f.weight), 0))
    assert tuned.best == Fusion(0.0, 0.0)
    assert tuned.without == (0, 0)
    assert tune(lambda _: (7, 9)).best == Fusion(0.0, 0.0)


def test_characters_decide_among_as_many_words() -> None:
    assert tune(lambda f: (3, round(100 * abs(f.weight - 0.5)))).best.weight == 0.5
