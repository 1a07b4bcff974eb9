"""Tables that a predictor reads later: as those of training, or as the options say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.errors import InputError
from elman.predictors.predictor import Predictor, load
from elman.settings import configure
from elman.tasks import runs
from elman.tasks.classify.config import ClassifyConfig
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.translation.config import TranslationConfig
from tests import reviews, tiny

BARE = "".join(f"{n % 2}\tthis film was {('dull', 'great')[n % 2]} {n}\n" for n in range(40))


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def classifier(folder: Path, data: Path, **settings: Any) -> Predictor:
    config = configure(ClassifyConfig, reviews.SETTINGS | settings)
    predictor = runs.begin("classify", data, folder / "run", config).predictor
    predictor.save(folder / "saved")
    return load(folder / "saved")


@pytest.mark.fault(36)
@pytest.mark.remedy
def test_a_classifier_reads_later_tables_by_name_or_as_it_is_told(tmp_path: Path) -> None:
    predictor = classifier(tmp_path, put(tmp_path / "train.tsv", BARE))
    wanted = predictor.predict(["how far is it ?"])[0]["probability"]
    plain = put(tmp_path / "h1.csv", "text\nhow far is it ?\n")
    odd = put(tmp_path / "h3.tsv", "question\thint\nhow far is it ?\tx\n")
    assert predictor.predict(plain)[0]["probability"] == wanted
    with pytest.raises(InputError, match="--text-column"):
        predictor.predict(odd)
    (row,) = predictor.predict(odd, text_column="question")
    assert (row["question"], row["hint"], row["probability"]) == ("how far is it ?", "x", wanted)
    with pytest.raises(InputError, match="--labl-column"):
        predictor.predict(odd, labl_column="question")


@pytest.mark.fault(10)
@pytest.mark.remedy
def test_a_classifier_leaves_bad_rows_out_when_it_is_told(tmp_path: Path) -> None:
    predictor = classifier(tmp_path, put(tmp_path / "train.tsv", BARE))
    bad = put(tmp_path / "bad.csv", "text,label\nfine film,1\n,0\ndull film,0\n")
    with pytest.raises(InputError, match=r"bad\.csv:3: .*--skip-bad-rows"):
        predictor.predict(bad)
    assert [r["text"] for r in predictor.predict(bad, skip_bad_rows=True)] == [
        "fine film",
        "dull film",
    ]


@pytest.mark.fault(10)
@pytest.mark.remedy
def test_an_evaluation_leaves_bad_rows_out_and_counts_them(tmp_path: Path) -> None:
    config = configure(ClassifyConfig, reviews.SETTINGS)
    run = runs.begin("classify", put(tmp_path / "train.tsv", BARE), tmp_path / "run", config)
    bad = put(tmp_path / "bad.csv", "text,label\nfine film,1\n,0\ndull film,0\n")
    with pytest.raises(InputError, match=r"bad\.csv:3: .*--skip-bad-rows"):
        run.report(bad)
    report = run.report(bad, skip_bad_rows=True)
    assert "left out 1 row that can't be read" in report.verdict
    right = put(tmp_path / "right.csv", "text,label\nfine film,1\ndull film,0\n")
    assert [s.value for s in report.scores] == [s.value for s in run.report(right).scores]


@pytest.mark.fault(38)
@pytest.mark.remedy
@pytest.mark.parametrize("name", ["new.csv", "new.txt"])
def test_a_classifier_reads_the_encoding_that_is_named(tmp_path: Path, name: str) -> None:
    predictor = classifier(tmp_path, put(tmp_path / "train.tsv", BARE))
    text = "ein fröhlicher Film\n"
    path = put(tmp_path / name, ("text\n" if name.endswith("csv") else "") + text, "latin-1")
    with pytest.raises(InputError, match="--encoding latin-1"):
        predictor.predict(path)
    assert predictor.predict(path, encoding="latin-1")[0]["text"] == text.strip()


@pytest.mark.fault(38)
@pytest.mark.remedy
def test_a_classifier_keeps_the_encoding_of_training(tmp_path: Path) -> None:
    data = put(tmp_path / "train.tsv", BARE.replace("dull", "öde"), "latin-1")
    predictor = classifier(tmp_path, data, encoding="latin-1")
    for name, encoding in (("a.txt", "latin-1"), ("b.txt", "utf-8")):
        path = put(tmp_path / name, "ein öder Film\n", encoding)
        assert predictor.predict(path)[0]["text"] == "ein öder Film"


@pytest.mark.fault(10)
@pytest.mark.remedy
def test_a_translator_reads_the_columns_that_it_was_told(tmp_path: Path) -> None:
    rows = "".join(f'"one {n}, two";eins {n}\n' for n in range(30))
    data = put(tmp_path / "pairs.csv", "quelle;ziel\n" + rows, "cp1252")
    sizes = {"hidden_size": 8, "encoder_size": 4, "embedding_size": 4}
    config = configure(TranslationConfig, sizes | {"source": "quelle", "target": "ziel"})
    run = runs.begin("translation", data, tmp_path / "run", config)
    assert any("; between cells" in note for note in run.task.describe())
    run.predictor.save(tmp_path / "saved")
    predictor = load(tmp_path / "saved")
    wanted = [r.source for r in predictor.predict(["one 3, two"], method="greedy")]
    later = put(tmp_path / "later.csv", "ziel;quelle\nx;one 3, two\n")
    assert [r.source for r in predictor.predict(later, method="greedy")] == wanted
    latin = put(tmp_path / "latin.txt", "drüben\n", "latin-1")
    with pytest.raises(InputError, match="--encoding latin-1"):
        predictor.predict(latin)
    found = predictor.predict(latin, encoding="latin-1", method="greedy")
    assert found[0].source == "drüben"


@pytest.mark.fault(12)
def test_a_language_model_scores_lines_alike_however_they_end(tmp_path: Path) -> None:
    text = tiny.text()
    config = configure(LanguageModelConfig, tiny.SETTINGS)
    data = put(tmp_path / "crlf.txt", text.replace("\n", "\r\n"))
    run = runs.begin("language-model", data, tmp_path / "run", config)
    assert any("CR LF" in line for line in run.task.describe())
    assert "\r" not in str(run.predictor.parts().files)
    assert b"\\r" not in run.predictor.parts().files["tokenizer.json"]
    some = text[:400]
    nats, reports, streamed = [], [], []
    for number, ends in enumerate(("\n", "\r\n")):
        path = put(tmp_path / f"{number}.txt", some.replace("\n", ends))
        nats.append([row.nats for row in run.predictor.predict(path)])
        reports.append([score.value for score in run.report(path).scores])
        session = run.predictor.session()
        content = path.read_bytes()
        pieces = [content[n : n + 7] for n in range(0, len(content), 7)]
        answers = [a for piece in pieces for a in session.push(piece)] + [*session.flush()]
        streamed.append([answer.bits for answer in answers])
    assert nats[0] == nats[1]
    assert reports[0] == reports[1]
    assert streamed[0] == streamed[1]
    in_memory = [row.nats for row in run.predictor.predict(some.replace("\n", "\r\n").split("\n"))]
    np.testing.assert_allclose(in_memory[: len(nats[0])], nats[0], rtol=1e-5)


@pytest.mark.fault(38)
@pytest.mark.remedy
def test_a_language_model_reads_the_encoding_that_is_named(tmp_path: Path) -> None:
    data = put(tmp_path / "a.txt", tiny.text().replace("cat", "kätze"), "latin-1")
    config = configure(LanguageModelConfig, tiny.SETTINGS)
    with pytest.raises(InputError, match="--encoding latin-1"):
        runs.begin("language-model", data, tmp_path / "run", config)
    config = configure(LanguageModelConfig, tiny.SETTINGS | {"encoding": "latin-1"})
    run = runs.begin("language-model", data, tmp_path / "run2", config)
    run.predictor.save(tmp_path / "saved")
    predictor = load(tmp_path / "saved")
    nats = [
        predictor.predict(put(tmp_path / name, "the kätze\n", encoding), **said)[0].nats
        for name, encoding, said in (
            ("b.txt", "latin-1", {}),
            ("c.txt", "utf-8", {}),
            ("d.txt", "cp1252", {"encoding": "cp1252"}),
        )
    ]
    assert nats[0] == nats[1] == nats[2]
    assert predictor.predict(["the kätze"])[0].nats == nats[0]
    assert run.report(tmp_path / "b.txt").scores == [
        *run.report(tmp_path / "b.txt", encoding="latin-1").scores
    ]
