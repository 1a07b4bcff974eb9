"""elman as a program in Python finds it: names, arguments, errors, places."""

import gc
import re
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import elman
from elman.errors import InputError, command_line, in_python
from tests import tiny

pytestmark = pytest.mark.python

TINY: dict[str, Any] = {"hidden_size": 4, "embedding_size": 4, "max_steps": 2}
REVIEWS = pd.DataFrame(
    {"review": ["a fine film", "a dull film"] * 30, "verdict": ["good", "bad"] * 30}
)


@pytest.fixture(scope="module")
def reviews() -> "elman.Run":
    return elman.train("classify", REVIEWS, text_column="review", label_column="verdict", **TINY)


def test_the_version_and_the_mark_of_types() -> None:
    assert elman.__version__ == metadata.version("elman")
    assert (resources.files("elman") / "py.typed").is_file()


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "elman", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == elman.__version__


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("data: --text-column nope: no such column", "data: text_column=nope: no such column"),
        ("--horizon is required: say", "horizon= is required: say"),
        (
            "leave --split-punctuation or --no-lower out",
            "leave split_punctuation= or lower=False out",
        ),
        ("--from runs/a: no weights", "from_run=runs/a: no weights"),
        (
            "runs/a: go on with `elman resume runs/a`, choose another --out, or give --overwrite",
            (
                "runs/a: go on with elman.resume('runs/a'), choose another out=, or give"
                " overwrite=True"
            ),
        ),
        ("see `elman predict RUN --beam 5`; --beam", "see `elman predict RUN --beam 5`; beam="),
        ("well-known -- a dash", "well-known -- a dash"),
    ],
)
def test_messages_name_arguments(written: str, said: str) -> None:
    assert in_python(written) == said
    assert str(InputError(written)) == said
    with command_line():
        assert str(InputError(written)) == written


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hiden_size": 3}, "hiden_size=: no such setting; did you mean hidden_size=?"),
        ({"hidden_size": "big"}, "hidden_size=big: input should be a valid integer"),
        ({"hidden_size": 0}, "hidden_size=0: input should be greater than or equal to 1"),
        ({"text_column": "nope"}, "data: text_column=nope: no such column"),
        ({"out": ""}, "out: expected the path"),
        ({"out": "a\0b"}, "out: expected the path"),
        ({"config": "none.toml"}, "config=none.toml: can't be read"),
        ({"device": "gpu"}, "device"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        elman.train("classify", REVIEWS, **{"label_column": "verdict", **wrong})
    assert "--" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: elman.load(3), "path"),
        (lambda: elman.Run(3), "path"),
        (lambda: elman.resume(3), "path"),
        (lambda: elman.verify(3), "path"),
        (lambda: elman.stream(3), "source"),
        (lambda: elman.train(3, REVIEWS), "task"),
        (lambda: elman.train("classify", REVIEWS, out=3), "out"),
        (lambda: elman.train("classify", REVIEWS, config=3), "config"),
    ],
)
def test_an_argument_of_another_type_is_named(call: Any, name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: expected .*, got int"):
        call()


def test_options_of_a_prediction_are_named(reviews: "elman.Run") -> None:
    with pytest.raises(
        InputError, match=r"^explan=: .* no such setting here; did you mean explain="
    ):
        reviews.predictor.predict(["a film"], explan=True)
    with pytest.raises(InputError, match=r"^inputs: expected .*, got int"):
        reviews.predictor.predict(3)
    with pytest.raises(InputError, match=r"^split=: .* no such setting here"):
        reviews.evaluate(split="train")


def test_without_out_the_run_lasts_as_long_as_it_is_held() -> None:
    run = elman.train("classify", REVIEWS, label_column="verdict", **TINY)
    place = run.path
    assert place.is_dir()
    assert run.history[-1]["step"] == 2
    again = run.resume(max_steps=3)
    del run
    gc.collect()
    assert place.is_dir()
    assert again.path == place
    model = again.predictor
    del again
    gc.collect()
    assert not place.parent.exists()
    assert len(model.predict(["a fine film"])) == 1


def test_a_run_is_replaced_only_when_asked(tmp_path: Path) -> None:
    def train(**more: Any) -> elman.Run:
        return elman.train(
            "classify", REVIEWS, tmp_path / "run", label_column="verdict", **{**TINY, **more}
        )

    first = train()
    with pytest.raises(InputError, match=r"give overwrite=True to replace it"):
        train()
    with pytest.raises(InputError, match="no such column"):
        train(overwrite=True, text_column="nope")
    assert elman.load(first.path).fingerprint == first.predictor.fingerprint
    second = train(overwrite=True, seed=1)
    assert elman.Run(first.path).config.seed == 1
    assert second.predictor.fingerprint != first.predictor.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("keep me")
    with pytest.raises(InputError, match="is not empty"):
        elman.train("classify", REVIEWS, tmp_path / "other", overwrite=True, **TINY)


def test_config_and_metrics(reviews: "elman.Run") -> None:
    assert reviews.config.max_steps == 2
    scores = {(s.split, s.metric): s.value for s in reviews.evaluate()}
    assert reviews.metrics["test"]["accuracy"] == scores["test", "accuracy"]
    assert {split for split, _ in scores} == set(reviews.metrics)


def test_probabilities_of_classes(reviews: "elman.Run") -> None:
    model = reviews.predictor
    assert isinstance(model, elman.ClassifierPredictor)
    found = model.predict_proba(REVIEWS[:3])
    rows = model.predict(REVIEWS[:3])
    assert found.shape == (3, 2)
    assert model.classes == ("bad", "good")
    assert found[1, 1] == rows[1]["p_good"]
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)


def test_times_are_times_and_a_plot_is_drawn(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=80, freq="D")
    sales = pd.DataFrame({"when": days, "sales": np.sin(np.arange(80.0))})
    run = elman.train("forecast", sales, target="sales", horizon=2, hidden_size=4, max_steps=2)
    table = run.predictor.predict(sales, plot=tmp_path / "fan.png").to_frame()
    assert table["when"].tolist() == list(pd.date_range("2024-03-21", periods=2))
    assert table["when"].dtype.kind == "M"
    assert (tmp_path / "fan.png").stat().st_size
    with pytest.raises(InputError, match="levels=200"):
        run.predictor.predict(sales, levels=200)


def test_a_language_model_speaks_python_too(trained: "elman.Run") -> None:
    with pytest.raises(InputError, match=r"^text="):
        trained.predictor.predict(pd.DataFrame({"line": [tiny.WORDS[0]]}), text=3)


def test_a_predictor_of_another_kind_is_refused(reviews: "elman.Run") -> None:
    assert elman.load(reviews.path, elman.ClassifierPredictor).classes == ("bad", "good")
    with pytest.raises(InputError, match="holds a ClassifierPredictor, expected a Forecaster"):
        elman.load(reviews.path, elman.ForecasterPredictor)
