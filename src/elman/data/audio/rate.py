"""The rate at which recordings are read, where the user does not say it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from elman.data.audio.clips import Clip, Samples
from elman.data.audio.decode import probe
from elman.data.audio.rows import Utterances

USUAL = 16_000
"""Hz at which audio is read, unless it is recorded at less."""

_FEW = 0.05
"""A share of recordings whose lower rate is not made that of all."""


def usual_rate(heard: Utterances) -> int:
    """The lowest rate in Hz that more than a few rows have, since above its half they have no
    sound; `USUAL` where that is lower.
    """
    rates: Counter[int] = Counter()
    known: dict[Path, int] = {}
    for source in heard.audio:
        assert isinstance(source, Clip | Samples), "features have no rate"
        if isinstance(source, Samples):
            rates[source.rate] += 1
            continue
        if source.path not in known:
            known[source.path] = probe(source.path).rate
        rates[known[source.path]] += 1
    below = 0
    for rate in sorted(rates):
        below += rates[rate]
        if below > _FEW * len(heard):
            return min(rate, USUAL)
    return USUAL
