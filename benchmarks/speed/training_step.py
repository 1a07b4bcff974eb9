"""A training step of a language model, and where its time goes.

Tokens per second with our kernels and with torch.nn's layers, in the same loop.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
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
from elman.studies.timing import interleaved, seconds
from elman.tasks import runs
from elman.tasks.language_model.config import LanguageModelConfig
from elman.training.optim import clip_gradients, gradient_norm, make_optimizer
from elman.training.tbptt import Window, unroll

TITLE = "Speed: a whole training step"
RECIPE = "tinyshakespeare"
CHARACTERS = 65  # as many as that text has
LENGTH = 400_000
PROFILED = 10
BACKENDS: Mapping[str, Any] = {"elman": "native", "torch.nn": "torch"}


def registered_operators() -> list[str]:
    """The operators of our kernels, from torch's registry."""
    names = {name.split(".")[0] for name in torch._C._dispatch_get_all_op_names()}
    return sorted(name for name in names if name.startswith("elman::"))


OURS = registered_operators()
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "recurrence, forward": (
        *(name for name in OURS if not name.endswith("_backward")),
        *("aten::lstm", "aten::mkldnn_rnn_layer"),
    ),
    "recurrence, backward": (
        *(name for name in OURS if name.endswith("_backward")),
        "aten::mkldnn_rnn_layer_backward",
    ),
    "optimizer and clipping": ("aten::_fused_adam", "aten::_foreach", "aten::linalg_vector_norm"),
    "embedding": ("aten::embedding", "aten::index_select", "aten::index_add_"),
    "read-out and loss": ("aten::mm", "aten::addmm", "aten::_log_softmax", "aten::nll_loss"),
}
"""The parts of a step, and the prefixes of the names of their operators."""
REST = "dropout, copies, Python"


def training_step(options: Options) -> None:
    """Write the section.

    Raises:
        RunFailed: a test is red.
    """
    tests_pass(options.out)
    threads = max(options.threads)
    torch.set_num_threads(threads)
    with TemporaryDirectory() as folder:
        step, tokens = make_step(Path(folder))
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


def make_step(folder: Path) -> tuple[Callable[[str], None], int]:
    """A function that takes a step with a backend, and the number of tokens of a step."""
    config = configure(LanguageModelConfig, {}, RECIPES / f"{RECIPE}.toml")
    run = runs.begin(TASK, [random_text(folder)], folder / "run", config)
    model = run.predictor.network.train()
    objective, source = run.task.objective(run.predictor), run.task.source()
    optimizer = make_optimizer(model, config)
    window = Window()

    def step(who: str) -> None:
        nonlocal window
        with elman.use_backend(BACKENDS[who]):
            batch = next(source)
            optimizer.zero_grad(set_to_none=True)
            result, window = unroll(objective, window, batch, 0)
            torch.autograd.backward(result.loss)
            result.loss.item()
            clip_gradients(model, gradient_norm(model), config.clip_norm)
            optimizer.step()

    return step, config.batch_size * config.truncation


def random_text(folder: Path) -> Path:
    """A file of independent random characters."""
    text = folder / "text.txt"
    letters = [chr(0x4E00 + i) for i in range(CHARACTERS)]
    text.write_text("".join(random.Random(0).choices(letters, k=LENGTH)), encoding="utf-8")
    return text


def timed(step: Callable[[str], None], options: Options) -> dict[str, list[float]]:
    """Seconds of a step with each backend, interleaved."""
    return interleaved({who: partial(step, who) for who in BACKENDS}, options.effort.rounds)


def parts(step: Callable[[str], None], who: str) -> dict[str, float]:
    """Seconds a step by part."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        total = seconds(partial(step, who), PROFILED) / PROFILED
    found = dict.fromkeys(OPERATORS, 0.0)
    for event in profiler.key_averages():
        part = part_of(event.key)
        if part is not None:
            found[part] += event.self_cpu_time_total / 1e6 / PROFILED
    return found | {REST: max(0.0, total - sum(found.values()))}


def part_of(operator: str) -> str | None:
    """The part of a step that an operator belongs to, by the longest matching prefix."""
    fits = [
        (len(name), part)
        for part, names in OPERATORS.items()
        for name in names
        if operator.startswith(name)
    ]
    return max(fits)[1] if fits else None
