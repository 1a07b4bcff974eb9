"""Flags made from a config."""

from pathlib import Path
from typing import Any

import pytest

from elman.cli import train as command
from elman.settings import configure
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.language_model.config import LanguageModelConfig
from tests.cli.conftest import Elman


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command hands to `configure`, which then refuses all."""
    seen: dict[str, Any] = {}

    def record(kind: object, flags: dict[str, Any], file: Path | None) -> None:
        seen.update(flags=flags, file=file)
        raise SystemExit

    monkeypatch.setattr(command, "configure", record)
    return seen


def test_only_the_flags_that_were_given_are_passed_on(elman: Elman, given: dict[str, Any]) -> None:
    tokens = "a b --out r --hidden-size 7 --betas 0.5 0.6 --no-tied --config c.toml --unit word"
    with pytest.raises(SystemExit):
        elman("train", "language-model", *tokens.split())
    assert given["flags"] == {
        "hidden_size": 7,
        "betas": (0.5, 0.6),
        "tied": False,
        "unit": "word",
    }
    assert given["file"] == Path("c.toml")


def test_every_field_has_its_flag(elman: Elman, given: dict[str, Any]) -> None:
    default = configure(LanguageModelConfig, {})
    values, tokens = {}, []
    for name in LanguageModelConfig.model_fields:
        value = getattr(default, name)
        value = {"window": 64, "tied": True, "encoding": "latin-1"}.get(
            name, 1 if value is None else value
        )
        flag = name.replace("_", "-")
        values[name] = value
        if isinstance(value, bool):
            tokens += [f"--{flag}" if value else f"--no-{flag}"]
        elif isinstance(value, tuple):
            tokens += [f"--{flag}", *map(str, value)]
        else:
            tokens += [f"--{flag}", str(value)]
    with pytest.raises(SystemExit):
        elman("train", "language-model", "a", "--out", "r", *tokens)
    assert given["flags"] == values


@pytest.mark.parametrize("written", ["7,28", "7 --lags 28"])
def test_a_list_takes_commas_or_the_flag_again(
    elman: Elman, given: dict[str, Any], written: str
) -> None:
    with pytest.raises(SystemExit):
        elman("train", "forecast", "a", "--out", "r", "--horizon", "3", "--lags", *written.split())
    assert configure(ForecastConfig, given["flags"]).lags == (7, 28)


def test_the_help_of_a_task_begins_with_its_own_and_ends_with_training(elman: Elman) -> None:
    full = elman("train", "forecast", "--help-all").out
    places = [full.index(flag) for flag in ("--look-back", "--zoneout", "--clip-norm")]
    assert places == sorted(places)


def test_the_short_help_is_one_screen_and_the_long_one_has_all(elman: Elman) -> None:
    short = elman("train", "language-model", "--help").out
    assert len(short.splitlines()) <= 50
    assert all(flag in short for flag in ("--hidden-size", "--out", "--config", "--help-all"))
    assert "--zoneout" not in short
    for tokens in (["--help-all"], ["text.txt", "--out", "r", "--help-all"]):
        full = elman("train", "language-model", *tokens).out
        flags = [f"--{name.replace('_', '-')}" for name in LanguageModelConfig.model_fields]
        assert [flag for flag in flags if f"{flag} " not in full] == []
        assert "Regularization" in full
        assert "<unk>" in full
        assert "[default: 0.004]" in full


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["--hiden-size", "3"], "Unknown option: --hiden-size. Did you mean --hidden-size?"),
        (["--hidden-size", "big"], "--hidden-size"),
        (["--hidden-size", "0"], "--hidden-size 0: input should be greater than or equal to 1"),
        (["--hidden-size", "100000"], "less than or equal to 65536"),
        (["--unit", "letter"], 'Choose from: "char", "bpe", "word"'),
        (["--learning-rate", "nan"], "--learning-rate nan"),
        (["--dropout", "1"], "--dropout 1.0: input should be less than 1"),
        (["--window", "65"], "window is 65, expected a multiple of truncation (64)"),
        (["--betas", "0.5"], "--betas"),
        (["--config", "none.toml"], "none.toml: can't be read"),
    ],
)
def test_a_wrong_flag_is_one_line_and_2(
    elman: Elman, text_file: Path, tokens: list[str], message: str
) -> None:
    out = text_file.parent / "run"
    ended = elman("train", "language-model", text_file, "--out", out, *tokens)
    assert ended.code == 2
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert not out.exists()
