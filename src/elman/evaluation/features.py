"""Features of sequences for logistic regression: words and pairs of words, or summaries.

Legend: N rows, S steps, C channels, F features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from elman.data.labeled.rows import Inputs, LabelKind, Sequences, Texts, Words
from elman.data.labeled.standardize import Standardizer

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Features:
    """A map from inputs to a matrix, fitted on the training part.

    Attributes:
        name: for people.
        of: inputs -> (N, F), or (S, F) for a label for each step; sparse for words.
    """

    name: str
    of: Callable[[Any], Any]


def features(train: Inputs, kind: LabelKind) -> Features:
    """Choose and fit the features that suit the inputs.

    Raises:
        ImportError: scikit-learn is not installed, and the inputs are words.
    """
    if isinstance(train, Sequences):
        return _steps(train) if kind == "step" else _summaries(train)
    if kind == "step":
        assert isinstance(train, Words)
        return _neighbors(train)
    return _tf_idf(train)


def _tf_idf(train: Texts | Words) -> Features:
    from sklearn.feature_extraction.text import TfidfVectorizer

    # Words of one letter and punctuation marks count too.
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\w+|[^\w\s]")
    vectorizer.fit(_strings(train))
    return Features(
        "TF-IDF of words and pairs of words", lambda given: vectorizer.transform(_strings(given))
    )


def _strings(inputs: Texts | Words) -> list[str]:
    if isinstance(inputs, Texts):
        return list(inputs.texts)
    return [" ".join(inputs.row(row)) for row in range(len(inputs))]


def _neighbors(train: Words) -> Features:
    from sklearn.feature_extraction import DictVectorizer

    vectorizer = DictVectorizer(dtype=np.float32).fit(_contexts(train))
    return Features(
        "a word and its neighbors", lambda given: vectorizer.transform(_contexts(given))
    )


def _contexts(inputs: Words) -> list[dict[str, str]]:
    found = []
    for row in range(len(inputs)):
        words = ["", *inputs.row(row), ""]
        for before, word, after in zip(words, words[1:], words[2:], strict=False):
            found.append(
                {
                    "word": word.lower(),
                    "end": word[-3:].lower(),
                    "shape": _shape(word),
                    "before": before.lower(),
                    "after": after.lower(),
                }
            )
    return found


def _shape(word: str) -> str:
    """Whether a word is in capitals, begins with one, or has a digit."""
    if any(letter.isdigit() for letter in word):
        return "digit"
    if word.isupper():
        return "upper"
    return "title" if word[:1].isupper() else "lower"


def _summaries(train: Sequences) -> Features:
    scale = Standardizer.fit(_summary(train))
    return Features(
        "mean, deviation, last value and length",
        lambda given: scale.apply(_summary(given)),
    )


def _summary(inputs: Sequences) -> npt.NDArray[np.float32]:
    """(N, 3 C + 1)."""
    starts, lengths = inputs.offsets[:-1], inputs.lengths[:, None]
    values = inputs.values.astype(np.float64)
    mean = np.add.reduceat(values, starts) / lengths
    apart = values - np.repeat(mean, inputs.lengths, axis=0)
    deviation = np.sqrt(np.add.reduceat(apart**2, starts) / lengths)
    last = values[inputs.offsets[1:] - 1]
    return np.hstack([mean, deviation, last, lengths]).astype(np.float32)


def _steps(train: Sequences) -> Features:
    scale = Standardizer.fit(train.values)
    return Features("each step and its neighbors", lambda given: _windows(given, scale))


def _windows(inputs: Sequences, scale: Standardizer) -> Array:
    """(S, 3 C) each step with the previous and the next one; zeros beyond the ends."""
    values = scale.apply(inputs.values)
    before, after = np.zeros_like(values), np.zeros_like(values)
    before[1:], after[:-1] = values[:-1], values[1:]
    before[inputs.offsets[:-1]] = 0
    after[inputs.offsets[1:] - 1] = 0
    return np.hstack([before, values, after])
