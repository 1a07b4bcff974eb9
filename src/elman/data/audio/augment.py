"""Recordings varied at random for training; the same for the same generator.

Legend: N samples, T frames, F bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from elman.data.audio.samples import checked
from elman.data.labeled.rows import Floats
from elman.data.labeled.standardize import Standardizer
from elman.data.optional import library
from elman.errors import InputError


@dataclass(frozen=True)
class SpecAugment:
    """Stretches of time and bands of frequency set to 0, the mean of normalized frames.

    Each mask is of 0 to `width` frames or bins, drawn evenly, and lies anywhere that it fits,
    drawn evenly (Park 2019, without time warping). A mask of time covers at most `share` of the
    frames (p in Park 2019), so that something is left of short recordings.

    Attributes:
        time_masks: how many stretches.
        time_width: frames that one has at most.
        frequency_masks: how many bands.
        frequency_width: bins that one has at most.
        share: of the frames that one stretch covers at most.
    """

    time_masks: int = 2
    time_width: int = 20
    frequency_masks: int = 2
    frequency_width: int = 8
    share: float = 0.2

    def __call__(self, frames: Floats, generator: np.random.Generator) -> Floats:
        """Normalized frames (T, F), a copy with masks."""
        masked = frames.copy()
        time, bins = frames.shape
        longest = min(self.time_width, int(self.share * time))
        for _ in range(self.time_masks):
            masked[_stretch(time, longest, generator)] = 0
        for _ in range(self.frequency_masks):
            masked[:, _stretch(bins, min(self.frequency_width, bins), generator)] = 0
        return masked


_POINTS = 4
"""Of the band between which a channel's curve is straight."""


@dataclass(frozen=True)
class Channel:
    """Frames as another microphone or room would have given them.

    Log energies get a common gain and a curve over the band, straight between a few points of it;
    the gain and the points are each drawn evenly from minus to plus `decibels`.

    Attributes:
        decibels: the most that each adds.
        scale: what normalized the frames.
    """

    decibels: float
    scale: Standardizer

    def __call__(self, frames: Floats, generator: np.random.Generator) -> Floats:
        """Normalized frames (T, F) of log energies, a copy through another channel."""
        raw = self.scale.invert(frames) + self._curve(frames.shape[1], generator)
        changed: Floats = self.scale.apply(np.maximum(raw, 0))
        return changed

    def _curve(self, bins: int, generator: np.random.Generator) -> Floats:
        """(F,) in nats."""
        most = self.decibels
        values = generator.uniform(-most, most, _POINTS)
        curve = np.interp(np.arange(bins), np.linspace(0, bins - 1, _POINTS), values)
        nats: Floats = ((curve + generator.uniform(-most, most)) * (np.log(10) / 10)).astype(
            np.float32
        )
        return nats


def _stretch(length: int, longest: int, generator: np.random.Generator) -> slice:
    width = int(generator.integers(longest + 1))
    start = int(generator.integers(length - width + 1))
    return slice(start, start + width)


def change_speed(samples: Floats, factor: float) -> Floats:
    """Samples (N,) spoken `factor` times as fast, so N / factor; the pitch rises with it (Ko 2015).

    Raises:
        ValueError: a factor that isn't above 0.
    """
    if not factor > 0:
        raise ValueError(f"a speed of {factor}, expected more than 0")
    samples = checked(samples)
    if factor == 1 or not len(samples):
        return samples
    faster: Floats = library("soxr", "speech").resample(samples, factor, 1.0)
    return faster


def add_noise(
    samples: Floats,
    snr_db: float,
    generator: np.random.Generator,
    noise: Floats | None = None,
) -> Floats:
    """Samples (N,) with noise of a power 10^(snr_db / 10) below theirs.

    Power is the mean square over all N. Samples may leave [-1, 1]; nothing is clipped. Silence
    stays as it is, for no noise is in proportion to it.

    Args:
        samples: (N,).
        snr_db: signal-to-noise ratio in dB.
        generator: draws the noise, or where in `noise` it begins.
        noise: a recording to add, from a random place on, over and over; None for white Gaussian
            noise.

    Raises:
        InputError: a recording of noise that is empty or silent.
    """
    samples = checked(samples)
    if noise is None:
        added = generator.standard_normal(len(samples), np.float32)
    else:
        noise = checked(noise)
        if not noise.any():
            raise InputError(
                f"noise of {len(noise)} samples, all of them 0; give a recording that is not silent"
            )
        places = int(generator.integers(len(noise))) + np.arange(len(samples))
        added = noise[places % len(noise)]
    powers = [
        float(np.mean(np.square(x, dtype=np.float64))) if len(x) else 0 for x in (samples, added)
    ]
    if not all(powers):
        return samples
    gain = np.float32(np.sqrt(powers[0] / powers[1] / 10 ** (snr_db / 10)))
    noisy: Floats = samples + gain * added
    return noisy
