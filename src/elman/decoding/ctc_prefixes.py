"""The prefixes of a beam search, as arrays, and what all of them have in common.

Legend: B rows (utterances side by side), W the beam, V tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from elman.decoding.ctc import Array, Emission, Path, emissions

# The numbers of a prefix. Those of the alignments stand in the same order for both kinds of end.
P_BLANK, P_TOKEN, EXTRA = 0, 1, 2
BLANK, TOKEN = slice(3, 7), slice(7, 11)
NATS, CONFIDENCE, STEP, END = range(4)
LOGS = (P_BLANK, P_TOKEN, BLANK.start, TOKEN.start)
NUMBERS = 11

# What the prefix of a slot and the one before it are identified by, where there is none.
NOBODY, NOTHING = np.uint64(1), np.uint64(2)


@dataclass(frozen=True, repr=False, eq=False)
class BeamState:
    """The prefixes of B rows; each row's best stand first.

    Attributes:
        step: how many steps were read.
        numbers: (11, B, W) sums, what is added to them, and the last token of both alignments.
        names: (2, B, W) numbers that stand for each prefix, and for it without its last token.
        last: (B, W) the last token, -1 for none.
        paths: (2, B, W) the two alignments without the last token, by kind of end.
        hot: (B, W) the node of the hot words.
        added: (B, W, V) what each token adds when it comes next; None where all add the bonus.
        scored: (B, W) the states of the scorer.
    """

    step: int
    numbers: Array
    names: Array
    last: Array
    paths: Array
    hot: Array
    added: Array | None
    scored: Array

    def rows(self, rows: slice) -> BeamState:
        """Some of the rows."""
        return BeamState(
            self.step,
            self.numbers[:, rows],
            self.names[:, rows],
            self.last[rows],
            self.paths[:, rows],
            self.hot[rows],
            None if self.added is None else self.added[rows],
            self.scored[rows],
        )


def closed_path(path: Path | None, token: int, numbers: Array) -> Path | None:
    """The path with its last token, which is over."""
    if token < 0:
        return path
    _, confidence, step, end = numbers.tolist()
    return Path(path, Emission(token, int(step), int(end), confidence))


def alignment(state: BeamState, row: int, slot: int) -> list[Emission]:
    """The emissions of the more probable alignment of a prefix."""
    numbers = state.numbers[:, row, slot]
    kind = int(numbers[TOKEN.start] > numbers[BLANK.start])
    last = numbers[(BLANK, TOKEN)[kind]]
    return emissions(closed_path(state.paths[kind, row, slot], int(state.last[row, slot]), last))


def _last(path: Path | None, count: int, kept: dict[int, Path]) -> Path | None:
    """The last `count` emissions of a path; `kept` has what other paths share with it."""
    nodes, found = [], None
    for _ in range(count):
        assert path is not None
        nodes.append(path)
        path = path.before
    for node in reversed(nodes):
        found = kept.setdefault(id(node), Path(found, node.emission))
    return found


def _shared(chains: Sequence[Sequence[Emission]]) -> int:
    """How many emissions all chains have in common at the beginning."""
    count = 0
    for together in zip(*chains, strict=False):
        if any(each != together[0] for each in together):
            break
        count += 1
    return count


def grown_name(parent: Array, token: Array) -> Array:
    """The numbers of the prefixes that grow from others.

    The mixing is that of SplitMix64 (Steele et al. 2014), so that two prefixes get the same number
    once in 2^64.
    """
    mixed = parent ^ ((token.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    named: Array = mixed ^ (mixed >> np.uint64(31))
    return named


def settle(state: BeamState, most: int) -> tuple[list[Emission], BeamState]:
    """What all prefixes of a single row begin with, and the state without it.

    Where more than `most` tokens would remain, the prefixes that begin otherwise than the best are
    given up.
    """
    nats = state.numbers[[BLANK.start, TOKEN.start], 0]
    chains = {
        (kind, slot): emissions(state.paths[kind, 0, slot])
        for kind, slot in np.argwhere(nats > -math.inf).tolist()
    }
    if not chains:
        return [], state
    first = min(slot for _, slot in chains)
    best = max((key for key in chains if key[1] == first), key=lambda key: nats[key])
    shared = _shared(list(chains.values()))
    if len(chains[best]) - shared > most:
        shared = len(chains[best]) - most
        begin = [emission.token for emission in chains[best][:shared]]
        numbers = state.numbers.copy()
        for (kind, slot), chain in list(chains.items()):
            if [emission.token for emission in chain[:shared]] != begin:
                numbers[list(LOGS), 0, slot] = -math.inf
                del chains[kind, slot]
        state = replace(state, numbers=numbers)
    paths = np.full_like(state.paths, None)
    kept: dict[int, Path] = {}
    for (kind, slot), chain in chains.items():
        paths[kind, 0, slot] = _last(state.paths[kind, 0, slot], len(chain) - shared, kept)
    return chains[best][:shared], replace(state, paths=paths)
