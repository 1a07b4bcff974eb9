"""Text cut anywhere and stopped anywhere is the text read at once."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import elman
from elman.data.tokenizer import Tokenizer, train_tokenizer
from elman.decoding.sampling import generate
from elman.errors import InputError
from elman.layers.state import State
from elman.models.language_model import LanguageModel
from elman.streaming.stream import Stream
from elman.streaming.text import ReadToken, TextStream, text_state

UNITS = ("char", "bpe", "word")
TEXT = "The cat sat on the mat.\nThe dog, 42 of them, sat – on the cat!\n" * 20
TEXTS = st.one_of(
    st.text(max_size=30),
    st.text("The catson\n .,42–", max_size=150),
    st.text(" x", min_size=60, max_size=200),
)


@cache
def tokenizer_of(unit: str) -> Tokenizer:
    return train_tokenizer(unit, [TEXT], 300 if unit == "bpe" else None)  # type: ignore[arg-type]


def model_of(unit: str) -> LanguageModel:
    torch.manual_seed(2)
    layers = [elman.LSTM(5, 7), elman.GRU(7, 6)]
    return LanguageModel(tokenizer_of(unit).vocab_size, 5, layers).double()


def assert_same(got: list[ReadToken], wanted: list[ReadToken]) -> None:
    assert [(r.id, r.text) for r in got] == [(r.id, r.text) for r in wanted]
    assert [r.bits for r in got] == pytest.approx([r.bits for r in wanted], rel=1e-10)
    for mine, theirs in zip(got, wanted, strict=True):
        assert [g.text for g in mine.guesses] == [g.text for g in theirs.guesses]
        assert [g.probability for g in mine.guesses] == pytest.approx(
            [g.probability for g in theirs.guesses], rel=1e-10
        )


@pytest.mark.parametrize("unit", UNITS)
@given(text=TEXTS, data=st.data())
@settings(max_examples=25)
def test_any_cut_and_any_stop_is_the_whole(unit: str, text: str, data: st.DataObject) -> None:
    model, tokenizer = model_of(unit), tokenizer_of(unit)
    whole = TextStream(model, tokenizer, guesses=2)
    wanted = whole.push(text) + whole.flush()
    stream, got = TextStream(model, tokenizer, guesses=2), []
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    for begin, end in zip([0, *places], [*places, len(text)], strict=True):
        got += stream.push(text[begin:end])
        match data.draw(st.sampled_from(["on", "restore", "fork"])):
            case "restore":
                stream = TextStream(model, tokenizer, guesses=2, state=stream.state)
            case "fork":
                stream, old = stream.fork(), stream
                old.push("something else ")
    got += stream.flush()
    assert_same(got, wanted)


@pytest.mark.parametrize("unit", UNITS)
def test_bits_are_the_models_loss(unit: str) -> None:
    model, tokenizer = model_of(unit), tokenizer_of(unit)
    ids = torch.from_numpy(tokenizer.encode(TEXT[:200]))
    inputs = torch.cat([torch.tensor([tokenizer.start_id]), ids[:-1]])
    features, _ = model.eval()(inputs[:, None], model.initial_state(1))
    loss, units = model.loss(features, ids[:, None])
    stream = TextStream(model, tokenizer)
    read = stream.push(TEXT[:200]) + stream.flush()
    assert [r.id for r in read] == ids.tolist()
    assert sum(r.bits for r in read) * math.log(2) == pytest.approx(loss.item() * units)
    assert all(r.guesses == () for r in read)


def test_guesses_are_what_was_expected_before_the_token() -> None:
    model, tokenizer = model_of("char"), tokenizer_of("char")
    stream = TextStream(model, tokenizer, guesses=3)
    expected = stream.peek(3)
    (first,) = stream.push("T")
    assert first.guesses == pytest.approx(expected)
    everything = stream.peek(1000)
    assert len(everything) == model.vocab_size
    assert sum(guess.probability for guess in everything) == pytest.approx(1)
    before = stream.state
    (read,) = stream.push("h")
    by_text = {guess.text: guess.probability for guess in everything}
    assert by_text["h"] == pytest.approx(2**-read.bits)
    assert not torch.equal(before["model.layer0.h"], stream.state["model.layer0.h"])


def test_long_texts_are_read_in_bounded_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = model_of("char"), tokenizer_of("char")
    wanted = TextStream(model, tokenizer, guesses=1).push(TEXT[:100])
    monkeypatch.setattr("elman.streaming.text.LOGITS_AT_ONCE", 7 * model.vocab_size)
    sizes: list[int] = []
    scan = model.scan
    monkeypatch.setattr(model, "scan", lambda x, s: sizes.append(len(x)) or scan(x, s))
    assert_same(TextStream(model, tokenizer, guesses=1).push(TEXT[:100]), wanted)
    assert max(sizes) == 7


def test_its_state_in_a_file_and_in_a_batch(tmp_path: Path) -> None:
    model, tokenizer = model_of("bpe"), tokenizer_of("bpe")
    one, two = TextStream(model, tokenizer), TextStream(model, tokenizer)
    one.push("The cat sa")
    two.push("The dog – \x00 on th")
    State.stack([one.state, two.state]).save(tmp_path / "states")
    states = State.load(tmp_path / "states").split()
    for stream, state in zip([one, two], states, strict=True):
        restored = TextStream(model, tokenizer, state=state)
        assert_same(
            restored.push("t there\n") + restored.flush(), stream.push("t there\n") + stream.flush()
        )


def test_what_generation_leaves_can_be_read_on_from() -> None:
    model, tokenizer = model_of("char"), tokenizer_of("char")
    reader = TextStream(model, tokenizer)
    reader.push("The ")
    samples = Stream(model, 3, reader.state.part("model").select([0, 0, 0]))
    first = reader.state["text.last"].repeat(3)
    drawn = torch.stack(list(generate(samples, first, 5, temperature=0.8)))
    state = text_state(samples.state, drawn[-1])
    for row in range(3):
        on = TextStream(model, tokenizer, state=state.select([row]))
        fresh = TextStream(model, tokenizer)
        fresh.push("The " + tokenizer.decode(drawn[:, row].numpy()))
        assert on.peek(3) == pytest.approx(fresh.peek(3))


def test_reset_forgets() -> None:
    model, tokenizer = model_of("word"), tokenizer_of("word")
    stream = TextStream(model, tokenizer)
    wanted = stream.push("The cat sat ")
    stream.push("on th")
    stream.reset()
    assert_same(stream.push("The cat sat "), wanted)


def test_what_does_not_belong_is_said() -> None:
    model, tokenizer = model_of("char"), tokenizer_of("char")
    with pytest.raises(InputError, match="do not belong together"):
        TextStream(model, tokenizer_of("bpe"))
    with pytest.raises(InputError, match="guesses"):
        TextStream(model, tokenizer, guesses=-1)
    stream = TextStream(model, tokenizer)
    good = stream.state
    small = LanguageModel(model.vocab_size, 5, [elman.LSTM(5, 7)]).double()
    text, layers = State(last=torch.tensor([0]), pending=good["text.pending"]), good.part("model")
    beyond = State(last=torch.tensor([model.vocab_size]), pending=good["text.pending"])
    no_text = State(last=torch.tensor([0]), pending=torch.full((1, 64), 1 << 40))
    for wrong, said in [
        (TextStream(small, tokenizer).state, "another model"),
        (State.stack([good, good]), "batch of 2, expected 1"),
        (layers, "another model"),
        (State.join({"model": layers, "text": beyond}), "another model"),
        (State.join({"model": layers, "text": no_text}), "no text"),
    ]:
        with pytest.raises(InputError, match=said) as error:
            stream.state = wrong
        assert "\n" not in str(error.value)
    stream.state = State.join({"model": layers, "text": text})
    assert stream.push("T")[0].bits > 0
