"""A classifier from a table to its answers, and that every way to the answer gives the same."""

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.predictors.classifier_session import ClassifierStream
from elman.tasks import runs
from elman.tasks.classify.task import ClassifyTask
from elman.tasks.runs import Run
from elman.tensors import load_tree
from tests import halves, reviews

TEXTS = ["the film was great", "a dull plot with music", "superb", "an unknownword , and dull fun"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One that reads in one direction, and the tests never write to."""
    return reviews.run(tmp_path_factory.mktemp("one"), bidirectional=False, pooling="attention")


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return reviews.run(tmp_path_factory.mktemp("both"))


def test_it_learns_and_says_so(both_ways: Run) -> None:
    report = both_ways.report()
    scores = {(score.split, score.metric): score.value for score in report.scores}
    assert scores["test", "accuracy"] >= 0.9
    assert scores["test", "macro_f1"] >= 0.9
    assert any("baseline" in line or "class" in line for line in report.verdict)
    described = "\n".join(both_ways.task.describe())
    assert "bad, good" in described
    assert "majority class" in described


def test_other_files_are_measured(both_ways: Run, tmp_path: Path) -> None:
    path = tmp_path / "more.tsv"
    path.write_text("text\tlabel\nthe great film\tgood\na boring plot\tgood\n", encoding="utf-8")
    scores = {score.metric: score.value for score in both_ways.evaluate(path)}
    assert scores["accuracy"] == 0.5


def test_one_by_one_is_as_many_at_once(trained: Run, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    together = list(trained.predict(path))
    alone = list(trained.predict(TEXTS))
    assert [row["text"] for row in together] == TEXTS
    for one, other in zip(together, alone, strict=True):
        assert one["predicted"] == other["predicted"]
        assert one["probability"] == pytest.approx(other["probability"], rel=1e-5)
        assert one["p_bad"] + one["p_good"] == pytest.approx(1)
    assert [row["predicted"] for row in together[:3]] == ["good", "bad", "good"]


def test_a_table_keeps_its_columns(trained: Run, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('id,text\n7,"the film, great"\n8,dull\n', encoding="utf-8")
    found = list(trained.predict(path))
    assert [list(row)[:2] for row in found] == [["id", "text"]] * 2
    assert [row["id"] for row in found] == ["7", "8"]
    assert [row["predicted"] for row in found] == ["good", "bad"]
    path.write_text("text,predicted\nx,y\n", encoding="utf-8")
    with pytest.raises(InputError, match="'predicted'"):
        list(trained.predict(path))


@pytest.mark.parametrize(
    ("unit", "pooling"),
    [("word", "last"), ("bpe", "max"), ("char", "mean"), ("bpe", "attention"), ("char", "concat")],
)
def test_streamed_is_predicted(tmp_path: Path, unit: str, pooling: str) -> None:
    """After the last word of each line, however the text is cut."""
    settings = {"bidirectional": False, "unit": unit, "pooling": pooling, "num_layers": 2}
    config = runs.configure(runs.task_class("sentiment").Config, reviews.SETTINGS | settings)
    run = runs.begin("sentiment", reviews.write(tmp_path), tmp_path / "run", config)
    text = "\n".join(TEXTS)
    whole = [row["p_good"] for row in run.predict(TEXTS)]
    for size in (1, 3, len(text)):
        front = run.stream()
        answers = [a for at in range(0, len(text), size) for a in front.push(text[at : at + size])]
        answers += front.flush()
        last = {answer["line"]: answer["p_good"] for answer in answers}
        assert [answer["word"] for answer in answers] == text.split()
        assert list(last.values()) == pytest.approx(whole, rel=1e-4)


def test_a_word_is_answered_when_it_is_complete(trained: Run) -> None:
    front = trained.stream()
    assert isinstance(front, ClassifierStream)
    assert list(front.push("gre")) == []
    (first,) = front.push("at  ")
    assert first["word"] == "great"
    assert first["predicted"] == "good"
    assert [answer["word"] for answer in front.push("film\n\ndull")] == ["film"]
    (last,) = front.flush()
    assert (last["line"], last["predicted"]) == (3, "bad")
    assert list(front.flush()) == []
    # What is held back is bounded.
    assert len(front.push("x" * 1000)) == 3


def test_who_reads_from_both_ends_does_not_stream(both_ways: Run) -> None:
    with pytest.raises(InputError, match="--no-bidirectional"):
        both_ways.stream()


def test_what_moved_the_answer(trained: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    (row,) = trained.predict(["the film was great <b>"], explain=True, html=page)
    words = row["words"]
    assert [word["word"] for word in words] == ["the", "film", "was", "great", "<b>"]
    for place, word in enumerate(words):
        left = [other["word"] for other in words[:place] + words[place + 1 :]]
        (without,) = trained.predict([" ".join(left)])
        moved = row[f"p_{row['predicted']}"] - without[f"p_{row['predicted']}"]
        assert word["effect"] == pytest.approx(moved, abs=1e-6)
    assert row["predicted"] == "good"
    assert {word["word"]: word["effect"] for word in words}["great"] > 0
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;" in text
    assert "great</span>" in text


def test_the_gradient_is_a_slope(trained: Run) -> None:
    """Scaling all vectors by 1 + e changes the answer by e times the sum of all effects."""
    model = trained.model
    assert isinstance(model, Classifier)
    (row,) = trained.predict(["a great film with dull music"], explain=True)
    embedding = model.embedding
    assert isinstance(embedding, torch.nn.Embedding)
    task = trained.task
    assert isinstance(task, ClassifyTask)
    assert task.encoder.words is not None
    ids, _ = task.encoder.words.encode(["a", "great", "film", "with", "dull", "music"])
    x = embedding(torch.from_numpy(ids)[:, None]).detach()

    def p(scale: float) -> float:
        scaled = x.clone()
        scaled[1:] *= scale
        logits = model.judge(scaled, torch.tensor([len(ids)])) / model.temperature
        index = task.schema.names.index(row["predicted"])
        return float(logits.softmax(-1)[0, index].detach())

    slope = (p(1.001) - p(0.999)) / 0.002
    total = sum(word["gradient"] for word in row["words"])
    assert total == pytest.approx(slope, rel=0.02, abs=1e-4)


def test_resumed_is_never_killed(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"average": "ema", "word_dropout": 0.2, "label_smoothing": 0.1}
    whole = reviews.run(tmp_path, **settings)
    other = tmp_path / "other"
    shutil.copytree(whole.path, other)
    kept = whole.task.run.checkpoint_path(100)
    for path in (other / "checkpoints").iterdir():
        if path.name != kept.name:
            path.unlink()
    again = runs.resume(other)
    one, two = (load_tree(path / "model.safetensors") for path in (whole.path, again.path))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    end = "step-00000150.safetensors"
    assert (other / "checkpoints" / end).exists()
    ends = [load_tree(path / "checkpoints" / end)["model"] for path in (whole.path, other)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_the_temperature_goes_with_the_weights(both_ways: Run) -> None:
    kept = load_tree(both_ways.path / "model.safetensors")
    assert float(kept["temperature"]) > 0
    assert float(kept["temperature"]) != 1
    model = both_ways.model
    assert isinstance(model, Classifier)
    assert float(model.temperature) == float(kept["temperature"])


def test_numbers(tmp_path: Path) -> None:
    path, labels = halves.write(tmp_path)
    run = runs.train("classify", path, tmp_path / "run", **reviews.SETTINGS | {"max_steps": 150})
    scores = {score.metric: score.value for score in run.evaluate() if score.split == "test"}
    assert scores["accuracy"] > 0.9
    found = list(run.predict(path))
    assert len(found) == 200
    assert np.mean([int(r["predicted"]) == n for r, n in zip(found, labels, strict=True)]) > 0.9
    with pytest.raises(InputError, match="numbers"):
        list(run.predict(["some text"]))
    with pytest.raises(InputError, match="numbers"):
        list(run.predict(["x"], text="some text"))


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
    scores = {score.metric: score.value for score in run.evaluate() if score.split == "test"}
    assert scores["accuracy"] > 0.95
    assert scores["entity_f1"] > 0.9
    found = list(run.predict(["mr plot was great"]))
    assert [row["predicted"] for row in found] == ["O", "B-PER", "O", "O"]
    streamed = [*(front := run.stream()).push("mr plot was great"), *front.flush()]
    assert [row["predicted"] for row in streamed] == ["O", "B-PER", "O", "O"]


def test_many_labels_a_row(tmp_path: Path) -> None:
    rows = reviews.reviews()
    path = tmp_path / "tags.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for text, label in rows:
            tags = [label, *(["music"] if "music" in text else [])]
            table.writerow([text, ";".join(tags)])
    run = runs.train(
        "classify",
        path,
        tmp_path / "run",
        **reviews.SETTINGS | {"label_separator": ";", "class_weights": "balanced"},
    )
    scores = {score.metric: score.value for score in run.evaluate() if score.split == "test"}
    assert scores["micro_f1"] > 0.85
    (row,) = run.predict(["the great film with music"])
    assert set(row["predicted"].split(";")) == {"good", "music"}


def test_vectors_are_where_it_begins(tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("great 1 2 3\ndull 4 5 6\nelsewhere 7 8 9\n", encoding="utf-8")
    settings = reviews.SETTINGS | {"max_steps": 1, "vectors": vectors, "embedding_size": 3}
    config = runs.configure(runs.task_class("sentiment").Config, settings)
    run = runs.begin("sentiment", reviews.write(tmp_path), tmp_path / "run", config)
    task, model = run.task, run.model
    assert isinstance(task, ClassifyTask)
    assert isinstance(model, Classifier)
    (great,) = task.tokenizer.encode("great")
    assert isinstance(model.embedding, torch.nn.Embedding)
    assert model.embedding.weight[great].tolist() == [1, 2, 3]
    assert any("out of its vocabulary" in line for line in task.describe())
    vectors.unlink()
    again = runs.build(task).state_dict()["embedding.weight"]
    assert again[great].tolist() == [1, 2, 3]


def test_from_a_language_model(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{text}\n" for text, _ in reviews.reviews()), encoding="utf-8")
    sizes = {"hidden_size": 9, "embedding_size": 7, "num_layers": 2, "batch_size": 4}
    lm = runs.train(
        "language-model", text, tmp_path / "lm", unit="word", max_steps=3, eval_every=3, **sizes
    )
    settings = {n: v for n, v in reviews.SETTINGS.items() if not n.endswith("size")}
    settings |= {"from_run": lm.path, "rate_decay": 0.4, "unfreeze_every": 20}
    config = runs.configure(runs.task_class("sentiment").Config, settings)
    run = runs.begin("sentiment", reviews.write(tmp_path), tmp_path / "run", config)
    theirs = lm.model.state_dict()
    started = {n: t.clone() for n, t in run.model.state_dict().items()}
    shared = [name for name in started if name in theirs and name.startswith(("emb", "layers"))]
    assert len(shared) == 9
    assert all(torch.equal(started[name], theirs[name]) for name in shared)
    shutil.rmtree(lm.path)
    run, _ = runs.fit(run)
    scores = {score.metric: score.value for score in run.evaluate() if score.split == "test"}
    assert scores["accuracy"] > 0.5
    assert [row["word"] for row in run.stream().push("a great film ")] == ["a", "great", "film"]
    with pytest.raises(InputError, match="one direction"):
        runs.configure(type(config), settings | {"bidirectional": True})
    other = runs.configure(type(config), settings | {"from_run": run.path})
    with pytest.raises(InputError, match="give a language-model run"):
        runs.begin("sentiment", reviews.write(tmp_path), tmp_path / "more", other)
