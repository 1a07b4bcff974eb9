"""A Markdown extension: TeX between dollars becomes MathML while the manual is built.

Browsers draw MathML by themselves, so a page needs no script, no font and no network.
`$x_t$` stands in a line of text; two dollars on a line of their own, before and after, enclose
a displayed equation.
"""

import re
from re import Match

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor

# "$5 or $6" is money: a formula touches its dollars, and no digit follows the second one.
INLINE = r"(?<![\\$])\$(?![\s$])([^$\n]+?)(?<!\s)\$(?![\d$])"
FENCE_OR_DISPLAY = re.compile(
    r"^(?P<fence>```|~~~).*?^(?P=fence)|^\$\$\n(?P<tex>.+?)\n\$\$$", re.DOTALL | re.MULTILINE
)


def mathml(tex: str, *, display: bool) -> str:
    """The MathML of an equation.

    Raises:
        ValueError: the converter met what it doesn't know, and would print it as it stands.
    """
    html = convert(tex.strip(), display="block" if display else "inline")
    stranger = re.search(r"\\\w+|>&<", html)
    if stranger:
        raise ValueError(f"no MathML for {stranger[0].strip('<>')} in {tex.strip()!r}")
    return html


class Inline(InlineProcessor):
    """Equations in a line of text."""

    def handleMatch(  # type: ignore[override]
        self, m: Match[str], data: str
    ) -> tuple[str, int, int]:
        return self.md.htmlStash.store(mathml(m[1], display=False)), m.start(0), m.end(0)


class Display(Preprocessor):
    """Equations on lines of their own; what a code fence encloses is left alone."""

    def run(self, lines: list[str]) -> list[str]:
        def draw(match: Match[str]) -> str:
            if match["fence"]:
                return match[0]
            return f"\n{self.md.htmlStash.store(mathml(match['tex'], display=True))}\n"

        return FENCE_OR_DISPLAY.sub(draw, "\n".join(lines)).split("\n")


class MathMLExtension(Extension):
    """Registers both forms, ahead of everything that would read a dollar or an underscore."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.register(Display(md), "mathml-display", 27)
        # After backticks (190), so that code keeps its dollars, and before escapes (180).
        md.inlinePatterns.register(Inline(INLINE, md), "mathml-inline", 185)


def makeExtension(**options: object) -> MathMLExtension:
    """What Python-Markdown calls to get the extension."""
    return MathMLExtension(**options)
