"""The task `video`: a label for a clip of video, from its frames in their order.

Legend: T frames, B batch, H height, W width, C channels, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from elman.data.given import Given
from elman.data.labeled.encoded import Bucketed, Encoded
from elman.data.tables.table import BadRows
from elman.diagnostics.activations import Activations
from elman.errors import InputError
from elman.models.cells import check_cell, is_custom
from elman.models.convolutional import RECURRENCES
from elman.predictors.classifier import ClassifierPredictor
from elman.predictors.classifier_video_activations import activations_of_video
from elman.settings import Options
from elman.tasks.classify.classifier_task import ClassifierTask
from elman.tasks.video.augment import Augmentation, varied
from elman.tasks.video.config import VideoConfig
from elman.tasks.video.data import VideoData, cut_into_windows, open_data, other_rows, prepare
from elman.tasks.video.evaluation_options import VideoEvaluation

_SHOWN = 500
"""The most frames whose states are shown."""


class VideoTask(ClassifierTask[VideoConfig]):
    """Learn labels from clips of video."""

    name: ClassVar[str] = "video"
    summary: ClassVar[str] = "Label clips of video, by what happens in them and in which order."
    Config = VideoConfig
    Evaluation: ClassVar[type[Options]] = VideoEvaluation
    data_help: ClassVar[str] = (
        "a folder for each label with videos (MP4, AVI, WebM, GIF) or folders of images in it, or"
        " a table of paths and labels; or train, valid and test of these"
    )
    common: ClassVar[tuple[str, ...]] = (
        *("video_column", "label_column", "group_column", "video_root", "fps"),
        *("frame_rate", "size", "colour", "differences", "window_seconds"),
        *("encoder", "cell", "hidden_size", "num_layers", "bidirectional", "pooling", "dropout"),
        *("crop", "speed", "brightness", "mirror", "reverse", "label_smoothing"),
        *("batch_size", "learning_rate", "max_steps", "max_minutes"),
        *("eval_every", "checkpoint_every", "patience", "seed", "threads", "device"),
    )

    @classmethod
    def prepare(cls, config: VideoConfig, given: Given | None, folder: Path) -> VideoData:
        """Decode the clips and fit the baselines; see `Task.prepare`."""
        check_cell(config.cell)
        if config.encoder != "conv" and config.encoder not in RECURRENCES:
            if not is_custom(config.encoder):
                raise InputError(
                    f"--encoder {config.encoder}: no such encoder; choose from conv,"
                    f" {', '.join(RECURRENCES)}, or give a class of your own as"
                    " package.module:Class"
                )
            if is_custom(config.cell):
                raise InputError(
                    f"--encoder {config.encoder} with --cell {config.cell}: one class of your own"
                    " is loaded for a network; use one"
                )
        prepare(config, given, folder)
        return open_data(config, folder)

    @classmethod
    def open(cls, config: VideoConfig, folder: Path) -> VideoData:
        return open_data(config, folder)

    def make(self) -> ClassifierPredictor:
        schema, encoder = self.data.schema, self.data.encoder
        width = self.config.embedding_size or self.config.hidden_size
        architecture = self.architecture(self.config, width)
        model = architecture.make(schema, encoder)
        return ClassifierPredictor(model, schema, encoder, architecture)

    def source(self) -> Bucketed:
        config = self.config
        rows = cut_into_windows(self.data.splits["train"], config.window_frames)
        augmentation = Augmentation(
            config.crop, config.speed, config.brightness, config.mirror, config.reverse
        )
        read = partial(varied, rows, augmentation=augmentation, most=config.window_frames)
        return Bucketed(rows, config.batch_size, config.seed, read=read)

    def others(self, given: Given, options: Options, bad: BadRows) -> Mapping[str, Encoded]:
        assert isinstance(options, VideoEvaluation)
        assert isinstance(self.data, VideoData)
        return other_rows(self.data, given, options, bad)

    def activations(
        self, predictor: ClassifierPredictor, sequence: str | Path | None
    ) -> Activations:
        """Those of the video in a file, or of the first validation clip."""
        if isinstance(sequence, Path):
            return predictor.activations(sequence)
        videos = predictor.encoder.videos
        if sequence is not None or videos is None:
            raise InputError(f"{predictor.name}: sees videos; give one with --video")
        items = self.data.splits["valid"].row(0)[:_SHOWN]
        title = f"{predictor.name}, first validation clip"
        return activations_of_video(predictor.model, predictor.schema, videos, items, title)

    def next_steps(self, run: str) -> list[str]:
        lines = [
            f"elman predict {run} CLIP.mp4 --plot strip.png",
            f"elman predict {run} FOLDER --out OUT.csv",
        ]
        if not self.config.both_ways:
            lines.append(f"elman stream {run} < CLIP.mp4")
        return [*lines, f"elman show {run}", f"elman evaluate {run} FOLDER"]
