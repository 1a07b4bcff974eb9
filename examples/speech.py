"""Recognize: recordings with their text in, a frame of texts out. Here a letter is a tone."""

import random

import numpy as np
import pandas as pd

import elman

RATE = 8000
TONES = {"a": 400, "b": 700, "c": 1200, "d": 2000}


def spoken(text: str) -> tuple[np.ndarray, int]:
    """A text as its tones, a fifth of a second each, with its rate in Hz."""
    seconds = np.arange(RATE // 5) / RATE
    tones = [np.sin(2 * np.pi * TONES[letter] * seconds) for letter in text]
    quiet = np.zeros(RATE // 20)
    return np.concatenate([part for tone in tones for part in (quiet, tone)] + [quiet]) / 2, RATE


def main(max_steps: int = 300) -> pd.DataFrame:
    """Train, measure, and write down recordings that were not heard before."""
    draw = random.Random(0)
    texts = ["".join(draw.choices(list(TONES), k=draw.randint(2, 5))) for _ in range(200)]
    run = elman.train(
        "speech",
        ([spoken(text) for text in texts], texts),
        rate=RATE,
        hidden_size=32,
        max_steps=max_steps,
    )
    for split, scores in run.metrics.items():
        print(split, ", ".join(f"{name} {value:.3g}" for name, value in scores.items()))

    answers = run.predictor.predict([spoken("abcd"), spoken("dab")])
    for answer in answers:
        print(answer.text)
    return answers.to_frame()


if __name__ == "__main__":
    print(main())
