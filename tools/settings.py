"""A Markdown extension: the settings of a task as tables, read from its config.

A line `{settings: package.module:Config}` becomes one table for each section of the config, with
the flag, its default and its meaning, so that the manual cannot fall behind the code.
"""

import html
import importlib
import re
from collections.abc import Iterator

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from pydantic import BaseModel
from pydantic.fields import FieldInfo

LINE = re.compile(r"^\{settings: ([\w.]+):(\w+)\}$")


def tables(config: type[BaseModel]) -> Iterator[str]:
    """Markdown lines: a heading and a table for each section, the task's own first."""
    sections: dict[str, list[str]] = {}
    fields = config.model_fields.items()
    for name, field in sorted(fields, key=lambda item: item[0] not in config.__annotations__):
        extra = field.json_schema_extra
        assert isinstance(extra, dict), f"{name} is in no section"
        meaning = html.escape(field.description or "", quote=False).replace("|", "&#124;")
        flag = extra.get("flag", f"--{name.replace('_', '-')}")
        row = f"| `{flag}` | {_default(field)} | {meaning} |"
        sections.setdefault(str(extra["section"]), []).append(row)
    for title, rows in sections.items():
        yield from ("", f"### {title}", "", "| flag | default | meaning |", "| --- | --- | --- |")
        yield from rows


def _default(field: FieldInfo) -> str:
    match field.get_default(call_default_factory=True):
        case None:
            return ""
        case bool(value):
            return "on" if value else "off"
        case tuple(values):
            return " ".join(f"`{value}`" for value in values)
        case value:
            return f"`{value}`"


class Settings(Preprocessor):
    """Puts the tables where the lines stand."""

    def run(self, lines: list[str]) -> list[str]:
        drawn: list[str] = []
        for line in lines:
            match = LINE.match(line)
            if match:
                drawn += tables(getattr(importlib.import_module(match[1]), match[2]))
            else:
                drawn.append(line)
        return drawn


class SettingsExtension(Extension):
    """Registers it ahead of everything that reads Markdown."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(Settings(md), "settings", 40)


def makeExtension(**options: object) -> SettingsExtension:
    """What Python-Markdown calls to get the extension."""
    return SettingsExtension(**options)
