"""Which part of the source each part of a translation was written from, and its drawing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from elman.data.tokenizer import Tokenizer, train_tokenizer
from elman.errors import InputError
from elman.plots import alignment as alignment_plot
from elman.plots.alignment import (
    MOST_IN_PICTURE,
    AlignmentFile,
    as_page,
    draw,
)
from elman.predictors.translation import (
    END,
    Alignment,
    align,
    source_pieces,
    with_unknown_replaced,
)


def weights(*nearest: int, width: int) -> np.ndarray:
    """Nearly all attention on one place of the source for each piece."""
    found = np.full((len(nearest), width), 0.1 / (width - 1), dtype=np.float32)
    found[range(len(nearest)), nearest] = 0.9
    return found


@pytest.fixture
def words() -> Tokenizer:
    return train_tokenizer("word", ["the dog sees a ball\n"])


def test_an_unknown_word_comes_from_where_attention_was(words: Tokenizer) -> None:
    ids = [*words.encode("the zebra sees\n")]
    output = [0, *words.encode("sees dog"), 0]
    looked = weights(1, 2, 0, 3, 3, width=4)  # the last unknown is written looking at the end
    looked[3, 2] = 0.2
    found = align("the zebra  sees", ids, output, looked, words, words)
    assert found.source == ("the", "zebra", "sees", END)
    assert found.translation == ("<unk>", "sees", "dog", "<unk>", END)
    assert with_unknown_replaced(found, output, 0, words) == "zebra sees dog sees"


def test_unknown_characters() -> None:
    letters = train_tokenizer("char", ["ab \n"])
    found = align(
        "a é", letters.encode("a é\n"), [0, 2], weights(2, 0, 3, width=4), letters, letters
    )
    assert with_unknown_replaced(found, [0, 2], 0, letters)[0] == "é"


def test_a_very_long_word_has_several_pieces(words: Tokenizer) -> None:
    text = f"the {'x' * 100}"
    ids = words.encode(text)
    assert source_pieces(text, ids, words) == ["the", "x" * 64, "x" * 36]


def test_byte_pieces_say_which_go_on_with_a_word() -> None:
    pieces = train_tokenizer("bpe", [" dog dog dog dog\n"] * 9, 260)
    shown = source_pieces("dogs", pieces.encode(" dogs"), pieces)
    assert shown[0][0] != " "
    assert shown[-1] == "·s"


MATRIX = Alignment(("<b>", "$x$", END), ("$\\a$", "é\u4e2d", END), weights(0, 1, 2, width=3))


@pytest.mark.parametrize("name", ["a.svg", "a.pdf"])
def test_a_picture_of_any_text(tmp_path: Path, name: str) -> None:
    file = AlignmentFile(tmp_path / name)
    file.add(MATRIX)
    file.write()
    assert (tmp_path / name).stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_picture_has_the_source_along_x_and_the_translation_down_y() -> None:
    figure = Figure()
    draw(figure, [MATRIX])
    (axes,) = figure.axes
    assert tuple(label.get_text() for label in axes.get_xticklabels()) == MATRIX.source
    assert tuple(label.get_text() for label in axes.get_yticklabels()) == MATRIX.translation
    (image,) = axes.images
    np.testing.assert_array_equal(image.get_array(), MATRIX.weights)


def test_a_picture_says_what_it_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def note_only(figure: Figure, kept: list[Alignment], note: str) -> None:
        said.append(note)
        assert len(kept) == MOST_IN_PICTURE

    monkeypatch.setattr(alignment_plot, "draw", note_only)
    file = AlignmentFile(tmp_path / "a.svg")
    for _ in range(MOST_IN_PICTURE + 3):
        file.add(MATRIX)
    file.write()
    assert said == [f"the first {MOST_IN_PICTURE} of {MOST_IN_PICTURE + 3}"]


def test_long_sides_are_cut() -> None:
    many = Alignment(("s",) * 200, ("t",) * 150, np.full((150, 200), 0.005, dtype=np.float32))
    figure = Figure()
    draw(figure, [many])
    (axes,) = figure.axes
    assert axes.images[0].get_array().shape == (80, 80)


def test_the_page_escapes_what_comes_from_data() -> None:
    page = as_page([MATRIX], "a <note>")
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "a &lt;note&gt;" in page
    assert page.count("<td ") == 9
    assert 'title="0.90"' in page


def test_nothing_to_draw(tmp_path: Path) -> None:
    for name in ("a.png", "a.html"):
        AlignmentFile(tmp_path / name).write()
        assert (tmp_path / name).stat().st_size


def test_without_matplotlib_there_is_still_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    AlignmentFile(tmp_path / "a.html").write()
    with pytest.raises(InputError, match="needs the package matplotlib"):
        AlignmentFile(tmp_path / "a.png")
