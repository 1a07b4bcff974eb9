"""Log-mel filter banks that a stream and a whole recording see alike.

Legend: N samples, T frames, t frames of one push, F bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from elman.data.audio.samples import checked
from elman.data.labeled.rows import Floats
from elman.data.optional import library
from elman.errors import InputError

_SCALE = np.float32(32768)
"""Kaldi's filter banks are of 16-bit samples."""

_AT_ONCE = 1 << 16
"""Samples handed over at a time: they become Python numbers, 32 bytes each."""

_HIGHEST_RATE, _MOST_BINS = 768_000, 4096
"""More are a damaged file."""

_FRAMES = 1 << 24
"""After so many frames the library's object is made anew, for it counts in 32 bits."""


@dataclass(frozen=True)
class FilterBank:
    """Log energies of mel bins over short windows, as Kaldi computes them without dither.

    Frame t is of the samples x[t shift : t shift + length] and of no others. With the mean of
    the window taken away, pre-emphasis of 0.97 and Kaldi's window ("povey"), zeros up to the next
    power of two, and w_f the triangles that are even on the mel scale,

        frame[t, f] = ln max(1, sum_k w_f[k] |DFT(window)[k]|^2),

    where samples from -1 to 1 count as 16-bit integers. So a frame is never negative, and digital
    silence is 0. Computed by kaldi-native-fbank's `OnlineFbank` with `snip_edges`.

    Attributes:
        rate: samples a second.
        bins: F, how many triangles; at least 3.
        frame_length: seconds of a window.
        frame_shift: seconds from one window to the next, at most `frame_length`.
        low: Hz at which the first triangle begins.
        high: Hz at which the last one ends; 0, or less, counts from half the rate.

    Raises:
        InputError: edges outside the band, a shift longer than the window. Bins that are too
            narrow for the window are found with the first frames.
    """

    rate: int = 16000
    bins: int = 40
    frame_length: float = 0.025
    frame_shift: float = 0.010
    low: float = 20.0
    high: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.rate <= _HIGHEST_RATE or self.bins > _MOST_BINS:
            raise InputError(
                f"{self.bins} bins at {self.rate} samples a second; expected at most {_MOST_BINS}"
                f" bins and {_HIGHEST_RATE:,} samples"
            )
        length, shift = self.length, self.shift
        if not 1 <= shift <= length:
            raise InputError(
                f"a frame shift of {self.frame_shift} s and a window of {self.frame_length} s at"
                f" {self.rate} Hz; expected at least a sample, and a shift no longer than the"
                " window"
            )
        top = self.top
        if not 0 <= self.low < top <= self.rate / 2:
            raise InputError(
                f"a filter bank from {self.low} to {top} Hz at {self.rate} samples a second;"
                f" expected edges between 0 and {self.rate / 2:g} Hz, the lower one first"
            )

    @property
    def top(self) -> float:
        """Hz at which the last triangle ends."""
        return self.high if self.high > 0 else self.rate / 2 + self.high

    @property
    def hertz(self) -> Floats:
        """(F,) the middle of each triangle in Hz; mel(f) = 1127 ln(1 + f / 700)."""
        low, top = (1127 * np.log(1 + edge / 700) for edge in (self.low, self.top))
        middles = np.linspace(low, top, self.bins + 2)[1:-1]
        return (700 * np.expm1(middles / 1127)).astype(np.float32)

    @property
    def length(self) -> int:
        """Samples of a window."""
        return round(self.rate * self.frame_length)

    @property
    def shift(self) -> int:
        """Samples from one window to the next."""
        return round(self.rate * self.frame_shift)

    def count(self, samples: int) -> int:
        """T, how many windows `samples` fill."""
        return max(0, (samples - self.length) // self.shift + 1)

    def frames(self, samples: Floats) -> Floats:
        """The frames (T, F) of samples (N,) between -1 and 1.

        Raises:
            InputError: a sample that is no number, or far too large.
        """
        return FilterBankStream(self).push(samples)

    def online(self) -> Any:
        """A `kaldi_native_fbank.OnlineFbank` of these settings."""
        kaldi = library("kaldi_native_fbank", "speech")
        options = kaldi.FbankOptions()
        options.eps = 1.0
        window, mel = options.frame_opts, options.mel_opts
        window.samp_freq, window.dither, window.snip_edges = self.rate, 0.0, True
        # Kaldi rounds the samples of a window down from milliseconds.
        window.frame_length_ms = (self.length + 0.5) * 1000 / self.rate
        window.frame_shift_ms = (self.shift + 0.5) * 1000 / self.rate
        mel.num_bins, mel.low_freq, mel.high_freq = self.bins, self.low, self.high
        try:
            return kaldi.OnlineFbank(options)
        except ValueError as error:
            raise InputError(
                f"{self.bins} mel bins of windows of {self.frame_length} s at {self.rate} samples"
                f" a second: {_line(error)}; give 3 bins or more, and fewer than these where"
                " they are too narrow, or longer windows"
            ) from error


@final
class FilterBankStream:
    """Samples in, in chunks of any size; out come the frames whose windows are full.

    The frames of all pushes are `bank.frames` of all samples, to the bit. A stream can go on from
    what another held `pending`; that and `count` are all that it knows.

    Memory is constant: a frame is dropped by the library as soon as it is taken, and neither it
    nor this object holds more samples than a window has.

    Args:
        bank: how frames are computed.
        pending: the samples of another stream to go on from.

    Attributes:
        count: how many frames it has given.
    """

    def __init__(self, bank: FilterBank, pending: Floats | None = None, count: int = 0) -> None:
        self.bank, self.count = bank, count
        self.pending = np.zeros(0, np.float32) if pending is None else pending

    @property
    def pending(self) -> Floats:
        """The samples from the beginning of the next window on; less than a window.

        Raises:
            ValueError: when set to what fills a window, or is not one row of samples.
        """
        return self._pending

    @pending.setter
    def pending(self, samples: Floats) -> None:
        pending = checked(samples).copy()
        if len(pending) >= self.bank.length:
            raise ValueError(
                f"{len(pending)} pending samples, expected less than a window of {self.bank.length}"
            )
        self._begin(pending)

    def push(self, samples: Floats) -> Floats:
        """The frames (t, F) that samples (N,) between -1 and 1 complete; maybe none.

        Raises:
            InputError: a sample that is no number, or far too large; the stream stays as it was.
        """
        samples = checked(samples)
        if len(samples) <= _AT_ONCE:
            return self._push(samples)
        starts = range(0, len(samples), _AT_ONCE)
        return np.concatenate([self._push(samples[start : start + _AT_ONCE]) for start in starts])

    def flush(self) -> Floats:
        """End the samples. A window that isn't full gives no frame, so (0, F)."""
        self.count = 0
        self._begin(np.zeros(0, np.float32))
        return np.zeros((0, self.bank.bins), np.float32)

    def _begin(self, pending: Floats) -> None:
        self._online, self._taken, self._pending = self.bank.online(), 0, pending
        self._online.accept_waveform(self.bank.rate, (pending * _SCALE).tolist())

    def _push(self, samples: Floats) -> Floats:
        online, taken = self._online, self._taken
        # Of all sequences a list is the one that is read fastest.
        online.accept_waveform(self.bank.rate, (samples * _SCALE).tolist())
        fresh = online.num_frames_ready - taken
        frames = np.empty((fresh, self.bank.bins), np.float32)
        for row in range(fresh):
            frames[row] = online.get_frame(taken + row)
        if fresh:
            online.pop(fresh)
        held = np.concatenate((self._pending, samples))
        self._pending = held[fresh * self.bank.shift :]
        self._taken, self.count = taken + fresh, self.count + fresh
        if self._taken >= _FRAMES:
            self._begin(self._pending)
        return frames


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")
