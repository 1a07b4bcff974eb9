"""The training loop of every task, from the first step to the last.

A step is: the next batch, the loss with its graph over the window, backward, clipping, one update
of the weights. Between steps, in this order: a signal is answered, the report and the evaluation
are made, a checkpoint is written, and the budget is asked whether to stop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor

from elman.errors import RunFailed
from elman.machine import seed_everything, untouched_randomness, use_device
from elman.tensors import save_model
from elman.training.config import TrainingConfig, TruncatedConfig
from elman.training.contracts import Objective, Observer, Source, StepEvent
from elman.training.log import Log, MetricsFile, Recorder, TensorBoard
from elman.training.optim import (
    Average,
    averaged,
    averaging_begins,
    clip_gradients,
    gradient_norm,
    learning_rate,
    make_optimizer,
    scale_gradients,
    set_rates,
)
from elman.training.progress import Tally, Training
from elman.training.run_directory import RunDirectory
from elman.training.signals import Interrupted, Interruption
from elman.training.tbptt import join_rows, split_rows, unroll


@dataclass(frozen=True)
class Outcome:
    """How training ended.

    Attributes:
        step: updates made.
        reason: what said stop: max_steps, max_minutes, patience, or solved.
        seconds: training time, without evaluation and checkpoints.
        best_loss: the lowest validation loss; its weights are the run's model.safetensors.
        best_step: when that was.
    """

    step: int
    reason: str
    seconds: float
    best_loss: float
    best_step: int


def train(
    objective: Objective,
    source: Source,
    config: TrainingConfig,
    run: RunDirectory | None,
    log: Log,
    observers: Sequence[Observer] = (),
    resume_from: Path | None = None,
) -> Outcome:
    """Train `objective.model` on `source` until the budget is used.

    Python's, NumPy's and torch's random states are seeded from the config at the start.

    A run that is killed at any moment and then resumed from its latest checkpoint, or from the
    beginning where there is none yet, ends with the same bits as one that was never killed.

    The best weights by validation loss (averaged, once NT-ASGD averages) are saved at
    `run.model_path`, and the model is left with its last. Without a run directory nothing is
    written, and the model is left with its best.

    Args:
        objective: model, loss and evaluation.
        source: the batches.
        config: how to train.
        run: where metrics, checkpoints and the best weights go; None to train in memory alone.
        log: shows the progress.
        observers: called with every step after its backward pass; what they return is recorded.
        resume_from: the checkpoint to go on from; None begins at step 0.

    Raises:
        RunFailed: a loss or a gradient is no longer a finite number.
        Interrupted: Ctrl-C or SIGTERM came, and a checkpoint has been written.
        InputError: `resume_from` cannot be used, or TensorBoard is asked for and missing.
        OSError: the disk is full, say. What had been written before is intact.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    seed_everything(config.seed)
    device = use_device(config.device)
    model = objective.model.to(device).train()
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16")
    training = Training(objective, make_optimizer(model, config), source)
    if resume_from is not None:
        training.restore(resume_from)
    progress = training.progress
    if run is not None and progress.best_step:
        run.check_best()
    saved, saved_step = resume_from, progress.step
    best: dict[str, Tensor] = {}
    truncated = config if isinstance(config, TruncatedConfig) else None
    chunks_back = 0 if truncated is None else truncated.chunks_back

    metrics = None if run is None else MetricsFile(run.metrics_path)
    if metrics is not None:
        metrics.cut_back(progress.step, progress.reported)
    recorders: list[Recorder] = [log] if metrics is None else [metrics, log]

    def save() -> Path | None:
        if not all(bool(p.isfinite().all()) for p in model.parameters()):
            raise _failure("some weights are no longer finite numbers", training, config, saved)
        if run is None or metrics is None:
            return None
        metrics.sync()
        path = run.checkpoint_path(progress.step)
        training.save(path)
        run.keep_latest_checkpoints(config.keep_checkpoints)
        return path

    with ExitStack() as stack:
        if config.tensorboard and run is not None:
            board = TensorBoard(run.path / "tensorboard", progress.step)
            recorders.append(stack.enter_context(board))
        stack.enter_context(log)
        interruption = stack.enter_context(Interruption())
        while True:
            if (number := interruption.received) is not None:
                raise Interrupted(number, save())

            # The report of the steps so far, with an evaluation when it is time.
            stop = progress.reason_to_stop(config)
            regular = progress.step % config.eval_every == 0
            evaluate = regular or stop is not None
            report = evaluate or progress.step % config.log_every == 0
            if report and progress.step > progress.reported:
                record: dict[str, float] = {
                    "step": progress.step,
                    "epoch": round(progress.step / source.steps_per_epoch, 4),
                    "seconds": round(progress.seconds, 3),
                    **progress.tally.means(),
                    "learning_rate": max(g["lr"] for g in training.optimizer.param_groups),
                }
                scores: dict[str, float] = {}
                if evaluate:
                    with averaged(model, training.average), untouched_randomness(), torch.no_grad():
                        model.eval()
                        scores = objective.evaluate()
                        model.train()
                        if scores["loss"] < progress.best_loss:
                            if run is None:
                                best = {k: v.clone() for k, v in model.state_dict().items()}
                            else:
                                save_model(run.model_path, model)
                            progress.best_loss = scores["loss"]
                            progress.best_step = progress.step
                    if not math.isfinite(scores["loss"]):
                        what = f"the validation loss is {scores['loss']}"
                        raise _failure(what, training, config, saved)
                    record |= {f"validation_{name}": value for name, value in scores.items()}
                # An evaluation because of the end is none that schedules may see: a run that is
                # stopped early and resumed must go on as if it had not been stopped.
                if regular:
                    progress.history.append(scores["loss"])
                    progress.solved = bool(scores.get("solved", False))
                    stop = progress.reason_to_stop(config)
                    begins = averaging_begins(progress.history, config.average_interval)
                    if config.average == "asgd" and training.average is None and begins:
                        training.average = Average.of(model)
                progress.tally = Tally()
                progress.reported = progress.step
                for recorder in recorders:
                    recorder.record(record)

            checkpoint = progress.step % config.checkpoint_every == 0 or stop is not None
            if checkpoint and progress.step > saved_step:
                saved, saved_step = save(), progress.step
            if stop is not None:
                break

            # One step.
            began = perf_counter()
            batch = next(source).to(device)
            rate = learning_rate(config, progress.step, progress.history)
            if truncated is not None and truncated.random_truncation:
                rate *= batch.steps / truncated.truncation  # Merity et al. 2017, section 5
            set_rates(training.optimizer, rate, progress.step)
            training.optimizer.zero_grad(set_to_none=True)

            parts = split_rows(training.window, batch, min(config.accumulate, batch.batch_size))
            loss, units, windows = 0.0, 0, []
            for part_window, part in parts:
                with autocast:
                    result, after = unroll(objective, part_window, part, chunks_back)
                windows.append(after)
                if result.units == 0:  # all padding; its mean is no number
                    continue
                weight = result.units if len(parts) > 1 else 1
                torch.autograd.backward(weight * result.loss)
                loss += result.units * result.loss.item()
                units += result.units
            loss /= max(units, 1)
            if len(parts) > 1:
                scale_gradients(model, 1 / max(units, 1))

            norm = gradient_norm(model)
            past = training.window
            event = StepEvent(
                progress.step + 1, model, batch, past.state, loss, units, norm, rate, past.chunks
            )
            for observer in observers:
                if (seen := observer.after_backward(event)) is not None:
                    if metrics is not None:
                        metrics.record({"step": event.step, **seen.record})
                    if seen.warning:
                        log.warn(seen.warning)
            if not math.isfinite(loss):
                raise _failure(f"the loss is {loss}", training, config, saved)
            if not math.isfinite(norm):
                what = f"the gradient has exploded, its norm is {norm}"
                raise _failure(what, training, config, saved)
            clip_gradients(model, norm, config.clip_norm)
            training.optimizer.step()
            if config.average == "ema" and training.average is None:
                training.average = Average.of(model, config.average_decay)
            if training.average is not None:
                training.average.update(model)

            training.window = join_rows(training.window, batch, windows)
            progress.step += 1
            seconds = perf_counter() - began
            progress.seconds += seconds
            progress.tally.add(loss, units, norm, seconds)
            log.advance(progress.step, *progress.budget(config))

    if (number := interruption.received) is not None:
        raise Interrupted(number, saved)  # it came during the last evaluation
    if best:
        model.load_state_dict(best)
    return Outcome(progress.step, stop, progress.seconds, progress.best_loss, progress.best_step)


def _failure(
    what: str, training: Training, config: TrainingConfig, saved: Path | None
) -> RunFailed:
    """The error for a run that has diverged: what to change, where the last good weights are."""
    progress = training.progress
    tally, before = progress.tally, ""
    if tally.units:
        before = f"; the mean before it was {tally.loss / tally.units:.4g}"
    elif progress.history:
        before = f"; the last validation loss was {progress.history[-1]:.4g}"
    clip = f"clip_norm (now {config.clip_norm:g})" if config.clip_norm else "clip_norm (now off)"
    checkpoint = f"the last good checkpoint is {saved}" if saved else "there is no checkpoint yet"
    return RunFailed(
        f"step {progress.step + 1}: {what}{before}. Lower learning_rate (now"
        f" {config.learning_rate:g}), lower {clip}, or rise more slowly with warmup_steps (now"
        f" {config.warmup_steps}); {checkpoint}."
    )
