"""A trained translation model as a value: sentences in, translations out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from typing import ClassVar, Literal, Self, final

from elman.data.given import Columns, Files, Given, Texts
from elman.data.pairs.rows import read_sources
from elman.data.tables.dialect import Dialect
from elman.errors import InputError
from elman.layers.attention import ATTENTIONS
from elman.models.cells import CellOptions, recurrent_layers
from elman.models.seq2seq import Seq2Seq, feature_size
from elman.plots.alignment import AlignmentFile
from elman.predictors.predictor import Parts, Predictor
from elman.predictors.translation import (
    LineTranslator,
    SearchOptions,
    Translation,
    TranslationOptions,
)
from elman.predictors.vocabularies import Vocabularies
from elman.settings import Options, adapter
from elman.streaming.arrivals import grouped
from elman.streaming.session import Identified, Session, Snapshot
from elman.streaming.text_input import LineInput

LOG = logging.getLogger("elman")

LINES_AT_ONCE = 1024
"""Of so many lines, those of similar length are translated side by side."""


@dataclass(frozen=True)
class Architecture:
    """The sizes and the kind of a translation model; see `elman.models.seq2seq.Seq2Seq`."""

    cell: str
    options: CellOptions
    embedding_size: int
    encoder_size: int
    hidden_size: int
    encoder_layers: int
    num_layers: int
    attention: Literal["dot", "general", "additive"]
    input_feeding: bool
    tied: Literal["none", "decoder", "all"]
    dropout: float

    def make(self, vocabularies: Vocabularies) -> Seq2Seq:
        """The network with fresh weights."""
        encoder = recurrent_layers(
            self.cell,
            self.embedding_size,
            [self.encoder_size] * self.encoder_layers,
            self.options,
            bidirectional=True,
        )
        fed = feature_size(self.tied, self.embedding_size, self.hidden_size)
        decoder = recurrent_layers(
            self.cell,
            self.embedding_size + (fed if self.input_feeding else 0),
            [self.hidden_size] * self.num_layers,
            self.options,
        )
        return Seq2Seq(
            vocabularies.source.vocab_size,
            vocabularies.target.vocab_size,
            self.embedding_size,
            encoder,
            decoder,
            ATTENTIONS[self.attention](self.hidden_size, 2 * self.encoder_size),
            memory_size=2 * self.encoder_size,
            hidden_size=self.hidden_size,
            tied=self.tied,
            input_feeding=self.input_feeding,
            dropout=self.dropout,
        )


@final
class TranslatorPredictor(Predictor[Translation]):
    """A translation model with its vocabularies.

    `predict` takes sentences as strings, the lines of text files or a column of a table, and gives
    a `Translation` for each (or the `n_best`); a session takes text or its bytes and gives a
    `Translation` for each line.

    Args:
        model: over `vocabularies`.
        vocabularies: the tokenizers of both sides.
        architecture: what `model` was made from.
        name: what messages call it.
        source: the name of the source's column in tables, if it is not one of the usual names.
        dialect: how the files of training were written.
        longest: tokens of the longest source in training, its end included, if that is known.

    Raises:
        InputError: vocabularies of another model.
    """

    kind: ClassVar[str] = "translator"
    Prediction: ClassVar[type[Options]] = TranslationOptions
    Streaming: ClassVar[type[Options]] = SearchOptions

    def __init__(
        self,
        model: Seq2Seq,
        vocabularies: Vocabularies,
        architecture: Architecture,
        name: str = "the translator",
        *,
        source: str | None = None,
        dialect: Dialect | None = None,
        longest: int | None = None,
    ) -> None:
        super().__init__(model, name)
        if model.target_vocab_size != vocabularies.target.vocab_size:
            raise InputError(
                f"the model knows {model.target_vocab_size} target tokens and the vocabulary"
                f" {vocabularies.target.vocab_size}; they do not belong together"
            )
        self.model = model
        self.vocabularies = vocabularies
        self.architecture = architecture
        self.source, self.dialect, self.longest = source, dialect, longest

    @classmethod
    def of(cls, parts: Parts, name: str) -> Self:
        settings = dict(parts.settings)
        source = settings.pop("source")
        kept, longest = settings.pop("dialect"), settings.pop("longest")
        dialect = None if kept is None else adapter(Dialect).validate_python(kept)
        if not (source is None or isinstance(source, str)):
            raise InputError(
                f"{name}: predictor.json was changed: source is {source!r}, expected the name of a"
                " column; restore it, or train the run again"
            )
        architecture = adapter(Architecture).validate_python(settings)
        vocabularies = Vocabularies.of(parts.files, name)
        return cls(
            architecture.make(vocabularies),
            vocabularies,
            architecture,
            name,
            source=source,
            dialect=dialect,
            longest=None if longest is None else int(longest),
        )

    def parts(self) -> Parts:
        kept = None if self.dialect is None else asdict(self.dialect)
        settings = {
            **asdict(self.architecture),
            "source": self.source,
            "dialect": kept,
            "longest": self.longest,
        }
        return Parts(settings, self.vocabularies.files())

    def answers(self, inputs: Given | None, options: Options) -> Iterator[Translation]:
        chosen = TranslationOptions.including(options)
        file = None if chosen.alignments is None else AlignmentFile(chosen.alignments)
        lines, arriving = self._lines(inputs, chosen)
        translator = LineTranslator(
            self.model,
            self.vocabularies,
            chosen,
            None if file is None else file.add,
            self.longest,
        )
        return _translated(translator, lines, arriving, file)

    def open_session(self, options: Options) -> TranslationSession:
        chosen = TranslationOptions.including(options)
        translator = LineTranslator(self.model, self.vocabularies, chosen, longest=self.longest)
        return TranslationSession(self, translator)

    def _lines(
        self, inputs: Given | None, options: TranslationOptions
    ) -> tuple[Iterable[str], bool]:
        """The lines to translate, and whether they arrive one by one."""
        text, how = options.text, (self.dialect, options.asked)
        if text is not None:
            if inputs is not None and not (isinstance(inputs, Texts) and inputs.arriving):
                raise InputError("--text and INPUT: give one of them")
            return text.split("\n"), False
        match inputs:
            case Texts():
                return inputs.texts, inputs.arriving
            case Files():
                each = (read_sources(path, self.source, *how) for path in inputs.paths)
                return chain.from_iterable(each), False
            case Columns():
                return read_sources(inputs, self.source, *how), False
            case None:
                raise InputError("nothing to translate; give sentences or a file")
            case _:
                raise InputError("a translator reads sentences; give texts, files or a table")


def _translated(
    translator: LineTranslator, lines: Iterable[str], arriving: bool, file: AlignmentFile | None
) -> Iterator[Translation]:
    """Translations in order; after the last line alignments are written and warnings counted."""
    first = 1
    for group in grouped(lines, LINES_AT_ONCE, arriving=arriving):
        yield from translator.translate([line.rstrip("\r") for line in group], first)
        first += len(group)
    if file is not None:
        file.write()
    for warning, count in translator.warned.items():
        LOG.warning("%s %s: %s", f"{count:,}", "line" if count == 1 else "lines", warning)


@final
class TranslationSession(Session[str | bytes, Translation]):
    """Text or its UTF-8 bytes in, a translation of each line as soon as it is complete.

    Each line is translated by itself, so that the answers do not depend on how the text is cut.
    """

    kind: ClassVar[str] = "translator"

    def __init__(self, predictor: Identified, translator: LineTranslator) -> None:
        super().__init__(predictor)
        self._translator = translator
        self._lines = LineInput()

    def reset(self) -> None:
        self._lines.reset()

    def _read(self, chunk: str | bytes) -> Iterator[Translation]:
        for line in self._lines.read(chunk):
            yield from self._translator.translate([line], self._lines.number)

    def _end(self) -> Iterator[Translation]:
        for line in self._lines.end():
            yield from self._translator.translate([line], self._lines.number)
        self.reset()

    def _another(self) -> Self:
        return type(self)(self._identified, self._translator)

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            self.kind, self._identified.fingerprint, values={"lines": dict(self._lines.state)}
        )

    def _restore(self, snapshot: Snapshot) -> None:
        self._lines.state = snapshot.values["lines"]
