"""A classifier of sounds as it hears: its states, and what it makes of the sound so far.

Legend: T frames, F bins, S network steps, K classes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from elman.data.audio.clips import Limits
from elman.data.audio.dataset import read_unlabeled
from elman.data.audio.rows import AudioColumns
from elman.data.given import Files
from elman.data.labeled.encoded import windows
from elman.data.labeled.rows import Floats
from elman.data.tables.table import BadRows
from elman.diagnostics.activations import Activations
from elman.diagnostics.heard import Heard
from elman.models.classifier import Classifier
from elman.predictors.classifier_inputs import Schema
from elman.predictors.classifier_outputs import (
    activations_of_numbers,
    answered,
    probabilities_by_step,
)
from elman.predictors.classifier_sounds import SoundEncoder


def activations_of_recording(
    model: Classifier, schema: Schema, encoder: SoundEncoder, path: Path, name: str
) -> Activations:
    """Those of the recording in a file.

    Raises:
        InputError: one that can't be read, or of features where sounds are expected.
    """
    bad, limits = BadRows(False), Limits()
    read = read_unlabeled(Files((path,)), schema.audio or AudioColumns(), bad, limits)
    frames = next(frames for _, frames in encoder.reader(bad, limits).read(read.heard))
    scaled = encoder.front_end.scale.apply(frames)
    return activations_of_sound(model, schema, encoder, scaled, f"{name}, {path}")


def activations_of_sound(
    model: Classifier, schema: Schema, encoder: SoundEncoder, frames: Floats, title: str
) -> Activations:
    """The states, the gates and the answers after each step of normalized frames (T, F)."""
    steps = windows(frames, encoder.window)
    found = activations_of_numbers(model, schema, steps, title)
    row = torch.from_numpy(steps).to(model.readout.weight.device)
    outputs = probabilities_by_step(model, schema, row).numpy()
    front_end = encoder.front_end
    heard = Heard(
        front_end.scale.invert(frames),
        encoder.window,
        front_end.frame_seconds,
        None if front_end.bank is None else front_end.bank.hertz,
        outputs,
        tuple(schema.names),
        (),
        answered(schema, outputs[-1])["predicted"],
    )
    seconds = heard.step_seconds
    if seconds is None:
        return replace(found, heard=heard)
    named = [
        replace(step, label=f"{place * seconds:.2f} s") for place, step in enumerate(found.steps)
    ]
    return replace(found, steps=named, heard=heard)
