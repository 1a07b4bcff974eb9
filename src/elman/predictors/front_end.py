"""From samples to the normalized frames that a network reads, of a whole recording or a stream.

Legend: N samples, T frames, t frames of one push, F bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from elman.data.audio.filter_bank import FilterBank, FilterBankStream
from elman.data.labeled.rows import Floats
from elman.data.labeled.standardize import Standardizer
from elman.errors import InputError
from elman.settings import adapter

SCALER = "scaler.json"

_LONGEST_TAIL = 60


@dataclass(frozen=True)
class FrontEnd:
    """A filter bank, and the scaling of its bins to mean 0 and deviation 1 in training.

    Attributes:
        bank: samples to frames; None for a network that reads features computed elsewhere.
        scale: fitted on the training rows.
        tail: seconds of digital silence after the end of the samples, in which a network of one
            direction can finish its last word. None are added to features computed elsewhere.
    """

    bank: FilterBank | None
    scale: Standardizer
    tail: float = 0.0

    @property
    def bins(self) -> int:
        """F."""
        return len(self.scale.mean)

    def frames(self, samples: Floats) -> Floats:
        """Normalized frames (T, F) of samples (N,) at the rate of the bank."""
        assert self.bank is not None
        return self.scale.apply(raw_frames(self.bank, samples, self.tail))

    @property
    def frame_seconds(self) -> float | None:
        """Seconds from one frame to the next; None for features computed elsewhere."""
        return None if self.bank is None else self.bank.shift / self.bank.rate

    def stream(self) -> FrontEndStream:
        """The same for samples that come in chunks."""
        return FrontEndStream(self)

    def settings(self) -> dict[str, Any]:
        """All but the scaling, as JSON values."""
        bank = None if self.bank is None else asdict(self.bank)
        return {"bank": bank, "tail": self.tail}

    def files(self) -> dict[str, bytes]:
        """The scaling, as the file that a predictor keeps."""
        return {SCALER: self.scale.to_bytes()}

    @classmethod
    def of(cls, settings: Mapping[str, Any], files: Mapping[str, bytes], where: str) -> FrontEnd:
        """What `settings` and `files` gave.

        Raises:
            InputError, KeyError, ValueError: they are damaged; `where` names the scaling.
        """
        kept = settings["bank"]
        bank = None if kept is None else adapter(FilterBank).validate_python(kept)
        scale = Standardizer.from_bytes(files[SCALER], f"{where}: {SCALER}")
        tail = float(settings["tail"])
        if not 0 <= tail <= _LONGEST_TAIL:
            raise InputError(f"{where}: a tail of {tail:g} s, expected 0 to {_LONGEST_TAIL}")
        return cls(bank, scale, tail)


@final
class FrontEndStream:
    """Samples in, in chunks of any size; out come normalized frames.

    The frames of all pushes and the last flush together are `front_end.frames` of all samples, to
    the bit. Features computed elsewhere, for a front end without a filter bank, are (t, F) already
    and only normalized.

    Attributes:
        count: how many frames it has given since the beginning.
    """

    def __init__(self, front_end: FrontEnd) -> None:
        self._front_end = front_end
        self._bank = None if front_end.bank is None else FilterBankStream(front_end.bank)
        self.count = 0

    @property
    def state(self) -> dict[str, Tensor]:
        """The samples of the next window that are here already, and the count of frames.

        Set it to go on from there, in another process too.

        Raises:
            KeyError, ValueError: when set to what is no state of a stream of these settings.
        """
        pending = np.zeros(0, np.float32) if self._bank is None else self._bank.pending
        return {"samples": torch.from_numpy(pending.copy()), "count": torch.tensor(self.count)}

    @state.setter
    def state(self, state: Mapping[str, Tensor]) -> None:
        samples, count = state["samples"].numpy(), int(state["count"])
        if count < 0 or (self._bank is None and len(samples)):
            raise ValueError(f"{count} frames and {len(samples)} samples: no state of a stream")
        if samples.dtype != np.float32 or not np.isfinite(samples).all():
            raise ValueError("samples that are not numbers")
        if self._bank is not None:
            self._bank.pending = samples
        self.count = count

    def push(self, samples: Floats) -> Floats:
        """The frames (t, F) that samples (N,) complete; maybe none.

        Raises:
            InputError: a sample that is no number, or far too large; the stream stays as it was.
        """
        found = samples if self._bank is None else self._bank.push(samples)
        if not len(found) and self._bank is not None:
            return found
        self.count += len(found)
        return self._front_end.scale.apply(found)

    def flush(self) -> Floats:
        """End the samples: the frames (t, F) of what is pending and of the silence after it."""
        found = np.zeros((0, self._front_end.bins), np.float32)
        if self._bank is not None:
            found = self.push(_silence(self._bank.bank, self._front_end.tail))
            self._bank.flush()
        self.count = 0
        return found


def raw_frames(bank: FilterBank, samples: Floats, tail: float) -> Floats:
    """Frames (T, F) of samples (N,) and the silence after them, before they are normalized."""
    return bank.frames(np.concatenate([np.asarray(samples, np.float32), _silence(bank, tail)]))


def _silence(bank: FilterBank, seconds: float) -> Floats:
    return np.zeros(round(seconds * bank.rate), np.float32)
