import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from elman.cli.main import main
from elman.data.given import Files
from elman.data.pairs.dataset import Pair
from elman.errors import InputError
from elman.evaluation.translation import MISSING
from elman.predictors.predictor import load
from elman.predictors.translator import TranslatorPredictor
from elman.predictors.vocabularies import Vocabularies
from elman.settings import configure
from elman.tasks.runs import Run, begin, resume, train
from elman.tasks.translation.config import TranslationConfig
from elman.tasks.translation.data import TranslationData, encoded
from elman.tasks.translation.objective import measured_loss
from elman.tasks.translation.task import TranslationTask
from tests import toy_language

SHORT: dict[str, Any] = {"max_steps": 6, "eval_every": 3, "checkpoint_every": 3}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that tests read and never write to."""
    return toy_language.run(tmp_path_factory.mktemp("translation"))


def task_of(run: Run) -> TranslationTask:
    assert isinstance(run.task, TranslationTask)
    return run.task


def translator_of(run: Run) -> TranslatorPredictor:
    assert isinstance(run.predictor, TranslatorPredictor)
    return run.predictor


def same_weights(one: TranslatorPredictor, other: TranslatorPredictor) -> bool:
    states = one.model.state_dict(), other.model.state_dict()
    pairs = zip(states[0].items(), states[1].items(), strict=True)
    return all(a[0] == b[0] and torch.equal(a[1], b[1]) for a, b in pairs)


def test_it_learns_to_say_a_sentence_from_its_end(trained: Run) -> None:
    asked = ["ada bo cy", "dan", "hal gus fin eve"]
    answers = [record.translation for record in trained.predictor.predict(asked)]
    assert answers == [toy_language.translated(source) for source in asked]
    scores = {(s.split, s.metric): s for s in trained.evaluate()}
    assert scores["valid", "BLEU"].value > 80
    assert "version" in scores["valid", "BLEU"].unit
    assert scores["test", "loss"].value < 0.5
    assert scores["test", "BLEU of the source"].value < 5


def test_the_reported_loss_is_that_of_the_held_out_pairs(trained: Run) -> None:
    task, predictor = task_of(trained), translator_of(trained)
    ids = encoded(predictor.vocabularies, task.data.texts["valid"])
    measured = measured_loss(predictor.model, task.config, ids, predictor.vocabularies.start_id)
    scores = {(s.split, s.metric): s.value for s in trained.evaluate()}
    assert scores["valid", "loss"] == measured.loss
    assert scores["valid", "perplexity"] == measured.perplexity


def test_only_the_first_sentences_are_scored(trained: Run) -> None:
    report = trained.report(sentences=2, beam=1)
    assert any(
        line.startswith("valid: BLEU and chrF are of the first 2 of 30 pairs")
        for line in report.verdict
    )


def test_without_sacrebleu_there_is_the_loss(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.bleu", None)
    report = trained.report()
    assert list(report.verdict) == [MISSING]
    assert {score.metric for score in report.scores} == {"loss", "perplexity"}


def test_it_cannot_be_shown_or_diagnosed(trained: Run) -> None:
    with pytest.raises(InputError, match="run: a translation run cannot be shown"):
        trained.activations("ada")
    with pytest.raises(InputError, match="run: a translation run cannot be diagnosed"):
        trained.diagnose()


def test_it_is_described(trained: Run) -> None:
    lines = "\n".join(trained.task.describe())
    assert "column 1, target: column 2" in lines
    assert "split at random, seed 1" in lines
    assert "540 pairs" in lines
    assert "vocabulary 18 for both (word)" in lines


@pytest.mark.parametrize(
    "settings",
    [
        {"dropout": 0.3, "label_smoothing": 0.1, "accumulate": 2},
        {"input_feeding": True, "scheduled_sampling": 0.5, "sampling_steps": 4, "cell": "lstm"},
    ],
)
def test_a_resumed_run_has_the_bits_of_one_never_stopped(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    settings = {**SHORT, "batch_tokens": 48, **settings}
    whole = toy_language.run(tmp_path, 60, "whole", **settings)
    last = whole.directory.all_checkpoints()[-1]
    cut = toy_language.run(tmp_path, 60, "cut", **settings)
    cut.directory.all_checkpoints()[-1].unlink()  # as if killed before it was written
    kept = cut.directory.all_checkpoints()[-1]
    assert kept is not None
    assert kept.name == "step-00000003.safetensors"
    again = resume(cut.path)
    assert same_weights(translator_of(whole), translator_of(again))
    one, other = (load_file(folder / last.name) for folder in (last.parent, kept.parent))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "settings",
    [
        {"unit": "bpe", "vocab_size": 300, "vocabulary": "separate"},
        {"unit": "char", "attention": "additive", "tied": "decoder"},
        {"unit": "bpe", "vocab_size": 300, "attention": "dot", "num_layers": 2, "cell": "lstm"},
        {"encoder_layers": 2, "tied": "none", "recurrent_dropout": 0.1, "layer_norm": True},
        {"cell": "tests.models.networks:Leaky"},
    ],
)
def test_every_kind_trains_and_is_loaded_again(tmp_path: Path, settings: dict[str, Any]) -> None:
    run = toy_language.run(tmp_path, 60, **SHORT | settings)
    cell = settings.get("cell", "")
    again = load(run.path, cell=cell if ":" in cell else None)
    assert isinstance(again, TranslatorPredictor)
    assert same_weights(translator_of(run), again)
    assert again.fingerprint == run.predictor.fingerprint
    assert list(again.predict(["ada bo"])) == list(run.predictor.predict(["ada bo"]))


def test_a_first_word_has_the_ids_it_has_anywhere() -> None:
    pairs = [Pair(source, toy_language.translated(source)) for source in toy_language.sources(60)]
    both = Vocabularies.train(pairs, "bpe", joint=True, vocab_size=400, min_count=1)
    first, second = both.encode_source("ada ada")[:-1].reshape(2, -1)
    assert first.tolist() == second.tolist()
    ids = both.encode_target("ADA  BO\u0308")
    assert ids[-1] == both.start_id
    assert both.decode_target([*ids, 7, 7]) == "ADA B\u00d6"
    assert both.unknown_id is None


def test_data_are_what_was_saved(tmp_path: Path) -> None:
    config = configure(TranslationConfig, toy_language.SETTINGS | {"vocabulary": "separate"})
    given = Files((toy_language.write(tmp_path, 60),))
    (tmp_path / "data").mkdir()
    data = TranslationTask.prepare(config, given, tmp_path / "data")
    again = TranslationTask.open(config, tmp_path / "data")
    assert again.vocabularies.source is not again.vocabularies.target
    sides = again.vocabularies
    assert sides.source.vocab_size == sides.target.vocab_size == 10
    assert sides.unknown_id == 0
    assert (
        sides.encode_source("bo ada").tolist() == data.vocabularies.encode_source("bo ada").tolist()
    )
    assert (again.texts, again.notes) == (data.texts, data.notes)
    assert list(again.pairs) == ["train", "valid", "test"]
    for name, pairs in data.pairs.items():
        assert again.pairs[name].source.tolist() == pairs.source.tolist()
        assert again.pairs[name].target_ends.tolist() == pairs.target_ends.tolist()
    for name in ("notes.json", "valid.json"):
        content = (tmp_path / "data" / name).read_bytes()
        for other in (b"1", b'{"a": 1}', b"[[1, 2]]", b"[" * 5000):
            (tmp_path / "data" / name).write_bytes(other)
            with pytest.raises(InputError, match="cannot be read as data of a tr") as caught:
                TranslationData.load(tmp_path / "data")
            assert "\n" not in str(caught.value)
        (tmp_path / "data" / name).write_bytes(content)
    (tmp_path / "data" / "target_tokenizer.json").unlink()
    with pytest.raises(InputError, match="target_tokenizer"):
        TranslationData.load(tmp_path / "data")


def test_long_training_pairs_are_left_out_and_counted(tmp_path: Path) -> None:
    config = configure(TranslationConfig, toy_language.SETTINGS | {"max_length": 4})
    run = begin("translation", toy_language.write(tmp_path), tmp_path / "run", config)
    task = task_of(run)
    kept = task.data.pairs["train"]
    assert max(map(int, kept.lengths[0])) == 4
    assert f"left out {540 - len(kept)} training pairs of more than 4 tokens" in task.describe()
    assert max(map(int, task.data.pairs["valid"].lengths[0])) == 6


def test_scheduled_sampling_rises_from_nothing(tmp_path: Path) -> None:
    settings = toy_language.SETTINGS | {"scheduled_sampling": 0.9, "sampling_steps": 10}
    config = configure(TranslationConfig, settings)
    run = begin("translation", toy_language.write(tmp_path, 60), tmp_path / "run", config)
    objective, model = run.task.objective(run.predictor), translator_of(run).model
    batch = next(task_of(run).source())

    def losses(number: int, *, training: bool) -> set[float]:
        model.train(training)
        numbered = replace(batch, number=number)
        return {round(objective.loss(numbered, None).loss.item(), 4) for _ in range(5)}

    (truth,) = losses(0, training=True)
    assert losses(10, training=False) == {truth}
    assert len(losses(10, training=True)) > 1


def test_early_stopping(tmp_path: Path) -> None:
    settings = {"eval_every": 2, "patience": 1, "learning_rate": 1e-9, "max_steps": 500}
    run = toy_language.run(tmp_path, 60, **settings)
    last = json.loads((run.path / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["step"] < 500


def elman(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and what was said to the error stream."""
    return main(list(arguments)), capsys.readouterr().err


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = str(toy_language.write(tmp_path))
    short = write(tmp_path / "a.en", "one\ntwo\nthree\n")
    other = write(tmp_path / "a.de", "eins\n")
    three = write(tmp_path / "three.tsv", "a\tb\tc\n" * 50)
    broken = write(tmp_path / "broken.tsv", "a\tb\n" * 50 + "alone\n")
    cases = [
        ([tmp_path / "none.tsv"], "no such file"),
        ([short, other], "goes on after line 1"),
        ([three], "such as --source 1 --target 2"),
        ([broken], "broken.tsv:51: has 1 column"),
        ([table, "--source", "en"], "--source and --target go together"),
        ([table, "--source", "en", "--target", "de"], "no column 'en'"),
        ([table, "--vocabulary", "separate", "--tied", "all"], "two vocabularies share no weights"),
        ([table, "--attention", "dot", "--hidden-size", "100"], "make --hidden-size 384"),
        ([table, "--input-feeding", "--zoneout", "0.1"], "--zoneout is drawn for whole sequences"),
        ([table, "--cell", "gruu"], "no such cell"),
        ([table, "--max-length", "2", "--unit", "char"], "make it larger"),
        ([table, "--unit", "bpe", "--vocab-size", "100"], "at least 256"),
    ]
    for arguments, complaint in cases:
        given = ["train", "translation", *map(str, arguments), "--out", str(tmp_path / "run")]
        code, said = elman(given, capsys)
        assert code == 2, (arguments, said)
        assert complaint in said
        assert len(said.strip().splitlines()) == 1
        assert not (tmp_path / "run").exists()


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "pairs.tsv"
    write(broken, toy_language.write(tmp_path, 60).read_text() + "alone\n")
    config = tmp_path / "config.toml"
    settings = toy_language.SETTINGS | SHORT
    config.write_text("\n".join(f"{k.replace('_', '-')} = {v!r}" for k, v in settings.items()))
    run = str(tmp_path / "run")
    given = ["train", "translation", str(broken), "--out", run, "--config", str(config)]
    main([*given, "--skip-bad-rows", "--hidden-size", "24"])
    said = capsys.readouterr().out
    assert "left out 1 row that can't be read" in said
    assert "elman predict" in said
    assert Run(run).task.config.hidden_size == 24
    main(["evaluate", run, str(toy_language.write(tmp_path, 20)), "--beam", "2"])
    assert "pairs.tsv" in capsys.readouterr().out


def test_the_api(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, count in (("train", 40), ("valid", 8)):
        sources = toy_language.sources(count)
        write(folder / f"{name}.low", "\n".join(sources))
        write(folder / f"{name}.up", "\n".join(map(toy_language.translated, sources)))
    settings = toy_language.SETTINGS | SHORT
    run = train("translation", folder, tmp_path / "run", source="low", target="up", **settings)
    assert {score.split for score in run.evaluate()} == {"valid"}
    files = [folder / "valid.low", folder / "valid.up"]
    by_file = {s.metric: s.value for s in run.evaluate(files)}
    assert by_file == {s.metric: s.value for s in run.evaluate()}


def test_pairs_in_memory_are_those_of_the_file(tmp_path: Path) -> None:
    settings = toy_language.SETTINGS | SHORT
    run = toy_language.run(tmp_path, 60, **SHORT)
    sources = toy_language.sources(60)
    targets = [toy_language.translated(source) for source in sources]
    pairs = list(zip(sources, targets, strict=True))
    by_pairs = train("translation", pairs, tmp_path / "pairs", **settings)
    by_columns = train(
        "translation",
        {"up": targets, "low": sources},
        tmp_path / "columns",
        source="low",
        target="up",
        **settings,
    )
    assert same_weights(translator_of(run), translator_of(by_pairs))
    assert same_weights(translator_of(run), translator_of(by_columns))
    table = {"low": sources, "more": targets, "x": targets}
    answers = by_columns.predictor.predict(table)
    assert list(answers) == list(run.predictor.predict(sources))
    scores = run.evaluate(pairs[:5])
    assert {score.split for score in scores} == {"data"}
    cut = train("translation", pairs[:40], tmp_path / "cut", valid=pairs[40:], **settings)
    assert list(task_of(cut).data.texts) == ["valid"]
    assert len(task_of(cut).data.texts["valid"]) == 20


@pytest.mark.fault(4)
@pytest.mark.remedy
def test_the_tokenization_of_bleu_is_a_flag_and_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = toy_language.run(tmp_path, 60, bleu_tokenize="intl", **SHORT)

    def tokenization(*flags: str) -> str:
        assert main(["evaluate", str(run.path), "--beam", "1", "--json", *flags]) == 0
        scores = map(json.loads, capsys.readouterr().out.splitlines())
        return next(score["unit"] for score in scores if score["metric"] == "BLEU")

    assert "tok:intl" in tokenization()
    assert "tok:char" in tokenization("--bleu-tokenize", "char")
    monkeypatch.setattr("elman.evaluation.tokenization._installed", lambda name: False)
    code, said = elman(["evaluate", str(run.path), "--bleu-tokenize", "ja-mecab"], capsys)
    assert code == 2
    assert said.count("\n") == 1
    assert "or use --bleu-tokenize char" in said
    monkeypatch.undo()
    assert elman(["evaluate", str(run.path), "--bleu-tokenize", "char"], capsys)[0] == 0
