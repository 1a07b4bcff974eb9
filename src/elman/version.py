"""The version that is installed."""

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("elman")
    except PackageNotFoundError:  # the folder of sources alone
        return "0 (not installed)"


__version__: str = _installed()
