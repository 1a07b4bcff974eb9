"""Sentences in, translations out: from a file, as they arrive, or one given by hand.

Legend: S source tokens, T tokens of a translation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, final

import numpy as np
import torch
from torch import nn

from elman.data.tokenizer import Tokenizer
from elman.decoding.beam import Beam, beam_search
from elman.decoding.draw import draw
from elman.decoding.teacher_forced import follow
from elman.decoding.writer import Rules, Writer, Written
from elman.errors import InputError
from elman.plots.alignment import AlignmentFile
from elman.predictors.alignment import Alignment, align, with_unknown_replaced
from elman.predictors.translator_options import TranslationPrediction, TranslationStreaming
from elman.tasks.task import Given, lines_of

LINES_AT_ONCE = 1024
"""So many lines are sorted by length before they are translated side by side."""

LONGEST = 5000
"""The most tokens of one source."""

LONGEST_LINE = 1 << 20
"""The most characters of a line that has not ended."""

_TABLES = (".tsv", ".tab", ".csv", ".jsonl", ".ndjson", ".json", ".parquet")


class Languages(Protocol):
    """What a translation run knows of its two languages."""

    @property
    def source_tokenizer(self) -> Tokenizer: ...

    @property
    def target_tokenizer(self) -> Tokenizer: ...

    @property
    def start_id(self) -> int: ...

    @property
    def end_id(self) -> int: ...

    @property
    def unknown_id(self) -> int | None: ...

    def encode_source(self, text: str) -> list[int]: ...

    def decode_target(self, ids: Sequence[int]) -> str: ...


@dataclass(frozen=True)
class Translation:
    """One translation of a line.

    Attributes:
        line: its number, from 1.
        rank: 1 for the best.
        score: what translations are ranked by; see `elman.decoding.beam.Beam`.
        nats: -log p(translation | source), its end included.
        translation: plain text, words unknown to the network replaced where that was asked for.
        source: the line.
    """

    line: int
    rank: int
    score: float
    nats: float
    translation: str
    source: str


@final
class Translator:
    """A model with what turns text into its ids and back, and how it is asked.

    Args:
        languages: the run's tokenizers.
        model: see `elman.decoding.writer.Writer`.
        options: how to search or draw.
        file: where alignments are drawn, if anywhere.

    Raises:
        InputError: options that do not go together.
    """

    def __init__(
        self,
        languages: Languages,
        model: nn.Module,
        options: TranslationStreaming,
        file: AlignmentFile | None = None,
    ) -> None:
        self.languages = languages
        self.options = options
        self.file = file
        self._model: Writer = model  # type: ignore[assignment]  # it has start and step
        self._device = next(model.parameters()).device
        self._generator = torch.Generator(self._device)
        self._generator.manual_seed(getattr(options, "seed", 0))
        self._rules = Rules(
            languages.start_id,
            languages.end_id,
            max_length=options.max_length,
            max_ratio=options.max_ratio,
            min_length=options.min_length,
            no_repeat=options.no_repeat,
        )
        self._batch_size: int = getattr(options, "batch_size", 128)

    def translate(self, lines: Sequence[str], first: int = 1) -> list[Translation]:
        """The translations of `lines`, side by side; that of an empty line is empty.

        `first` is the number of the first line.

        Raises:
            InputError: a line that is too long.
        """
        spoken = [place for place, line in enumerate(lines) if line.strip()]
        ids = [self.languages.encode_source(lines[place]) for place in spoken]
        for place, tokens in zip(spoken, ids, strict=True):
            if len(tokens) > LONGEST:
                raise InputError(
                    f"line {first + place}: {len(tokens):,} tokens, and at most {LONGEST:,} are"
                    " translated at once; put each sentence on a line of its own"
                )
        outputs = dict(zip(spoken, self._texts(lines, spoken, ids), strict=True))
        nothing = [(Written((), 0.0, 0.0), "")]
        return [
            Translation(first + place, rank, output.score, 0.0 - output.log_prob, text, line)
            for place, line in enumerate(lines)
            for rank, (output, text) in enumerate(outputs.get(place, nothing), 1)
        ]

    def _texts(
        self, lines: Sequence[str], spoken: Sequence[int], ids: list[list[int]]
    ) -> list[list[tuple[Written, str]]]:
        """The outputs for each of the sources `ids`, each with its text."""
        found = self._outputs(ids)
        unknown = self.languages.unknown_id if self.options.replace_unknown else None
        looked_at = [
            (row, rank)
            for row, outputs in enumerate(found)
            for rank, output in enumerate(outputs)
            if unknown in output.tokens or (rank == 0 and self.file is not None)
        ]
        alignments = self._align(lines, spoken, ids, found, looked_at)
        texts: list[list[tuple[Written, str]]] = []
        for row, outputs in enumerate(found):
            texts.append([])
            for rank, output in enumerate(outputs):
                alignment = alignments.get((row, rank))
                if unknown is None or alignment is None:
                    text = self.languages.decode_target(output.tokens)
                else:
                    unit = self.languages.target_tokenizer.unit
                    text = with_unknown_replaced(alignment, output.tokens, unknown, unit)
                texts[-1].append((output, text))
                if self.file is not None and rank == 0:
                    assert alignment is not None
                    self.file.add(alignment)
        return texts

    def _outputs(self, ids: list[list[int]]) -> list[list[Written]]:
        options = self.options
        method = getattr(options, "method", "beam")
        if method == "sample":
            assert isinstance(options, TranslationPrediction)
            drawn = draw(
                self._model,
                ids,
                self._rules,
                temperature=options.temperature,
                top_k=options.top_k,
                top_p=options.top_p,
                generator=self._generator,
                batch_size=self._batch_size,
                device=self._device,
            )
            return [[output] for output in drawn]
        beam = Beam(
            1 if method == "greedy" else options.beam,
            getattr(options, "n_best", 1),
            options.length_penalty,
            options.length_formula,
            options.coverage_penalty,
        )
        size, device = self._batch_size, self._device
        return beam_search(self._model, ids, self._rules, beam, batch_size=size, device=device)

    def _align(
        self,
        lines: Sequence[str],
        spoken: Sequence[int],
        ids: list[list[int]],
        found: list[list[Written]],
        wanted: list[tuple[int, int]],
    ) -> dict[tuple[int, int], Alignment]:
        """The alignments of the outputs `wanted`, by source and rank."""
        followed = follow(
            self._model,
            [ids[row] for row, _ in wanted],
            [found[row][rank].tokens for row, rank in wanted],
            start_id=self.languages.start_id,
            end_id=self.languages.end_id,
            batch_size=self._batch_size,
            device=self._device,
        )
        alignments = {}
        for (row, rank), seen in zip(wanted, followed, strict=True):
            assert seen.attention is not None
            alignments[row, rank] = align(
                lines[spoken[row]],
                ids[row],
                found[row][rank].tokens,
                np.asarray(seen.attention, dtype=np.float32),
                self.languages.source_tokenizer,
                self.languages.target_tokenizer,
            )
        return alignments


def translate(
    languages: Languages, model: nn.Module, given: Given, options: TranslationPrediction
) -> Iterator[Translation]:
    """The translations of each line, groups of lines at a time.

    Where alignments are drawn, their file is there when the last line has been translated.

    Raises:
        InputError: at once, a file that alignments can't be drawn to, or a table; later, a line
            that can't be read or is too long.
    """
    file = None if options.alignments is None else AlignmentFile(options.alignments)
    translator = Translator(languages, model, options, file)
    if given.path is not None and given.path.suffix.lower() in _TABLES:
        raise InputError(
            f"{given.path}: a table, but what is translated is plain text with a sentence on each"
            f" line; such as: cut -f1 {given.path} | elman predict RUN"
        )
    lines = given.lines() if options.text is None else iter(options.text.split("\n"))
    return _in_groups(translator, lines)


def _in_groups(translator: Translator, lines: Iterable[str]) -> Iterator[Translation]:
    lines, first = iter(lines), 1
    while group := list(islice(lines, LINES_AT_ONCE)):
        yield from translator.translate([line.rstrip("\r") for line in group], first)
        first += len(group)
    if translator.file is not None:
        translator.file.write()


@final
class TranslationStream:
    """A model that text is pushed into; each line is answered as soon as it is complete."""

    def __init__(
        self, languages: Languages, model: nn.Module, options: TranslationStreaming
    ) -> None:
        self._translator = Translator(languages, model, options)
        self._waiting = ""
        self._next = 1

    def push(self, text: str) -> list[Translation]:
        """The translations of the lines that `text` completes."""
        *lines, self._waiting = (self._waiting + text).split("\n")
        if len(self._waiting) > LONGEST_LINE:
            raise InputError(
                f"line {self._next + len(lines)}: more than {LONGEST_LINE:,} characters without a"
                " newline; put each sentence on a line of its own"
            )
        return self._answer(lines)

    def flush(self) -> list[Translation]:
        """The translation of a last line that has no newline."""
        lines = list(lines_of([self._waiting]))
        self._waiting = ""
        return self._answer(lines)

    def _answer(self, lines: Sequence[str]) -> list[Translation]:
        answers = self._translator.translate([line.rstrip("\r") for line in lines], self._next)
        self._next += len(lines)
        return answers
