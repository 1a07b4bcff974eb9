"""A live text that is translated line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self, final

from elman.predictors.translation import LineTranslator, Translation
from elman.streaming.session import Identified, Session, Snapshot
from elman.streaming.text_input import LineInput


@final
class TranslationSession(Session[str | bytes, Translation]):
    """Text or its UTF-8 bytes in, a translation of each line as soon as it is complete.

    Each line is translated by itself, so that the answers do not depend on how the text is cut.

    Args:
        predictor: what the session is of.
        translator: of lines, without any randomness.
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
