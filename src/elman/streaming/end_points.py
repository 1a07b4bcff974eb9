"""Where one utterance of an endless recording ends and the next begins.

Legend: S network steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal, TypeAlias

Rule: TypeAlias = Literal["silence before", "silence after", "longest utterance"]
"""Why an utterance ended."""


@dataclass(frozen=True)
class EndPoints:
    """Three rules, any of which ends an utterance, as in Kaldi's online decoding (Povey et al.).

    They look at what was recognized and not at the loudness: silence is the time since the last
    token. Kaldi's further rules, which weigh how likely it is that the sentence is complete, need
    the final states of a grammar, which there are none of here.

    Attributes:
        silence_before: seconds with nothing recognized since the utterance began.
        silence_after: seconds since the last token was recognized.
        longest_utterance: seconds since the utterance began, whatever is going on.

    A rule of 0 seconds never applies.
    """

    silence_before: float = 5.0
    silence_after: float = 0.8
    longest_utterance: float = 20.0

    def in_steps(self, step: float) -> StepRules:
        """The rules for a network with a step each `step` seconds, rounded up."""
        return StepRules(
            *(
                # A hair less, since 0.8 / 0.04 may come out as 20.000000000000004; but no rule that
                # applies becomes one that never does.
                max(ceil(seconds / step - 1e-6), 1 if seconds > 0 else 0)
                for seconds in (self.silence_before, self.silence_after, self.longest_utterance)
            )
        )


@dataclass(frozen=True)
class StepRules:
    """The rules of `EndPoints`, counted in network steps."""

    silence_before: int
    silence_after: int
    longest_utterance: int

    def ended(self, steps: int, silent: int | None) -> Rule | None:
        """The rule that ends an utterance here, if any.

        Args:
            steps: S of the utterance so far.
            silent: steps since its last token; None where it has none yet.
        """
        if silent is None:
            if 0 < self.silence_before <= steps:
                return "silence before"
        elif 0 < self.silence_after <= silent:
            return "silence after"
        if 0 < self.longest_utterance <= steps:
            return "longest utterance"
        return None
