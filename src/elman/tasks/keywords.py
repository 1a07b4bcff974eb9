"""The settings of each task as keywords of `elman.train`, for editors and type checkers.

Written by tools/keywords.py from the config classes; what each setting does stands in
`elman train TASK --help-all`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict


class TrainingSettings(TypedDict, total=False):
    """Settings of every training."""

    accumulate: int
    average: Literal["none", "asgd", "ema"]
    average_decay: float
    average_interval: int
    batch_size: int
    betas: tuple[float, float]
    checkpoint_every: int
    clip_norm: float
    decay_every: int
    decay_rate: float
    decay_start: int
    device: str
    eval_every: int
    final_learning_rate: float
    keep_checkpoints: int
    learning_rate: float
    log_every: int
    max_minutes: float | None
    max_steps: int
    momentum: float
    optimizer: Literal["adamw", "sgd"]
    patience: int
    plateau_patience: int
    precision: Literal["float32", "bfloat16"]
    schedule: Literal["constant", "cosine", "linear", "plateau", "step"]
    seed: int
    tensorboard: bool
    threads: int
    warmup_steps: int
    watch: int | None
    weight_decay: float


class CellSettings(TrainingSettings, total=False):
    """Settings of every network."""

    cell: str
    chrono: float | None
    forget_bias: float | None
    init: Literal["torch", "orthogonal", "identity"]
    layer_norm: bool


class StackSettings(CellSettings, total=False):
    """Settings of a stack of layers."""

    cell_zoneout: float | None
    num_layers: int
    recurrent_dropout: float
    weight_dropout: float
    zoneout: float


class PlacedDropoutSettings(StackSettings, total=False):
    """Settings of a network whose dropout has places."""

    dropout: float
    hidden_dropout: float | None
    input_dropout: float | None
    learn_initial_state: bool
    locked_dropout: bool
    output_dropout: float | None


class MemorySettings(CellSettings, total=False):
    """Settings of the task `memory`."""

    early_stop: bool
    eval_sequences: int
    hidden_size: int
    lag: int
    problem: Literal[
        "recall", "adding", "copying", "temporal-order", "parity", "counting", "digits"
    ]


class ForecastSettings(StackSettings, total=False):
    """Settings of the task `forecast`."""

    calendar: bool
    conformal: bool
    constant: Literal["refuse", "drop", "keep"]
    dates: str
    decimal: Literal[".", ","] | None
    delimiter: str | None
    dropout: float
    duplicates: Literal["refuse", "first", "last", "mean"]
    encoding: str | None
    eval_windows: int
    frequency: str
    future: Sequence[str]
    head: Literal["student-t", "gaussian", "negative-binomial", "quantile", "median", "mean"] | None
    header: bool | None
    hidden_size: int
    horizon: int
    lags: str | int | Sequence[int] | None
    layout: Literal["columns", "long", "rows"] | None
    look_back: int | None
    missing: Literal["refuse", "forward", "interpolate", "zero", "mask"]
    missing_values: str | Sequence[str]
    model: Literal["direct", "autoregressive", "segments"]
    normalization: Literal["none", "last", "revin"] | None
    order: Literal["swept", "sampled"]
    past: Sequence[str]
    paths: int
    scaling: Literal["standard", "mean", "none"] | None
    segment: int | None
    series: Sequence[str]
    series_embedding: int | None
    static: Sequence[str]
    target: Sequence[str]
    test_fraction: float
    test_rows: int | None
    thousands: Literal[",", ".", " ", "'"] | None
    time: Sequence[str]
    time_zone: str
    valid_fraction: float
    valid_rows: int | None


class TranslationSettings(StackSettings, total=False):
    """Settings of the task `translation`."""

    attention: Literal["dot", "general", "additive"]
    batch_tokens: int
    bleu_tokenize: Literal["13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"] | None
    decimal: Literal[".", ","] | None
    delimiter: str | None
    dropout: float
    embedding_size: int
    encoder_layers: int
    encoder_size: int
    encoding: str | None
    header: bool | None
    hidden_size: int
    input_feeding: bool
    label_smoothing: float
    max_length: int
    min_count: int
    missing_values: str | Sequence[str]
    sampling_steps: int
    scheduled_sampling: float
    skip_bad_rows: bool
    source: str | None
    split_punctuation: bool
    target: str | None
    test_fraction: float
    thousands: Literal[",", ".", " ", "'"] | None
    tied: Literal["none", "decoder", "all"] | None
    unit: Literal["char", "bpe", "word"]
    valid_fraction: float
    vocab_size: int | None
    vocabulary: Literal["joint", "separate"]


class LanguageModelSettings(PlacedDropoutSettings, total=False):
    """Settings of the task `language-model`."""

    activation_penalty: float
    embedding_dropout: float
    embedding_size: int | None
    encoding: str | None
    eval_rows: int | None
    eval_tokens: int
    hidden_size: int
    init_range: float | None
    min_count: int
    random_truncation: bool
    readout: Literal["full", "adaptive", "sampled"]
    slowness_penalty: float
    split_punctuation: bool
    test_fraction: float
    tied: bool | None
    truncation: int
    unit: Literal["char", "bpe", "word"]
    valid_fraction: float
    vocab_size: int | None
    window: int | None


class VideoSettings(PlacedDropoutSettings, total=False):
    """Settings of the task `video`."""

    bidirectional: bool | None
    brightness: float
    choose: Literal["loss", "accuracy"]
    class_weights: Literal["none", "balanced"]
    colour: bool
    crop: float
    decimal: Literal[".", ","] | None
    delimiter: str | None
    differences: bool
    embedding_size: int | None
    encoder: str
    encoding: str | None
    end_column: str | None
    fps: float | None
    frame_rate: float
    group_column: str | None
    header: bool | None
    hidden_size: int
    label_column: str | None
    label_separator: str | None
    label_smoothing: float
    max_seconds: float
    mirror: bool
    missing_values: str | Sequence[str]
    most_disk: float
    pooling: Literal["last", "max", "mean", "attention", "concat"]
    region: str | float | Sequence[float]
    reverse: bool
    size: str
    skip_bad_rows: bool
    speed: float
    split_column: str | None
    start_column: str | None
    test_fraction: float
    thousands: Literal[",", ".", " ", "'"] | None
    valid_fraction: float
    video_column: str | None
    video_root: str | Path | None
    window_seconds: float


class SpeechSettings(PlacedDropoutSettings, total=False):
    """Settings of the task `speech`."""

    audio_column: str | None
    audio_root: str | Path | None
    bidirectional: bool
    bins: int
    channel: float
    choose: Literal["cer", "wer", "loss"]
    decimal: Literal[".", ","] | None
    delimiter: str | None
    encoder: Literal["stack", "conv"]
    encoding: str | None
    end_column: str | None
    frame_length: float
    frame_shift: float
    frequency_masks: int
    frequency_width: int
    header: bool | None
    hidden_size: int
    high: float
    keep: Literal["frames", "samples"] | None
    low: float
    lower: bool
    max_seconds: float
    min_count: int
    missing_values: str | Sequence[str]
    noise: float
    punctuation: bool
    rate: int | None
    skip_bad_rows: bool
    snr: str | float | Sequence[float]
    sort_first_epoch: bool | None
    speaker_column: str | None
    speeds: str | float | Sequence[float]
    split_column: str | None
    start_column: str | None
    stride: int
    tail: float
    test_fraction: float
    text_column: str | None
    thousands: Literal[",", ".", " ", "'"] | None
    time_masks: int
    time_width: int
    unit: Literal["char", "bpe"]
    valid_fraction: float
    vocab_size: int | None
    window: int


class ClassifySettings(PlacedDropoutSettings, total=False):
    """Settings of the task `classify`."""

    audio_column: str | None
    audio_root: str | Path | None
    bidirectional: bool | None
    bins: int
    channel: float
    choose: Literal["loss", "accuracy"]
    class_weights: Literal["none", "balanced"]
    decimal: Literal[".", ","] | None
    delimiter: str | None
    embedding_size: int | None
    encoder: Literal["stack", "conv"]
    encoding: str | None
    end_column: str | None
    frame_length: float
    frame_shift: float
    frequency_masks: int
    frequency_width: int
    from_run: str | Path | None
    header: bool | None
    hidden_size: int
    high: float
    label_column: str | None
    label_first: bool
    label_separator: str | None
    label_smoothing: float
    low: float
    lower: bool
    max_seconds: float
    min_count: int
    missing_values: str | Sequence[str]
    noise: float
    per_step: bool
    pooling: Literal["last", "max", "mean", "attention", "concat"]
    rate: int | None
    rate_decay: float
    skip_bad_rows: bool
    snr: str | float | Sequence[float]
    speaker_column: str | None
    speeds: str | float | Sequence[float]
    split_column: str | None
    split_punctuation: bool
    standardize: bool
    start_column: str | None
    tail: float
    test_fraction: float
    text_column: str | None
    thousands: Literal[",", ".", " ", "'"] | None
    time_masks: int
    time_width: int
    unfreeze_every: int
    unit: Literal["char", "bpe", "word"]
    valid_fraction: float
    vectors: str | Path | None
    vectors_vocabulary: str | Path | None
    vocab_size: int | None
    window: int
    word_dropout: float


class SentimentSettings(ClassifySettings, total=False):
    """Settings of the task `sentiment`."""
