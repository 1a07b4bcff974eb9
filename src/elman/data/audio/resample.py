"""Another number of samples a second, the same for a stream as for a whole recording.

Legend: N samples at the rate of the source, M at the rate that is wanted.
"""

from __future__ import annotations

from math import gcd
from operator import index
from typing import final

import numpy as np

from elman.data.audio.samples import checked
from elman.data.labeled.rows import Floats
from elman.data.optional import library

_REACH = 2048
"""Samples of the slower rate; soxr's filters reach over fewer to either side."""

_NONE = np.zeros(0, np.float32)


@final
class Resampler:
    """Samples in at one rate, out at another, through soxr's "HQ" (a linear-phase filter).

    What was found of `soxr.ResampleStream`: however the samples are cut into chunks, it gives the
    same samples to the bit, and as many as `soxr.resample` gives of the whole. But its filters
    cannot be read out, and where its blocks begin shows in the last bit, so that a stream of it
    cannot be taken up elsewhere. That is why a new one takes over each second, at a sample where
    both rates meet, having heard all before it that its filters reach. A place then depends on
    the samples since alone: they are `state`, and a resampler that goes on from there gives the
    same to the bit. At the seams the samples are those of one long stream but for the rounding
    of float32.

    M = N rate / source_rate, rounded. Samples come late, by what the filters have to look ahead
    and the blocks they work in: 37 ms from 48 to 16 kHz, 40 ms from 44.1 to 16, 116 ms from 8 to
    16 and from 16 to 8. At equal rates they come as they are, at once.

    Args:
        source_rate: samples a second of what is pushed.
        rate: samples a second of what comes out.
    """

    def __init__(self, source_rate: int, rate: int) -> None:
        if min(source_rate, rate) < 1:
            raise ValueError(f"rates of {source_rate} and {rate}, expected at least 1")
        self.source_rate, self.rate = source_rate, rate
        period = source_rate // gcd(source_rate, rate)  # the samples after which the rates meet
        lead = -(-_REACH * source_rate // (min(source_rate, rate) * period)) * period
        self._lead = lead * rate // source_rate
        self._end = self._lead + rate
        self._begin(b"", 0)

    @property
    def state(self) -> tuple[Floats, int]:
        """The samples (N,) that the current stream has heard, and how many of its own were given.

        Set it to go on from there. The samples are those of two seconds or so.

        Raises:
            TypeError, ValueError: when set to what is no state of a resampler of these rates.
        """
        return np.frombuffer(bytes(self._heard), np.float32), self._given

    @state.setter
    def state(self, state: tuple[Floats, int]) -> None:
        heard, given = state
        heard, given = checked(heard), index(given)
        # A stream gives no more than one sample ahead of what it heard, and less than to its end.
        most = min(self._end - 1, len(heard) * self.rate // self.source_rate + 1)
        if not 0 <= given <= most or len(heard) > self._longest:
            raise ValueError(f"{len(heard)} samples heard and {given} given, too many")
        self._begin(heard.tobytes(), given)

    def push(self, samples: Floats) -> Floats:
        """The samples (M,) that samples (N,) settle; maybe none.

        Raises:
            InputError: a sample that is no number, or far too large; the stream stays as it was.
        """
        samples = checked(samples)
        if self.source_rate == self.rate:
            return samples
        if len(samples) <= self.source_rate:
            return self._resample(samples)
        starts = range(0, len(samples), self.source_rate)
        return np.concatenate(
            [self._resample(samples[at : at + self.source_rate]) for at in starts]
        )

    def flush(self) -> Floats:
        """End the samples; the rest (M,). A push after it begins anew."""
        rest = _NONE if self.source_rate == self.rate else self._resample(_NONE, last=True)
        self._begin(b"", 0)
        return rest

    @property
    def _longest(self) -> int:
        """An upper bound of the samples that a stream hears before the next takes over."""
        return -(-self._end * self.source_rate // self.rate) * 2 + self.source_rate

    def _begin(self, heard: bytes, given: int) -> None:
        """Begin a stream that has heard, and given, so much."""
        self._heard, self._given, self._made = bytearray(heard), given, 0
        self._ahead = _NONE
        if self.source_rate != self.rate:
            soxr = library("soxr", "speech")
            self._stream = soxr.ResampleStream(self.source_rate, self.rate, 1, dtype="float32")
            self._ahead = self._stream.resample_chunk(np.frombuffer(heard, np.float32))

    def _resample(self, samples: Floats, *, last: bool = False) -> Floats:
        self._heard += samples.tobytes()
        found = []
        while True:
            made = self._stream.resample_chunk(samples, last=last)
            if len(self._ahead):
                made, self._ahead = np.concatenate((self._ahead, made)), _NONE
            first, self._made = self._made, self._made + len(made)
            found.append(made[max(0, self._given - first) : max(0, self._end - first)])
            self._given += len(found[-1])
            if self._given < self._end:
                return found[0] if len(found) == 1 else np.concatenate(found)
            self._begin(bytes(self._heard[4 * self.source_rate :]), self._lead)
            samples = _NONE
