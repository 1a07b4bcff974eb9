"""A trained recognizer as a value: what is said in recordings, with the time of each word.

Legend: N samples, T frames, F bins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
from torch import Tensor

from elman.data.audio.decode import AUDIO_SUFFIXES, Clip, Limits, Samples
from elman.data.audio.rows import Utterances
from elman.data.audio.transcripts import Spelling
from elman.data.given import Audio, Files, Given
from elman.data.labeled.rows import Floats
from elman.data.origin import Origin, origin_of
from elman.data.tokenizer import Tokenizer, tokenizer_from_bytes
from elman.decoding.ctc import GreedySearch, Hypothesis, Search
from elman.diagnostics.activations import Activations
from elman.errors import InputError
from elman.models.acoustic import AcousticModel, EncoderKind, FrameWindow, window_encoder
from elman.models.cells import CellOptions, recurrent_layers
from elman.models.stacked import output_width
from elman.predictors.front_end import FrontEnd
from elman.predictors.predictor import Parts, Predictor
from elman.predictors.recognizer_activations import activations_of_speech
from elman.predictors.recognizer_inputs import frames_of
from elman.predictors.recognizer_outputs import log_probs_of
from elman.predictors.spoken_words import Word, text_of, words_of
from elman.settings import Options, adapter
from elman.streaming.session import Session

TOKENIZER = "tokenizer.json"

_MOST = 4096
"""Frames of a window, or bins of a frame; more are a damaged file."""


@dataclass(frozen=True)
class Architecture:
    """What a recognizer's network is made of; see `elman.models.acoustic.AcousticModel`."""

    cell: str
    options: CellOptions
    window: int
    stride: int
    encoder: EncoderKind
    hidden_size: int
    num_layers: int
    bidirectional: bool
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    output_dropout: float = 0.0
    locked_dropout: bool = True

    def make(self, bins: int, tokens: int) -> AcousticModel:
        """The network with fresh weights, for frames of so many bins and so many tokens."""
        if max(bins, self.window) > _MOST:
            raise InputError(f"{bins} bins and windows of {self.window} frames, at most {_MOST}")
        window = FrameWindow(self.window, self.stride)
        encoder = window_encoder(self.encoder, window, bins)
        layers = recurrent_layers(
            self.cell,
            encoder.output_size,
            [self.hidden_size] * self.num_layers,
            self.options,
            bidirectional=self.bidirectional,
        )
        return AcousticModel(
            window,
            encoder,
            layers,
            output_width(layers, encoder.output_size),
            tokens + 1,
            input_dropout=self.input_dropout,
            hidden_dropout=self.hidden_dropout,
            output_dropout=self.output_dropout,
            locked_dropout=self.locked_dropout,
        )


@dataclass(frozen=True)
class Recognized:
    """What is said in a recording.

    Attributes:
        audio: the recording: its path, or which of the inputs.
        text: what is said.
        confidence: from 0 to 1, the lowest of its words; 0 where nothing is said.
        words: with the seconds at which they begin and end.
    """

    audio: str
    text: str
    confidence: float
    words: tuple[Word, ...]


@final
class RecognizerPredictor(Predictor):
    """An acoustic model with its front end and its tokens.

    Args:
        model: the network.
        tokenizer: its outputs but the last, the blank.
        front_end: what makes its frames.
        architecture: what `model` is made of.
        spelling: how the transcripts of training were written.
        name: what messages call it.

    Raises:
        InputError: parts that do not belong together.
    """

    kind: ClassVar[str] = "recognizer"

    def __init__(
        self,
        model: AcousticModel,
        tokenizer: Tokenizer,
        front_end: FrontEnd,
        architecture: Architecture,
        spelling: Spelling,
        name: str = "the recognizer",
    ) -> None:
        super().__init__(model, name)
        if model.blank != tokenizer.vocab_size:
            raise InputError(
                f"the model knows {model.blank} tokens and the tokenizer {tokenizer.vocab_size};"
                " they do not belong together"
            )
        self.model, self.tokenizer, self.front_end = model, tokenizer, front_end
        self.architecture, self.spelling = architecture, spelling

    @classmethod
    def of(cls, parts: Parts, name: str) -> Self:
        settings = dict(parts.settings)
        front_end = FrontEnd.of(settings.pop("front_end"), parts.files, name)
        spelling = adapter(Spelling).validate_python(settings.pop("spelling"))
        architecture = adapter(Architecture).validate_python(settings)
        tokenizer = tokenizer_from_bytes(parts.files[TOKENIZER], f"{name}: {TOKENIZER}")
        model = architecture.make(front_end.bins, tokenizer.vocab_size)
        return cls(model, tokenizer, front_end, architecture, spelling, name)

    def parts(self) -> Parts:
        settings = {
            **asdict(self.architecture),
            "front_end": self.front_end.settings(),
            "spelling": asdict(self.spelling),
        }
        files = {TOKENIZER: self.tokenizer.to_bytes(), **self.front_end.files()}
        return Parts(settings, files)

    def answers(self, inputs: Given | None, options: Options) -> Iterator[Recognized]:
        """What is said in each recording, in order."""
        heard = _utterances(inputs)
        names = [heard.where(row) for row in range(len(heard))]
        frames = (frames_of(heard, row, self.front_end, Limits()) for row in range(len(heard)))
        for name, hypothesis in zip(names, self.hypotheses(frames), strict=True):
            yield self.recognized(name, hypothesis)

    def open_session(self, options: Options) -> Session[Any, Any]:
        raise InputError(f"{self.name}: cannot be streamed")

    @property
    def step_seconds(self) -> float:
        """Seconds of audio from one network step to the next; steps count as frames of features
        computed elsewhere where those are read, whose length is not known.
        """
        bank = self.front_end.bank
        shift = 1.0 if bank is None else bank.shift / bank.rate
        return self.model.window.stride * shift

    def log_probs(self, rows: Iterable[Floats]) -> Iterator[Tensor]:
        """Log-probabilities (S, K) of each row of normalized frames (T, F)."""
        return log_probs_of(self.model, rows)

    def hypotheses(
        self, rows: Iterable[Floats], search: Search[Any] | None = None
    ) -> Iterator[Hypothesis]:
        """What is said in each row of normalized frames (T, F)."""
        chosen = search or GreedySearch()
        for log_probs in self.log_probs(rows):
            yield chosen.best(chosen.advance(chosen.start(), log_probs))

    def text(self, hypothesis: Hypothesis) -> str:
        """What a hypothesis spells."""
        return text_of(self.tokenizer, hypothesis.tokens)

    def activations(self, audio: Path) -> Activations:
        """The states, the gates and the outputs at each step of the recording in a file."""
        heard = _utterances(Files((audio,)))
        frames = frames_of(heard, 0, self.front_end, Limits())
        title = f"{self.name}, {audio}"
        return activations_of_speech(self.model, self.tokenizer, self.front_end, frames, title)

    def recognized(self, audio: str, hypothesis: Hypothesis) -> Recognized:
        """A hypothesis as a row of answers."""
        words = words_of(self.tokenizer, hypothesis, self.step_seconds)
        confidence = min((word.confidence for word in words), default=0.0)
        return Recognized(audio, self.text(hypothesis), confidence, words)


def _utterances(inputs: Given | None) -> Utterances:
    match inputs:
        case Files(paths):
            found = [each for path in paths for each in _audio_files(path)]
            origin = Origin(tuple(found), np.arange(len(found)), np.zeros(len(found), np.int64))
            return Utterances(tuple(map(Clip, found)), None, None, origin)
        case Audio(audio, _, where):
            sources = tuple(Clip(a) if isinstance(a, Path) else Samples(*a) for a in audio)
            return Utterances(sources, None, None, origin_of(where, range(1, len(sources) + 1)))
        case None:
            raise InputError("nothing to recognize; give recordings")
        case _:
            raise InputError("a recognizer hears recordings; give audio files, or (samples, rate)")


def _audio_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.rglob("*") if each.suffix.lower() in AUDIO_SUFFIXES)
    if not found:
        raise InputError(f"{path}: there is no audio in this folder; give one with recordings")
    return found
