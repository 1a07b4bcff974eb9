"""The settings: bounds, agreement, and what the command line needs of every field."""

from typing import Any

import pytest
from pydantic import ValidationError

from elman.tasks.classify.config import ClassifyConfig, SentimentConfig
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.memory.config import MemoryConfig
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


def test_a_config_is_a_value() -> None:
    config = TrainingConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.max_steps = 3  # type: ignore[misc]
    assert TrainingConfig.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(("window", "expected"), [(None, 0), (64, 0), (128, 1), (256, 3)])
def test_chunks_back(window: int | None, expected: int) -> None:
    assert TruncatedConfig(window=window).chunks_back == expected


@pytest.mark.parametrize("name", ["truncation", "window", "random_truncation"])
def test_truncation_is_only_for_those_who_carry_state(name: str) -> None:
    assert name in LanguageModelConfig.model_fields
    for config in (
        ClassifyConfig,
        SentimentConfig,
        TranslationConfig,
        ForecastConfig,
        MemoryConfig,
    ):
        assert name not in config.model_fields
