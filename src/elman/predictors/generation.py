"""A language model writes: text in, text out as it is drawn.

Legend: B batch (samples).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, final

import torch

from elman.data.incremental import IncrementalDecoder
from elman.decoding.sampling import generate
from elman.errors import InputError
from elman.predictors.language_model_session import LanguageModelSession
from elman.streaming.session import Snapshot

RANDOM, SPELLING = "random", "spelling"
"""What a generation adds to the snapshot of its session; one without them can be gone on from."""


@final
class Generation:
    """An iterator over what each token adds to each sample; the state is carried, never rerun.

    Iterating gives lists of B strings, a token's text for each sample (empty while the bytes of
    a character are incomplete). `read` draws to the end.

    Args:
        session: a fresh one, with a row for each sample.
        prompt: what stands before the text; for the rest see `LanguageModelPredictor.generate`.
        length: how many tokens to draw.
        seed: of the random numbers.
        state: where to go on.
        shaping: how the distribution is shaped; see `elman.decoding.sampling.sample`.

    Raises:
        InputError: an option out of range, or a state of another model or number of samples.
    """

    def __init__(
        self,
        session: LanguageModelSession,
        prompt: str,
        length: int,
        seed: int | None,
        state: Snapshot | None,
        **shaping: Any,
    ) -> None:
        if seed is not None and not 0 <= seed < 1 << 63:
            raise InputError(f"seed must be from 0 to 2**63 - 1, got {seed}")
        if length < 1:
            raise InputError(f"length must be at least 1 token, got {length}")
        self._session, tokenizer = session, session.tokenizer
        self._generator = torch.Generator(next(session.model.parameters()).device)
        self.unknown = tokenizer.unknown(prompt)
        """The prompt's characters or words that the model does not know."""
        waiting = [b""] * session.rows
        if state is not None:
            # Where the text was at an end, this goes on from it.
            session.state = replace(state, values={**state.values, "ended": False})
            waiting = _waiting(state, session.rows)
        if seed is not None:
            self._generator.manual_seed(seed)
        elif state is None or RANDOM not in state.tensors:
            self._generator.seed()
        else:
            _restore(self._generator, state)
        read = [*(session.push(prompt) if prompt else ()), *session.settle()]
        self.prompt = tokenizer.decode([token.id for token in read])
        """The prompt as the model reads it."""
        self._decoders = [
            IncrementalDecoder(tokenizer, token, b"" if read else held)
            for token, held in zip(session.last.tolist(), waiting, strict=True)
        ]
        last = torch.from_numpy(session.last)
        self._ids = generate(session.stream, last, length, generator=self._generator, **shaping)

    def __iter__(self) -> Iterator[list[str]]:
        for ids in self._ids:
            self._session.last = ids.cpu().numpy()
            drawn = zip(self._decoders, self._session.last.tolist(), strict=True)
            yield [decoder.push([token]) for decoder, token in drawn]

    def flush(self) -> list[str]:
        """What to show at the end of each sample: U+FFFD for a character that is incomplete.

        `state` still holds its bytes, so that a text that is gone on with has the character.
        """
        return [decoder.pending.decode("utf-8", "replace") for decoder in self._decoders]

    def read(self) -> list[str]:
        """Draw what is left and return it, a text for each sample."""
        return ["".join(pieces) for pieces in zip(*self, self.flush(), strict=True)]

    @property
    def state(self) -> Snapshot:
        """All it takes to go on: the session's state, the random numbers, incomplete characters."""
        state = self._session.state
        waiting = [decoder.pending.hex() for decoder in self._decoders]
        return replace(
            state,
            tensors={**state.tensors, RANDOM: self._generator.get_state()},
            values={**state.values, SPELLING: waiting},
        )


def _waiting(state: Snapshot, rows: int) -> list[bytes]:
    """The bytes of the character that each sample was left in."""
    try:
        waiting = [bytes.fromhex(text) for text in state.values.get(SPELLING, [""])]
    except (TypeError, ValueError) as error:
        raise InputError(f"the state holds no bytes of characters ({error})") from error
    if len(waiting) not in (1, rows):
        raise InputError(f"the state holds the characters of {len(waiting)} texts, not of {rows}")
    return waiting * rows if len(waiting) == 1 else waiting


def _restore(generator: torch.Generator, state: Snapshot) -> None:
    try:
        generator.set_state(state.tensors[RANDOM])
    except (RuntimeError, TypeError) as error:
        raise InputError(
            "the state's random numbers are not those of this device; give --seed to begin anew"
        ) from error
