"""From the user's data to utterances, as the settings of a recognizer say."""

from __future__ import annotations

from elman.data.audio.dataset import AudioOptions, read_utterances
from elman.data.audio.rows import AudioColumns, UtteranceSplits
from elman.data.given import Given
from elman.tasks.speech.config import SpeechConfig


def read_given(config: SpeechConfig, given: Given) -> UtteranceSplits:
    """The utterances of each split. How long a row may be, is seen when it is heard."""
    return read_utterances(
        given,
        AudioOptions(
            AudioColumns(
                audio=config.audio_column,
                text=config.text_column,
                begin=config.start_column,
                end=config.end_column,
                speaker=config.speaker_column,
                split=config.split_column,
                root=config.audio_root,
                asked=config.asked,
            ),
            valid_fraction=config.valid_fraction,
            test_fraction=config.test_fraction,
            seed=config.seed,
            skip_bad_rows=config.skip_bad_rows,
        ),
    )
