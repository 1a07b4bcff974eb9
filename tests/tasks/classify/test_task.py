"""A classifier trained from a table: what is learned, measured, resumed, and started from."""

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import InputError
from elman.predictors.classifier import ClassifierPredictor
from elman.settings import configure
from elman.tasks import runs
from elman.tasks.classify.config import SentimentConfig
from elman.tasks.classify.task import ClassifyTask
from elman.tasks.runs import Run
from elman.tensors import load_tree
from tests import halves, reviews


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A bidirectional one, which the tests never write to."""
    return reviews.run(tmp_path_factory.mktemp("both"))


def begun(folder: Path, **settings: Any) -> tuple[Run, ClassifierPredictor]:
    """A run with the weights that it starts from."""
    config = configure(SentimentConfig, reviews.SETTINGS | settings)
    run = runs.begin("sentiment", reviews.write(folder), folder / "run", config)
    assert isinstance(run.predictor, ClassifierPredictor)
    return run, run.predictor


def on_test(run: Run) -> dict[str, float]:
    """The metrics of the test part."""
    return {score.metric: score.value for score in run.evaluate() if score.split == "test"}


def test_it_learns_and_reports_it(trained: Run) -> None:
    report = trained.report()
    scores = {(score.split, score.metric): score.value for score in report.scores}
    assert scores["test", "accuracy"] >= 0.9
    assert scores["test", "macro_f1"] >= 0.9
    assert any("baseline" in line or "class" in line for line in report.verdict)
    described = "\n".join(trained.task.describe())
    assert "bad, good" in described
    assert "majority class" in described


def test_the_figures_of_the_own_data_go_into_the_run(trained: Run) -> None:
    pytest.importorskip("matplotlib")
    trained.report()
    for name in ("confusion.png", "calibration.png"):
        assert (trained.path / name).read_bytes().startswith(b"\x89PNG")


def test_other_files_are_measured(trained: Run, tmp_path: Path) -> None:
    path = tmp_path / "more.tsv"
    path.write_text("text\tlabel\nthe great film\tgood\na boring plot\tgood\n", encoding="utf-8")
    assert trained.report(path).figures == {}
    scores = {score.metric: score.value for score in trained.evaluate(path)}
    assert scores["accuracy"] == 0.5
    same_name = tmp_path / "more" / path.name
    same_name.parent.mkdir()
    same_name.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    splits = {score.split for score in trained.evaluate([path, same_name])}
    assert splits == {str(path), str(same_name)}


def test_an_opened_run_measures_the_same(trained: Run) -> None:
    assert Run(trained.path).evaluate() == trained.evaluate()


@pytest.mark.parametrize("name", ["data.json", "tokenizer.json", "valid/labels.npy"])
def test_damaged_data_are_one_line(trained: Run, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "run"
    shutil.copytree(trained.path, copy)
    for content in (b'{"schema": {"names": []}}', b"[1]", b"\xff"):
        (copy / "data" / name).write_bytes(content)
        with pytest.raises(InputError, match=name) as caught:
            Run(copy)
        assert "\n" not in str(caught.value)


def test_resumed_is_never_killed(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"average": "ema", "word_dropout": 0.2, "label_smoothing": 0.1}
    whole = reviews.run(tmp_path, **settings)
    other = tmp_path / "other"
    shutil.copytree(whole.path, other)
    kept = whole.directory.checkpoint_path(100)
    for path in (other / "checkpoints").iterdir():
        if path.name != kept.name:
            path.unlink()
    again = runs.resume(other)
    one, two = (load_tree(run.directory.model_path) for run in (whole, again))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    end = "step-00000150.safetensors"
    assert (other / "checkpoints" / end).exists()
    ends = [load_tree(path / "checkpoints" / end)["model"] for path in (whole.path, other)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_the_temperature_goes_with_the_weights(trained: Run) -> None:
    kept = load_tree(trained.directory.model_path)
    assert float(kept["temperature"]) > 0
    assert float(kept["temperature"]) != 1
    assert isinstance(trained.predictor, ClassifierPredictor)
    assert float(trained.predictor.model.temperature) == float(kept["temperature"])


def test_numbers(tmp_path: Path) -> None:
    path, labels = halves.write(tmp_path)
    run = runs.train("classify", path, tmp_path / "run", **reviews.SETTINGS | {"max_steps": 150})
    assert on_test(run)["accuracy"] > 0.9
    found = run.predictor.predict(path)
    assert len(found) == 200
    assert np.mean([int(r["predicted"]) == n for r, n in zip(found, labels, strict=True)]) > 0.9
    with pytest.raises(InputError, match="numbers"):
        run.predictor.predict(["some text"])
    with pytest.raises(InputError, match="numbers"):
        run.predictor.predict(text="some text")


def test_a_label_for_every_word(tmp_path: Path) -> None:
    """A name follows "mr"."""
    lines = []
    for text, _ in reviews.reviews(120):
        words = ["mr", *text.split()]
        tags = ["O", "B-PER", *["O"] * (len(words) - 2)]
        lines += [f"{word} {tag}\n" for word, tag in zip(words, tags, strict=True)] + ["\n"]
    path = tmp_path / "names.conll"
    path.write_text("".join(lines), encoding="utf-8")
    settings = reviews.SETTINGS | {"per_step": True, "bidirectional": False, "max_steps": 200}
    run = runs.train("classify", path, tmp_path / "run", **settings)
    scores = on_test(run)
    assert scores["accuracy"] > 0.95
    assert scores["entity_f1"] > 0.9
    found = run.predictor.predict(["mr plot was great", "mr dull film"])
    assert [row["predicted"] for row in found] == ["O", "B-PER", "O", "O", "O", "B-PER", "O"]
    assert [row["row"] for row in found] == [1] * 4 + [2] * 3
    session = run.predictor.session()
    answers = [*session.push("mr plot was great"), *session.flush()]
    assert [row["predicted"] for row in answers] == ["O", "B-PER", "O", "O"]


def test_many_labels_a_row(tmp_path: Path) -> None:
    path = tmp_path / "tags.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for text, label in reviews.reviews():
            tags = [label, *(["music"] if "music" in text else [])]
            table.writerow([text, ";".join(tags)])
    run = runs.train(
        "classify",
        path,
        tmp_path / "run",
        **reviews.SETTINGS | {"label_separator": ";", "class_weights": "balanced"},
    )
    assert on_test(run)["micro_f1"] > 0.85
    (row,) = run.predictor.predict(["the great film with music"])
    assert set(row["predicted"].split(";")) == {"good", "music"}


def test_the_same_data_under_another_config_is_another_task(tmp_path: Path) -> None:
    run, _ = begun(tmp_path, max_steps=2, eval_every=2)
    assert isinstance(run.task, ClassifyTask)
    config = run.task.config.model_copy(update={"cell": "gru", "hidden_size": 5, "num_layers": 2})
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    before = set(tmp_path.rglob("*"))
    predictor, _ = runs.refit(ClassifyTask(config, run.task.data))
    assert isinstance(predictor, ClassifierPredictor)
    assert predictor.architecture.hidden_size == 5
    assert predictor.model.readout.in_features == 10
    assert len(predictor.predict(["a great film"])) == 1
    assert set(tmp_path.rglob("*")) == before


def test_vectors_are_where_it_starts(tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("great 1 2 3\ndull 4 5 6\nelsewhere 7 8 9\n", encoding="utf-8")
    run, predictor = begun(tmp_path, max_steps=1, vectors=vectors, embedding_size=3)
    assert predictor.encoder.words is not None
    (great,) = predictor.encoder.words.tokenizer.encode("great")
    assert predictor.network.state_dict()["embedding.weight"][great].tolist() == [1, 2, 3]
    assert any("out of its vocabulary" in line for line in run.task.describe())
    vectors.unlink()
    assert run.lock is not None
    run.lock.release()
    again, _ = runs.reopen(run.path)
    weight = again.predictor.network.state_dict()["embedding.weight"]
    assert weight[great].tolist() == [1, 2, 3]


def test_from_a_language_model(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{text}\n" for text, _ in reviews.reviews()), encoding="utf-8")
    sizes = {"hidden_size": 9, "embedding_size": 7, "num_layers": 2, "batch_size": 4}
    lm = runs.train(
        "language-model", text, tmp_path / "lm", unit="word", max_steps=3, eval_every=3, **sizes
    )
    settings = {n: v for n, v in reviews.SETTINGS.items() if not n.endswith("size")}
    settings |= {"from_run": lm.path, "rate_decay": 0.4, "unfreeze_every": 20}
    config = configure(SentimentConfig, settings)
    run = runs.begin("sentiment", reviews.write(tmp_path), tmp_path / "run", config)
    theirs = lm.predictor.network.state_dict()
    started = {n: t.clone() for n, t in run.predictor.network.state_dict().items()}
    shared = [name for name in started if name in theirs and name.startswith(("emb", "layers"))]
    assert len(shared) == 9
    assert all(torch.equal(started[name], theirs[name]) for name in shared)
    shutil.rmtree(lm.path)
    run, _ = runs.fit(run)
    assert on_test(run)["accuracy"] > 0.5
    session = Run(run.path).predictor.session()
    assert [row["word"] for row in session.push("a great film ")] == ["a", "great", "film"]
    with pytest.raises(InputError, match="one direction"):
        configure(SentimentConfig, settings | {"bidirectional": True})
    for wrong, message in (
        ({"from_run": run.path}, "give a language-model run"),
        ({"from_run": tmp_path / "none"}, "--from .*none: there is no such folder"),
    ):
        other = configure(SentimentConfig, settings | wrong)
        with pytest.raises(InputError, match=message):
            runs.begin("sentiment", reviews.write(tmp_path), tmp_path / "more", other)
