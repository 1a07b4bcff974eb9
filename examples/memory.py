"""How far back a cell remembers: a test of memory that draws its own data, and a diagnosis."""

import numpy as np
import pandas as pd

import elman


def main(max_steps: int = 400) -> pd.DataFrame:
    """Train an LSTM and an RNN to add two numbers of a sequence, and compare them."""
    rows = []
    for cell in ("rnn", "lstm"):
        run = elman.train(
            "memory",
            problem="adding",
            lag=20,
            cell=cell,
            hidden_size=32,
            max_steps=max_steps,
        )
        rows += [(cell, score.metric, score.value, score.unit) for score in run.evaluate()]

        # Two numbers are marked, and the answer is their sum.
        numbers = np.random.default_rng(0).random((20, 1), dtype=np.float32)
        marks = np.zeros((20, 1), dtype=np.float32)
        marks[[3, 12]] = 1
        answers = run.predictor.predict([np.hstack([numbers, marks])])
        print(f"{cell}: {answers[-1]}, expected {float(numbers[3, 0] + numbers[12, 0]):.2f}")
    return pd.DataFrame(rows, columns=["cell", "metric", "value", "unit"])


if __name__ == "__main__":
    print(main())
