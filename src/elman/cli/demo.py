"""`elman demo`: two minutes from nothing to a written paragraph."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from elman.cli.generate import write, writer
from elman.cli.report import announce
from elman.cli.show import pick, present
from elman.data.given import Texts
from elman.settings import configure
from elman.studies import demo as parts
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.language_model.task import LanguageModelTask
from elman.tasks.runs import begin, fit
from elman.training.log import open_log

PROMPT = "The "
LENGTH = 600
TEMPERATURE = 0.5
SENTENCE = "The return statement leaves the current function call."
SPEED = 20.0


def demo(
    *,
    minutes: Annotated[
        float,
        Parameter(env_var="ELMAN_DEMO_MINUTES", validator=Number(gt=0), help="of training, about"),
    ] = 2.0,
    out: Annotated[
        Path | None, Parameter(help="the run directory; by default the first free runs/demo")
    ] = None,
) -> None:
    """Train a character LSTM on the language reference that Python carries, and let it write.

    How many steps fit into the time is measured first, fixed and recorded; then the test loss
    stands beside a unigram and a 5-gram model that were computed from the same text. On a
    terminal its hidden state is shown at the end, as it reads.
    """
    text = parts.reference_text()
    pace = parts.calibrate(
        configure(LanguageModelConfig, parts.settings(1, 0)), parts.CALIBRATION_SECONDS
    )
    steps = parts.steps_in(minutes, pace.seconds_per_step)
    config = configure(LanguageModelConfig, parts.settings(steps, pace.threads))
    print(f"the language reference that Python carries: {len(text):,} characters")
    print(
        f"calibrated: {1000 * pace.seconds_per_step:.0f} ms a step with {pace.threads} threads, "
        f"so {steps:,} steps, about {steps * pace.seconds_per_step / 60:.1f} minutes",
        flush=True,
    )
    source = Texts([text], where="the language reference")
    run = begin("language-model", source, out or parts.free_folder(Path("runs")), config)
    announce(run)
    run, outcome = fit(run, open_log(sys.stderr, run.task.counted))
    print(f"trained for {outcome.seconds:.0f} s")
    measured = {(score.split, score.metric): score.value for score in run.evaluate()}
    own = measured["test", "loss"]
    data = LanguageModelTask.open(config, run.directory.data)
    train, test = data.splits["train"], data.splits["test"]
    others = parts.baselines(train, test, data.tokenizer.vocab_size)
    print("\ntest loss, in nats per character, on the last 5 % of the text:")
    for name, loss in {**others, "LSTM": own}.items():
        print(f"  {name:<20} {loss:.3f}")
    print(f"  {parts.verdict(own, others.values())}\n")
    predictor = writer(run.predictor)
    write(predictor.generate(PROMPT, LENGTH, temperature=TEMPERATURE, seed=config.seed))
    if sys.stdout.isatty():
        print("\nwhat it remembers as it reads:")
        present(pick(run.activations(SENTENCE)), SPEED)
    print(
        f"\nnext, what it remembers: elman show {run.path} --text {SENTENCE!r}"
        f"\nor more of this:        elman generate {run.path} --prompt {PROMPT!r} --temperature 0.6"
        f"\nor a text of your own:  elman train language-model FILE.txt --out runs/mine"
        f"\nand then:               elman generate runs/mine --prompt 'Once '"
    )
