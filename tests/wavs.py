"""WAV files as bytes, right and wrong ones."""

from __future__ import annotations

import struct


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    padding = b"\0" * (len(content) % 2)
    return name + struct.pack("<I", len(content) if size is None else size) + content + padding


def header(
    channels: int = 1,
    rate: int = 16000,
    bits: int = 16,
    codec: int = 1,
    *,
    extensible: bool = False,
) -> bytes:
    block = channels * bits // 8
    named = 0xFFFE if extensible else codec
    content = struct.pack("<HHIIHH", named, channels, rate, rate * block % 2**32, block, bits)
    if extensible:
        content += struct.pack("<HHIH14s", 22, bits, 0, codec, b"\0" * 14)
    return chunk(b"fmt ", content)


def wav(data: bytes, *before: bytes, size: int | None = None, after: bytes = b"") -> bytes:
    content = b"WAVE" + b"".join(before or [header()]) + chunk(b"data", data, size) + after
    return b"RIFF" + struct.pack("<I", len(content)) + content
