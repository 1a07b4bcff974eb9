"""What a trained translation may be asked. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from elman.tasks.task import Options

_DRAWING = ("temperature", "top_k", "top_p", "seed")
_SEARCHING = ("beam", "length_penalty", "length_formula", "coverage_penalty", "n_best")


class TranslationStreaming(Options):
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
        0, ge=0, description="never write the same N tokens in a row twice; 0: allowed"
    )
    max_length: int = Field(256, ge=1, description="the most tokens of a translation")
    max_ratio: float = Field(3.0, gt=0, description="the most tokens as a multiple of the source's")
    min_length: int = Field(0, ge=0, description="the fewest tokens of a translation")
    replace_unknown: bool = Field(
        True, description="put the source's word where an unknown one would be written"
    )

    @model_validator(mode="after")
    def _lengths(self) -> Self:
        if self.min_length > self.max_length:
            raise ValueError(
                f"--min-length {self.min_length} is more than --max-length {self.max_length}"
            )
        return self


class TranslationEvaluation(TranslationStreaming):
    """How translations are searched for and scored."""

    batch_size: int = Field(128, ge=1, description="sentences translated side by side")
    sentences: int = Field(
        5000, ge=1, description="translate at most so many of each file for BLEU and chrF"
    )


class TranslationPrediction(TranslationStreaming):
    """How translations are searched for or drawn, and what is written beside them."""

    method: Literal["beam", "greedy", "sample"] = Field(
        "beam", description="search with a beam, take the best token each time, or draw tokens"
    )
    n_best: int = Field(1, ge=1, description="translations of each line, the best first")
    temperature: float = Field(
        1.0, ge=0, description="of drawing: above 1 evens out, below 1 sharpens"
    )
    top_k: int | None = Field(None, ge=1, description="draw from so many of the most probable")
    top_p: float = Field(
        1.0, gt=0, le=1, description="draw from the fewest that together have this probability"
    )
    seed: int = Field(0, ge=0, description="of drawing")
    batch_size: int = Field(128, ge=1, description="sentences translated side by side")
    text: str | None = Field(None, description="translate this, not a file")
    alignments: Path | None = Field(
        None,
        description="draw where attention looked: .html for all lines, .png, .svg or .pdf for the"
        " first ones",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.method != "sample":
            self._refuse(_DRAWING, "--method sample")
        if self.method != "beam":
            self._refuse(_SEARCHING, "--method beam")
        elif self.n_best > self.beam:
            raise ValueError(f"--n-best {self.n_best} is more than --beam {self.beam}")
        return self

    def _refuse(self, names: tuple[str, ...], needed: str) -> None:
        for name in names:
            if name in self.model_fields_set:
                raise ValueError(f"--{name.replace('_', '-')} is for {needed}")
