"""A video file that arrives in pieces, decoded as far as its bytes go.

PyAV reads a file at its own pace, so it does that in a thread. The thread and the caller take
turns: the decoder runs only while a piece is fed, until it wants more bytes than have come. So the
same bytes give the same frames, and never more than one frame waits.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any, final

from elman.data.video.clips import VideoLimits
from elman.data.video.container import opened_stream
from elman.data.video.resize import Frame
from elman.errors import InputError


class _StoppedError(Exception):
    """The stream was given up."""


class _Turns:
    """What both sides know: whose turn it is, and what is handed over."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.decoding = False  # else it is the caller's turn
        self.bytes, self.ended, self.stopped = bytearray(), False, False
        self.frame: tuple[Frame, float] | None = None
        self.done = False
        self.fault: str | None = None

    def read(self, size: int) -> bytes:
        """Bytes for the decoder, which waits for them."""
        with self.changed:
            while not (self.bytes or self.ended or self.stopped):
                self._give_back()
            if self.stopped:
                raise _StoppedError
            found = bytes(self.bytes[:size])
            del self.bytes[:size]
            return found

    def show(self, frame: Frame, seconds: float) -> None:
        """Hand a frame over, and wait until it is taken."""
        with self.changed:
            self.frame = frame, seconds
            self._give_back()
            if self.stopped:
                raise _StoppedError

    def finish(self, fault: str | None) -> None:
        with self.changed:
            self.done, self.fault, self.decoding = True, fault, False
            self.changed.notify_all()

    def advance(self) -> tuple[Frame, float] | None:
        """Let the decoder run until it has a frame, which is given, or wants more bytes."""
        with self.changed:
            if self.done:
                return None
            self.decoding = True
            self.changed.notify_all()
            while self.decoding:
                self.changed.wait()
            found, self.frame = self.frame, None
            return found

    def stop(self) -> None:
        with self.changed:
            self.stopped = self.decoding = True
            self.changed.notify_all()

    def _give_back(self) -> None:
        self.decoding = False
        self.changed.notify_all()
        while not self.decoding:
            self.changed.wait()


@final
class PipedVideo:
    """Bytes of a video in, its frames with their times out.

    Args:
        where: what the stream is called in an error.
        limits: bounds on it.
    """

    def __init__(self, where: str, limits: VideoLimits) -> None:
        self._turns = _Turns()
        arguments = self._turns, where, limits
        threading.Thread(target=_decode, args=arguments, daemon=True).start()
        self.stop = weakref.finalize(self, self._turns.stop)

    def feed(self, piece: bytes) -> Iterator[tuple[Frame, float]]:
        """The frames (h, w, 3) that can be decoded now, and the second at which each begins.

        Raises:
            InputError: no video, or one that is damaged or out of bounds, after its frames.
        """
        turns = self._turns
        turns.bytes += piece
        while (found := turns.advance()) is not None:
            yield found
        if turns.fault is not None:
            raise InputError(turns.fault)

    def end(self) -> Iterator[tuple[Frame, float]]:
        """The frames that are left.

        Raises:
            InputError: the end of the bytes is not that of the video, after its frames.
        """
        self._turns.ended = True
        yield from self.feed(b"")


def _decode(turns: _Turns, where: str, limits: VideoLimits) -> None:
    """Decode as bytes come; in the thread."""
    with turns.changed:
        while not turns.decoding:
            turns.changed.wait()
    fault = None
    try:
        file: Any = _File(turns)
        with opened_stream(file, limits, where) as video:
            for source, seconds, _ in video.frames():
                turns.show(source() if callable(source) else source, seconds)
    except InputError as error:
        fault = str(error)
    except _StoppedError:
        pass
    except Exception as error:  # noqa: BLE001 (a thread has nobody else to say it to)
        fault = f"{where}: can't be decoded ({' '.join(str(error).split())[:200]})"
    turns.finish(fault)


class _File:
    """What PyAV takes for a file that can't be sought in."""

    def __init__(self, turns: _Turns) -> None:
        self._turns = turns

    def read(self, size: int) -> bytes:
        return self._turns.read(size)
