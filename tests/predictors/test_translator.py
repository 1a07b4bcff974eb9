"""Lines in, translations out: the same from a file, as they arrive, and by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from elman.data.pairs.rows import Pair
from elman.errors import InputError
from elman.evaluation.translation import MISSING, score_translations
from elman.models.seq2seq import Seq2Seq
from elman.predictors.translator_options import TranslationEvaluation
from elman.tasks.runs import Run, load, train
from elman.tasks.translation.task import TranslationTask

PAIRS = "".join(f"a {w} ball {n}\tein {w}er Ball {n}\n" for w in ("red", "blue") for n in "12345")
LINES = ["a red ball 1", "", "a blue ball 2 blue", "   ", "red red red", "the unheard ball"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network of words that has hardly learned; its weights are in double, for equalities."""
    folder = tmp_path_factory.mktemp("translation")
    (folder / "pairs.tsv").write_text(PAIRS, encoding="utf-8")
    train(
        "translation",
        folder / "pairs.tsv",
        folder / "run",
        unit="word",
        max_steps=2,
        embedding_size=8,
        encoder_size=8,
        hidden_size=8,
        valid_fraction=0.2,
        test_fraction=0.2,
    )
    loaded = load(folder / "run")
    loaded.model.double()
    for parameter in loaded.model.parameters():
        parameter.data *= 3  # so that what is written differs from line to line
    return loaded


def texts(run: Run, lines: list[str], **options: Any) -> list[str]:
    return [record.translation for record in run.predict(lines, **options)]


def test_a_record_for_each_line(run: Run) -> None:
    records = list(run.predict(LINES))
    assert [record.line for record in records] == [1, 2, 3, 4, 5, 6]
    assert [record.source for record in records] == LINES
    assert {record.rank for record in records} == {1}
    for record, line in zip(records, LINES, strict=True):
        assert bool(record.nats) == bool(line.strip())
        if not line.strip():
            assert (record.translation, str(record.nats)) == ("", "0.0")


def test_a_line_is_translated_as_if_alone(run: Run) -> None:
    for line, together in zip(LINES, run.predict(LINES, batch_size=2), strict=True):
        (alone,) = run.predict([line])
        assert alone.translation == together.translation
        assert alone.score == pytest.approx(together.score, rel=1e-9)


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("end", ["", "\n"])
def test_streamed_equals_predicted(run: Run, size: int, end: str) -> None:
    front = run.stream(beam=3)
    text = "\n".join(LINES) + end
    records = [
        record
        for start in range(0, len(text), size)
        for record in front.push(text[start : start + size])
    ]
    records += front.flush()
    expected = list(run.predict(LINES, beam=3))
    assert [(r.line, r.translation) for r in records] == [(r.line, r.translation) for r in expected]


def test_a_line_is_answered_as_soon_as_it_is_complete(run: Run) -> None:
    front = run.stream()
    assert front.push("a red") == []
    assert [record.line for record in front.push(" ball\na blue")] == [1]
    assert [record.source for record in front.flush()] == ["a blue"]
    assert front.flush() == []


def test_a_file_and_a_text_by_hand(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_bytes("\r\n".join(LINES).encode())
    assert list(run.predict(file)) == list(run.predict(LINES))
    assert list(run.predict(text=LINES[0])) == list(run.predict(LINES[:1]))


def test_the_best_come_first(run: Run) -> None:
    records = list(run.predict(LINES[:1], n_best=4))
    assert [record.rank for record in records] == [1, 2, 3, 4]
    assert [r.score for r in records] == sorted((r.score for r in records), reverse=True)
    assert [record.translation for record in records[:1]] == texts(run, LINES[:1])


def test_greedy_is_a_beam_of_one(run: Run) -> None:
    assert texts(run, LINES, method="greedy") == texts(run, LINES, beam=1)
    assert texts(run, LINES, method="sample", temperature=0.0) == texts(run, LINES, beam=1)


def test_a_seed_makes_a_draw_again(run: Run) -> None:
    draws = [texts(run, LINES, method="sample", seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


@pytest.fixture
def says_unknown(run: Run) -> Iterator[Run]:
    """The run, whose network writes little but the unknown word."""
    model, task = run.model, run.task
    assert isinstance(model, Seq2Seq)
    assert isinstance(task, TranslationTask)
    bias = model.readout.bias
    kept = bias.detach().clone()
    bias.data[task.unknown_id] += 1000
    yield run
    bias.data.copy_(kept)


def test_an_unknown_word_is_that_of_the_source(says_unknown: Run) -> None:
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
        ({"levels": 3}, "--levels: a translation run has no such setting here"),
        ({"alignments": Path("a.doc")}, "the ending must be .html, .png, .svg or .pdf"),
        ({"alignments": Path("no/such/a.png")}, "there is no folder no/such; make it first"),
    ],
)
def test_options_that_do_not_fit(run: Run, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace(".", r"\.")) as caught:
        run.predict(LINES, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["pairs.tsv", "pairs.jsonl", "PAIRS.CSV"])
def test_a_table_is_not_lines(run: Run, name: str) -> None:
    with pytest.raises(InputError, match="a table, but what is translated is plain text"):
        run.predict(Path(name))


def test_a_line_without_end(run: Run) -> None:
    with pytest.raises(InputError, match="line 2: 6,001 tokens, and at most 5,000"):
        list(run.predict(["a", "red " * 6000]))
    front = run.stream()
    with pytest.raises(InputError, match=r"line 2: more than .* characters without a newline"):
        front.push("a\n" + "x" * 2_000_000)


def test_a_binary_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_bytes(b"a ball\n\xff\xfe\x00")
    with pytest.raises(InputError, match=r"lines\.txt.*UTF-8"):
        list(run.predict(tmp_path / "lines.txt"))


@pytest.mark.parametrize("name", ["a.png", "a.html"])
def test_alignments_are_drawn_when_all_is_translated(run: Run, tmp_path: Path, name: str) -> None:
    records = run.predict(LINES, alignments=tmp_path / name)
    next(records)
    assert list(tmp_path.iterdir()) == []
    list(records)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    contents = (tmp_path / name).read_bytes()
    assert contents.startswith({"a.png": b"\x89PNG", "a.html": b"<!doct"}[name])


def test_bleu_and_chrf_are_those_of_sacrebleu(run: Run) -> None:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    pairs = [Pair("a red ball 1", "a red ball 1 it is"), Pair("a blue ball", "ein blueer Ball")]
    options = TranslationEvaluation.model_validate({})
    assert isinstance(run.task, TranslationTask)
    scores, verdict = score_translations(run.task, run.model, "here", pairs, options)
    values = {score.metric: score for score in scores}
    sources, references = [p.source for p in pairs], [p.target for p in pairs]
    outputs = texts(run, sources)
    for name, metric in (("BLEU", BLEU()), ("chrF", CHRF())):
        assert values[name].value == metric.corpus_score(outputs, [references]).score
        copied = metric.corpus_score(sources, [references]).score
        assert values[f"{name} of the source"].value == copied > 0
        assert values[name].unit == str(metric.get_signature())
    assert len(verdict) == 1
    assert verdict[0].startswith("here: no better than leaving the source as it is (BLEU ")


def test_only_the_first_sentences_are_scored(run: Run) -> None:
    pairs = [Pair("a red ball 1", "ein reder Ball 1")] * 3
    options = TranslationEvaluation.model_validate({"sentences": 2})
    assert isinstance(run.task, TranslationTask)
    _, verdict = score_translations(run.task, run.model, "here", pairs, options)
    assert verdict[-1].startswith("here: BLEU and chrF are of the first 2 of 3 pairs")


def test_without_sacrebleu_there_is_the_loss(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    report = run.report()
    assert list(report.verdict) == [MISSING]
    assert {score.metric for score in report.scores} == {"loss", "perplexity"}


def test_weights_that_are_not_numbers(run: Run) -> None:
    from elman.errors import RunFailed

    parameter = next(run.model.parameters())
    kept = parameter.detach().clone()
    parameter.data.fill_(torch.nan)
    try:
        with pytest.raises(RunFailed, match="not numbers"):
            texts(run, LINES)
    finally:
        parameter.data.copy_(kept)
