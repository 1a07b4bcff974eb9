"""The settings that classifiers share, whatever they read. Free of torch, as every config is."""

from __future__ import annotations

from typing import Literal

from elman.settings import section
from elman.tasks.network_config import PlacedDropoutConfig, share_setting

_data = section("Data")
_model = section("Model")
_loss = section("Loss")
_budget = section("Budget")
_optimization = section("Optimization")
_records = section("Evaluation and checkpoints")


class ClassifierConfig(PlacedDropoutConfig):
    """Where labels are, the layers and the pooling, the loss, and training."""

    label_column: str | None = _data(None, "column of the label; by default it is found")
    split_column: str | None = _data(None, "column that says train, valid or test")
    label_separator: str | None = _data(
        None, "what stands between labels where a row may have many, such as a comma"
    )
    skip_bad_rows: bool = _data(False, "leave out rows that can't be read, and count them")
    valid_fraction: float = _data(
        0.1, "share of rows kept for validation where the data have no split", gt=0, lt=1
    )
    test_fraction: float = _data(0.1, "the same for testing; 0: no test", ge=0, lt=1)

    hidden_size: int = _model(128, "units of a direction of a layer", ge=1, le=65536)
    bidirectional: bool | None = _model(
        None,
        "read from both ends; off: from the beginning only, as `elman stream` needs;"
        " default: on, off with --from and of video",
    )
    pooling: Literal["last", "max", "mean", "attention", "concat"] = _model(
        "max", "how the steps become one vector; concat: last, max and mean (Howard 2018)"
    )

    class_weights: Literal["none", "balanced"] = _loss(
        "none", "balanced: a class counts the more, the rarer it is in training"
    )
    label_smoothing: float = _loss(
        0.0, "share of a label's weight spread over all classes (Szegedy 2016)", ge=0, lt=1
    )
    choose: Literal["loss", "accuracy"] = _records(
        "loss",
        "what the kept weights are best in, on validation; with many labels a row,"
        " accuracy is micro F1",
    )

    dropout: float = share_setting(0.3, "on the input, between layers and before the read-out")

    learning_rate: float = _optimization(2e-3, "the highest learning rate", gt=0)
    max_steps: int = _budget(2000, "stop after this many steps", ge=1)
    patience: int = _budget(
        3, "stop after this many evaluations without a better validation loss; 0: never", ge=0
    )

    @property
    def both_ways(self) -> bool:
        """Whether the network reads from both ends."""
        return self.bidirectional is not False
