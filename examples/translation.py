"""Translate: a frame of pairs in, a frame of translations with their scores out."""

import random

import pandas as pd

import elman

WORDS = {"one": "eins", "two": "zwei", "three": "drei", "four": "vier", "five": "fünf"}


def pairs() -> pd.DataFrame:
    """Four hundred short sentences of number words, in English and in German."""
    draw = random.Random(0)
    rows = []
    for _ in range(400):
        words = draw.choices(list(WORDS), k=draw.randint(2, 4))
        rows.append((" ".join(words), " ".join(WORDS[word] for word in words)))
    return pd.DataFrame(rows, columns=["english", "german"])


def main(max_steps: int = 400) -> pd.DataFrame:
    """Train, measure, and translate new sentences."""
    run = elman.train(
        "translation",
        pairs(),
        source="english",
        target="german",
        unit="word",
        embedding_size=32,
        encoder_size=32,
        hidden_size=64,
        max_steps=max_steps,
    )
    print(f"BLEU on the test: {run.metrics['test']['BLEU']:.1f}")

    answers = run.predictor.predict(["one two three", "five four"], beam=3)
    for answer in answers:
        print(answer.translation, answer.score)
    return answers.to_frame()


if __name__ == "__main__":
    print(main())
