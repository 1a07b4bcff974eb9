import pytest
from markdown import Markdown

import mathml


def html(text: str) -> str:
    extensions = [mathml.makeExtension(), "pymdownx.superfences"]
    return Markdown(extensions=extensions).convert(text)


def test_an_equation_in_a_line() -> None:
    page = html("The state $h_t$ and *the* input.")
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">' in page
    assert "<msub><mi>h</mi><mi>t</mi></msub>" in page
    assert "$" not in page
    assert "<em>the</em>" in page


def test_a_displayed_equation() -> None:
    page = html("Before\n\n$$\n\\begin{split}\na &= b_1 \\\\\nc &= d\n\\end{split}\n$$\n\nafter")
    assert page.count("<mtr>") == 2
    assert 'display="block"' in page
    assert "$" not in page


@pytest.mark.parametrize(
    "text", ["from $5 to $6", r"a \$b$ c", "`$x$`", "```\n$$\nx\n$$\n```", "```text\n$x$\n```"]
)
def test_what_is_no_equation(text: str) -> None:
    page = html(text)
    assert "<math" not in page
    assert "$" in page


@pytest.mark.parametrize("tex", [r"\nosuchthing x", r"\begin{aligned} a &= b \end{aligned}"])
def test_what_the_converter_would_garble_is_refused(tex: str) -> None:
    with pytest.raises(ValueError, match="no MathML for"):
        html(f"$$\n{tex}\n$$")
    with pytest.raises(ValueError, match="no MathML for"):
        html(f"see ${tex}$")
