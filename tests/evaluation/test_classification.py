"""Scores against scikit-learn and by hand, entities, temperature, baselines and the verdict."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data.batching import IGNORE
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import (
    Labeled,
    LabeledSplits,
    Labels,
    Sequences,
    Texts,
    offsets_of,
)
from elman.data.origin import origin_of
from elman.evaluation.baselines import Baseline, fit_baselines
from elman.evaluation.classification import (
    calibration_error,
    confusion,
    entity_f1,
    fit_temperature,
    is_tagging,
    many_f1,
    metrics_of,
    reliability,
    spans,
)
from elman.evaluation.classification_report import Classes, Predictions, comparison, report
from elman.evaluation.report import Report
from elman.plots.classification import draw_confusion, draw_reliability

RNG = np.random.default_rng(0)


def test_the_scores_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    p = RNG.dirichlet(np.ones(4), 200)
    ids = RNG.integers(0, 3, 200)
    scores, guess = metrics_of("one", p, ids), p.argmax(1)
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(ids, guess))
    assert scores["macro_f1"] == pytest.approx(metrics.f1_score(ids, guess, average="macro"))
    assert (confusion(guess, ids, 4) == metrics.confusion_matrix(ids, guess)).all()
    marks, q = RNG.random((200, 4)) < 0.3, RNG.random((200, 4))
    for average, value in zip(("micro", "macro"), many_f1(q > 0.5, marks), strict=True):
        assert value == pytest.approx(metrics.f1_score(marks, q > 0.5, average=average))
    subset = metrics_of("many", q, marks)["subset_accuracy"]
    assert subset == pytest.approx(metrics.accuracy_score(marks, q > 0.5))


def test_the_calibration_error_by_hand() -> None:
    confidence = np.array([0.9, 0.9, 0.6, 0.6, 1.0])
    right = np.array([True, False, True, True, True])
    assert calibration_error(confidence, right, 10) == pytest.approx((2 * 0.4 + 2 * 0.4 + 0) / 5)


@pytest.mark.parametrize("truth", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(truth: float) -> None:
    z = RNG.normal(0, 2, (20_000, 3))
    p = np.exp(z / truth) / np.exp(z / truth).sum(1, keepdims=True)
    ids = (p.cumsum(1) > RNG.random((len(p), 1))).argmax(1)
    assert fit_temperature(z, ids) == pytest.approx(truth, rel=0.05)
    marks = RNG.random(z.shape) < 1 / (1 + np.exp(-z / truth))
    assert fit_temperature(z, marks) == pytest.approx(truth, rel=0.05)


def test_a_temperature_stays_finite_where_all_or_nothing_is_right() -> None:
    z = np.array([[3.0, 0.0], [0.0, 3.0]] * 50)
    assert fit_temperature(z, z.argmax(1)) == pytest.approx(3 / math.log(101))
    assert 5 < fit_temperature(z, z.argmin(1)) <= 20
    assert fit_temperature(np.zeros((0, 2)), np.zeros(0, int)) == 1


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("B-A I-A O B-B", [(0, 2, "A"), (3, 4, "B")]),
        ("B-A B-A", [(0, 1, "A"), (1, 2, "A")]),
        ("I-A I-A I-B", [(0, 2, "A"), (2, 3, "B")]),  # IOB1, or a broken BIO
        ("S-A B-B I-B E-B E-A", [(0, 1, "A"), (1, 4, "B"), (4, 5, "A")]),
        ("U-A B-B L-B I-B", [(0, 1, "A"), (1, 3, "B"), (3, 4, "B")]),
        ("O O", []),
        ("", []),
        ("B-A-x I-A-x", [(0, 2, "A-x")]),
    ],
)
def test_entities_of_a_row(tags: str, found: list[tuple[int, int, str]]) -> None:
    assert spans(tags.split()) == found


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["A", "B", ""])), max_size=8))
def test_every_scheme_gives_back_the_entities_that_it_was_written_from(
    pieces: list[tuple[int, str]],
) -> None:
    wanted, bio, bioes = [], [], []
    for length, kind in pieces:
        if kind:
            wanted.append((len(bio), len(bio) + length, kind))
            bio += [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)
            inner = [f"B-{kind}", *[f"I-{kind}"] * (length - 2), f"E-{kind}"]
            bioes += inner if length > 1 else [f"S-{kind}"]
        else:
            bio += ["O"] * length
            bioes += ["O"] * length
    assert spans(bio) == spans(bioes) == wanted


def test_entities_must_match_exactly_and_within_their_row() -> None:
    names = ("O", "B-A", "I-A", "B-B")
    there, guess = np.array([1, 2, 0, 3, 2]), np.array([1, 0, 0, 3, 2])
    assert entity_f1(names, guess, there, np.array([0, 4, 5])) == pytest.approx(4 / (3 + 3))
    assert not is_tagging(("O",))
    assert not is_tagging(("up", "down"))
    p = np.eye(4)[guess]
    found = metrics_of("step", p, there, names=names, offsets=np.array([0, 4, 5]))
    assert found["entity_f1"] == pytest.approx(2 / 3)


def text_splits() -> LabeledSplits:
    def part(count: int) -> Labeled:
        ids = np.arange(count) % 2
        texts = tuple(f"this is {('bad', 'good')[k]} number {n}" for n, k in enumerate(ids))
        origin = origin_of(Path("a.csv"), range(1, count + 1))
        return Labeled(Texts(texts, origin), Labels(("bad", "good"), "one", ids))

    return LabeledSplits(part(41), part(10), part(11))


def test_the_baselines_of_texts() -> None:
    pytest.importorskip("sklearn")
    baselines = fit_baselines(text_splits())
    majority, regression = baselines
    assert majority.note == "always 'bad'"
    assert majority.scores["test"]["accuracy"] == pytest.approx(6 / 11)
    assert regression.scores["test"]["accuracy"] == 1
    assert regression.tallies["test"] == [(1, 1)] * 11


def test_fitting_baselines_says_what_it_does() -> None:
    pytest.importorskip("sklearn")
    said: list[str] = []
    fit_baselines(text_splits(), progress=said.append)
    assert said[0] == "fitting baselines: features"
    assert "logistic regression, C 0.1 (1 of at most 6)" in said[1]


@pytest.mark.parametrize("kind", ["one", "step", "many"])
def test_the_baselines_of_numbers(kind: str) -> None:
    pytest.importorskip("sklearn")

    def part(seed: int) -> Labeled:
        rng = np.random.default_rng(seed)
        lengths = rng.integers(1, 6, 60)
        high = rng.random(60) < 0.5
        steps = np.repeat(high, lengths)
        values = (rng.normal(size=(lengths.sum(), 1)) + 8 * steps[:, None]).astype(np.float32)
        inputs = Sequences(values, offsets_of(lengths), ("x",), origin_of(Path("a"), [0] * 60))
        ids = {"one": high.astype(int), "step": steps.astype(int)}
        many = np.stack([high, ~high, np.zeros(60, bool)], 1)
        return Labeled(inputs, Labels(("a", "b", "c"), kind, ids.get(kind, many)))  # type: ignore[arg-type]

    regression = fit_baselines(LabeledSplits(part(0), part(1), None))[1]
    metric = "micro_f1" if kind == "many" else "accuracy"
    assert regression.scores["valid"][metric] > 0.95


def right_on(count: int, rows: int = 1000, first: int = 0) -> list[tuple[int, int]]:
    """The tally of a classifier that is right on `count` rows from the `first` on."""
    return [(int(first <= row < first + count), 1) for row in range(rows)]


@pytest.mark.fault(42)
@pytest.mark.parametrize(
    ("count", "said"),
    [
        (700, "The network does not beat the baseline: accuracy 70.0 % on test, 80.0 % by TF-IDF"),
        (800, "The network does not beat the baseline, it equals it row by row: accuracy 80.0 %"),
        (802, "Undecided whether the network beats the baseline: accuracy 80.2 % on test, 80.0 %"),
        (900, "The network beats the baseline: accuracy 90.0 % on test, 80.0 % by TF-IDF (p < "),
    ],
)
def test_the_verdict_says_first_whether_the_baseline_is_beaten(count: int, said: str) -> None:
    classes = Classes(("a", "b"), "one", "rows")
    ids = np.zeros(1000, np.int64)
    weak = Baseline("majority class", "", {"test": {"accuracy": 0.5}}, {"test": right_on(500)})
    strong = Baseline("TF-IDF", "", {"test": {"accuracy": 0.8}}, {"test": right_on(800)})
    absent = Baseline("regression", "needs scikit-learn", {})
    part = Predictions(np.eye(2)[(np.arange(1000) >= count).astype(int)], ids, None)
    lines = comparison(classes, "test", {"accuracy": count / 1000}, part, [weak, absent, strong])
    assert lines[0].startswith(said)
    assert "McNemar's test, n = 1,000 rows" in lines[0]
    assert lines[1] == "not compared: needs scikit-learn"


@pytest.mark.fault(42)
def test_few_rows_leave_it_undecided() -> None:
    classes = Classes(("a", "b"), "one", "rows")
    part = Predictions(np.eye(2)[[0] * 5], np.zeros(5, np.int64), None)
    none = Baseline("TF-IDF", "", {"test": {"accuracy": 0.0}}, {"test": right_on(0, 5)})
    (line,) = comparison(classes, "test", {"accuracy": 1.0}, part, [none])
    assert line.startswith("Undecided whether the network beats the baseline: accuracy 100.0 %")
    assert "p = 0.062" in line


@pytest.mark.fault(42)
def test_the_calibration_error_is_said_with_its_uncertainty() -> None:
    classes = Classes(("a", "b"), "one", "rows")
    random = np.random.default_rng(0)

    def made(count: int, off: float) -> Report:
        confidence = random.uniform(0.6, 1, count)
        wrong = random.random(count) > confidence - off
        probabilities = np.stack([confidence, 1 - confidence], 1)
        return report(classes, {"test": Predictions(probabilities, wrong.astype(int), None)}, [])

    few, many, off = made(100, 0.0), made(5000, 0.0), made(5000, 0.2)
    for found in (few, many):
        assert not [line for line in found.verdict if "off by" in line]
    (line,) = [line for line in off.verdict if "off by" in line]
    assert "so don't rely on them" in line
    scores = {score.metric: score for score in few.scores}
    low, high = scores["calibration_error from"], scores["calibration_error to"]
    assert low.value == 0 < high.value
    assert low.unit == high.unit == "95 % interval, n = 100"
    assert scores["calibration_error"].unit == "ECE, 15 bins"
    assert 0.05 < scores["calibration_error expected"].value < 0.2


def test_the_pictures_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_confusion(np.eye(3, dtype=int), ["a", "b", "a long name of a class"], tmp_path / "c.png")
    bins = reliability(np.array([0.2, 0.9]), np.array([False, True]))
    draw_reliability(bins, tmp_path / "r.png")
    for name in ("c.png", "r.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_the_report_is_on_labeled_steps_and_on_the_last_split() -> None:
    classes = Classes(("O", "B-PER"), "step", "words")
    steps, offsets = np.zeros(6, np.int64), np.array([0, 4, 6])
    rows = Encoded(steps, offsets, np.array([0, 1, IGNORE, 0, 1, IGNORE]), "step")
    p = np.eye(2)[[0, 1, 1, 1, 1, 0]]
    part = Predictions.of(p, rows)
    assert part.offsets is not None
    assert part.offsets.tolist() == [0, 3, 4]
    baseline = Baseline(
        "majority",
        "",
        {"test": {"accuracy": 0.1, "entity_f1": 0.1}},
        {"test": [(0, 2), (0, 1)]},
    )
    found = report(classes, {"valid": part, "test": part}, [baseline])
    scores = {(score.split, score.metric): (score.value, score.unit) for score in found.scores}
    assert scores["test", "accuracy"] == (3 / 4, "of all words")
    assert scores["test", "entity_f1"] == (pytest.approx(2 * 2 / 5), "")
    assert scores["test", "entity_f1 of majority"][0] == 0.1
    assert ("valid", "accuracy of majority") not in scores
    assert "entity F1 80.0 % on test, 10.0 % by majority" in found.verdict[0]
    assert "too few for a test, n = 2 rows" in found.verdict[0]
    assert sum("baseline" in line for line in found.verdict) == 1


def test_a_network_and_a_baseline_that_are_always_right() -> None:
    classes = Classes(("a", "b"), "one", "rows")
    part = Predictions(np.eye(2)[[0] * 40], np.zeros(40, np.int64), None)
    right = Baseline("TF-IDF", "", {"test": {"accuracy": 1.0}}, {"test": right_on(40, 40)})
    (line,) = comparison(classes, "test", {"accuracy": 1.0}, part, [right])
    assert line.startswith("The network does not beat the baseline, it equals it row by row")
    assert line.endswith("No row is left that could tell them apart, and the baseline is simpler.")


def test_entities_are_scored_where_steps_have_tags_and_rows_begin_somewhere() -> None:
    tags, others = ("O", "B-PER", "I-PER"), ("x", "y", "z")
    probabilities, ids = np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 0])
    offsets = np.array([0, 3, 4])
    assert metrics_of("step", probabilities, ids, names=tags, offsets=offsets)["entity_f1"] == 1
    assert "entity_f1" not in metrics_of("one", probabilities, ids, names=tags, offsets=offsets)
    assert "entity_f1" not in metrics_of("step", probabilities, ids, names=others, offsets=offsets)
    assert "entity_f1" not in metrics_of("step", probabilities, ids, names=tags)
