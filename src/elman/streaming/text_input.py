"""Bytes that are cut anywhere, as text and as lines."""

from __future__ import annotations

import codecs
import io
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from typing import Any, final

from elman.errors import InputError

_BOM = "\ufeff"


@final
class TextInput:
    """UTF-8 that arrives in pieces, which may cut a character in two; a byte order mark is dropped.

    Line ends are LF, also where CR LF comes, as in files; a CR waits for what follows it.

    Args:
        where: what the text is called in an error.
    """

    def __init__(self, where: str = "standard input") -> None:
        self._where = where
        self.reset()

    def reset(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._seen = 0
        self._begun = False
        self._return = ""
        self._fault: int | None = None

    def read(self, chunk: str | bytes) -> str:
        """The characters that are complete, up to the first byte that is none of UTF-8.

        Such a byte is an error of the next call, or of `check`, so that what came before it can be
        used first.

        Raises:
            InputError: bytes that are not UTF-8, or text in the middle of a character's bytes.
        """
        self.check()
        return self._decoded(chunk, final=False)

    def check(self) -> None:
        """Raise InputError where the bytes that were read last are not UTF-8."""
        if self._fault is not None:
            raise InputError(f"{self._where}: not UTF-8 at byte {self._fault}; convert it")

    def end(self) -> str:
        """The rest; an InputError where the bytes end inside of a character."""
        self.check()
        text = self._decoded(b"", final=True)
        self.check()
        self._decoder.reset()
        self._begun = False
        text, self._return = text + self._return, ""
        return text

    @property
    def state(self) -> Mapping[str, Any]:
        place: dict[str, Any] = {"seen": self._seen, "begun": self._begun, "fault": self._fault}
        place["return"] = self._return
        return {"bytes": self._decoder.getstate()[0].hex(), **place}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        waiting, fault = bytes.fromhex(state["bytes"]), state["fault"]
        seen, begun = int(state["seen"]), bool(state["begun"])
        held = str(state["return"])
        fault = None if fault is None else int(fault)
        if len(waiting) > 3:
            raise ValueError("more than three bytes of one character are held back")
        if held not in ("", "\r"):
            raise ValueError("something else than a CR is held back")
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._decoder.decode(waiting)
        self._seen, self._begun, self._fault = seen, begun, fault
        self._return = held

    def _decoded(self, chunk: str | bytes, *, final: bool) -> str:
        waiting = len(self._decoder.getstate()[0])
        if isinstance(chunk, str):
            if waiting:
                raise InputError(f"{self._where}: text after the first bytes of a character")
            if chunk.encode("utf-8", "ignore").decode() != chunk:
                raise InputError(f"{self._where}: half of a surrogate pair; give whole characters")
            text = chunk
        elif not isinstance(chunk, bytes | bytearray):
            raise InputError(f"{self._where}: expected text or bytes, got {type(chunk).__name__}")
        else:
            try:
                text = self._decoder.decode(chunk, final)
            except UnicodeDecodeError as error:
                self._fault = self._seen - waiting + error.start
                text = error.object[: error.start].decode()
            self._seen += len(chunk)
        if text and not self._begun:
            self._begun = True
            text = text.removeprefix(_BOM)
        if self._return and text:
            text, self._return = self._return + text, ""
        if text.endswith("\r"):
            text, self._return = text[:-1], "\r"
        return text.replace("\r\n", "\n") if "\r" in text else text


@final
class LineInput:
    """Lines of UTF-8 that arrives in pieces, without what ends them (LF or CRLF).

    Args:
        where: what the text is called in an error.
        longest: a line that has more characters is refused, so that what is held is bounded.
    """

    def __init__(self, where: str = "standard input", longest: int = 1 << 20) -> None:
        self._text = TextInput(where)
        self._where, self._longest = where, longest
        self.reset()

    def reset(self) -> None:
        self._text.reset()
        self._lines: deque[str] = deque()
        self.number = 0
        self._hold("")

    @property
    def place(self) -> str:
        """Where the line that was given last stands, for an error."""
        return f"{self._where}:{self.number}"

    def read(self, chunk: str | bytes) -> Generator[str, None, None]:
        """The lines that are complete, each before the next is looked at.

        Raises:
            InputError: bytes that are not UTF-8, or a line that is too long.
        """
        first, *rest = self._text.read(chunk).split("\n")
        self._pending.write(first)
        # Kept here, so that whoever stops at a line, as after an error, finds the others next time.
        if rest:
            self._lines += [self._pending.getvalue(), *rest[:-1]]
            self._hold(rest[-1])
        while self._lines:
            yield self._counted(self._lines.popleft())
        self._text.check()
        self._check_length(self._pending.tell(), self.number + 1)

    def end(self) -> Iterator[str]:
        """The lines that are left, the last one even if nothing ended it."""
        while self._lines:
            yield self._counted(self._lines.popleft())
        line = self._pending.getvalue() + self._text.end()
        self._hold("")
        if line:
            yield self._counted(line)

    @property
    def state(self) -> Mapping[str, Any]:
        pending = "\n".join([*self._lines, self._pending.getvalue()])
        return {"text": self._text.state, "pending": pending, "line": self.number}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        pending, number = str(state["pending"]), int(state["line"])
        pending.encode()  # raises where it is no text
        self._text.state = state["text"]
        *lines, rest = pending.split("\n")
        self._lines, self.number = deque(lines), number
        self._hold(rest)

    def _hold(self, text: str) -> None:
        """Keep the beginning of a line; pieces are added in the time of their own length."""
        self._pending = io.StringIO(newline="")
        self._pending.write(text)

    def _counted(self, line: str) -> str:
        self.number += 1
        self._check_length(len(line), self.number)
        return line.removesuffix("\r")

    def _check_length(self, length: int, number: int) -> None:
        if length > self._longest:
            raise InputError(
                f"{self._where}:{number}: a line of more than {self._longest:,} characters;"
                " break it"
            )
