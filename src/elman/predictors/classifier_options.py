"""What `elman predict` may be told about a classifier. Free of torch."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from elman.tasks.task import Options


class ClassifyPrediction(Options):
    """What to read, and whether to say why."""

    text: str | None = Field(default=None, description="judge this text, in place of a file")
    explain: bool = Field(
        default=False, description="say how much each word moved the answer: with and without it"
    )
    html: Path | None = Field(
        default=None, description="write the explanations as a page, words colored by their effect"
    )
