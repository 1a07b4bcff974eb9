"""A whole training step of a language model, and where its time goes.

Tokens per second with our kernels and with torch.nn's layers, in the same loop.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

import elman
from benchmarks.quality.running import RECIPES, TASK
from benchmarks.results import circumstances, table, write_section
from benchmarks.speed.options import Options
from benchmarks.speed.summary import median, paired_ratio
from benchmarks.speed.verify import tests_pass
from elman.settings import configure
from elman.tasks import runs
from elman.training.optim import clip_gradients, gradient_norm, make_optimizer
from elman.training.tbptt import Window, unroll

TITLE = "Speed: a whole training step"
RECIPE = "tinyshakespeare"
CHARACTERS = 65  # as many as that text has; which they are makes no difference to the time
LENGTH = 400_000
FEWEST, PROFILED = 5, 10
BACKENDS: Mapping[str, Any] = {"elman": "native", "torch.nn": "torch"}
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "recurrence, forward": ("elman::recurrence", "aten::lstm", "aten::mkldnn_rnn_layer"),
    "recurrence, backward": ("elman::recurrence_backward", "aten::mkldnn_rnn_layer_backward"),
    "optimizer and clipping": ("aten::_fused_adam", "aten::_foreach", "aten::linalg_vector_norm"),
    "embedding": ("aten::embedding", "aten::index_select", "aten::index_add_"),
    "read-out and loss": ("aten::mm", "aten::addmm", "aten::_log_softmax", "aten::nll_loss"),
}
"""Which of torch's operators, by how their names begin, are which part of a step."""
REST = "dropout, copies, Python"


def whole(options: Options) -> None:
    """Write the section.

    Raises:
        RunFailed: a test is red.
    """
    tests_pass(options.out)
    threads = max(options.threads)
    torch.set_num_threads(threads)
    with TemporaryDirectory() as folder:
        step, tokens = training_step(Path(folder))
        times = timed(step, options)
        shares = {who: parts(step, who) for who in BACKENDS}
    rows = [
        [who, f"{1e3 * median(times[who]):.1f}", f"{tokens / median(times[who]):,.0f}"]
        for who in BACKENDS
    ]
    profiles = [
        [part, *(f"{1e3 * shares[who].get(part, 0):.1f}" for who in BACKENDS)]
        for part in (*OPERATORS, REST)
    ]
    faster = paired_ratio(times["torch.nn"], times["elman"])
    text = f"""\
The recipe {RECIPE}.toml on random characters: embedding, layers, read-out, loss, backward pass,
clipping and optimizer, {tokens:,} tokens a step; the same weights and loop with either backend, a
step each in turn.

{table(["layers by", "ms a step", "tokens a second"], rows)}

Median ratio of the times, torch.nn to elman: **{faster:.2f}**.

Milliseconds a step by part (torch's profiler over {PROFILED} steps; what no operator accounts for
is in the last line):

{table(["part", *BACKENDS], profiles)}

{circumstances(options.command, threads)}"""
    print(f"## {TITLE}\n\n{text}")
    if options.results is not None:
        write_section(TITLE, text, options.results)


def training_step(folder: Path) -> tuple[Callable[[str], float], int]:
    """A function that takes a step with a backend and gives its seconds; and its tokens."""
    config = configure(runs.task_class(TASK).Config, {}, RECIPES / f"{RECIPE}.toml")
    run = runs.begin(TASK, [random_text(folder)], folder / "run", config)
    model = run.model.train()
    objective, source = run.task.objective(model), run.task.source()
    optimizer = make_optimizer(model, config)
    window = Window()

    def step(who: str) -> float:
        nonlocal window
        with elman.use_backend(BACKENDS[who]):
            began = perf_counter()
            batch = next(source)
            optimizer.zero_grad(set_to_none=True)
            result, window = unroll(objective, window, batch, 0)
            torch.autograd.backward(result.loss)
            result.loss.item()
            clip_gradients(model, gradient_norm(model), config.clip_norm)
            optimizer.step()
            return perf_counter() - began

    return step, config.batch_size * config.truncation


def random_text(folder: Path) -> Path:
    """A file of characters that have nothing to do with one another."""
    text = folder / "text.txt"
    letters = [chr(0x4E00 + i) for i in range(CHARACTERS)]
    text.write_text("".join(random.Random(0).choices(letters, k=LENGTH)), encoding="utf-8")
    return text


def timed(step: Callable[[str], float], options: Options) -> dict[str, list[float]]:
    """Seconds of each, a turn in each round; the first two warm up."""
    times: dict[str, list[float]] = {who: [] for who in BACKENDS}
    began = perf_counter()
    while len(times["elman"]) < options.effort.rounds + 2 and (
        len(times["elman"]) < FEWEST + 2 or perf_counter() - began < options.effort.seconds
    ):
        for who in BACKENDS:
            times[who].append(step(who))
    return {who: those[2:] for who, those in times.items()}


def parts(step: Callable[[str], float], who: str) -> dict[str, float]:
    """Seconds a step by part."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        total = sum(step(who) for _ in range(PROFILED)) / PROFILED
    found = dict.fromkeys(OPERATORS, 0.0)
    for event in profiler.key_averages():
        part = part_of(event.key)
        if part is not None:
            found[part] += event.self_cpu_time_total / 1e6 / PROFILED
    return found | {REST: max(0.0, total - sum(found.values()))}


def part_of(operator: str) -> str | None:
    """The part of a step that an operator belongs to; the longest beginning that fits decides."""
    fits = [
        (len(name), part)
        for part, names in OPERATORS.items()
        for name in names
        if operator.startswith(name)
    ]
    return max(fits)[1] if fits else None
