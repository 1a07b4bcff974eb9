"""Label texts: a frame of reviews in, a frame of labels with their probabilities out."""

import pandas as pd

import elman

PRAISE = ("moving", "clever", "funny", "bright")
BLAME = ("dull", "slow", "tired", "clumsy")


def reviews() -> pd.DataFrame:
    """Two hundred short reviews with what they say of the film."""
    rows = []
    for number in range(200):
        words, verdict = (PRAISE, "good") if number % 2 else (BLAME, "bad")
        first, second = words[number // 2 % 4], words[number // 8 % 4]
        rows.append((f"a {first} film with a {second} ending, number {number}", verdict))
    return pd.DataFrame(rows, columns=["review", "verdict"])


def main(max_steps: int = 200) -> pd.DataFrame:
    """Train, look at the scores, and label new texts."""
    run = elman.train(
        "classify",
        reviews(),
        text_column="review",
        label_column="verdict",
        hidden_size=32,
        max_steps=max_steps,
    )
    print(f"accuracy on the test: {run.metrics['test']['accuracy']:.0%}")

    model = run.predictor
    new = pd.DataFrame({"review": ["a clever and bright film", "slow, and a dull ending"]})
    probabilities = model.predict_proba(new)
    for text, row in zip(new["review"], probabilities, strict=True):
        said = ", ".join(f"{name} {p:.2f}" for name, p in zip(model.classes, row, strict=True))
        print(f"{text}: {said}")
    return model.predict(new).to_frame()


if __name__ == "__main__":
    print(main())
