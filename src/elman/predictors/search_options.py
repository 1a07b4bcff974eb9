"""How the words of a recognizer are searched for, as options of every use of one.

Free of torch, so that `--help` comes at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from elman.bounds import read_settings
from elman.errors import InputError
from elman.predictors.fusion import Fusion
from elman.settings import Options, listed

if TYPE_CHECKING:
    from elman.data.tokenizer import Tokenizer
    from elman.decoding.ctc import Search
    from elman.decoding.hot_words import HotWords
    from elman.predictors.predictor import Predictor

USUAL_BEAM = 16

Words = Annotated[tuple[str, ...], BeforeValidator(listed)]


class SearchOptions(Options):
    """Greedy search, or a beam with a language model and hot words."""

    beam: int = Field(
        0,
        ge=0,
        le=1000,
        description="prefixes kept while searching; 1 is greedy; 0: 1, or 16 where a language"
        " model, hot words or the like ask for a beam",
    )
    language_model: Path | None = Field(
        None,
        description="a run of `elman train language-model` to weigh texts by, on words or on"
        " the recognizer's own tokens",
    )
    lm_weight: float | None = Field(
        None,
        ge=0,
        description="of the language model's log-probabilities; default: as tuned, or 0.5",
    )
    bonus: float | None = Field(
        None,
        description="nats for each token, or word of a language model over words; default: as"
        " tuned, or 0",
    )
    hot_words: Words = Field(
        (),
        description="phrases to hear more easily, with commas between; PHRASE=NATS has a boost"
        " of its own",
    )
    hot_words_file: Path | None = Field(
        None, description="the same, a phrase a line, as PHRASE or PHRASE=NATS"
    )
    hot_boost: float = Field(
        4.0, description="nats for each hot word or phrase without a boost of its own"
    )

    @model_validator(mode="after")
    def _search_fits_together(self) -> Self:
        if self.language_model is None and self.lm_weight is not None:
            raise ValueError("--lm-weight is for --language-model; give one")
        has_words = self.hot_words or self.hot_words_file is not None
        if "hot_boost" in self.model_fields_set and not has_words:
            raise ValueError("--hot-boost is for --hot-words or --hot-words-file; give some")
        if self.beam == 1 and (asked := self._needs_beam()):
            raise ValueError(f"{asked} needs a beam; leave out --beam 1")
        if self.texts > self.width:
            raise ValueError(f"--n-best {self.texts} is more than --beam {self.width}")
        return self

    @property
    def texts(self) -> int:
        """How many texts of each recording are asked for."""
        return 1

    @property
    def width(self) -> int:
        """The beam; 1 for greedy search."""
        return self.beam or (max(USUAL_BEAM, self.texts) if self._needs_beam() else 1)

    def _needs_beam(self) -> str:
        """The first flag that greedy search could not follow, or ""."""
        asked = {
            "--language-model": self.language_model is not None,
            "--bonus": bool(self.bonus),
            "--hot-words": bool(self.hot_words),
            "--hot-words-file": self.hot_words_file is not None,
            "--n-best": self.texts > 1,
        }
        return next((name for name, given in asked.items() if given), "")

    def search(
        self,
        tokenizer: Tokenizer,
        tuned: Fusion | None = None,
        *,
        spelled: Callable[[str], str] = str,
        open_model: Callable[[Path], Predictor] | None = None,
    ) -> Search[Any]:
        """The search over a recognizer's tokens.

        Args:
            tokenizer: of the recognizer.
            tuned: the weight and the bonus that are not given.
            spelled: writes a phrase as the transcripts of training are written.
            open_model: gives the language model of a path; by default `elman.load`.

        Raises:
            InputError: a language model or hot words that can't be read, or of other letters.
        """
        from elman.decoding.ctc import GreedySearch
        from elman.decoding.ctc_beam import BeamSearch
        from elman.predictors.language_scorer import language_scorer
        from elman.predictors.predictor import load

        if self.width == 1:
            return GreedySearch()
        scorer = None
        usual = Fusion(0.0, 0.0)
        if self.language_model is not None:
            scorer = language_scorer((open_model or load)(self.language_model), tokenizer)
            usual = tuned or Fusion()
        weight = usual.weight if self.lm_weight is None else self.lm_weight
        bonus = usual.bonus if self.bonus is None else self.bonus
        return BeamSearch(self.width, scorer, weight, bonus, self._hot(tokenizer, spelled))

    def _hot(self, tokenizer: Tokenizer, spelled: Callable[[str], str]) -> HotWords | None:
        from elman.decoding.hot_words import HotWords

        spelling = [tokenizer.spell(token, None) for token in range(tokenizer.vocab_size)]
        boosts: dict[str, float] = {}
        places = {f"--hot-words {each}": each for each in self.hot_words}
        if (path := self.hot_words_file) is not None:
            places |= _lines(path)
        for where, line in places.items():
            phrase, boost = _phrase(line, self.hot_boost, where)
            phrase = spelled(phrase)
            try:
                HotWords({phrase: boost}, spelling)  # so that a fault is that of its line
            except InputError as error:
                raise InputError(f"{where}: {error}") from error
            boosts[phrase] = boost
        return HotWords(boosts, spelling) if boosts else None


class BestTextsOptions(SearchOptions):
    """A search whose best texts are all answered."""

    n_best: int = Field(1, ge=1, description="the best so many texts of each recording")

    @property
    def texts(self) -> int:
        return self.n_best


def _lines(path: Path) -> Mapping[str, str]:
    """The lines of a file of hot words that are not empty, each by its place."""
    try:
        text = read_settings(path).decode("utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"--hot-words-file {path}: can't be read ({reason}); give a file with a phrase a line"
        ) from error
    except UnicodeDecodeError as error:
        line = 1 + error.object[: error.start].count(b"\n")
        raise InputError(f"{path}:{line}: not UTF-8; save the hot words as UTF-8") from error
    rows = enumerate(text.removeprefix("\ufeff").splitlines(), 1)
    found = {f"{path}:{number}": line for number, line in rows if line.strip()}
    if not found:
        raise InputError(f"{path}: holds no hot words; write a phrase a line")
    return found


def _phrase(line: str, usual: float, where: str) -> tuple[str, float]:
    """A phrase and its boost."""
    phrase, separator, boost = line.rpartition("=")
    if not separator:
        return " ".join(line.split()), usual
    try:
        value = float(boost)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"{where}: expected PHRASE or PHRASE=NATS, and {boost.strip()[:80]!r} is no number"
        )
    return " ".join(phrase.split()), value
