"""The settings: bounds, agreement, and what the command line needs of every field."""

from typing import Any

import pytest
from pydantic import ValidationError

from elman.tasks.classify.config import ClassifyConfig, SentimentConfig
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.memory.config import MemoryConfig
from elman.tasks.speech.config import SpeechConfig
from elman.tasks.translation.config import TranslationConfig
from elman.training.config import TrainingConfig, TruncatedConfig


@pytest.mark.parametrize("name", TruncatedConfig.model_fields)
def test_every_field_has_a_description_and_a_section(name: str) -> None:
    field = TruncatedConfig.model_fields[name]
    assert field.description
    assert isinstance(field.json_schema_extra, dict)
    assert field.json_schema_extra["section"]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"max_steps": 0}, "max_steps"),
        ({"max_minutes": 0}, "max_minutes"),
        ({"max_minutes": float("nan")}, "max_minutes"),
        ({"learning_rate": float("inf")}, "learning_rate"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"optimizer": "adam"}, "optimizer"),
        ({"seed": 2**32}, "seed"),
        ({"epochs": 3}, "epochs"),
        ({"betas": (0.9, 1.0)}, r"betas .* expected two numbers in \[0, 1\)"),
        ({"window": 96}, r"window is 96, expected a multiple of truncation \(64\)"),
        ({"accumulate": 33}, r"accumulate is 33, expected at most batch_size \(32\)"),
        ({"final_learning_rate": 1.0}, r"final_learning_rate is 1.0, expected at most"),
    ],
)
def test_bounds(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        TruncatedConfig(**changes)


# Each setting that is a number: its default, what is just allowed, what is just refused.
NUMBERS: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "max_steps": (2000, [1], [0]),
    "max_minutes": (None, [1e-6], [0.0, -0.5]),
    "patience": (0, [0], [-1]),
    "batch_size": (32, [1], [0]),
    "learning_rate": (4e-3, [1e-12], [0.0, -0.5]),
    "momentum": (0.0, [0.0, 0.999], [-0.001, 1.0]),
    "weight_decay": (0.0, [0.0], [-1e-9]),
    "clip_norm": (1.0, [0.0], [-1e-9]),
    "accumulate": (1, [1, 32], [0, 33]),
    "average_decay": (0.99, [1e-9, 0.9999], [0.0, 1.0]),
    "average_interval": (5, [1], [0]),
    "warmup_steps": (0, [0], [-1]),
    "final_learning_rate": (0.0, [0.0, 4e-3], [-1e-9, 4.1e-3]),
    "decay_rate": (0.5, [1e-9, 0.999], [0.0, 1.0]),
    "decay_start": (0, [0], [-1]),
    "decay_every": (1000, [1], [0]),
    "plateau_patience": (2, [0], [-1]),
    "eval_every": (200, [1], [0]),
    "checkpoint_every": (200, [1], [0]),
    "keep_checkpoints": (2, [1], [0]),
    "log_every": (20, [1], [0]),
    "watch": (None, [0], [-1]),
    "seed": (0, [0, 2**32 - 1], [-1, 2**32]),
    "threads": (0, [0, 4096], [-1, 4097]),
    "truncation": (64, [1], [0]),
    "window": (None, [64, 128], [0, 32, 65]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_have_the_defaults_and_bounds_that_the_manual_tells(name: str) -> None:
    default, allowed, refused = NUMBERS[name]
    assert getattr(TruncatedConfig(), name) == default
    for value in allowed:
        assert getattr(TruncatedConfig(**{name: value}), name) == value
    for value in refused:
        with pytest.raises(ValidationError, match=name):
            TruncatedConfig(**{name: value})


def test_no_number_is_left_out() -> None:
    fields = TruncatedConfig.model_fields
    numbers = {name for name in fields if fields[name].annotation in (int, float)}
    assert numbers | {"max_minutes", "watch", "window"} == set(NUMBERS)


def test_a_config_is_a_value() -> None:
    config = TrainingConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.max_steps = 3  # type: ignore[misc]
    assert TrainingConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(("window", "expected"), [(None, 0), (64, 0), (128, 1), (256, 3)])
def test_chunks_back(window: int | None, expected: int) -> None:
    assert TruncatedConfig(window=window).chunks_back == expected


def test_truncation_is_only_for_those_who_carry_state() -> None:
    assert issubclass(LanguageModelConfig, TruncatedConfig)
    for config in (
        ClassifyConfig,
        SentimentConfig,
        TranslationConfig,
        ForecastConfig,
        MemoryConfig,
        SpeechConfig,
    ):
        assert not issubclass(config, TruncatedConfig)
        assert not {"truncation", "random_truncation"} & config.model_fields.keys()
