"""Live speech: audio in as it comes, text out as it is heard, in constant memory.

Legend: S network steps, K outputs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, final

from pydantic import Field
from torch import Tensor

from elman.bounds import read_settings
from elman.data.labeled.rows import Floats
from elman.data.tokenizer import Tokenizer
from elman.decoding.ctc import Emission, Hypothesis, Search
from elman.errors import InputError
from elman.models.acoustic import AcousticModel
from elman.predictors.acoustic_stream import AcousticStream
from elman.predictors.audio_input import HINT, Audio, AudioInput, AudioStreaming
from elman.predictors.front_end import FrontEnd
from elman.predictors.fusion import Fusion
from elman.predictors.predictor import Predictor, load
from elman.predictors.search_options import BestTextsOptions, SearchOptions
from elman.predictors.spoken_words import Word, words_of
from elman.streaming.end_points import EndPoints, Rule
from elman.streaming.session import Identified, Session, Snapshot

_RULES = EndPoints()

_LONGEST = 1e6
"""Seconds; of a rule that is to be never, 0 is the word."""


class RecognizerStreaming(BestTextsOptions, AudioStreaming):
    """Options of a session."""

    silence_before: float = Field(
        _RULES.silence_before,
        ge=0,
        le=_LONGEST,
        description="seconds without a word after which an empty utterance ends; 0: never",
    )
    silence_after: float = Field(
        _RULES.silence_after,
        ge=0,
        le=_LONGEST,
        description="seconds of silence after a word that end an utterance; 0: never",
    )
    longest_utterance: float = Field(
        _RULES.longest_utterance,
        ge=0,
        le=_LONGEST,
        description="seconds after which an utterance ends between two words; 0: never, and the"
        " memory grows with what is said without a pause",
    )
    partial: bool = Field(True, description="say what is heard before the utterance is at its end")

    @property
    def end_points(self) -> EndPoints:
        """The three rules."""
        return EndPoints(self.silence_before, self.silence_after, self.longest_utterance)


@dataclass(frozen=True)
class NamedSearch:
    """A search, and a hash of all that decides what it finds, by which a snapshot is known."""

    search: Search[Any]
    name: str

    @classmethod
    def of(
        cls,
        options: SearchOptions,
        tokenizer: Tokenizer,
        spelled: Callable[[str], str],
        tuned: Fusion | None = None,
    ) -> NamedSearch:
        """The search that the options ask for.

        Raises:
            InputError: a language model or hot words that can't be read or do not fit.
        """
        opened: list[str] = []

        def open_model(path: Path) -> Predictor:
            model = load(path)
            opened.append(model.fingerprint)
            return model

        search = options.search(tokenizer, tuned, spelled=spelled, open_model=open_model)
        path = options.hot_words_file
        kept = {
            **options.model_dump(mode="json", include=set(SearchOptions.model_fields)),
            "language_model": opened,
            "tuned": None if tuned is None else asdict(tuned),
            "hot_words_file": None if path is None else read_settings(path).hex(),
        }
        return cls(search, hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest())


@dataclass(frozen=True)
class LiveText:
    """What was heard of an utterance.

    Attributes:
        event: "partial" while it goes on, each time the text has changed; "final" at its end.
        begin: the second of the stream at which its first word begins.
        end: the second at which its last word ends. Of an utterance without words, both are its
            own.
        text: what was said.
        confidence: from 0 to 1, the lowest of its words; 0 where nothing was said.
        words: with the seconds at which they begin and end.
    """

    event: Literal["partial", "final"]
    begin: float
    end: float
    text: str
    confidence: float
    words: tuple[Word, ...]


@dataclass(frozen=True)
class LiveBest(LiveText):
    """The same where more than one text is asked for: of a final answer, the best texts."""

    n_best: tuple[str, ...]


@final
class RecognizerSession(Session[Audio, LiveText]):
    """A recognizer of one direction on a live recording.

    A chunk is what `AudioInput` takes. An utterance ends by the rules of `EndPoints` and at the
    end of the stream, and then gets its final answer, if words were heard or nothing was for
    `silence_before`.

    An end point changes nothing of what is recognized: the state of the network goes on through it,
    so the words of a greedy search are those of the whole recording wherever it is cut. (A network
    that began anew there would need the beginning of a word that the rule had cut off, and would
    hear each utterance as if after a silence.) Only the search is concluded. After silence it
    begins anew, as a language model expects of a new sentence. An utterance that is too long ends
    between two words; the search goes on from its best hypothesis.
    """

    kind: ClassVar[str] = "recognizer"
    reads: ClassVar[Literal["lines", "bytes"]] = "bytes"
    hint = HINT

    def __init__(
        self,
        identified: Identified,
        model: AcousticModel,
        front_end: FrontEnd,
        tokenizer: Tokenizer,
        search: NamedSearch,
        options: RecognizerStreaming,
    ) -> None:
        super().__init__(identified)
        bank = front_end.bank
        assert bank is not None
        self._parts = model, front_end, tokenizer, search, options
        self._tokenizer, self._search, self._options = tokenizer, search.search, options
        self._searched = search.name
        self._step = model.window.stride * bank.shift / bank.rate
        self._rules = options.end_points.in_steps(self._step)
        self._input = AudioInput(bank.rate, options.rate)
        self._acoustics = AcousticStream(model, front_end)
        self._begin()

    def reset(self) -> None:
        self._input.reset()
        self._acoustics.reset()
        self._begin()

    def _begin(self) -> None:
        self._now = 0  # steps of the stream
        self._since = 0  # the step at which the utterance began
        self._base = 0  # the step at which the search began
        self._place = self._search.start()
        self._said: list[Emission] = []  # of the utterance, and no longer in the search
        self._shown: tuple[int, ...] = ()  # the tokens in the search at the last look
        self._text = ""

    def _read(self, chunk: Audio) -> Iterator[LiveText]:
        concluded = self._input.faulty
        try:
            yield from self._recognize(self._input.read(chunk))
        except InputError:
            if self._input.faulty and not concluded:  # nothing more can come
                yield from self._conclude()
            raise

    def _end(self) -> Iterator[LiveText]:
        self._input.check()  # a fault of before, at which the stream was concluded
        yield from self._conclude()
        self.reset()

    def _recognize(self, pieces: Iterator[Floats]) -> Iterator[LiveText]:
        for samples in pieces:
            for log_probs in self._acoustics.push(samples):
                yield from self._steps(log_probs)

    def _conclude(self) -> Iterator[LiveText]:
        """The last words, which may need the silence after the end to come out.

        Raises:
            InputError: an end in the middle of something, after the words before it.
        """
        fault = None
        try:
            yield from self._recognize(self._input.end())
        except InputError as error:
            fault = error
        for log_probs in self._acoustics.flush():
            yield from self._steps(log_probs)
        yield from self._final("silence after")
        if fault is not None:
            raise fault

    def _steps(self, log_probs: Floats) -> Iterator[LiveText]:
        """What is heard in steps (S, K), each looked at by itself, so that chunks don't show."""
        for step in range(len(log_probs)):
            self._place = self._search.advance(self._place, log_probs[step : step + 1])
            self._now += 1
            found = self._search.best(self._place, ended=False)
            if found.tokens != self._shown:
                yield from self._partial(self._whole(found))
                taken, self._place = self._search.take(self._place)
                self._said += self._absolute(taken)
                self._shown = found.tokens[len(taken) :]
            end = found.ends[-1] + self._base if found.ends else None
            if end is None and self._said:
                end = self._said[-1].end
            silent = None if end is None else self._now - end
            rule = self._rules.ended(self._now - self._since, silent)
            if rule == "longest utterance":
                yield from self._cut()
            elif rule is not None:
                yield from self._final(rule)

    def _whole(self, found: Hypothesis) -> Hypothesis:
        """A hypothesis with what is no longer in the search, in steps of the stream."""
        if not (self._said or self._base):
            return found
        ahead = self._said
        return Hypothesis(
            (*(one.token for one in ahead), *found.tokens),
            (*(one.step for one in ahead), *(step + self._base for step in found.steps)),
            (*(one.end for one in ahead), *(end + self._base for end in found.ends)),
            found.log_probability,
            found.score,
            (*(one.confidence for one in ahead), *found.confidences),
        )

    def _absolute(self, taken: list[Emission]) -> list[Emission]:
        base = self._base
        return [one._replace(step=one.step + base, end=one.end + base) for one in taken]

    def _partial(self, found: Hypothesis) -> Iterator[LiveText]:
        if self._options.partial:
            words = self._words(found)
            text = _joined(words)
            if text != self._text:
                self._text = text
                yield self._heard("partial", words)

    def _final(self, rule: Rule) -> Iterator[LiveText]:
        """End the utterance, and begin the next one with a new search."""
        found = self._search.n_best(self._place, self._options.n_best)
        best, *others = [self._words(self._whole(each)) for each in found]
        if best or rule == "silence before":
            texts = map(_joined, (best, *others) if self._options.n_best > 1 else ())
            yield self._heard("final", best, tuple(texts))
        self._since = self._base = self._now
        self._place = self._search.start()
        self._said, self._shown, self._text = [], (), ""

    def _cut(self) -> Iterator[LiveText]:
        """End an utterance before its last word, which goes over into the next one."""
        taken, self._place = self._search.take(self._place, most=0)
        said = [*self._said, *self._absolute(taken)]
        end = self._last_word(said)
        if words := self._words(Hypothesis.of(said[:end], 0.0, 0.0)):
            yield self._heard("final", words)
        self._said = said[end:]
        self._since = self._said[0].step if self._said else self._now
        rest = self._search.best(self._place, ended=False)
        self._shown, self._text = rest.tokens, ""
        yield from self._partial(self._whole(rest))

    def _last_word(self, said: list[Emission]) -> int:
        """Where the last word begins; the end of all where there is only one."""
        for place in range(len(said) - 1, 0, -1):
            token, before = said[place].token, said[place - 1].token
            if self._tokenizer.spell(token, before)[:1].isspace():
                return place
        return len(said)

    def _another(self) -> Self:
        return type(self)(self._identified, *self._parts)

    def _snapshot(self) -> Snapshot:
        layers, tensors = self._acoustics.state
        heard, values = self._input.state
        place, found = self._search.pack(self._place)
        said = {
            "steps": [[one.token, one.step, one.end] for one in self._said],
            "confidences": [one.confidence for one in self._said],
            "shown": list(self._shown),
            "text": self._text,
        }
        return Snapshot(
            self.kind,
            self._identified.fingerprint,
            {"layers": layers},
            {**_named("acoustics", tensors), **_named("input", heard), **_named("search", place)},
            {
                "input": values,
                "searched": self._searched,
                "search": found,
                "said": said,
                "now": self._now,
                "since": self._since,
                "base": self._base,
            },
        )

    def _restore(self, snapshot: Snapshot) -> None:
        tensors, values = snapshot.tensors, snapshot.values
        if values["searched"] != self._searched:
            raise InputError(
                "the snapshot is of a session with another search; give the beam, the language"
                " model and the hot words that it was begun with"
            )
        said, tokens = values["said"], self._tokenizer.vocab_size
        now, since, base = (int(values[name]) for name in ("now", "since", "base"))
        emissions = [
            Emission(int(token), int(step), int(end), float(confidence))
            for (token, step, end), confidence in zip(
                said["steps"], said["confidences"], strict=True
            )
        ]
        shown, text = tuple(map(int, said["shown"])), str(said["text"])
        if not 0 <= base <= now or not 0 <= since <= now:
            raise ValueError("an utterance that begins after its end")
        layers = snapshot.states["layers"]
        if not all(tensor.isfinite().all() for tensor in layers.values()):
            raise ValueError("a state of the network that is not finite")
        place = self._search.unpack(_within("search", tensors), values["search"])
        kept = [*shown, *(one.token for one in emissions)]
        for found in self._search.n_best(place, 1000, ended=False):
            kept += found.tokens
        if not all(0 <= token < tokens for token in kept):
            raise ValueError("tokens that the model does not have")
        self._input.state = _within("input", tensors), values["input"]
        self._acoustics.state = layers, _within("acoustics", tensors)
        self._now, self._since, self._base, self._place = now, since, base, place
        self._said, self._shown, self._text = emissions, shown, text

    def _words(self, found: Hypothesis) -> tuple[Word, ...]:
        return words_of(self._tokenizer, found, self._step)

    def _heard(
        self,
        event: Literal["partial", "final"],
        words: tuple[Word, ...],
        n_best: tuple[str, ...] = (),
    ) -> LiveText:
        begin, end = self._since * self._step, self._now * self._step
        if words:
            begin, end = words[0].begin, words[-1].end
        confidence = min((word.confidence for word in words), default=0.0)
        text = _joined(words)
        found = LiveText(event, round(begin, 3), round(end, 3), text, confidence, words)
        return found if self._options.n_best == 1 else LiveBest(**vars(found), n_best=n_best)


def _joined(words: tuple[Word, ...]) -> str:
    return " ".join(word.text for word in words)


def _named(part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{part}/{name}": tensor for name, tensor in tensors.items()}


def _within(part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = f"{part}/"
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
