"""An environment for each peer with dependencies of its own, made when it is first needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "peers"
INSTALL_SECONDS = 1800


class Environments:
    """The environments below one folder.

    A failure is remembered for the run, and told as the reason why a peer has no times.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.failures: dict[str, str] = {}

    def python(self, name: str) -> Path | str:
        """The interpreter of the environment `name` ("": the project's own), or why there is none.

        The environment is made, or made to fit its requirements file, where need be.
        """
        if not name:
            return Path(sys.executable)
        if name in self.failures:
            return self.failures[name]
        requirements = REQUIREMENTS / f"{name}.txt"
        home = self.folder / name
        python, stamp = home / "bin" / "python", home / "installed.txt"
        wanted = requirements.read_text(encoding="utf-8")
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            sys.stderr.write(f"installing {name}: {', '.join(wanted.split())}\n")
            try:
                _run([sys.executable, "-m", "venv", str(home)])
                pip = [str(python), "-m", "pip", "install", "--quiet"]
                _run([*pip, "--disable-pip-version-check", "-r", str(requirements)])
            except _Failed as failed:
                self.failures[name] = f"could not be installed: {failed}"
                return self.failures[name]
            stamp.write_text(wanted, encoding="utf-8")
        return python


class _Failed(Exception):
    """A command that failed, with the line that says why."""


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise _Failed(f"it took longer than {INSTALL_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        raise _Failed(why(error.stderr or error.stdout)) from None


def why(output: str) -> str:
    """The line of pip's output that names the error, without addresses and folders."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines or ["no message"]
    return re.sub(r"(\w+://\S+|(?<!\w)/\S+)", "…", errors[-1])[:200]
