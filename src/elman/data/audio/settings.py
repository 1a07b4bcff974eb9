"""What a user says of recordings, as settings of tasks and as options of commands."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from elman.data.audio.clips import Limits
from elman.data.audio.rows import AudioColumns
from elman.data.tables.asked import Asked
from elman.errors import InputError
from elman.settings import section

_audio = section("Audio")

OF_SAMPLES = (
    *("rate", "bins", "frame_length", "frame_shift", "low", "high", "tail", "keep"),
    *("speeds", "channel", "noise", "snr"),
)
"""Settings that change samples or make frames of them, so that features computed elsewhere have no
use for them."""

_OFF = (0, (1.0,))
"""Values of these by which nothing is done, which is true of features too."""


class AudioSettings(BaseModel):
    """Where recordings are, and how long each may be."""

    audio_column: str | None = _audio(
        None, "column of the paths of recordings, or its number; default: found"
    )
    start_column: str | None = _audio(
        None, "column of the second at which a row begins; default: start, begin, offset"
    )
    end_column: str | None = _audio(
        None, "column of the second at which it ends; default: end, or the start and a duration"
    )
    speaker_column: str | None = _audio(None, "column of who speaks; default: speaker, client_id")
    audio_root: Path | None = _audio(
        None, "folder that paths of recordings are below; default: that of the table"
    )
    max_seconds: float = _audio(
        3600.0, "bound on the length of a recording", gt=0, le=24 * 3600, flag="max-seconds"
    )

    @property
    def limits(self) -> Limits:
        """The bounds on each recording."""
        return Limits(seconds=self.max_seconds)

    def first_asked(self, names: Iterable[str]) -> str | None:
        """The flag of the first of these settings that was given, as another than by default."""
        fields = type(self).model_fields
        for name in names:
            if name in self.model_fields_set and getattr(self, name) != fields[name].get_default():
                return "--" + name.replace("_", "-")
        return None

    def check_features(self, where: str) -> None:
        """Raise InputError for a setting that is for samples, where `where` has features."""
        known = [name for name in OF_SAMPLES if getattr(self, name, 0) not in _OFF]
        if (flag := self.first_asked(known)) is not None:
            raise InputError(
                f"{flag}: for audio, but {where} is features computed elsewhere; leave it out"
            )

    def audio_columns(
        self,
        trained: AudioColumns = AudioColumns(),  # noqa: B008 (frozen)
        *,
        text: str | None = None,
        label: str | None = None,
        split: str | None = None,
        asked: Asked = Asked(),  # noqa: B008
    ) -> AudioColumns:
        """The columns of a table of recordings: these settings over what training found.

        Paths are below the folder of each table unless `audio_root` is set: another data set has
        its own.
        """
        said = {
            "audio": self.audio_column,
            "text": text,
            "label": label,
            "begin": self.start_column,
            "end": self.end_column,
            "speaker": self.speaker_column,
            "split": split,
        }
        return AudioColumns(
            found=tuple(name for name in trained.found if said.get(name) is None),
            audio=self.audio_column or trained.audio,
            text=text or trained.text,
            label=label or trained.label,
            begin=self.start_column or trained.begin,
            end=self.end_column or trained.end,
            duration=trained.duration,
            speaker=self.speaker_column or trained.speaker,
            split=split or trained.split,
            root=self.audio_root,
            dialect=trained.dialect,
            asked=asked.over(trained.asked),
        )
