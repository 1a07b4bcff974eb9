"""The errors of a recognizer: word and character error rates, and which errors they are.

    error rate = (S + D + I) / N

with the substitutions S, deletions D and insertions I of the cheapest edits that make each
reference of the text that was heard, and the N words or characters of all references. It is of all
utterances together, not a mean over them, and can be above 100 %. White space counts as one space
between words.

Legend: U utterances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.data.optional import library
from elman.evaluation.paired import FEWEST, resamples
from elman.evaluation.report import Score

NOTHING = "∅"
"""Stands for the word that an insertion has not in the reference, or a deletion not in what was
heard."""

_SHOWN = 5
"""So many of the commonest errors are named in words."""

_MANY_BLANK = 0.5
_MANY_OF_CASE = 0.5
"""From this share on, empty texts, or errors that are of case only, are named first."""

_MANY_WRONG, _ENOUGH = 0.95, 10
"""A word error rate from which on hardly anything was learned, and how many words show that."""


@dataclass(frozen=True, eq=False)
class ErrorRate:
    """The edits of all utterances.

    Attributes:
        substitutions: units that were heard as others.
        deletions: units that were not heard.
        insertions: units that were heard and not said.
        units: N, the words or characters that were said.
        low: of the 95 % interval of the rate, by drawing utterances with replacement.
        high: of it; both are the rate itself with fewer than 10 utterances.
    """

    substitutions: int
    deletions: int
    insertions: int
    units: int
    low: float
    high: float

    @property
    def errors(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """The edits for each unit that was said."""
        return self.errors / max(self.units, 1)


@dataclass(frozen=True, eq=False)
class Errors:
    """What was heard wrong in U utterances.

    Attributes:
        words: of words.
        characters: of characters, spaces between words included.
        confusions: (said, heard) -> how often, of words, the commonest first; `NOTHING` for one
            that is not there.
        right: how many utterances have no error.
        blank: in how many nothing was heard, though something was said.
        utterances: U.
    """

    words: ErrorRate
    characters: ErrorRate
    confusions: dict[tuple[str, str], int]
    right: int
    blank: int
    utterances: int


def errors_of(references: Sequence[str], heard: Sequence[str], seed: int = 0) -> Errors:
    """Compare what was heard in each utterance with what was said.

    Args:
        references: what was said.
        heard: what was heard, in the same order.
        seed: of the interval.

    Raises:
        InputError: jiwer is not installed.
    """
    said, got = ([" ".join(text.split()) for text in texts] for texts in (references, heard))
    jiwer = library("jiwer", "speech")
    words = jiwer.process_words(said, got)
    confusions: Counter[tuple[str, str]] = Counter()
    rows = zip(words.references, words.hypotheses, words.alignments, strict=True)
    for true, found, chunks in rows:
        for chunk in chunks:
            if chunk.type != "equal":
                confusions.update(_pairs(chunk, true, found))
    return Errors(
        _rate(words, seed),
        _rate(jiwer.process_characters(said, got), seed),
        dict(sorted(confusions.items(), key=lambda item: (-item[1], item[0]))),
        sum(a == b for a, b in zip(said, got, strict=True)),
        sum(bool(a) and not b for a, b in zip(said, got, strict=True)),
        len(said),
    )


def _pairs(chunk: Any, said: Sequence[str], heard: Sequence[str]) -> list[tuple[str, str]]:
    """The words of a run of edits of one kind."""
    true = said[chunk.ref_start_idx : chunk.ref_end_idx]
    found = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
    if chunk.type == "substitute":
        return list(zip(true, found, strict=True))
    return [(word, NOTHING) for word in true] + [(NOTHING, word) for word in found]


def _rate(output: Any, seed: int) -> ErrorRate:
    """The counts of jiwer's output, and the interval of their rate."""
    counts = np.zeros((len(output.alignments), 2), np.int64)
    for row, chunks in enumerate(output.alignments):
        for chunk in chunks:
            said = chunk.ref_end_idx - chunk.ref_start_idx
            heard = chunk.hyp_end_idx - chunk.hyp_start_idx
            counts[row] += (0 if chunk.type == "equal" else max(said, heard)), said
    errors, units = (int(total) for total in counts.sum(0))
    low = high = errors / max(units, 1)
    if len(counts) >= FEWEST:
        drawn = [weights @ counts for weights in resamples(len(counts), seed)]
        rates = [wrong / max(total, 1) for wrong, total in drawn]
        low, high = (float(each) for each in np.quantile(rates, [0.025, 0.975]))
    return ErrorRate(output.substitutions, output.deletions, output.insertions, units, low, high)


def scores_of(split: str, errors: Errors) -> list[Score]:
    """The error rates in percent with their intervals, and the edits."""
    found = []
    for name, rate in (("word", errors.words), ("character", errors.characters)):
        found.append(
            Score(split, f"{name} error rate", 100 * rate.rate, f"% of {rate.units:,} {name}s")
        )
        if errors.utterances >= FEWEST:
            interval = f"95 % interval, n = {errors.utterances:,}"
            found += [
                Score(split, f"{name} error rate from", 100 * rate.low, interval),
                Score(split, f"{name} error rate to", 100 * rate.high, interval),
            ]
    rate = errors.words
    found += [
        Score(split, f"word {kind}", getattr(rate, kind), f"of {rate.units:,} words")
        for kind in ("substitutions", "deletions", "insertions")
    ]
    share = 100 * errors.right / max(errors.utterances, 1)
    return [*found, Score(split, "utterances right", share, f"% of {errors.utterances:,}")]


def verdict_of(
    split: str,
    errors: Errors,
    references: Sequence[str],
    heard: Sequence[str],
    unknown: Callable[[str], Sequence[str]],
) -> list[str]:
    """What the errors mean, the most important first.

    Args:
        split: the name of the data.
        errors: what `errors_of` found.
        references: what was said.
        heard: what was heard.
        unknown: gives the characters of a text that the recognizer has no token for.
    """
    lines = [
        line
        for line in (
            _of_blanks(split, errors),
            _of_case(split, errors, references, heard, unknown),
        )
        if line
    ]
    if not lines and errors.words.rate >= _MANY_WRONG and errors.words.units >= _ENOUGH:
        lines.append(_of_nothing_learned(split, heard))
    rate = errors.words
    interval = ""
    if rate.low < rate.high:
        interval = f", 95 % interval {100 * rate.low:.1f} to {100 * rate.high:.1f} %"
    lines.append(
        f"{split}: word error rate {100 * rate.rate:.1f} % ({rate.errors:,} errors in"
        f" {rate.units:,} words{interval}); {errors.right:,} of {errors.utterances:,} utterances"
        " are right"
    )
    if errors.confusions and errors.blank < errors.utterances:
        common = list(errors.confusions.items())[:_SHOWN]
        lines.append(
            f"{split}: the commonest errors: "
            + ", ".join(f"{said} → {got} ({count:,})" for (said, got), count in common)
        )
    missing = sorted({character for text in references for character in unknown(text)} - {" "})
    if missing:
        few = " ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
        lines.append(
            f"{split}: the recognizer has no token for {few}, so words with them are always wrong;"
            " train it on texts that have them"
        )
    return lines


def _of_blanks(split: str, errors: Errors) -> str:
    """Where most utterances were heard as nothing."""
    if not errors.blank or errors.blank < _MANY_BLANK * errors.utterances:
        return ""
    if errors.blank == errors.utterances:
        which = "nothing is heard in any utterance: every step says the blank"
    else:
        which = f"nothing is heard in {errors.blank:,} of {errors.utterances:,} utterances"
    return (
        f"{split}: {which}, as it is early in training; train longer, or with a higher learning"
        " rate"
    )


def _of_nothing_learned(split: str, heard: Sequence[str]) -> str:
    """Where hardly a word is right, and not for blanks or case."""
    repeated = [text for text in heard if text and len(set(text.replace(" ", ""))) == 1]
    one = ""
    if 2 * len(repeated) > len(heard):
        one = f" and most texts are one letter, such as {repeated[0][:20]!r}"
    return (
        f"{split}: hardly a word is right{one}, as it is early in training; train for more"
        " --max-steps, with another --learning-rate, or with a wider --window"
    )


def _of_case(
    split: str,
    errors: Errors,
    references: Sequence[str],
    heard: Sequence[str],
    unknown: Callable[[str], Sequence[str]],
) -> str:
    """Where the texts are in upper case and the recognizer writes lower case, or the like."""
    if not errors.characters.errors:
        return ""
    folded = errors_of(
        [text.casefold() for text in references], [text.casefold() for text in heard]
    )
    of_case = 1 - folded.characters.errors / errors.characters.errors
    missing = {letter for text in references for letter in unknown(text) if letter.isalpha()}
    swapped = {letter for letter in missing if not unknown(letter.swapcase())}
    if of_case < _MANY_OF_CASE and not (swapped and len(swapped) > len(missing) / 2):
        return ""
    return (
        f"{split}: the texts are not in the case that the recognizer writes; without regard to case"
        f" the word error rate is {100 * folded.words.rate:.1f} %; spell the texts as those of"
        " training, or train with --lower"
    )
