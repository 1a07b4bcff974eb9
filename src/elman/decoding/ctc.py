"""Connectionist temporal classification: from the log-probabilities of steps to tokens.

An alignment says one output at each step: a token, or the blank, which is the last output. Its
labelling is what remains when repeats are merged and then blanks are left out, so that
``a a _ a b`` is ``a a b``.

Legend: S steps, B rows (utterances side by side), K outputs: the tokens and the blank, K - 1.

Source: Graves et al. 2006, "Connectionist temporal classification".
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from elman.errors import InputError, RunFailed
from elman.parse import shown

Array: TypeAlias = npt.NDArray[Any]
Packed: TypeAlias = tuple[dict[str, Tensor], dict[str, Any]]
"""A state as tensors and JSON values, as a snapshot keeps it."""


_SURE = 1 + 1e-5
"""The exponential of a log-probability that was rounded is at most so much."""


class Emission(NamedTuple):
    """One token of an alignment.

    Attributes:
        token: its id.
        step: the first step that says it.
        end: the step after the last that says it without a break.
        confidence: its largest probability in these steps, from 0 to 1.
    """

    token: int
    step: int
    end: int
    confidence: float


@dataclass(frozen=True)
class Hypothesis:
    """What was said in S steps.

    Attributes:
        tokens: the labelling.
        steps: the step at which each token was emitted first, on the most probable alignment.
        ends: the step after the last of the run of steps that emit it.
        log_probability: nats of the steps alone: log p(labelling) of a beam search, the sum over
            all alignments that it kept; of greedy search, that of its one alignment.
        score: by which hypotheses are ranked: `log_probability`, and what a scorer, a bonus and
            hot words add to it.
        confidences: for each token, its largest probability, from 0 to 1, in its steps. It says
            how sure the network was of this sound here, and nothing of words left out.
    """

    tokens: tuple[int, ...]
    steps: tuple[int, ...]
    ends: tuple[int, ...]
    log_probability: float
    score: float
    confidences: tuple[float, ...]

    @classmethod
    def of(cls, emissions: Iterable[Emission], log_probability: float, score: float) -> Hypothesis:
        """The hypothesis of an alignment."""
        found = list(emissions)
        return cls(
            tuple(each.token for each in found),
            tuple(each.step for each in found),
            tuple(each.end for each in found),
            log_probability,
            score,
            tuple(each.confidence for each in found),
        )


class Path(NamedTuple):
    """The last emission of an alignment and all before it, which other alignments share."""

    before: Path | None
    emission: Emission


def emissions(path: Path | None) -> list[Emission]:
    """All emissions of a path, the first first."""
    found = []
    while path is not None:
        found.append(path.emission)
        path = path.before
    return found[::-1]


StateT = TypeVar("StateT")


class Search(ABC, Generic[StateT]):
    """A way to find the labelling of an utterance whose steps come in chunks.

    Its place is a value, which `advance` never changes: in whatever chunks the steps come, the
    hypotheses are the same to the bit, and equal to those of `decode`.
    """

    @abstractmethod
    def start(self) -> StateT:
        """The state before the first step."""

    @abstractmethod
    def advance(self, state: StateT, log_probs: Tensor | Array) -> StateT:
        """Read the steps `log_probs` (s, K), in nats; s may be 0.

        Raises:
            RunFailed: they are not numbers.
        """

    @abstractmethod
    def n_best(self, state: StateT, n: int, *, ended: bool = True) -> list[Hypothesis]:
        """Up to `n` hypotheses, the best first.

        `ended` says that no steps follow, so that the end of the text counts in the scores. The
        result is then that of `decode`; without, it is what is said so far.
        """

    def best(self, state: StateT, *, ended: bool = True) -> Hypothesis:
        """The hypothesis with the highest score; see `n_best`."""
        return self.n_best(state, 1, ended=ended)[0]

    @abstractmethod
    def take(self, state: StateT, most: int = 1000) -> tuple[list[Emission], StateT]:
        """The tokens that no later step can change, and the state without them.

        What is taken is no part of later hypotheses, whose scores still count it. With it the state
        of a stream stays small however long it goes on. Where more than `most` tokens would remain
        beside the last one, hypotheses that begin otherwise than the best are given up.
        """

    @abstractmethod
    def pack(self, state: StateT) -> Packed:
        """The state for a snapshot."""

    @abstractmethod
    def unpack(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> StateT:
        """The state that `pack` gave.

        Raises:
            KeyError, TypeError, ValueError: content that does not fit.
        """

    def decode(
        self, log_probs: Tensor | Array, lengths: Sequence[int] | Tensor, n: int = 1
    ) -> list[list[Hypothesis]]:
        """Up to `n` hypotheses of each of the B rows of `log_probs` (S, B, K), the best first.

        Row b has `lengths[b]` steps. Rows do not know of each other.
        """
        steps = as_steps(log_probs, 3)
        return [
            self.n_best(self.advance(self.start(), steps[:length, row]), n)
            for row, length in enumerate(as_lengths(lengths, steps))
        ]


@dataclass(frozen=True, repr=False, eq=False)
class GreedyState:
    """Where a greedy search stands.

    Attributes:
        step: how many steps were read.
        log_probability: of the alignment.
        path: the tokens whose runs of steps are over.
        open: the token of the last step, if it was not the blank.
    """

    step: int = 0
    log_probability: float = 0.0
    path: Path | None = None
    open: Emission | None = None


@final
class GreedySearch(Search[GreedyState]):
    """The labelling of the most probable alignment: at each step the most probable output.

    It is fast, and close to the best where the network is sure of each step. Hypotheses are one.
    """

    def start(self) -> GreedyState:
        return GreedyState()

    def advance(self, state: GreedyState, log_probs: Tensor | Array) -> GreedyState:
        steps = as_steps(log_probs, 2)
        blank = steps.shape[1] - 1
        total, path, open_ = state.log_probability, state.path, state.open
        outputs, nats = steps.argmax(1).tolist(), steps.max(1, initial=-math.inf).tolist()
        for step, (output, value) in enumerate(zip(outputs, nats, strict=True), state.step):
            total += value
            if open_ is not None and open_.token == output:
                confidence = max(open_.confidence, math.exp(value))
                open_ = Emission(output, open_.step, step + 1, confidence)
                continue
            if open_ is not None:
                path = Path(path, open_)
            open_ = None
            if output != blank:
                open_ = Emission(output, step, step + 1, math.exp(value))
        return GreedyState(state.step + len(steps), total, path, open_)

    def n_best(self, state: GreedyState, n: int, *, ended: bool = True) -> list[Hypothesis]:
        said = emissions(state.path) + ([] if state.open is None else [state.open])
        return [Hypothesis.of(said, state.log_probability, state.log_probability)]

    def take(self, state: GreedyState, most: int = 1000) -> tuple[list[Emission], GreedyState]:
        rest = GreedyState(state.step, state.log_probability, None, state.open)
        return emissions(state.path), rest

    def pack(self, state: GreedyState) -> Packed:
        path = state.path if state.open is None else Path(state.path, state.open)
        values = {
            "step": state.step,
            "log_probability": state.log_probability,
            "open": state.open is not None,
        }
        return pack_paths([path]), values

    def unpack(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> GreedyState:
        (path,) = unpack_paths(tensors)
        open_ = None
        if values["open"]:
            if path is None:
                raise ValueError("an open token without a path")
            path, open_ = path
        return GreedyState(int(values["step"]), float(values["log_probability"]), path, open_)


def decode(
    log_probs: Tensor | Array,
    lengths: Sequence[int] | Tensor,
    search: Search[Any] | None = None,
    n: int = 1,
) -> list[list[Hypothesis]]:
    """Up to `n` hypotheses of each row of `log_probs` (S, B, K), the best first.

    Args:
        log_probs: nats of each output at each step; the blank is the last output.
        lengths: the steps of each row, from 0 to S.
        search: how they are found; by default greedily.
        n: how many of each row; greedy search has one.

    Raises:
        InputError: shapes or lengths that do not fit.
        RunFailed: log-probabilities that are not numbers.
    """
    return (search or GreedySearch()).decode(log_probs, lengths, n)


def decode_rows(
    search: Search[Any], rows: Sequence[Tensor | Array], n: int = 1
) -> list[list[Hypothesis]]:
    """Up to `n` hypotheses of each of some rows (S, K), searched side by side."""
    if not rows:
        return []
    sizes = [len(row) for row in rows]
    padded = np.zeros((max(sizes), len(rows), rows[0].shape[-1]))
    for place, row in enumerate(rows):
        padded[: sizes[place], place] = as_steps(row, 2)
    return search.decode(padded, sizes, n)


def as_steps(log_probs: Tensor | Array, axes: int) -> Array:
    """Log-probabilities as an array of float64, once they are seen to be such."""
    if isinstance(log_probs, Tensor):
        log_probs = log_probs.detach().cpu().numpy()
    steps = np.asarray(log_probs, np.float64)
    if steps.ndim != axes or not steps.shape[-1]:
        expected = "(steps, rows, outputs)" if axes == 3 else "(steps, outputs)"
        raise InputError(f"log_probs must have the shape {expected}, got {steps.shape}")
    if axes == 2:  # else the padding of short rows may hold anything
        check_numbers(steps)
    return steps


def check_numbers(steps: Array) -> None:
    """Raise RunFailed where a log-probability is not a number."""
    if np.isnan(steps).any():
        raise RunFailed("the network's log-probabilities are not numbers: its weights have NaN")


def as_lengths(lengths: Sequence[int] | Tensor, steps: Array) -> list[int]:
    """The lengths of the rows of `steps` (S, B, K), checked."""
    found = [int(length) for length in lengths]
    if len(found) != steps.shape[1] or not all(0 <= length <= len(steps) for length in found):
        raise InputError(
            f"lengths must be {steps.shape[1]} numbers from 0 to {len(steps)}, got {shown(found)}"
        )
    return found


def pack_paths(paths: Sequence[Path | None]) -> dict[str, Tensor]:
    """Paths as tensors; what they share is kept once.

    `path.before` holds the place of each emission's predecessor, -1 for none, and comes before it;
    `path.last` that of the last emission of each path.
    """
    places: dict[int, int] = {}
    found: list[tuple[int, Emission]] = []
    for path in paths:
        chain, node = [], path
        while node is not None and id(node) not in places:
            chain.append(node)
            node = node.before
        for node in reversed(chain):
            before = -1 if node.before is None else places[id(node.before)]
            places[id(node)] = len(found)
            found.append((before, node.emission))
    rows = [(before, each.token, each.step, each.end) for before, each in found]
    table = torch.tensor(rows, dtype=torch.int64).reshape(-1, 4)
    last = [-1 if path is None else places[id(path)] for path in paths]
    return {
        "path.before": table[:, 0].clone(),
        "path.emissions": table[:, 1:].clone(),
        "path.confidences": torch.tensor([e.confidence for _, e in found], dtype=torch.float64),
        "path.last": torch.tensor(last, dtype=torch.int64),
    }


def unpack_paths(tensors: Mapping[str, Tensor]) -> list[Path | None]:
    """The paths that `pack_paths` gave.

    Raises:
        KeyError, TypeError, ValueError: content that does not fit.
    """
    nodes: list[Path] = []

    def node(place: int) -> Path | None:
        if not -1 <= place < len(nodes):
            raise ValueError(f"a path with a token at {place} of {len(nodes)}")
        return None if place < 0 else nodes[place]

    table = zip(
        tensors["path.before"].tolist(),
        tensors["path.emissions"].tolist(),
        tensors["path.confidences"].tolist(),
        strict=True,
    )
    for before, (token, step, end), confidence in table:
        emission = Emission(int(token), int(step), int(end), float(confidence))
        if emission.token < 0 or not 0 <= emission.step < emission.end:
            raise ValueError(f"no token of an alignment: {emission}")
        if not 0 <= emission.confidence <= _SURE:
            raise ValueError(f"a confidence of {emission.confidence}")
        nodes.append(Path(node(int(before)), emission))
    return [node(int(place)) for place in tensors["path.last"].tolist()]
