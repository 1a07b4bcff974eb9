"""Label videos: frames in memory in, a frame of labels out. Here a bright square moves."""

import numpy as np
import pandas as pd

import elman
from elman.data.given import Video


def moving(direction: str, start: int) -> np.ndarray:
    """Twelve gray frames (T, h, w) of a square that goes to the left or to the right."""
    frames = np.zeros((12, 24, 24), dtype=np.uint8)
    for number, frame in enumerate(frames):
        place = start + number if direction == "right" else 18 - start - number
        frame[9:15, place : place + 6] = 255
    return frames


def main(max_steps: int = 150) -> pd.DataFrame:
    """Train, look at the scores, and label new videos."""
    labels = ["left", "right"] * 40
    clips = [moving(label, number % 6) for number, label in enumerate(labels)]
    run = elman.train(
        "video",
        Video(clips, labels, fps=10),
        size="24",
        frame_rate=10,
        hidden_size=16,
        max_steps=max_steps,
    )
    for split, scores in run.metrics.items():
        print(f"{split}: accuracy {scores['accuracy']:.0%}")

    new = Video([moving("right", 2), moving("left", 3)], fps=10)
    model = run.predictor
    print(model.classes, model.predict_proba(new).round(2).tolist())
    return model.predict(new).to_frame()


if __name__ == "__main__":
    print(main())
