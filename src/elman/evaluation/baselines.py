"""Baselines of a classifier: the most frequent class, and logistic regression.

Both are fitted on the training part. The strength of the regression's penalty is chosen on the
validation part, as the network's best step is.

The features of the regression are words and pairs of words, or summaries of numbers.

Legend: N rows (or steps), S steps of all rows together, C channels, F features, K classes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from elman.data.audio.rows import Utterances
from elman.data.labeled.rows import (
    Inputs,
    Labeled,
    LabeledSplits,
    LabelKind,
    Sequences,
    Texts,
    Words,
)
from elman.data.labeled.standardize import Standardizer
from elman.data.video.rows import Videos
from elman.evaluation.classification import metrics_of, predicted, tally_of

Array = npt.NDArray[Any]

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""C, the inverse of the penalty."""

MOST_ROWS = 50_000
"""The largest number of rows or steps for the regression, so that it is faster than the network."""

_AT_ONCE = 1 << 18
"""Steps whose summaries are computed at a time."""

_PATIENCE = 2
"""The search ends after this many weaker penalties in a row without a gain."""

MISSING = 'logistic regression needs scikit-learn: pip install "elman[text]"'
MAJORITY = "majority class"


@dataclass(frozen=True)
class Baseline:
    """A simple classifier.

    Attributes:
        name: what it is called.
        note: its parameters, or why there are no scores.
        scores: its metrics by split.
        tallies: (N, 2) by split; see `elman.evaluation.classification.tally_of`.
    """

    name: str
    note: str
    scores: Mapping[str, Mapping[str, float]]
    tallies: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """Lines for the terminal."""
        return [f"baseline: {self.name} ({self.note})"]


def fit_baselines(
    splits: LabeledSplits,
    seed: int = 0,
    progress: Callable[[str], None] = lambda line: None,
    means: str = "",
    *,
    others: bool = True,
) -> list[Baseline]:
    """Fit the baselines on the training part and score them on the others.

    Args:
        splits: the data.
        seed: of the rows that are drawn where there are many.
        progress: called with a line before each part of the work.
        means: what to call the means of the channels, to fit a regression on them alone too.
        others: whether there is one on all that is known of a row, beside that on the means.
    """
    held = {"valid": splits.valid} | ({} if splits.test is None else {"test": splits.test})
    fitted = [_majority(splits.train, held)]
    try:
        if means:
            assert isinstance(splits.train.inputs, Sequences)
            alone = _means(splits.train.inputs, means)
            fitted.append(_regression(splits.train, held, seed, progress, alone))
        if others:
            fitted.append(_regression(splits.train, held, seed, progress))
    except ImportError:
        fitted.append(Baseline("logistic regression", MISSING, {}))
    return fitted


def _baseline(
    name: str, note: str, held: Mapping[str, Labeled], found: Mapping[str, Array]
) -> Baseline:
    """A baseline with these probabilities (N, K) on each of the parts `held`."""
    scores, tallies = {}, {}
    for split, part in held.items():
        kind, ids = part.labels.kind, part.labels.ids
        names, offsets = part.labels.names, getattr(part.inputs, "offsets", None)
        scores[split] = metrics_of(kind, found[split], ids, names=names, offsets=offsets)
        tally = tally_of(
            kind, predicted(kind, found[split]), ids, names=names, offsets=offsets
        ).tolist()
        tallies[split] = [(right, count) for right, count in tally]
    return Baseline(name, note, scores, tallies)


def _majority(train: Labeled, held: Mapping[str, Labeled]) -> Baseline:
    ids, count = train.labels.ids, len(train.labels.names)
    many = train.labels.kind == "many"
    share = ids.mean(0) if many else np.bincount(ids, minlength=count) / len(ids)
    found = {
        split: np.broadcast_to(share, (len(part.labels.ids), count)) for split, part in held.items()
    }
    if many:
        usual = [train.labels.names[k] for k in np.flatnonzero(share > 0.5)]
        note = f"always {', '.join(usual)}" if usual else "never any label"
    else:
        note = f"always {train.labels.names[int(share.argmax())]!r}"
    return _baseline(MAJORITY, note, held, found)


def _regression(
    train: Labeled,
    held: Mapping[str, Labeled],
    seed: int,
    progress: Callable[[str], None],
    made: Features | None = None,
) -> Baseline:
    progress("fitting baselines: features")
    made = made or features(train.inputs, train.labels.kind)
    ids, x = train.labels.ids, made.of(train.inputs)
    drawn = ""
    if len(ids) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(ids), MOST_ROWS, replace=False))
        x, ids, drawn = x[rows], ids[rows], f", on {MOST_ROWS:,} of {len(ids):,}"
    kind, classes = train.labels.kind, len(train.labels.names)
    leading = "micro_f1" if kind == "many" else "accuracy"
    inputs = {split: made.of(part.inputs) for split, part in held.items()}
    name = f"{made.name} with logistic regression"
    best, since = None, 0
    for number, strength in enumerate(STRENGTHS, 1):
        progress(
            f"fitting baselines: {name}, C {strength:g} ({number} of at most {len(STRENGTHS)})"
        )
        found = _fit(x, ids, strength, kind, classes, inputs)
        each = _baseline(name, f"C {strength:g}, chosen on valid{drawn}", held, found)
        if best is None or each.scores["valid"][leading] > best.scores["valid"][leading]:
            best, since = each, 0
        elif (since := since + 1) == _PATIENCE:
            break
    assert best is not None
    return best


def _fit(
    x: Any, ids: Array, strength: float, kind: LabelKind, classes: int, inputs: Mapping[str, Any]
) -> dict[str, Array]:
    """The probabilities (N, K) on each of `inputs`."""
    if kind != "many":
        return _one_label(x, ids, strength, classes, inputs)
    columns = [
        _one_label(x, ids[:, k].astype(np.int64), strength, 2, inputs) for k in range(classes)
    ]
    return {split: np.stack([c[split][:, 1] for c in columns], axis=1) for split in inputs}


def _one_label(
    x: Any, ids: Array, strength: float, classes: int, inputs: Mapping[str, Any]
) -> dict[str, Array]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    found = {split: np.zeros((given.shape[0], classes)) for split, given in inputs.items()}
    there = np.unique(ids)
    if len(there) == 1:
        for probabilities in found.values():
            probabilities[:, there] = 1
        return found
    with warnings.catch_warnings():
        # Validation chooses the best fit, converged or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=strength, max_iter=300).fit(x, ids)
    for split, given in inputs.items():
        found[split][:, model.classes_] = model.predict_proba(given)
    return found


@dataclass(frozen=True)
class Features:
    """A map from inputs to a matrix, fitted on the training part."""

    name: str
    of: Callable[[Any], Any]


def features(train: Inputs, kind: LabelKind) -> Features:
    """Choose and fit the features that suit the inputs."""
    if isinstance(train, Sequences):
        if kind == "step":
            scale = Standardizer.fit(train.values)
            return Features("each step and its neighbors", lambda given: _windows(given, scale))
        whole = Standardizer.fit(_summary(train))
        return Features(
            "mean, deviation, last value and length", lambda given: whole.apply(_summary(given))
        )
    assert not isinstance(train, Utterances | Videos), "baselines read frames"
    if kind == "step":
        from sklearn.feature_extraction import DictVectorizer

        assert isinstance(train, Words)
        words = DictVectorizer(dtype=np.float32).fit(_contexts(train))
        return Features("a word and its neighbors", lambda given: words.transform(_contexts(given)))
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


def _contexts(inputs: Words) -> list[dict[str, str]]:
    found = []
    for row in range(len(inputs)):
        words = ["", *inputs.row(row), ""]
        for before, word, after in zip(words, words[1:], words[2:], strict=False):
            near = {"word": word, "end": word[-3:], "before": before, "after": after}
            found.append({name: part.lower() for name, part in near.items()})
            found[-1]["shape"] = _shape(word)
    return found


def _shape(word: str) -> str:
    """Whether a word is in capitals, begins with one, or has a digit."""
    if any(letter.isdigit() for letter in word):
        return "digit"
    if word.isupper():
        return "upper"
    return "title" if word[:1].isupper() else "lower"


def _means(train: Sequences, name: str) -> Features:
    """The mean of each channel over a row."""
    channels = train.values.shape[1]
    whole = Standardizer.fit(_summary(train)[:, :channels])
    return Features(name, lambda given: whole.apply(_summary(given)[:, :channels]))


def _summary(inputs: Sequences) -> npt.NDArray[np.float32]:
    """(N, 3 C + 1), of some rows at a time, since those of audio are a file."""
    offsets = inputs.offsets
    found = [np.zeros((0, 3 * inputs.values.shape[1] + 1), np.float32)]
    begin = 0
    while begin < len(inputs):
        within = int(np.searchsorted(offsets, offsets[begin] + _AT_ONCE, side="right")) - 1
        end = max(within, begin + 1)
        found.append(_summary_of(inputs.values, offsets[begin : end + 1]))
        begin = end
    return np.concatenate(found)


def _summary_of(steps: Array, offsets: Array) -> npt.NDArray[np.float32]:
    values = np.asarray(steps[offsets[0] : offsets[-1]], np.float64)
    offsets = offsets - offsets[0]
    sizes = np.diff(offsets)
    lengths = sizes[:, None]
    mean = np.add.reduceat(values, offsets[:-1]) / lengths
    apart = values - np.repeat(mean, sizes, axis=0)
    deviation = np.sqrt(np.add.reduceat(apart**2, offsets[:-1]) / lengths)
    last = values[offsets[1:] - 1]
    return np.hstack([mean, deviation, last, lengths]).astype(np.float32)


def _windows(inputs: Sequences, scale: Standardizer) -> Array:
    """(S, 3 C) each step with the previous and the next one; zeros beyond the ends."""
    values = scale.apply(inputs.values)
    before, after = np.zeros_like(values), np.zeros_like(values)
    before[1:], after[:-1] = values[:-1], values[1:]
    before[inputs.offsets[:-1]] = 0
    after[inputs.offsets[1:] - 1] = 0
    return np.hstack([before, values, after])
