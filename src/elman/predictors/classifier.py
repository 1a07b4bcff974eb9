"""A trained classifier as a value: labels for texts, for sequences of numbers, or for their steps.

Legend: T time, C channels, K classes.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field
from torch import nn

from elman.data.audio.rows import Utterances
from elman.data.given import Data, Files, Given, Texts
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import Inputs, Words
from elman.data.labeled.rows import Texts as TextRows
from elman.data.video.rows import Videos
from elman.diagnostics.activations import Activations
from elman.diagnostics.explanation import Explanation
from elman.errors import InputError
from elman.models.acoustic import EncoderKind, FrameWindow, window_encoder
from elman.models.cells import CellOptions, recurrent_layers
from elman.models.classifier import Classifier
from elman.models.convolutional import RECURRENCES, FrameRecurrence
from elman.models.frames import FrameShape, frame_encoder
from elman.models.pooling import PoolingKind
from elman.models.stacked import output_width
from elman.plots.explain_page import write_page
from elman.predictors.classifier_inputs import Encoder, Row, RowOptions, Schema, rows_of
from elman.predictors.classifier_outputs import (
    Array,
    activations_of_numbers,
    activations_of_text,
    answered,
    explain,
    probabilities_of,
)
from elman.predictors.classifier_session import ClassifierSession
from elman.predictors.classifier_sound_activations import activations_of_recording
from elman.predictors.classifier_sound_rows import answers_of_sounds
from elman.predictors.classifier_sound_session import SoundSteps
from elman.predictors.classifier_streaming import ClassifierStreaming
from elman.predictors.classifier_video_activations import activations_of_clip
from elman.predictors.classifier_video_rows import VideoPrediction, Watcher
from elman.predictors.classifier_video_session import VideoSteps
from elman.predictors.classifier_videos import VideoEncoder
from elman.predictors.live_session import LiveSession
from elman.predictors.predictor import Parts, Predictor, columns
from elman.settings import Options, adapter

LOG = logging.getLogger("elman")


class ClassifierPrediction(VideoPrediction, RowOptions):
    """What to classify, and whether to explain the answers."""

    text: str | None = Field(default=None, description="answer this text, in place of a file")
    explain: bool = Field(
        default=False, description="say how much each word contributed: with and without it"
    )
    html: Path | None = Field(
        default=None, description="write the explanations as a page, words colored by their effect"
    )


@dataclass(frozen=True)
class Architecture:
    """What a classifier is made of; see `elman.models.classifier.Classifier`.

    The first layer reads `embedding_size` numbers, those of an embedding or the channels; of audio
    and video, what `encoder` makes of a window of frames or of a frame.
    """

    cell: str
    options: CellOptions
    embedding_size: int
    hidden_size: int
    num_layers: int
    bidirectional: bool
    pooling: PoolingKind | None
    word_dropout: float = 0.0
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    output_dropout: float = 0.0
    locked_dropout: bool = True
    encoder: str = "stack"

    def make(self, schema: Schema, encoder: Encoder) -> Classifier:
        """The network, with fresh weights, for these classes and this vocabulary."""
        embedding: nn.Module | None = None
        first: list[nn.Module] = []
        width, axes, input_dropout = self.embedding_size, 1, self.input_dropout
        if encoder.videos is not None:
            axes, shape = 3, FrameShape(*encoder.videos.shape)
            if (cell := RECURRENCES.get(self.encoder)) is not None:
                first.append(FrameRecurrence(cell, shape, self.embedding_size))
                input_dropout = 0.0  # what enters the first layer are frames
            else:
                embedding = frame_encoder(self.encoder, shape, self.embedding_size)
                width = embedding.output_size
        elif encoder.sounds is not None:
            window = FrameWindow(encoder.sounds.window, encoder.sounds.window)
            kind = adapter(EncoderKind).validate_python(self.encoder)
            embedding = window_encoder(kind, window, self.embedding_size)
            width, axes = embedding.output_size, 2
        elif encoder.words is not None:
            axes = 0
            embedding = nn.Embedding(encoder.words.tokenizer.vocab_size, self.embedding_size)
            # Small beside the gates' initial weights, so that a rare word begins with little say.
            nn.init.normal_(embedding.weight, std=0.1)
        layers = recurrent_layers(
            self.cell,
            width,
            [self.hidden_size] * self.num_layers,
            self.options,
            bidirectional=self.bidirectional,
        )
        return Classifier(
            embedding,
            [*first, *layers],
            output_width(layers, width),
            len(schema.names),
            pooling=self.pooling,
            word_dropout=self.word_dropout,
            input_dropout=input_dropout,
            hidden_dropout=self.hidden_dropout,
            output_dropout=self.output_dropout,
            locked_dropout=self.locked_dropout,
            item_axes=axes,
        )


class ClassifierPredictor(Predictor[Row]):
    """A classifier with what turns texts or numbers into its steps and its outputs into labels.

    Args:
        model: the network.
        schema: its classes and what it reads.
        encoder: the tokenizer or the scaler.
        architecture: what `model` is made of.
        name: what messages call it.
    """

    kind: ClassVar[str] = "classifier"
    Prediction = ClassifierPrediction
    Streaming = ClassifierStreaming

    def __init__(
        self,
        model: Classifier,
        schema: Schema,
        encoder: Encoder,
        architecture: Architecture,
        name: str = "the predictor",
    ) -> None:
        super().__init__(model, name)
        self.model, self.schema, self.encoder = model, schema, encoder
        self.architecture = architecture

    @classmethod
    def of(cls, parts: Parts, name: str) -> Self:
        settings = dict(parts.settings)
        schema = adapter(Schema).validate_python(settings.pop("schema"))
        split = bool(settings.pop("split_punctuation"))
        sounds, videos = settings.pop("sounds", None), settings.pop("videos", None)
        encoder = Encoder.of(
            parts.files, split_punctuation=split, sounds=sounds, videos=videos, where=name
        )
        if not encoder.reads(schema.inputs):
            raise InputError(f"{name}: reads {schema.inputs}, which its tokenizer does not fit")
        architecture = adapter(Architecture).validate_python(settings)
        if len(set(schema.names)) < len(schema.names):
            raise InputError(f"{name}: two of its classes have one name")
        if (schema.kind == "step") != (architecture.pooling is None):
            raise InputError(f"{name}: labels of kind {schema.kind!r} do not fit its pooling")
        of_channels = encoder.words is None and encoder.videos is None
        if of_channels and len(schema.channels) != architecture.embedding_size:
            raise InputError(
                f"{name}: its {len(schema.channels)} channels do not fit an embedding_size of"
                f" {architecture.embedding_size}"
            )
        return cls(architecture.make(schema, encoder), schema, encoder, architecture, name)

    def parts(self) -> Parts:
        reads = {
            "schema": asdict(self.schema),
            "split_punctuation": self.encoder.split_punctuation,
        }
        if self.encoder.sounds is not None:
            reads["sounds"] = self.encoder.sounds.settings()
        if self.encoder.videos is not None:
            reads["videos"] = self.encoder.videos.settings()
        return Parts({**asdict(self.architecture), **reads}, self.encoder.files)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of `predict_proba`."""
        return tuple(self.schema.names)

    def predict_proba(self, inputs: Data | Given, **options: object) -> npt.NDArray[np.float64]:
        """The probability (N, K) of each class for each row, or for each step where those have the
        labels; the columns are as `classes` says.

        Where a row may have many labels, each has a probability of its own, and they do not add up
        to 1.

        Args:
            inputs: as `predict` takes them.
            options: those of `predict`.

        Raises:
            InputError: as `predict`.
        """
        rows = [columns(row) for row in self.predict(inputs, **options)]
        each = [[row[f"p_{name}"] for name in self.classes] for row in rows]
        return np.array(each, dtype=np.float64).reshape(len(rows), len(self.classes))

    def answers(self, inputs: Given | None, options: Options) -> Iterator[Row]:
        """A row of answers for each row of the inputs; for labels at each step, one for each step.

        The columns of a table come first, then `predicted`, its `probability`, and `p_CLASS` for
        each class. For texts and words a `warning` comes last, empty where there is none: the row
        may have no word that the classifier knows, or a labeled word may be unknown.
        """
        assert isinstance(options, ClassifierPrediction)
        explaining = options.explain or options.html is not None
        if explaining and self.schema.inputs != "texts":
            raise InputError("--explain: for classifiers of whole texts; leave it out")
        options.require_video(self.schema.inputs)
        if self.encoder.videos is not None:
            options.check(self.schema.inputs)
            yield from self._watcher(self.encoder.videos, options).answers(
                self._given(inputs, options), options, options
            )
            return
        if self.schema.inputs == "audio":
            given = self._given(inputs, options)
            yield from answers_of_sounds(self.model, self.schema, self.encoder, given, options)
            return
        explained: list[Explanation] = []
        warned: Counter[str] = Counter()
        rows_before = 0
        for read, rows in rows_of(self.schema, self._given(inputs, options), options):
            encoded, ends = self.encoder.unlabeled(read, self.schema.kind)
            probabilities = probabilities_of(self.model, encoded)
            if self.schema.kind == "step":
                yield from self._steps(read, encoded, ends, probabilities, rows_before, warned)
                rows_before += len(read)
                continue
            for place, (row, found) in enumerate(zip(rows, probabilities, strict=True)):
                answer = dict(answered(self.schema, found))
                if self.encoder.words is not None:
                    warning = self.encoder.words.warning(encoded.row(place)[1:])
                    warned[warning] += 1
                    answer["warning"] = warning
                if both := [name for name in answer if name in row]:
                    raise InputError(
                        f"the table has a column {both[0]!r}, which the answer needs; rename it"
                    )
                if explaining and isinstance(read, TextRows) and self.encoder.words is not None:
                    why = explain(self.model, self.schema, self.encoder.words, read.texts[place])
                    answer["words"] = [asdict(word) for word in why.words]
                    if options.html is not None:
                        explained.append(why)
                yield {**row, **answer}
        for warning, count in warned.items():
            if warning:
                LOG.warning("%s %s: %s", f"{count:,}", "row" if count == 1 else "rows", warning)
        if options.html is not None:
            write_page(explained, options.html)

    def open_session(self, options: Options) -> ClassifierSession | LiveSession:
        """A session that answers after each word or step of numbers, or as it hears or sees."""
        assert isinstance(options, ClassifierStreaming)
        options.require(self.schema.inputs)
        if self.model.bidirectional:
            raise InputError(
                f"{self.name}: reads from both ends, so it has to see the end before it can"
                " answer; train one with --no-bidirectional to stream"
            )
        if self.encoder.sounds is not None:
            steps = SoundSteps(self.encoder.sounds, options.rate)
            return LiveSession(self, self.model, self.schema, steps, options)
        if (videos := self.encoder.videos) is not None:
            frames = VideoSteps(videos, options)
            return LiveSession(self, self.model, self.schema, frames, options, videos.clip_seconds)
        return ClassifierSession(self, self.model, self.schema, self.encoder)

    def _watcher(self, videos: VideoEncoder, options: VideoPrediction) -> Watcher:
        asked = {name: getattr(options, name) for name in ("over", "shortest")}
        live = {name: value for name, value in asked.items() if value is not None}

        def session() -> LiveSession:
            found = self.session(segments=True, fps=videos.format.rate, **live)
            assert isinstance(found, LiveSession)
            return found

        return Watcher(self.model, self.schema, videos, session)

    def activations(self, row: str | Path | np.ndarray) -> Activations:
        """The states and gates after each step of a text, of numbers (T, C) or of the recording or
        the video in a file, and the answers.

        Raises:
            InputError: a row of the other kind, an empty one, or one of too many steps.
        """
        if isinstance(row, Path):
            if (videos := self.encoder.videos) is not None:
                return activations_of_clip(self.model, self.schema, videos, row, self.name)
            if self.encoder.sounds is None:
                raise InputError(
                    f"{self.name}: hears no recordings and sees no videos; leave --audio and"
                    " --video out"
                )
            sounds = self.encoder.sounds
            return activations_of_recording(self.model, self.schema, sounds, row, self.name)
        if isinstance(row, str):
            if self.encoder.words is None:
                raise InputError(
                    f"{self.name}: reads {self.schema.inputs}; leave --text out to see its first"
                    " validation row"
                )
            words = self.encoder.words
            return activations_of_text(self.model, self.schema, words, row, self.name)
        if self.encoder.words is not None:
            raise InputError(f"{self.name}: this classifier reads text; give some with --text")
        channels = len(self.schema.channels)
        if row.ndim != 2 or row.shape[1] != channels or not len(row):
            raise InputError(
                f"{self.name}: expected numbers of shape (steps, {channels}), got {row.shape}"
            )
        values = row.astype(np.float32)
        if self.encoder.scale is not None:
            values = self.encoder.scale.apply(values)
        return activations_of_numbers(self.model, self.schema, values, self.name)

    def _given(self, inputs: Given | None, options: ClassifierPrediction) -> Given | None:
        """The inputs, or the text that the options have in place of them."""
        if options.text is None:
            return inputs
        if isinstance(inputs, Files):
            raise InputError(f"--text and {inputs.paths[0]}: give one of the two")
        if self.schema.inputs in ("numbers", "audio", "video"):
            reads = self.schema.inputs
            raise InputError(f"--text: this classifier reads {reads}; give a file of them")
        return Texts([options.text], where="--text")

    def _steps(
        self,
        inputs: Inputs,
        encoded: Encoded,
        ends: np.ndarray | None,
        probabilities: Array,
        before: int,
        warned: Counter[str],
    ) -> Iterator[Row]:
        """A row for each step: which row and step of the input, and its label.

        `ends` are the steps of `encoded` at which the words end; `probabilities` are (S, K).
        """
        assert not isinstance(inputs, TextRows | Utterances | Videos)
        words = inputs.words if isinstance(inputs, Words) else None
        for row, (begin, length) in enumerate(zip(inputs.offsets, inputs.lengths, strict=False)):
            ids, first = encoded.row(row), int(encoded.offsets[row])
            token, nothing = 1, ""
            if self.encoder.words is not None:
                nothing = self.encoder.words.warning(ids[1:])
                warned[nothing] += 1
            for step in range(int(length)):
                place = int(begin) + step
                end = place if ends is None else int(ends[place])
                answer = dict(answered(self.schema, probabilities[end]))
                what = {} if words is None else {"word": words[place]}
                if self.encoder.words is not None:
                    own = ids[token : end - first + 1]
                    token = end - first + 1
                    answer["warning"] = nothing or self.encoder.words.word_warning(own)
                yield {"row": before + row + 1, "step": step + 1, **what, **answer}
