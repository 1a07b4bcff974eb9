"""Pages: templates beside this file, filled with values that are always escaped."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **values: object) -> str:
    """The page that a template makes of `values`: a file that loads nothing else.

    Text becomes text and never markup, inside scripts too (there through the filter `tojson`).
    """
    page = _environment().get_template(template).render(**values)
    # UTF-8 has no bytes for a lone surrogate.
    return page.encode("utf-8", errors="replace").decode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files("elman.plots")
    environment = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment
