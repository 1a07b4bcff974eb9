"""Tones for small runs that hear: a recording of some letters, a folder of them for each label."""

from __future__ import annotations

import io
import json
import random
import wave
from math import pi, sin
from pathlib import Path

RATE = 8000
_HERTZ = {"a": 400.0, "b": 900.0, "c": 1900.0}
_LETTER, _GAP = 800, 400  # samples


def tone_of(text: str) -> bytes:
    """A WAV with a tone for each letter, and a pause for a space."""
    draw = random.Random(text)
    samples: list[float] = []
    for letter in text:
        hertz = _HERTZ.get(letter, 0.0)
        samples += [0.5 * sin(2 * pi * hertz * n / RATE) for n in range(_LETTER)]
        samples += [0.0] * _GAP
    numbers = [int(32767 * each) + draw.randrange(-30, 31) for each in samples]
    found = io.BytesIO()
    with wave.open(found, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(each.to_bytes(2, "little", signed=True) for each in numbers))
    return found.getvalue()


def spoken_tones(folder: Path) -> Path:
    """A table of recordings with their letters, and the recordings beside it."""
    draw, place = random.Random(0), folder / "spoken"
    place.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(40):
        text = " ".join("".join(draw.choices("abc", k=2)) for _ in range(draw.randint(1, 2)))
        (place / f"{number}.wav").write_bytes(tone_of(text))
        rows.append(json.dumps({"audio": f"{number}.wav", "text": text}))
    path = place / "rows.jsonl"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def labeled_tones(folder: Path) -> Path:
    """A folder for each letter."""
    place = folder / "tones"
    for letter in "abc":
        (place / letter).mkdir(parents=True, exist_ok=True)
        for number in range(10):
            text = letter * (1 + number % 3)
            (place / letter / f"{number}.wav").write_bytes(tone_of(text))
    return place
