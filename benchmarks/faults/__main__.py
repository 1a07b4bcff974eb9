"""`python -m benchmarks.faults NAME [flags]`: count what survives a kind of fault."""

from __future__ import annotations

import sys
from importlib import import_module

STUDIES = {
    "fuzz": "hostile tables, texts and files",
    "kill": "processes that are killed, and disks that are full",
    "damage": "each file of a run directory with one byte changed",
    "kernels": "faults made by hand in csrc/",
    "mutants": "changes of the source, and whether the nearest tests notice",
}


def main(arguments: list[str]) -> int:
    """Run one study; each has flags of its own, which `--help` lists."""
    if not arguments or arguments[0] not in STUDIES:
        listed = "\n".join(f"  {name:8} {what}" for name, what in STUDIES.items())
        print(f"python -m benchmarks.faults NAME [flags]\n{listed}", file=sys.stderr)
        return 2
    code: int = import_module(f"benchmarks.faults.{arguments[0]}").main(arguments[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
