"""`elman train TASK DATA... --out RUN`: the flags of each task come from its config."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Group, Parameter

from elman.cli.flags import with_flags
from elman.cli.report import announce, conclude, reading
from elman.data.given import Files
from elman.settings import configure
from elman.tasks.runs import TASKS, begin, fit, task_class
from elman.tasks.task import AnyTask
from elman.training.log import open_log

FILES = Group.create_ordered("Input and output")

MADE = "the run directory to make: predictor, data, metrics, checkpoints"
Out = Annotated[Path, Parameter(group=FILES, help=MADE)]
Overwrite = Annotated[
    bool,
    Parameter(
        group=FILES, negative=(), help="replace a run that is there, once the data were read"
    ),
]
SETTINGS = "a TOML file of these settings; a flag beats it"
ConfigFile = Annotated[
    Path | None, Parameter(name="--config", group=FILES, help=SETTINGS, show_default=False)
]


def task_app(kind: type[AnyTask]) -> App:
    """The command of one task, with a short and a full help."""
    files = Parameter(group=FILES, help=kind.data_help, negative_iterable=())

    def train(
        data: Annotated[list[Path], files],
        /,
        *,
        out: Out,
        overwrite: Overwrite = False,
        config: ConfigFile = None,
        **flags: Any,
    ) -> None:
        chosen = configure(kind.Config, flags, config)
        with reading() as printed:
            found = Files(tuple(data)) if data else None
            run = begin(kind.name, found, out, chosen, overwrite=overwrite)
        announce(run, printed)
        conclude(*fit(run, open_log(sys.stderr, run.task.counted)))

    def train_on_nothing(
        *, out: Out, overwrite: Overwrite = False, config: ConfigFile = None, **flags: Any
    ) -> None:
        train([], out=out, overwrite=overwrite, config=config, **flags)

    chosen_train = train if kind.takes_data else train_on_nothing
    chosen_train.__doc__ = kind.summary

    short, everything = (
        with_flags(chosen_train, kind.Config, kind.common, show_all=show_all)
        for show_all in (False, True)
    )
    app = App(name=kind.name, help=kind.summary, default_command=short, help_format="plaintext")
    full = App(
        name=f"elman train {kind.name}",
        default_command=everything,
        help_flags=[],
        version_flags=[],
        help_format="plaintext",
    )

    def help_all() -> None:
        """Every setting, in sections."""
        full.help_print([])

    app.command(help_all, name="--help-all", sort_key=1)
    return app


app = App(name="train", help="Train a recurrent network on your own sequences.")
for name in TASKS:
    app.command(task_app(task_class(name)))
