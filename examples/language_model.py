"""Model a text: strings in, a continuation and a frame of what each line costs out."""

import random

import pandas as pd

import elman

WORDS = ("the", "cat", "sat", "on", "a", "mat", "and", "dog", "ran", "to", "red", "hill")


def text() -> str:
    """Two thousand lines of a small language."""
    draw = random.Random(0)
    return "".join(" ".join(draw.choices(WORDS, k=6)) + "\n" for _ in range(2000))


def main(max_steps: int = 300) -> pd.DataFrame:
    """Train, write, score lines, and read a live text."""
    run = elman.train("language-model", [text()], unit="char", hidden_size=64, max_steps=max_steps)
    for entry in run.history[-1:]:
        print(f"step {entry['step']}: {entry['loss']} nats a character")

    model = run.predictor
    print(model.generate("the cat", length=60, seed=1).read()[0])

    session = model.session()
    for token in session.push("the dog ran"):
        print(f"{token.text!r:6} {token.bits:5.2f} bits")

    scores = model.predict(["the cat sat on a mat", "colorless green ideas"])
    worst = max(scores, key=lambda line: line.bits_per_character)
    print(f"the most surprising line: {worst.text}")
    return scores.to_frame()


if __name__ == "__main__":
    print(main())
