"""A language model as a second opinion on what a recognizer hears (shallow fusion).

A model over the recognizer's own tokens scores each token as it comes. A model over words scores a
word where it ends: at the white space after it, or at the end of the text. Both begin after a
newline and score the newline that ends the text, since such models are trained on lines.

    log p(text) = Σ log p(unit | the units before it) + log p(newline | all units)

A word that the model does not know costs its unknown word and the nats to spell it
(`elman.data.units.spelling`). Where the model knows a letter or a word only in lower case, or only
in upper case, it is read so.

Legend: V tokens of the recognizer, U units of the language model, n texts.

Source: Gulcehre et al. 2015, arXiv:1503.03535.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from elman.data.tokenizer import Tokenizer
from elman.decoding.ctc import Packed
from elman.decoding.scorer import Scorer, Scores
from elman.errors import InputError
from elman.predictors.language_model import LanguageModelPredictor
from elman.predictors.predictor import Predictor
from elman.streaming.stream import evaluating

Array: TypeAlias = npt.NDArray[Any]

_MOST_WORDS = 1 << 16
"""Words whose ids are kept."""


def language_scorer(predictor: Predictor, tokenizer: Tokenizer) -> Scorer:
    """The scorer that a language model is, for a recognizer with the tokens of `tokenizer`.

    Raises:
        InputError: no language model, or one of other units.
    """
    if not isinstance(predictor, LanguageModelPredictor):
        raise InputError(
            f"{predictor.name}: a {predictor.kind}, expected a language model; train one with"
            " `elman train language-model`"
        )
    units, tokens = predictor.tokenizer.unit, tokenizer.unit
    if units == "word":
        return WordScorer(predictor, tokenizer)
    same = units == tokens == "char" or predictor.tokenizer.to_bytes() == tokenizer.to_bytes()
    if not same:
        others = " of another vocabulary" if units == tokens else ""
        raise InputError(
            f"{predictor.name}: a language model over {units} tokens{others}, and the recognizer"
            f" hears {tokens} tokens; give one over words: `elman train language-model --unit word`"
        )
    return TokenScorer(predictor, tokenizer)


@dataclass(frozen=True, repr=False, eq=False)
class _Context:
    """A language model after some units.

    Attributes:
        layers: a row of each tensor of its state.
        log_probs: (U,) nats of each next unit.
    """

    layers: tuple[Tensor, ...]
    log_probs: Array


@final
class _Reader:
    """Reads units with a language model, several texts side by side."""

    def __init__(self, predictor: LanguageModelPredictor, start_id: int) -> None:
        self._predictor, self.end = predictor, start_id
        self._template = predictor.model.initial_state(1)
        self.start = self._read(self._template, [start_id])[0]

    def read(self, contexts: Sequence[_Context], units: Sequence[int]) -> list[_Context]:
        """The contexts after one more unit each."""
        if not contexts:
            return []
        axes = self._template.axes
        columns = zip(*(context.layers for context in contexts), strict=True)
        stacked = [
            torch.stack(rows, axis) for rows, axis in zip(columns, axes.values(), strict=True)
        ]
        return self._read(self._template.with_tensors(stacked), units)

    def _read(self, state: Any, units: Sequence[int]) -> list[_Context]:
        model = self._predictor.model
        device = next(model.parameters()).device
        with evaluating(model), torch.inference_mode():
            log_probs, state = model.step(torch.tensor(units, device=device), state)
            rows = zip(
                *(state[name].unbind(axis) for name, axis in state.axes.items()), strict=True
            )
            nats = log_probs.cpu().numpy()
            return [_Context(layers, row) for layers, row in zip(rows, nats, strict=True)]

    def pack(self, contexts: Sequence[_Context]) -> Packed:
        """Contexts as tensors, and the fingerprint of the language model."""
        kept = {
            f"layers.{name}": torch.stack([each.layers[place] for each in contexts]).cpu()
            for place, name in enumerate(self._template)
        }
        nats = torch.from_numpy(np.stack([each.log_probs for each in contexts]))
        return {**kept, "log_probs": nats}, {"model": self._predictor.fingerprint}

    def unpack(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> list[_Context]:
        """The contexts that `pack` gave; KeyError or ValueError where they don't fit."""
        if values["model"] != self._predictor.fingerprint:
            raise ValueError("another language model; give the one that it was saved with")
        nats = tensors["log_probs"]
        columns = []
        for like, (name, template) in zip(self.start.layers, self._template.items(), strict=True):
            found = tensors[f"layers.{name}"].to(template)
            if found.shape != (len(nats), *like.shape):
                raise ValueError(f"{name} of another language model")
            columns.append(found.unbind(0))
        if nats.shape != (len(nats), *self.start.log_probs.shape):
            raise ValueError("the vocabulary of another language model")
        rows = zip(*columns, strict=True)
        return [_Context(layers, row) for layers, row in zip(rows, nats.numpy(), strict=True)]


@final
class TokenScorer:
    """A language model over the recognizer's own tokens; see `elman.decoding.scorer.Scorer`.

    Args:
        predictor: over characters, or the BPE pieces of `tokenizer`.
        tokenizer: of the recognizer.

    Raises:
        InputError: a language model that knows no letter of the recognizer.
    """

    def __init__(self, predictor: LanguageModelPredictor, tokenizer: Tokenizer) -> None:
        theirs = predictor.tokenizer
        self._reader = _Reader(predictor, theirs.start_id)
        self._units = np.arange(tokenizer.vocab_size)
        """(V,) the unit of the language model that each token is."""
        if tokenizer.unit == "char":
            spelled = [tokenizer.spell(i, None).decode() for i in range(tokenizer.vocab_size)]
            self._units = np.array([_letter(theirs, text) for text in spelled])
            letters = tokenizer.informative
            if letters.any() and not self._units[letters].any():
                raise InputError(
                    f"{predictor.name}: knows no letter of the recognizer; train it on texts that"
                    " are written as the transcripts"
                )
        self._width = tokenizer.vocab_size

    def start(self) -> tuple[Scores, Any]:
        first = self._reader.start
        return Scores(self._scores([first])[0], np.ones(self._width)), first

    def extend(self, states: Sequence[Any], tokens: Sequence[int]) -> tuple[Scores, list[Any]]:
        after = self._reader.read(states, self._units[list(tokens)].tolist())
        return Scores(self._scores(after), np.ones((len(after), self._width))), list(after)

    def finish(self, states: Sequence[Any]) -> Scores:
        ends = [state.log_probs[self._reader.end] for state in states]
        return Scores(np.array(ends, np.float64), np.zeros(len(ends)))

    def pack(self, states: Sequence[Any]) -> Packed:
        return self._reader.pack(states)

    def unpack(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> list[Any]:
        return list(self._reader.unpack(tensors, values))

    def _scores(self, contexts: Sequence[_Context]) -> Array:
        scores: Array = np.stack([each.log_probs for each in contexts])[:, self._units]
        return scores.astype(np.float64)


@dataclass(frozen=True, repr=False, eq=False)
class _Pending:
    """A text whose last word is not over.

    Attributes:
        context: after the words before it.
        letters: of it.
        nats: log p of it as a word, 0 without letters.
    """

    context: _Context
    letters: bytes
    nats: float


@final
class WordScorer:
    """A language model over words; see `elman.decoding.scorer.Scorer`.

    Args:
        predictor: over words.
        tokenizer: of the recognizer; a token has white space at its beginning only, as those of
            every `Tokenizer` over characters or BPE.
    """

    def __init__(self, predictor: LanguageModelPredictor, tokenizer: Tokenizer) -> None:
        self._words = predictor.tokenizer
        self._reader = _Reader(predictor, self._words.start_id)
        self._spelling = [tokenizer.spell(i, None) for i in range(tokenizer.vocab_size)]
        self._spaces = np.array([spelled[:1].isspace() for spelled in self._spelling])
        self._known: dict[bytes, tuple[list[int], float]] = {}

    def start(self) -> tuple[Scores, Any]:
        first = _Pending(self._reader.start, b"", 0.0)
        scores = self._scores([first])
        return Scores(scores.log_probs[0], scores.units[0]), first

    def extend(self, states: Sequence[Any], tokens: Sequence[int]) -> tuple[Scores, list[Any]]:
        over = [
            state
            for state, token in zip(states, tokens, strict=True)
            if self._spaces[token] and state.letters
        ]
        after = iter(self._close(over))
        found = []
        for state, token in zip(states, tokens, strict=True):
            letters, context = state.letters + self._spelling[token], state.context
            if self._spaces[token]:
                letters = self._spelling[token].strip()
                context = next(after) if state.letters else context
            found.append(_Pending(context, letters, self._nats(context, letters)))
        return self._scores(found), found

    def finish(self, states: Sequence[Any]) -> Scores:
        after = iter(self._close([state for state in states if state.letters]))
        ends = [
            state.nats
            + (next(after) if state.letters else state.context).log_probs[self._reader.end]
            for state in states
        ]
        units = np.array([bool(state.letters) for state in states], np.float64)
        return Scores(np.array(ends, np.float64), units)

    def pack(self, states: Sequence[Any]) -> Packed:
        contexts = {id(state.context): state.context for state in states}
        places = {key: place for place, key in enumerate(contexts)}
        tensors, values = self._reader.pack(list(contexts.values()))
        return tensors, {
            **values,
            "context": [places[id(state.context)] for state in states],
            "letters": [state.letters.hex() for state in states],
            "nats": [state.nats for state in states],
        }

    def unpack(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> list[Any]:
        contexts = self._reader.unpack(tensors, values)
        rows = zip(values["context"], values["letters"], values["nats"], strict=True)
        return [
            _Pending(contexts[place], bytes.fromhex(letters), float(nats))
            for place, letters, nats in rows
        ]

    def _scores(self, states: Sequence[_Pending]) -> Scores:
        """What ends the word is scored, all other tokens add nothing yet."""
        nats = np.array([[state.nats] for state in states])
        words = np.array([[bool(state.letters)] for state in states])
        return Scores(nats * self._spaces, (words & self._spaces).astype(np.float64))

    def _ids(self, letters: bytes) -> tuple[list[int], float]:
        """The units of a word, and the nats to spell what the model does not know of it."""
        if letters not in self._known:
            if len(self._known) >= _MOST_WORDS:
                self._known.clear()
            word = letters.decode("utf-8", errors="replace")
            spellings = (word, word.lower(), word.upper())
            chosen = next((each for each in spellings if not self._words.unknown(each)), word)
            ids, (_, nats) = self._words.encode(chosen).tolist(), self._words.left_out(chosen)
            self._known[letters] = ids, -nats
        return self._known[letters]

    def _nats(self, context: _Context, letters: bytes) -> float:
        """log p of a word."""
        if not letters:
            return 0.0
        ids, total = self._ids(letters)
        for place, unit in enumerate(ids):
            total += float(context.log_probs[unit])
            if place < len(ids) - 1:
                (context,) = self._reader.read([context], [unit])
        return total

    def _close(self, states: Sequence[_Pending]) -> list[_Context]:
        """The contexts after the words that `states` have pending."""
        contexts = [state.context for state in states]
        ids = [self._ids(state.letters)[0] for state in states]
        for place in range(max(map(len, ids), default=0)):
            rows = [row for row, units in enumerate(ids) if place < len(units)]
            read = self._reader.read([contexts[r] for r in rows], [ids[r][place] for r in rows])
            for row, context in zip(rows, read, strict=True):
                contexts[row] = context
        return contexts


def _letter(tokenizer: Tokenizer, text: str) -> int:
    """The id of a character, in another case where only that is known; 0 where none is."""
    for each in (text, text.lower(), text.upper()):
        ids = tokenizer.encode(each)
        if len(ids) == 1 and ids[0]:
            return int(ids[0])
    return 0
