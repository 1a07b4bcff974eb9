"""A classifier answers the same alone, among many, in a session, and from its folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.given import Pairs, Texts
from elman.errors import InputError
from elman.predictors.classifier import ClassifierPredictor
from elman.predictors.predictor import Parts, load, make
from elman.settings import configure
from elman.streaming.session import Snapshot
from elman.tasks import runs
from elman.tasks.classify.config import ClassifyConfig
from tests import halves, reviews
from tests.predictors import contract

TEXTS = ["the film was great", "a dull plot with music", "superb", "an unknownword , and dull fun"]


def begun(folder: Path, data: Path, **settings: Any) -> ClassifierPredictor:
    """A predictor with the weights that it starts from."""
    config = configure(ClassifyConfig, reviews.SETTINGS | {"bidirectional": False} | settings)
    predictor = runs.begin("classify", data, folder / "run", config).predictor
    assert isinstance(predictor, ClassifierPredictor)
    predictor.network.eval()
    return predictor


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ClassifierPredictor:
    folder = tmp_path_factory.mktemp("one")
    predictor = reviews.run(folder, bidirectional=False, pooling="attention").predictor
    assert isinstance(predictor, ClassifierPredictor)
    return predictor


Made = dict[str, ClassifierPredictor]


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """One of each kind, and one of other weights."""
    made = {}
    for name, options in {
        "texts": {"num_layers": 2, "pooling": "concat", "cell": "gru"},
        "pieces": {"unit": "bpe", "pooling": "attention"},
        "other": {"num_layers": 2, "pooling": "concat", "cell": "gru", "seed": 5},
    }.items():
        folder = tmp_path_factory.mktemp(name)
        made[name] = begun(folder, reviews.write(folder), **options)
    folder = tmp_path_factory.mktemp("words")
    lines = [f"{word} {'AB'[word in reviews.GOOD]}\n" for text, _ in reviews.reviews(60)
             for word in [*text.split()]]  # fmt: skip
    lines[::9] = ["\n" for _ in lines[::9]]
    (folder / "words.conll").write_text("".join(lines), encoding="utf-8")
    made["words"] = begun(folder, folder / "words.conll", per_step=True)
    for name, pooling in (("numbers", "mean"), ("other numbers", "max")):
        folder = tmp_path_factory.mktemp("numbers")
        made[name] = begun(folder, halves.write(folder)[0], pooling=pooling, num_layers=2)
    return made


SEQUENCES: dict[str, Any] = {
    "texts": "the film was great\n\n a dull plöt,\twith 𝒎usic\r\nsuperb " + "x" * 300 + " end",
    "pieces": "\ufeffan unknöwnword , and dull fun\nGreat—fun".encode(),
    "words": b"the great film\nsuperb",
    "numbers": "500 501.5\n503,499\n\n\n 1e2 -7\r\n499.25\t500\n500 500",
}
ARRAY = np.random.default_rng(0).normal(500, 2, (9, 2))


def same(got: list[Any], wanted: list[Any]) -> None:
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        assert one.keys() == other.keys()
        assert one == {
            name: pytest.approx(value, rel=1e-5) if isinstance(value, float) else value
            for name, value in other.items()
        }


@pytest.mark.parametrize("kind", SEQUENCES)
@given(data=st.data())
@settings(max_examples=25)
def test_any_cut_and_any_stop_is_the_whole(kinds: Made, kind: str, data: st.DataObject) -> None:
    contract.any_cut_and_any_stop_is_the_whole(kinds[kind], SEQUENCES[kind], data, same)


@given(data=st.data())
@settings(max_examples=25)
def test_any_cut_of_an_array_is_the_whole(kinds: Made, data: st.DataObject) -> None:
    contract.any_cut_and_any_stop_is_the_whole(kinds["numbers"], ARRAY, data, same)


@pytest.mark.parametrize("kind", SEQUENCES)
def test_sessions_are_values(kinds: Made, kind: str, tmp_path: Path) -> None:
    predictor, sequence = kinds[kind], SEQUENCES[kind]
    contract.sessions_never_touch(predictor, sequence, sequence[-7:], same)
    contract.saved_and_loaded_is_the_same(predictor, tmp_path, sequence, same)
    contract.an_end_that_fails_is_an_end(predictor, sequence, same)
    other = kinds["other numbers" if kind == "numbers" else "other"]
    contract.other_weights_are_refused(predictor, other, sequence[:20], same)
    text = sequence if isinstance(sequence, bytes) else sequence.encode()
    contract.faults_of_text_are_kept_and_ended(predictor, text, same)


@pytest.mark.parametrize(("kind", "place"), [("texts", 39), ("pieces", 9), ("numbers", 22)])
def test_a_session_goes_on_in_a_new_process(
    kinds: Made, tmp_path: Path, kind: str, place: int
) -> None:
    contract.goes_on_in_a_new_process(kinds[kind], tmp_path, SEQUENCES[kind], place, same)


@pytest.mark.parametrize("kind", ["texts", "numbers"])
@given(data=st.data())
@settings(max_examples=50)
def test_damaged_snapshots_are_refused(kinds: Made, kind: str, data: st.DataObject) -> None:
    contract.damaged_snapshots_are_refused(kinds[kind], SEQUENCES[kind][:30], data)


@pytest.mark.parametrize(
    ("unit", "pooling"),
    [("word", "last"), ("bpe", "max"), ("char", "mean"), ("bpe", "attention"), ("char", "concat")],
)
def test_a_session_answers_as_predict_does(tmp_path: Path, unit: str, pooling: str) -> None:
    """After the last word of each line."""
    data = reviews.write(tmp_path)
    predictor = begun(tmp_path, data, unit=unit, pooling=pooling, num_layers=2)
    text = "\n".join(TEXTS)
    answers = contract.answers_of(predictor.session(), [text])
    assert [answer["word"] for answer in answers] == text.split()
    last = {answer["line"]: answer["p_good"] for answer in answers}
    whole = [row["p_good"] for row in predictor.predict(TEXTS)]
    assert list(last.values()) == pytest.approx(whole, rel=1e-4)


def test_a_session_of_numbers_answers_as_predict_does(kinds: Made, tmp_path: Path) -> None:
    path, _ = halves.write(tmp_path)
    whole = [row["p_0"] for row in kinds["numbers"].predict(path)][:5]
    held = np.load(path)
    parts = [held["values"][row, : held["lengths"][row]] for row in range(5)]
    text = "\n".join("".join(f"{a!r}, {b!r}\n" for a, b in part.tolist()) for part in parts)
    answers = contract.answers_of(kinds["numbers"].session(), [text])
    last = {answer["sequence"]: answer["p_0"] for answer in answers}
    assert list(last) == [1, 2, 3, 4, 5]
    assert list(last.values()) == pytest.approx(whole, rel=1e-4)
    assert [a["step"] for a in answers if a["sequence"] == 2] == list(range(1, len(parts[1]) + 1))
    # Arrays are the same steps; an empty line ends a sequence of them too.
    session = kinds["numbers"].session()
    chunks = [chunk for part in parts for chunk in (part[0], part[1:], "\n")]
    assert contract.answers_of(session, chunks) == answers


@pytest.mark.fault(40)
def test_a_text_without_a_known_word_has_a_warning(trained: ClassifierPredictor) -> None:
    texts = ["zzyzx qqq", "great zzyzx", "...", "GREAT"]
    found = [row["warning"] for row in trained.predict(texts)]
    assert found == ["no known words", "", "no known words", ""]
    session = trained.session()
    answers = [*session.push("zzyzx great"), *session.flush()]
    assert [row["warning"] for row in answers] == ["unknown word", ""]


@pytest.mark.fault(40)
def test_labels_per_step_have_warnings_too(kinds: Made, caplog: pytest.LogCaptureFixture) -> None:
    texts = ["zzyzx qqq", "great zzyzx film", "superb"]
    found = [row["warning"] for row in kinds["words"].predict(texts)]
    assert found == ["no known words"] * 2 + ["", "unknown word", "", ""]
    assert caplog.messages == ["1 row: no known words"]
    answers = contract.answers_of(kinds["words"].session(), ["\n".join(texts)])
    assert [row["warning"] != "" for row in answers] == [warning != "" for warning in found]
    assert "warning" not in kinds["numbers"].predict([ARRAY])[0]


@pytest.mark.fault(10)
@pytest.mark.remedy
def test_rows_left_out_are_counted(
    trained: ClassifierPredictor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "new.csv"
    path.write_text('text,n\na film,1\n"",2\ngreat,3\n"  ",4\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"new.csv:3: its text is empty; .* --skip-bad-rows"):
        trained.predict(path)
    assert len(trained.predict(path, skip_bad_rows=True)) == 2
    assert caplog.messages == [f"{path}: left out 2 rows that can't be read"]


def test_a_word_is_answered_when_it_is_complete(trained: ClassifierPredictor) -> None:
    session = trained.session()
    assert session.push("gre") == []
    (first,) = session.push("at  ")
    assert first["word"] == "great"
    assert first["predicted"] == "good"
    assert [answer["word"] for answer in session.push("film\n\ndull")] == ["film"]
    (last,) = session.flush()
    assert (last["line"], last["predicted"]) == (3, "bad")
    assert session.flush() == []
    # What is held back is bounded.
    assert len(session.push("x" * 1000)) == 3
    assert len(session.state.to_bytes()) < 5000


def test_bytes_that_are_not_text(trained: ClassifierPredictor) -> None:
    session = trained.session()
    with pytest.raises(InputError, match="not UTF-8 at byte 12") as caught:
        session.push(b"great film x\xff y")
    assert [answer["word"] for answer in caught.value.answers] == ["great", "film"]


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        ("1 2 3\n", "standard input:2: 3 numbers, expected 2 finite numbers"),
        ("1, x\n", "standard input:2: could not convert string to float: 'x'"),
        ("1, nan\n", "standard input:2: a number that is not finite"),
        ("1, 1e300\n", "standard input:2: a number that is not finite"),
        ("1" * 500, "standard input:2: a line of more than 192 characters"),
        ("1 " + "2" * 500 + "\n", "standard input:2: a line of more than 192 characters"),
        (np.array([1.0, np.inf]), "sequence 1, step 2: a number that is not finite"),
        (np.zeros((2, 3)), r"float64 of shape \(2, 3\), expected numbers of shape \(2,\)"),
        (np.zeros(3), r"of shape \(3,\)"),
        (np.array(["1", "2"]), r"<U1 of shape \(2,\)"),
        ([[1, 2], [3]], "rows must be numbers"),
        (torch.ones(1, 2, requires_grad=True), "rows must be numbers"),
    ],
)
def test_steps_of_something_else(kinds: Made, chunk: Any, message: str) -> None:
    session = kinds["numbers"].session()
    session.push("1 2\n")
    with pytest.raises(InputError, match=message):
        session.push(chunk)


def test_what_comes_before_a_bad_step_is_answered(kinds: Made) -> None:
    session = kinds["numbers"].session()
    with pytest.raises(InputError, match="standard input:2: 1 numbers") as caught:
        session.push("1 2\n3\n5 6\n7")
    assert [answer["step"] for answer in caught.value.answers] == [1]
    assert [answer["step"] for answer in session.push(" 8\n")] == [2, 3]
    with pytest.raises(InputError, match="standard input:5: 1 numbers"):
        session.push("3\n5 6\n7 8")
    assert [answer["step"] for answer in session.flush()] == [4, 5]
    session.push("9")
    with pytest.raises(InputError, match="an array in the middle of a line"):
        session.push(ARRAY)


def test_a_snapshot_holds_what_was_held_back(trained: ClassifierPredictor) -> None:
    session, other = trained.session(), trained.session()
    session.push(b"the gr" + "é".encode()[:1])
    other.state = Snapshot.from_bytes(session.state.to_bytes())
    (answer,) = other.push("é".encode()[1:] + b" ")
    assert answer["word"] == "gré"
    with pytest.raises(InputError, match="of a translator session, expected one of a classifier"):
        other.state = Snapshot("translator", trained.fingerprint)


def test_a_bidirectional_one_does_not_stream(tmp_path: Path) -> None:
    predictor = begun(tmp_path, reviews.write(tmp_path), bidirectional=True)
    with pytest.raises(InputError, match="--no-bidirectional"):
        predictor.session()


def test_one_by_one_is_as_many_at_once(trained: ClassifierPredictor, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("".join(f"{text}\r\n" for text in TEXTS).encode())
    together, alone = trained.predict(path), trained.predict(TEXTS)
    assert [row["text"] for row in together] == TEXTS
    same([row for text in TEXTS for row in trained.predict(text)], list(alone))
    for one, other in zip(together, alone, strict=True):
        assert one["predicted"] == other["predicted"]
        assert one["probability"] == pytest.approx(other["probability"], rel=1e-5)
        assert one["p_bad"] + one["p_good"] == pytest.approx(1)
    assert [row["predicted"] for row in together[:3]] == ["good", "bad", "good"]


def test_texts_that_arrive_are_answered_one_by_one(trained: ClassifierPredictor) -> None:
    asked = []

    def texts() -> Any:
        for text in ["great", "dull"]:
            asked.append(text)
            yield text

    options = trained.options(trained.Prediction, {})
    answers = trained.answers(Texts(texts(), where="standard input", arriving=True), options)
    assert next(answers)["predicted"] == "good"
    assert asked == ["great"]
    with pytest.raises(InputError, match="standard input:2: an empty text"):
        trained.predict(Texts(["great", " "], where="standard input", arriving=True))


def test_a_table_keeps_its_columns(trained: ClassifierPredictor, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('id,text\n7,"the film, great"\n8,dull\n', encoding="utf-8")
    found = trained.predict(path)
    assert [list(row)[:2] for row in found] == [["id", "text"]] * 2
    assert [row["id"] for row in found] == ["7", "8"]
    assert [row["predicted"] for row in found] == ["good", "bad"]
    path.write_text("text,predicted\nx,y\n", encoding="utf-8")
    with pytest.raises(InputError, match="'predicted'"):
        trained.predict(path)


def test_what_it_cannot_read_is_refused(trained: ClassifierPredictor, kinds: Made) -> None:
    with pytest.raises(InputError, match=r"expected texts.*got pairs"):
        trained.predict(Pairs([("a", "b")]))
    with pytest.raises(InputError, match=r"expected texts.*got arrays"):
        trained.predict([np.zeros((3, 2)), np.zeros((2, 2))])
    with pytest.raises(InputError, match="nothing to classify"):
        trained.predict()
    with pytest.raises(InputError, match="this classifier reads numbers"):
        kinds["numbers"].predict(["a text"])
    with pytest.raises(InputError, match="--explain: for classifiers of whole texts"):
        kinds["words"].predict(["a text"], explain=True)
    with pytest.raises(InputError, match="--text: an empty text"):
        trained.predict(text=" ")


def test_what_contributed_to_the_answer(trained: ClassifierPredictor, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    (row,) = trained.predict(["the film was great <b>"], explain=True, html=page)
    words = row["words"]
    assert [word["word"] for word in words] == ["the", "film", "was", "great", "<b>"]
    for place, word in enumerate(words):
        left = [other["word"] for other in words[:place] + words[place + 1 :]]
        (without,) = trained.predict([" ".join(left)])
        lost = row[f"p_{row['predicted']}"] - without[f"p_{row['predicted']}"]
        assert word["effect"] == pytest.approx(lost, abs=1e-6)
    assert row["predicted"] == "good"
    assert {word["word"]: word["effect"] for word in words}["great"] > 0
    text = page.read_text(encoding="utf-8")
    assert "&lt;b&gt;" in text
    assert "great</span>" in text


def test_the_gradient_is_a_slope(trained: ClassifierPredictor) -> None:
    """Scaling all vectors by 1 + e changes the answer by e times the sum of all effects."""
    model = trained.model
    (row,) = trained.predict(["a great film with dull music"], explain=True)
    assert trained.encoder.words is not None
    ids, _ = trained.encoder.words.encode(["a", "great", "film", "with", "dull", "music"])
    x = model.embed(torch.from_numpy(ids)[:, None]).detach()

    def p(scale: float) -> float:
        scaled = x.clone()
        scaled[1:] *= scale
        logits = model.from_embedded(scaled, torch.tensor([len(ids)])) / model.temperature
        index = trained.schema.names.index(row["predicted"])
        return float(logits.softmax(-1)[0, index].detach())

    slope = (p(1.001) - p(0.999)) / 0.002
    total = sum(word["gradient"] for word in row["words"])
    assert total == pytest.approx(slope, rel=0.02, abs=1e-4)


def test_a_folder_needs_nothing_else(trained: ClassifierPredictor, tmp_path: Path) -> None:
    trained.save(tmp_path / "saved")
    names = {path.name for path in (tmp_path / "saved").iterdir()}
    assert names == {"predictor.json", "model.safetensors", "tokenizer.json"}
    loaded = load(tmp_path / "saved")
    assert isinstance(loaded, ClassifierPredictor)
    assert loaded.schema == trained.schema
    assert loaded.architecture == trained.architecture
    assert list(loaded.predict(TEXTS)) == list(trained.predict(TEXTS))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_options_that_matter_after_training_are_kept(tmp_path: Path, cell: str) -> None:
    data = reviews.write(tmp_path)
    options = {"zoneout": 0.3, "layer_norm": True, "learn_initial_state": True, "dropout": 0.5}
    predictor = begun(tmp_path, data, cell=cell, num_layers=2, **options)
    predictor.save(tmp_path / "saved")
    loaded = load(tmp_path / "saved")
    assert list(loaded.predict(TEXTS)) == list(predictor.predict(TEXTS))


@pytest.mark.parametrize(
    "settings",
    [
        {"schema": {"names": [], "kind": "one", "inputs": "texts", "channels": [], "columns": {}}},
        {"schema": None},
        {"hidden_size": None},
        {"cell": "nope"},
        {"options": {"zoneout": 2}},
        {"hidden_size": 10**30},
        {"pooling": None},
        {"schema": {"names": ["x", "x"], "kind": "one", "inputs": "texts"}},
    ],
)
def test_damaged_parts_are_one_line(trained: ClassifierPredictor, settings: dict[str, Any]) -> None:
    parts = trained.parts()
    with pytest.raises(InputError) as caught:
        make("classifier", Parts({**parts.settings, **settings}, parts.files), "folder")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
