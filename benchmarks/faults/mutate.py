"""Changes to bytes and texts that once were valid."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")

TOKENS: tuple[bytes, ...] = (
    *(b"\0", b"\n", b"\r", b"\r\n", b"\t", b",", b";", b"|", b'"', b"'", b'""', b" ", b"\xa0"),
    *(
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xef\xbb\xbf",
        b"\xe9",
        b"\xc3",
        b"\xe2\x80\xa8",
        b"\x85",
        b"\x0c",
    ),
    *(
        b"nan",
        b"inf",
        b"-inf",
        b"1e999",
        b"-0",
        b"0x1f",
        b"1_000",
        b"9" * 25,
        b"9" * 400,
        b"1e-400",
    ),
    *(
        b"null",
        b"None",
        b"NA",
        b"true",
        b"[",
        b"]",
        b"{",
        b"}",
        b"[]",
        b"{}",
        b"[" * 300,
        b'{"a":' * 200,
    ),
    *(b"-", b"+", b"/", b".", b":", b"Z", b"+01", b"+01:00", b"T", b"24:00", b"60", b"2024-02-30"),
    *(
        b"0000-01-01",
        b"9999-12-31",
        b"1677-01-01",
        b"-9223372036854775808",
        b"18446744073709551616",
    ),
    *(
        "٣".encode(),
        "１２".encode(),
        "Ω".encode(),
        "\u202e".encode(),
        b"\xed\xa0\x80",
        b"%",
        b"$",
        b"=1+1",
    ),
)


def some(draw: Random, items: Sequence[Item], *usual: Item, odds: float = 0.5) -> Item:
    """One of the usual items, or with some odds one of all."""
    return draw.choice(usual) if usual and draw.random() > odds else draw.choice(items)


def mutated(draw: Random, data: bytes, most: int = 6) -> bytes:
    """`data` with a few changes: bytes flipped, words put in, pieces cut, doubled and moved."""
    for _ in range(draw.randint(1, most)):
        data = _once(draw, data)
    return data


def _once(draw: Random, data: bytes) -> bytes:
    begin = draw.randint(0, len(data))
    end = min(len(data), begin + int(draw.expovariate(1 / 8)))
    match draw.randrange(8):
        case 0 if data:
            place = draw.randrange(len(data))
            return data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :]
        case 1:
            return data[:begin] + draw.choice(TOKENS) + data[begin:]
        case 2:
            return data[:begin] + draw.choice(TOKENS) + data[end:]
        case 3:
            return data[:begin] + data[end:]
        case 4:
            return data[:begin] + data[begin:end] * draw.randint(2, 5) + data[end:]
        case 5:
            to = draw.randint(0, len(data))
            return data[:to] + data[begin:end] + data[to:]
        case 6:
            return (
                data[:begin]
                if draw.random() < 0.3
                else data[:begin] + draw.randbytes(3) + data[end:]
            )
        case _:
            lines = data.split(b"\n")
            draw.shuffle(lines)
            return b"\n".join(lines) if draw.random() < 0.3 else b"\n".join([*lines, lines[0]])


def lying(draw: Random, data: bytes) -> bytes:
    """A number of eight or four bytes replaced, as where a header lies."""
    size = draw.choice((4, 8))
    if len(data) <= size:
        return data
    place = draw.choice(
        (0, draw.randrange(len(data) - size), draw.randrange(min(200, len(data) - size)))
    )
    value = draw.choice(
        (0, 1, 255, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, len(data))
    )
    return data[:place] + (value % 256**size).to_bytes(size, "little") + data[place + size :]


def packed(draw: Random, name: str, data: bytes, odds: float = 0.04) -> tuple[str, bytes]:
    """Sometimes the file compressed, and then sometimes damaged."""
    if draw.random() > odds:
        return name, data
    data = gzip.compress(data, 1, mtime=0)
    return f"{name}.gz", mutated(draw, data, 2) if draw.random() < 0.3 else data
