"""Sentences in, translations out: the same from a file, a table, as they arrive, and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import torch

from elman.data.given import Texts
from elman.errors import InputError, RunFailed
from elman.predictors.predictor import load, make
from elman.predictors.translator import TranslatorPredictor
from tests.translators import LINES, translator, vocabularies


@pytest.fixture(scope="module")
def predictor() -> TranslatorPredictor:
    """In double precision, for equalities."""
    made = translator()
    made.model.double()
    return made


def texts(predictor: TranslatorPredictor, lines: list[str], **options: Any) -> list[str]:
    return [record.translation for record in predictor.predict(lines, **options)]


def test_a_record_for_each_line(predictor: TranslatorPredictor) -> None:
    records = predictor.predict(LINES)
    assert [record.line for record in records] == [1, 2, 3, 4, 5, 6]
    assert [record.source for record in records] == LINES
    assert {record.rank for record in records} == {1}
    for record, line in zip(records, LINES, strict=True):
        assert bool(record.nats) == bool(line.strip())
        if not line.strip():
            assert (record.translation, str(record.nats)) == ("", "0.0")
    assert len({record.translation for record in records}) == 5


def test_a_line_is_translated_as_if_alone(predictor: TranslatorPredictor) -> None:
    for line, together in zip(LINES, predictor.predict(LINES, batch_size=2), strict=True):
        (alone,) = predictor.predict([line])
        assert alone.translation == together.translation
        assert alone.score == pytest.approx(together.score, rel=1e-9)


def test_a_file_and_a_text_by_hand(predictor: TranslatorPredictor, tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_bytes("\r\n".join(LINES).encode())
    assert list(predictor.predict(file)) == list(predictor.predict(LINES))
    assert list(predictor.predict(text=LINES[0])) == list(predictor.predict(LINES[:1]))
    assert list(predictor.predict(LINES[0])) == list(predictor.predict(LINES[:1]))


def test_a_table_is_its_column_of_sources(predictor: TranslatorPredictor, tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"{line}\tx\n" for line in LINES[::2]))
    wanted = list(predictor.predict(LINES[::2]))
    assert list(predictor.predict(file)) == wanted
    assert list(predictor.predict({"source": LINES[::2], "target": ["x"] * 3})) == wanted


def test_what_arrives_is_answered_before_the_next_is_there(predictor: TranslatorPredictor) -> None:
    arrived: Queue[str | None] = Queue()
    lines = iter(lambda: arrived.get(timeout=60), None)
    options = predictor.options(predictor.Prediction, {})
    answers = predictor.answers(Texts(lines, arriving=True), options)
    for number, line in enumerate(LINES, 1):
        arrived.put(line)
        assert next(answers).line == number
    arrived.put(None)
    assert list(answers) == []


def test_the_best_come_first(predictor: TranslatorPredictor) -> None:
    records = list(predictor.predict(LINES[:1], n_best=4))
    assert [record.rank for record in records] == [1, 2, 3, 4]
    assert [r.score for r in records] == sorted((r.score for r in records), reverse=True)
    assert [record.translation for record in records[:1]] == texts(predictor, LINES[:1])


def test_greedy_is_a_beam_of_one(predictor: TranslatorPredictor) -> None:
    assert texts(predictor, LINES, method="greedy") == texts(predictor, LINES, beam=1)
    sampled = texts(predictor, LINES, method="sample", temperature=0.0)
    assert sampled == texts(predictor, LINES, beam=1)
    assert texts(predictor, LINES) != texts(predictor, LINES, beam=1)


def test_a_seed_reproduces_samples(predictor: TranslatorPredictor) -> None:
    samples = [texts(predictor, LINES, method="sample", seed=seed) for seed in (1, 1, 2)]
    assert samples[0] == samples[1] != samples[2]


@pytest.fixture
def says_unknown(predictor: TranslatorPredictor) -> Iterator[TranslatorPredictor]:
    """The predictor, whose outputs are nearly all the unknown word."""
    bias = predictor.model.readout.bias
    kept = bias.detach().clone()
    unknown = predictor.vocabularies.unknown_id
    assert unknown is not None
    bias.data[unknown] += 1000
    yield predictor
    bias.data.copy_(kept)


def test_an_unknown_word_is_that_of_the_source(says_unknown: TranslatorPredictor) -> None:
    (kept,) = texts(says_unknown, LINES[-1:], replace_unknown=False)
    (replaced,) = texts(says_unknown, LINES[-1:])
    assert set(kept.split()) == {"<unk>"}
    assert set(replaced.split()) <= set(LINES[-1].split())
    assert len(replaced.split()) == len(kept.split()) == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_best": 7}, "--n-best 7 is more than --beam 5"),
        ({"min_length": 9, "max_length": 8}, "--min-length 9 is more than --max-length 8"),
        ({"temperature": 2.0}, "--temperature is for --method sample"),
        ({"method": "sample", "beam": 2}, "--beam is for --method beam"),
        ({"beam": 0}, "--beam"),
        ({"levels": 3}, "--levels: a translator has no such setting here"),
        ({"text": "a"}, "--text and INPUT: give one of them"),
        ({"alignments": Path("a.doc")}, ".html, .png, .svg or .pdf"),
        ({"alignments": Path("no/such/a.png")}, "there is no folder no/such"),
    ],
)
def test_options_that_do_not_fit(
    predictor: TranslatorPredictor, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")) as caught:
        predictor.predict(LINES, **options)
    assert "\n" not in str(caught.value)


def test_nothing_to_translate(predictor: TranslatorPredictor) -> None:
    with pytest.raises(InputError, match="nothing to translate"):
        predictor.predict()
    with pytest.raises(InputError, match="a translator reads sentences"):
        predictor.predict([[1.0, 2.0]])
    with pytest.raises(InputError, match="is the source is not clear"):
        predictor.predict({})


def test_a_line_that_is_too_long(predictor: TranslatorPredictor) -> None:
    with pytest.raises(InputError, match="line 2: 6,001 tokens, and at most 5,000"):
        predictor.predict(["a", "red " * 6000])


def test_a_binary_file(predictor: TranslatorPredictor, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_bytes(b"a ball\n\xff\xfe\x00")
    with pytest.raises(InputError, match=r"lines\.txt.*binary, not text"):
        predictor.predict(tmp_path / "lines.txt")


@pytest.mark.parametrize("name", ["a.png", "a.html"])
def test_alignments_are_drawn_when_all_is_translated(
    predictor: TranslatorPredictor, tmp_path: Path, name: str
) -> None:
    options = predictor.options(predictor.Prediction, {"alignments": tmp_path / name})
    records = predictor.answers(Texts(LINES), options)
    next(records)
    assert list(tmp_path.iterdir()) == []
    list(records)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    contents = (tmp_path / name).read_bytes()
    assert contents.startswith({"a.png": b"\x89PNG", "a.html": b"<!doct"}[name])


def test_weights_that_are_not_numbers() -> None:
    broken = translator()
    next(broken.model.parameters()).data.fill_(torch.nan)
    with pytest.raises(RunFailed, match="not numbers"):
        texts(broken, LINES)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"joint": False, "input_feeding": True, "cell": "lstm", "num_layers": 2},
        {"unit": "bpe", "attention": "additive", "encoder_layers": 2},
        {"unit": "char", "cell": "tests.models.networks:Leaky", "tied": "none"},
    ],
    ids=str,
)
def test_a_folder_holds_all_of_it(tmp_path: Path, changes: dict[str, Any]) -> None:
    predictor = translator(**changes)
    predictor.save(tmp_path / "saved")
    cell = predictor.architecture.cell
    loaded = load(tmp_path / "saved", cell=cell if ":" in cell else None)
    assert loaded.fingerprint == predictor.fingerprint
    assert list(loaded.predict(LINES)) == list(predictor.predict(LINES))
    assert isinstance(loaded, TranslatorPredictor)
    sides = loaded.vocabularies
    assert (sides.source is sides.target) == changes.get("joint", True)
    assert "TranslatorPredictor" in repr(loaded)


def test_parts_that_do_not_belong_together() -> None:
    parts = translator().parts()
    with pytest.raises(InputError, match="here: its parts do not fit together"):
        make("translator", type(parts)(parts.settings, {}), "here")
    edited = type(parts)({**parts.settings, "source": ["de"]}, parts.files)
    with pytest.raises(InputError, match=r"predictor\.json was changed: source is \['de'\]"):
        make("translator", edited, "here")
    other = translator()
    with pytest.raises(InputError, match="do not belong together"):
        TranslatorPredictor(other.model, vocabularies("bpe"), other.architecture)


@pytest.mark.fault(40)
@pytest.mark.remedy
def test_a_source_that_is_too_long_or_unknown_has_a_warning_and_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = translator()
    made.longest = 4
    word = LINES[0].split()[0]
    lines = ["zzz qqq", word, " ".join([word] * 4), " ".join([word] * 9)]
    records = list(made.predict(lines))
    long = "source longer than the 4 tokens of the longest in training"
    assert [record.warning for record in records] == ["no known words", "", long, long]
    assert [record.getMessage() for record in caplog.records] == [
        "1 line: no known words",
        f"2 lines: {long}",
    ]
    session = made.session()
    answers = [*session.push("\n".join(lines)), *session.flush()]
    assert [each.warning for each in answers] == [each.warning for each in records]
    # Beyond the length that is asked for, a translation is cut.
    (cut,) = made.predict([lines[1]], max_length=1, min_length=1)
    if cut.warning:
        assert cut.warning == "cut at 1 tokens; --max-length takes more"
        (whole,) = made.predict([lines[1]], max_length=50)
        assert not whole.warning
