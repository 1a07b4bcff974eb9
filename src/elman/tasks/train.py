"""`elman.train`: its settings and its run have the types of the task.

An overload a task; a test compares their keywords with the config classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Unpack, overload

from elman.data.given import Data, Given
from elman.predictors.classifier import ClassifierPredictor
from elman.predictors.forecaster import ForecasterPredictor
from elman.predictors.language_model import LanguageModelPredictor
from elman.predictors.memory import MemoryPredictor
from elman.predictors.recognizer import RecognizerPredictor
from elman.predictors.translator import TranslatorPredictor
from elman.tasks import runs
from elman.tasks.classify.config import ClassifyConfig, SentimentConfig
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.keywords import (
    ClassifySettings,
    ForecastSettings,
    LanguageModelSettings,
    MemorySettings,
    SentimentSettings,
    SpeechSettings,
    TranslationSettings,
    VideoSettings,
)
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.memory.config import MemoryConfig
from elman.tasks.runs import Run
from elman.tasks.speech.config import SpeechConfig
from elman.tasks.translation.config import TranslationConfig
from elman.tasks.video.config import VideoConfig


@overload
def train(
    task: Literal["language-model"],
    data: Data | Given,
    out: str | Path | None = None,
    *,
    valid: Data | Given | None = None,
    test: Data | Given | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Unpack[LanguageModelSettings],
) -> Run[LanguageModelPredictor, LanguageModelConfig]: ...
@overload
def train(
    task: Literal["sentiment"],
    data: Data | Given,
    out: str | Path | None = None,
    *,
    valid: Data | Given | None = None,
    test: Data | Given | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Unpack[SentimentSettings],
) -> Run[ClassifierPredictor, SentimentConfig]: ...
@overload
def train(
    task: Literal["classify"],
    data: Data | Given,
    out: str | Path | None = None,
    *,
    valid: Data | Given | None = None,
    test: Data | Given | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Unpack[ClassifySettings],
) -> Run[ClassifierPredictor, ClassifyConfig]: ...
@overload
def train(
    task: Literal["translation"],
    data: Data | Given,
    out: str | Path | None = None,
    *,
    valid: Data | Given | None = None,
    test: Data | Given | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Unpack[TranslationSettings],
) -> Run[TranslatorPredictor, TranslationConfig]: ...
@overload
def train(
    task: Literal["forecast"],
    data: Data | Given,
    out: str | Path | None = None,
    *,
    valid: Data | Given | None = None,
    test: Data | Given | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Unpack[ForecastSettings],
) -> Run[ForecasterPredictor, ForecastConfig]: ...
@overload
def train(
    task: Literal["speech"],
    data: Data | Given,
    out: str | Path | None = None,
    *,
    valid: Data | Given | None = None,
    test: Data | Given | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Unpack[SpeechSettings],
) -> Run[RecognizerPredictor, SpeechConfig]: ...
@overload
def train(
    task: Literal["video"],
    data: Data | Given,
    out: str | Path | None = None,
    *,
    valid: Data | Given | None = None,
    test: Data | Given | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Unpack[VideoSettings],
) -> Run[ClassifierPredictor, VideoConfig]: ...
@overload
def train(
    task: Literal["memory"],
    data: None = None,
    out: str | Path | None = None,
    *,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Unpack[MemorySettings],
) -> Run[MemoryPredictor, MemoryConfig]: ...
def train(
    task: str,
    data: Data | Given | None = None,
    out: str | Path | None = None,
    *,
    valid: Data | Given | None = None,
    test: Data | Given | None = None,
    config: str | Path | None = None,
    overwrite: bool = False,
    **settings: Any,
) -> Run[Any, Any]:
    """Train on `data` and return the run: `elman train` without its printing.

    Args:
        task: such as "language-model".
        data: paths, texts, a table, pairs or arrays; see `elman.data.given.given`. None for a task
            that draws its own.
        out: the run directory to make. None for a temporary folder, which is removed once the run
            is no longer held; `run.predictor.save` keeps what was trained.
        valid: what the best weights are chosen by; by default a part of `data`.
        test: what is measured at the end; by default a part of `data`.
        config: a TOML file of settings, which `settings` beat.
        overwrite: replace a run that is at `out`, once the data were read.
        settings: the fields of the task's config.

    Raises:
        InputError: anything that can't be worked with.
        TypeError: a path that is neither a string nor a `Path`.
        RunFailed: training could not go on.
    """
    return runs.train(
        task, data, out, valid=valid, test=test, config=config, overwrite=overwrite, **settings
    )
