"""From lines to their translations: options, beam search or sampling, unknown words.

Legend: S source tokens, T tokens of a translation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, final

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field, model_validator

from elman.data.pairs.rows import clean
from elman.data.tables.asked import TableSettings
from elman.data.tokenizer import Tokenizer
from elman.decoding.ancestral import ancestral_sampling
from elman.decoding.beam import Beam, beam_search
from elman.decoding.encoder_decoder import Constraints, Hypothesis, score_outputs
from elman.diagnostics.explanation import Alignment
from elman.errors import InputError
from elman.models.seq2seq import Seq2Seq
from elman.predictors.vocabularies import Vocabularies
from elman.settings import Options

LONGEST = 5000
"""The most tokens of one source."""

END = "(end)"
"""How the end of a sentence is displayed."""

_SAMPLING = ("temperature", "top_k", "top_p", "seed")
_SEARCH = ("beam", "length_penalty", "length_formula", "coverage_penalty", "n_best")


class SearchOptions(Options):
    """How the best translation is searched for."""

    beam: int = Field(5, ge=1, le=1000, description="hypotheses kept while searching; 1 is greedy")
    length_penalty: float = Field(
        1.0,
        ge=0,
        description="how much longer translations are made up for their lower probability; 0: not",
    )
    length_formula: Literal["mean", "wu"] = Field(
        "mean", description="divide by length^penalty, or by ((5 + length) / 6)^penalty (Wu 2016)"
    )
    coverage_penalty: float = Field(
        0.0, ge=0, description="against leaving out parts of the source (Wu 2016); 0: none"
    )
    no_repeat: int = Field(
        0, ge=0, description="never repeat a sequence of N tokens; 0: repetition is allowed"
    )
    max_length: int = Field(256, ge=1, description="the most tokens of a translation")
    max_ratio: float = Field(3.0, gt=0, description="the most tokens as a multiple of the source's")
    min_length: int = Field(0, ge=0, description="the fewest tokens of a translation")
    replace_unknown: bool = Field(
        True, description="replace an unknown word by the source's word with most attention"
    )

    @model_validator(mode="after")
    def _lengths(self) -> Self:
        if self.min_length > self.max_length:
            raise ValueError(
                f"--min-length {self.min_length} is more than --max-length {self.max_length}"
            )
        return self


class TranslationOptions(TableSettings, SearchOptions):
    """How translations are searched for or sampled, and what is written beside them."""

    method: Literal["beam", "greedy", "sample"] = Field(
        "beam", description="beam search, the most probable token each time, or sampling"
    )
    n_best: int = Field(1, ge=1, description="translations of each line, the best first")
    temperature: float = Field(
        1.0, ge=0, description="of sampling: above 1 evens out, below 1 sharpens"
    )
    top_k: int | None = Field(None, ge=1, description="sample from this many most probable tokens")
    top_p: float = Field(
        1.0, gt=0, le=1, description="sample from the fewest tokens with this total probability"
    )
    seed: int = Field(0, ge=0, description="of sampling")
    batch_size: int = Field(128, ge=1, description="sentences translated side by side")
    text: str | None = Field(None, description="answer this text, in place of a file")
    alignments: Path | None = Field(
        None,
        description="draw the attention: .html for all lines, .png, .svg or .pdf for the first",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.method != "sample":
            self._refuse(_SAMPLING, "--method sample")
        if self.method != "beam":
            self._refuse(_SEARCH, "--method beam")
        elif self.n_best > self.beam:
            raise ValueError(f"--n-best {self.n_best} is more than --beam {self.beam}")
        return self

    def _refuse(self, names: tuple[str, ...], needed: str) -> None:
        for name in names:
            if name in self.model_fields_set:
                raise ValueError(f"--{name.replace('_', '-')} is for {needed}")

    @classmethod
    def including(cls, options: Options) -> Self:
        """The options that were set in `options`, which may be of a smaller kind; else defaults."""
        chosen = options.model_dump(exclude_unset=True, include=set(cls.model_fields))
        return cls.model_validate(chosen)


@dataclass(frozen=True)
class Translation:
    """One translation of a line.

    Attributes:
        line: its number, from 1.
        rank: 1 for the best by `score`; see `elman.decoding.beam.Beam`.
        nats: -log p(translation | source), its end included.
        warning: why it is not to be relied on, or "".
    """

    line: int
    rank: int
    score: float
    nats: float
    translation: str
    source: str
    warning: str = ""


@final
class LineTranslator:
    """Translates lines, some at a time; draws samples from one random sequence.

    `on_alignment` is called with the attention of the best translation of each line. `longest` is
    the number of tokens of the longest source in training, where it is known.
    """

    def __init__(
        self,
        model: Seq2Seq,
        vocabularies: Vocabularies,
        options: TranslationOptions,
        on_alignment: Callable[[Alignment], None] | None = None,
        longest: int | None = None,
    ) -> None:
        self.warned: Counter[str] = Counter()
        """How many lines had each warning."""
        self._longest = longest
        self._model, self._vocabularies, self._options = model, vocabularies, options
        self._on_alignment = on_alignment
        self._device = next(model.parameters()).device
        self._generator = torch.Generator(self._device).manual_seed(options.seed)
        self._constraints = Constraints(
            vocabularies.start_id,
            vocabularies.start_id,
            max_length=options.max_length,
            max_ratio=options.max_ratio,
            min_length=options.min_length,
            no_repeat=options.no_repeat,
        )

    def translate(self, lines: Sequence[str], first: int = 1) -> list[Translation]:
        """The translations of `lines`, numbered from `first`; that of an empty line is empty."""
        places = [place for place, line in enumerate(lines) if line.strip()]
        ids = [self._vocabularies.encode_source(lines[place]).tolist() for place in places]
        for place, tokens in zip(places, ids, strict=True):
            if len(tokens) > LONGEST:
                raise InputError(
                    f"line {first + place}: {len(tokens):,} tokens, and at most {LONGEST:,} are"
                    " translated at once; put each sentence on a line of its own"
                )
        texts = self._texts([lines[place] for place in places], ids)
        outputs = dict(zip(places, texts, strict=True))
        warnings = {
            place: self._warning(tokens, outputs[place][0][0])
            for place, tokens in zip(places, ids, strict=True)
        }
        self.warned.update(filter(None, warnings.values()))
        empty = [(Hypothesis((), 0.0, 0.0), "")]
        return [
            Translation(
                first + place,
                rank,
                output.score,
                0.0 - output.log_prob,
                text,
                line,
                warnings.get(place, ""),
            )
            for place, line in enumerate(lines)
            for rank, (output, text) in enumerate(outputs.get(place, empty), 1)
        ]

    def _warning(self, source: Sequence[int], best: Hypothesis) -> str:
        """Why a translation is not to be relied on; the end is the last token of `source`."""
        tokenizer = self._vocabularies.source
        if not tokenizer.informative[np.array(source[:-1], np.int64)].any():
            return f"no known {'characters' if tokenizer.unit == 'char' else 'words'}"
        if len(best.tokens) >= self._options.max_length:
            return f"cut at {self._options.max_length} tokens; --max-length takes more"
        if self._longest is not None and len(source) > self._longest:
            return f"source longer than the {self._longest} tokens of the longest in training"
        return ""

    def _texts(
        self, lines: Sequence[str], ids: list[list[int]]
    ) -> list[list[tuple[Hypothesis, str]]]:
        """The outputs for each of the sources `ids`, each with its text."""
        found = self._outputs(ids)
        sides = self._vocabularies
        unknown = sides.unknown_id if self._options.replace_unknown else None
        wanted = [
            (row, rank)
            for row, outputs in enumerate(found)
            for rank, output in enumerate(outputs)
            if unknown in output.tokens or (rank == 0 and self._on_alignment is not None)
        ]
        alignments = self._align(lines, ids, found, wanted)
        texts: list[list[tuple[Hypothesis, str]]] = []
        for row, outputs in enumerate(found):
            texts.append([])
            for rank, output in enumerate(outputs):
                alignment = alignments.get((row, rank))
                if unknown is None or alignment is None:
                    text = sides.decode_target(output.tokens)
                else:
                    text = with_unknown_replaced(alignment, output.tokens, unknown, sides.target)
                texts[-1].append((output, text))
                if alignment is not None and self._on_alignment is not None and rank == 0:
                    self._on_alignment(alignment)
        return texts

    def _outputs(self, ids: list[list[int]]) -> list[list[Hypothesis]]:
        options, size, device = self._options, self._options.batch_size, self._device
        if options.method == "sample":
            sampled = ancestral_sampling(
                self._model,
                ids,
                self._constraints,
                temperature=options.temperature,
                top_k=options.top_k,
                top_p=options.top_p,
                generator=self._generator,
                batch_size=size,
                device=device,
            )
            return [[output] for output in sampled]
        beam = Beam(
            1 if options.method == "greedy" else options.beam,
            options.n_best,
            options.length_penalty,
            options.length_formula,
            options.coverage_penalty,
        )
        return beam_search(
            self._model, ids, self._constraints, beam, batch_size=size, device=device
        )

    def _align(
        self,
        lines: Sequence[str],
        ids: list[list[int]],
        found: list[list[Hypothesis]],
        wanted: list[tuple[int, int]],
    ) -> dict[tuple[int, int], Alignment]:
        """The alignments of the outputs `wanted`, by source and rank."""
        scored = score_outputs(
            self._model,
            [ids[row] for row, _ in wanted],
            [found[row][rank].tokens for row, rank in wanted],
            start_id=self._constraints.start_id,
            end_id=self._constraints.end_id,
            batch_size=self._options.batch_size,
            device=self._device,
        )
        alignments = {}
        for (row, rank), output in zip(wanted, scored, strict=True):
            assert output.attention is not None
            alignments[row, rank] = align(
                lines[row],
                ids[row],
                found[row][rank].tokens,
                np.asarray(output.attention, dtype=np.float32),
                self._vocabularies.source,
                self._vocabularies.target,
            )
        return alignments


def align(
    source: str,
    source_ids: Sequence[int],
    output_ids: Sequence[int],
    weights: npt.NDArray[np.float32],
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
) -> Alignment:
    """The pieces of both sides, unknown words as they are in `source`, with the weights (T, S).

    Of the S `source_ids` the end is the last; the T - 1 `output_ids` are without theirs.
    """
    return Alignment(
        (*source_pieces(source, source_ids[:-1], source_tokenizer), END),
        (*(_piece(target_tokenizer, token) for token in output_ids), END),
        weights,
    )


def source_pieces(text: str, ids: Sequence[int], tokenizer: Tokenizer) -> list[str]:
    """The part of `text` that each of `ids`, without the end, stands for."""
    if tokenizer.unit != "bpe":
        pieces = tokenizer.pieces(clean(text))
        if len(pieces) == len(ids):
            return pieces
    return [_piece(tokenizer, token) for token in ids]


def with_unknown_replaced(
    alignment: Alignment, output_ids: Sequence[int], unknown_id: int, tokenizer: Tokenizer
) -> str:
    """The translation, each unknown token replaced by the source's piece with most attention.

    Source: Luong et al. 2015, arXiv:1410.8206; here attention stands for their alignments.
    """
    text, previous = "", None
    for place, token in enumerate(output_ids):
        spelled = tokenizer.spell(token, previous).decode("utf-8", errors="replace")
        if token == unknown_id:
            spelled = spelled.replace(tokenizer.token(unknown_id), alignment.nearest(place))
        text, previous = text + spelled, token
    return clean(text)


def _piece(tokenizer: Tokenizer, token: int) -> str:
    """A token in printable form; a byte-level piece inside a word begins with a dot."""
    text = tokenizer.token(token)
    if tokenizer.unit != "bpe":
        return text
    return text.strip() if text[:1] == " " else f"·{text}" if text[:1].isalnum() else text
