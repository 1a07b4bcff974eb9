"""The options of evaluating a recognizer."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator

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
    tune: bool = Field(
        default=False,
        description="first find the --lm-weight and the --bonus with the fewest word errors on the"
        " run's validation utterances",
    )
    tuned_out: Path | None = Field(
        None, description="keep the recognizer with what --tune found in this new folder"
    )

    @model_validator(mode="after")
    def _tuning_fits_together(self) -> Self:
        if self.tune and self.language_model is None:
            raise ValueError("--tune is for a language model; name its run with --language-model")
        if self.tune and not (self.lm_weight is None and self.bonus is None):
            raise ValueError("--tune finds --lm-weight and --bonus; leave them out")
        if self.tuned_out is not None and not self.tune:
            raise ValueError("--tuned-out keeps what --tune finds; give --tune")
        return self
