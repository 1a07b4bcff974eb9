"""The options of evaluating a recognizer."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from elman.data.audio.settings import AudioSettings
from elman.data.tables.asked import TableSettings
from elman.predictors.search_options import SearchOptions


class SpeechEvaluation(SearchOptions, AudioSettings, TableSettings):
    """What to evaluate on, and how the texts are searched for."""

    reads: ClassVar[tuple[str, ...]] = ("language_model", "hot_words_file", "audio_root")

    text_column: str | None = Field(
        default=None, description="column of the transcript, or its number; default: as in training"
    )
    skip_bad_rows: bool = Field(default=False, description="leave out rows that can't be read")
