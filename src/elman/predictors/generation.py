"""A language model writes: text in, text out as it is drawn.

Legend: T time, B batch (samples).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from elman.data.tokenizer import IncrementalDecoder, Tokenizer
from elman.data.units.base import Ids
from elman.decoding.sampling import generate
from elman.errors import InputError
from elman.layers.state import State
from elman.models.language_model import LanguageModel
from elman.streaming.stream import Stream
from elman.streaming.text import text_state

RANDOM = "draw.generator"


@dataclass(frozen=True)
class Request:
    """What to write and how to draw it; see `elman.decoding.sampling.sample`.

    Attributes:
        prompt: what stands before the text; characters the model does not know are replaced.
        length: tokens to draw.
        temperature: 0 is greedy, 1 the model's own distribution.
        top_k: draw from so many of the most probable tokens; None for all.
        top_p: draw from the fewest tokens that together have this probability.
        seed: makes the text reproducible; None draws another each time, or with `state` goes
            on with the random numbers of the text that it was saved from.
        samples: how many texts to write side by side; None for the state's number, or 1.
        state: where to go on, as `Generation.state` gave it.
    """

    prompt: str = ""
    length: int = 500
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int | None = None
    samples: int | None = None
    state: State | None = None


@final
class Generation:
    """An iterator over what each token adds to each sample; the state is carried, never rerun.

    Iterating gives lists of B strings, a token's text for each sample (empty while the bytes of
    a character are incomplete). `read` draws to the end.

    Raises:
        InputError: an option out of range, or a state of another model or number of samples.
    """

    def __init__(self, model: LanguageModel, tokenizer: Tokenizer, request: Request) -> None:
        self.unknown = tokenizer.unknown(request.prompt)
        """The prompt's characters or words that the model does not know."""
        saved = request.state
        rows = request.samples
        if rows is None:
            rows = 1 if saved is None else saved.batch_size
        if rows < 1:
            raise InputError(f"samples must be at least 1, got {rows}")
        prompt = tokenizer.encode(request.prompt)
        if request.seed is not None and not 0 <= request.seed < 1 << 63:
            raise InputError(f"seed must be from 0 to 2**63 - 1, got {request.seed}")
        if request.length < 1:
            raise InputError(f"length must be at least 1 token, got {request.length}")
        device = next(model.parameters()).device
        self._generator = torch.Generator(device)
        if saved is None:
            self._stream = Stream(model, rows)
            self._last = torch.full((rows,), tokenizer.start_id, device=device)
        else:
            _check(saved)
            self._stream = Stream(model, rows, saved.part("model"))
            self._last = saved["text.last"].to(device)
        if request.seed is not None:
            self._generator.manual_seed(request.seed)
        elif saved is None:
            self._generator.seed()
        else:
            _restore(self._generator, saved[RANDOM])
        self._decoders = [
            IncrementalDecoder(tokenizer, None if saved is None else int(last))
            for last in self._last
        ]
        for decoder in self._decoders:
            decoder.push(prompt)
        self.prompt = tokenizer.decode(prompt)
        """The prompt as the model reads it."""
        self._ids = generate(
            self._stream,
            _prompt_rows(self._last, prompt),
            request.length,
            temperature=request.temperature,
            top_k=request.top_k,
            top_p=request.top_p,
            generator=self._generator,
        )

    def __iter__(self) -> Iterator[list[str]]:
        """What each token adds to each of the samples."""
        for ids in self._ids:
            self._last = ids
            yield [d.push([int(i)]) for d, i in zip(self._decoders, ids, strict=True)]
        rest = [decoder.flush() for decoder in self._decoders]
        if any(rest):
            yield rest

    def read(self) -> list[str]:
        """Draw what is left and return it, a text for each sample."""
        pieces = list(self)
        return ["".join(sample) for sample in zip(*pieces, strict=True)]

    @property
    def state(self) -> State:
        """All it takes to go on: the model's state, the last token and the random numbers."""
        text = text_state(self._stream.state, self._last)
        random = self._generator.get_state().expand(len(self._last), -1).clone()
        return State.with_axes({**text, RANDOM: random}, {**text.axes, RANDOM: 0})


def _prompt_rows(last: Tensor, prompt: Ids) -> Tensor:
    """(T, B): the token before the prompt, which the model has not read yet, and the prompt."""
    ids = torch.from_numpy(prompt).to(last.device)
    return torch.cat([last[None], ids[:, None].expand(-1, len(last))])


def _check(saved: State) -> None:
    if not {"text.last", RANDOM} <= set(saved) or not any(n.startswith("model.") for n in saved):
        raise InputError(
            f"--state: holds {', '.join(saved)}, not what generation leaves; "
            "give a file that --save-state wrote"
        )


def _restore(generator: torch.Generator, rows: Tensor) -> None:
    try:
        generator.set_state(rows[0])
    except (RuntimeError, TypeError) as error:
        raise InputError(
            "--state: its random numbers are not those of this device; give --seed to begin anew"
        ) from error
