"""A trained recognizer as a value: what is said in recordings, with the time of each word.

Legend: N samples, T frames, F bins.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, final

from pydantic import Field
from torch import Tensor

from elman.data.audio.clips import Limits
from elman.data.audio.dataset import read_unlabeled
from elman.data.audio.rows import AudioColumns, Utterances
from elman.data.audio.settings import AudioSettings
from elman.data.audio.transcripts import Spelling
from elman.data.given import Files, Given
from elman.data.labeled.rows import Floats
from elman.data.tables.asked import TableSettings
from elman.data.tables.table import BadRows
from elman.data.tokenizer import Tokenizer, tokenizer_from_bytes
from elman.decoding.ctc import GreedySearch, Hypothesis, Search, decode_rows
from elman.diagnostics.activations import Activations
from elman.errors import InputError
from elman.models.acoustic import AcousticModel, EncoderKind, FrameWindow, window_encoder
from elman.models.cells import CellOptions, recurrent_layers
from elman.models.stacked import output_width
from elman.predictors.front_end import FrontEnd
from elman.predictors.fusion import Fusion
from elman.predictors.predictor import Parts, Predictor
from elman.predictors.recognizer_activations import activations_of_speech
from elman.predictors.recognizer_inputs import Reader, name_of, normalized, parts_of
from elman.predictors.recognizer_outputs import log_probs_of
from elman.predictors.recognizer_session import NamedSearch, RecognizerSession, RecognizerStreaming
from elman.predictors.search_options import BestTextsOptions, SearchOptions
from elman.predictors.spoken_words import Word, text_of, words_of
from elman.settings import Options, adapter
from elman.streaming.arrivals import grouped

LOG = logging.getLogger("elman")

TOKENIZER = "tokenizer.json"

SEARCHED_AT_ONCE = 64
"""Rows whose tokens are searched for side by side."""

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


class RecognizerPrediction(BestTextsOptions, AudioSettings, TableSettings):
    """Where the recordings are, and how what is said is searched for."""

    skip_bad_rows: bool = Field(default=False, description="leave out rows that can't be read")


@dataclass(frozen=True)
class Alternative:
    """One of the best texts of a recording, with the score that it was ranked by, in nats."""

    text: str
    score: float


@dataclass(frozen=True)
class Recognized:
    """What is said in a recording.

    Attributes:
        path: of the recording; of one in a table its line, of one in memory which of the inputs.
        text: what is said.
        confidence: from 0 to 1, the lowest of its words; 0 where nothing is said.
        words: with the seconds at which they begin and end.
    """

    path: str
    text: str
    confidence: float
    words: tuple[Word, ...]


@dataclass(frozen=True)
class RecognizedBest(Recognized):
    """The same with the best texts, the best first, where more than one is asked for."""

    n_best: tuple[Alternative, ...]


@final
class RecognizerPredictor(Predictor[Recognized]):
    """An acoustic model with its front end and its tokens.

    Args:
        model: the network.
        tokenizer: its outputs but the last, the blank.
        front_end: what makes its frames.
        architecture: what `model` is made of.
        spelling: how the transcripts of training were written.
        name: what messages call it.
        columns: where in a table the recordings of training were.
        fusion: how much a language model counts where nothing else is asked; as `--tune` found it.

    Raises:
        InputError: parts that do not belong together.
    """

    kind: ClassVar[str] = "recognizer"
    Prediction: ClassVar[type[Options]] = RecognizerPrediction
    Streaming = RecognizerStreaming

    def __init__(
        self,
        model: AcousticModel,
        tokenizer: Tokenizer,
        front_end: FrontEnd,
        architecture: Architecture,
        spelling: Spelling,
        name: str = "the recognizer",
        *,
        columns: AudioColumns = AudioColumns(),  # noqa: B008 (frozen)
        fusion: Fusion | None = None,
    ) -> None:
        super().__init__(model, name)
        if model.blank != tokenizer.vocab_size:
            raise InputError(
                f"the model knows {model.blank} tokens and the tokenizer {tokenizer.vocab_size};"
                " they do not belong together"
            )
        self.model, self.tokenizer, self.front_end = model, tokenizer, front_end
        self.architecture, self.spelling, self.columns = architecture, spelling, columns
        self.fusion = fusion

    @classmethod
    def of(cls, parts: Parts, name: str) -> Self:
        settings = dict(parts.settings)
        front_end = FrontEnd.of(settings.pop("front_end"), parts.files, name)
        spelling = adapter(Spelling).validate_python(settings.pop("spelling"))
        columns = adapter(AudioColumns).validate_python(settings.pop("columns"))
        tuned = settings.pop("fusion", None)
        fusion = None if tuned is None else adapter(Fusion).validate_python(tuned)
        architecture = adapter(Architecture).validate_python(settings)
        tokenizer = tokenizer_from_bytes(parts.files[TOKENIZER], f"{name}: {TOKENIZER}")
        model = architecture.make(front_end.bins, tokenizer.vocab_size)
        return cls(
            model,
            tokenizer,
            front_end,
            architecture,
            spelling,
            name,
            columns=columns,
            fusion=fusion,
        )

    def parts(self) -> Parts:
        settings = {
            **asdict(self.architecture),
            "front_end": self.front_end.settings(),
            "spelling": asdict(self.spelling),
            "columns": asdict(self.columns),
        }
        if self.fusion is not None:
            settings["fusion"] = asdict(self.fusion)
        files = {TOKENIZER: self.tokenizer.to_bytes(), **self.front_end.files()}
        return Parts(settings, files)

    def answers(self, inputs: Given | None, options: Options) -> Iterator[Recognized]:
        """What is said in each recording, in order."""
        chosen = RecognizerPrediction.model_validate(options.model_dump(exclude_unset=True))
        bad, search = BadRows(chosen.skip_bad_rows), self.search(chosen)
        columns = chosen.audio_columns(self.columns, asked=chosen.asked)
        for _, part in parts_of(inputs):
            rows = read_unlabeled(part, columns, bad, chosen.limits).heard
            places: list[int] = []

            def frames(rows: Utterances = rows, places: list[int] = places) -> Iterator[Floats]:
                for row, found in self.heard(rows, bad, chosen.limits):
                    places.append(row)
                    yield found

            for found in self.hypotheses(frames(), search, chosen.n_best):
                row = self.recognized(name_of(rows, places.pop(0)), found[0])
                yield row if chosen.n_best == 1 else self._with_others(row, found)
        for line in bad.notes():
            LOG.warning(line)

    def heard(self, rows: Utterances, bad: BadRows, limits: Limits) -> Iterator[tuple[int, Floats]]:
        """The number of each row that can be heard, and its normalized frames (T, F)."""
        reader = Reader(self.front_end.bank, bad, limits, silence=True)
        for row, read in reader.read(rows):
            yield row, normalized(self.front_end, read)
        for line in reader.notes():
            LOG.warning("%s", line)

    def open_session(self, options: Options) -> RecognizerSession:
        """A session that says what it hears, as it hears it."""
        assert isinstance(options, RecognizerStreaming)
        if self.model.bidirectional:
            raise InputError(
                f"{self.name}: reads from both ends, so it has to hear the end before it can"
                " answer; train one with --no-bidirectional to stream"
            )
        if self.front_end.bank is None:
            raise InputError(
                f"{self.name}: reads features computed elsewhere, which can't be streamed as audio;"
                " train one on recordings"
            )
        search = NamedSearch.of(options, self.tokenizer, self.spelling, self.fusion)
        return RecognizerSession(self, self.model, self.front_end, self.tokenizer, search, options)

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

    def search(self, options: SearchOptions) -> Search[Any]:
        """How the tokens are searched for, as the options say."""
        return options.search(self.tokenizer, self.fusion, spelled=self.spelling)

    def with_fusion(self, fusion: Fusion | None) -> Self:
        """This recognizer, in which a language model usually counts so much."""
        return type(self)(
            self.model,
            self.tokenizer,
            self.front_end,
            self.architecture,
            self.spelling,
            self.name,
            columns=self.columns,
            fusion=fusion,
        )

    def hypotheses(
        self, rows: Iterable[Floats], search: Search[Any] | None = None, n: int = 1
    ) -> Iterator[list[Hypothesis]]:
        """What is said in each row of normalized frames (T, F): up to `n`, the best first."""
        for group in grouped(self.log_probs(rows), SEARCHED_AT_ONCE):
            yield from decode_rows(search or GreedySearch(), group, n)

    def text(self, hypothesis: Hypothesis) -> str:
        """What a hypothesis spells."""
        return text_of(self.tokenizer, hypothesis.tokens)

    def activations(self, audio: Path) -> Activations:
        """The states, the gates and the outputs at each step of the recording in a file."""
        chosen, bad = RecognizerPrediction.model_validate({}), BadRows(False)
        columns = chosen.audio_columns(self.columns, asked=chosen.asked)
        rows = read_unlabeled(Files((audio,)), columns, bad, chosen.limits).heard
        _, frames = next(self.heard(rows, bad, chosen.limits))
        title = f"{self.name}, {audio}"
        return activations_of_speech(self.model, self.tokenizer, self.front_end, frames, title)

    def recognized(self, path: str, found: Hypothesis) -> Recognized:
        """A hypothesis as a row of answers."""
        words = words_of(self.tokenizer, found, self.step_seconds)
        confidence = min((word.confidence for word in words), default=0.0)
        return Recognized(path, self.text(found), confidence, words)

    def _with_others(self, row: Recognized, found: Sequence[Hypothesis]) -> RecognizedBest:
        others = tuple(Alternative(self.text(each), round(each.score, 4)) for each in found)
        return RecognizedBest(row.path, row.text, row.confidence, row.words, others)
