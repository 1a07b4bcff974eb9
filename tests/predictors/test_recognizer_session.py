"""Live speech is what the whole recording is, wherever it is cut, stopped and gone on with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.decoding.ctc_beam import BeamSearch
from elman.errors import InputError
from elman.predictors.acoustic_stream import AcousticStream
from elman.predictors.recognizer import RecognizerPredictor
from elman.predictors.recognizer_session import LiveText
from elman.predictors.spoken_words import Word, words_of
from elman.streaming.session import Snapshot
from tests.predictors import contract
from tests.recognizers import RATE, recognizer, recording
from tests.wavs import header, wav

SPEECH = recording(9.0)
SHORT = SPEECH[: 3 * RATE]
WHOLE = {"silence_before": 0, "silence_after": 0, "longest_utterance": 0}
"""Without end points: one utterance, as a file is."""


PREDICTOR = recognizer()


@pytest.fixture
def predictor() -> RecognizerPredictor:
    return PREDICTOR


def pcm(samples: np.ndarray) -> bytes:
    return (samples * 32768).astype("<i2").tobytes()


def cut(sequence: Any, size: int) -> list[Any]:
    return [sequence[begin : begin + size] for begin in range(0, len(sequence), size)]


def same(got: list[LiveText], wanted: list[LiveText]) -> None:
    """Text to the character, times to the frame, confidences within their rounding."""
    assert [(one.event, one.text, one.begin, one.end) for one in got] == [
        (one.event, one.text, one.begin, one.end) for one in wanted
    ]
    for one, other in zip(got, wanted, strict=True):
        same_words(one.words, other.words)
        assert one.confidence == pytest.approx(other.confidence, abs=2e-4)


def same_words(got: tuple[Word, ...], wanted: tuple[Word, ...]) -> None:
    assert [(word.text, word.begin, word.end) for word in got] == [
        (word.text, word.begin, word.end) for word in wanted
    ]
    assert [word.confidence for word in got] == pytest.approx(
        [word.confidence for word in wanted], abs=2e-4
    )


def finals(answers: list[LiveText]) -> list[LiveText]:
    return [answer for answer in answers if answer.event == "final"]


@pytest.mark.parametrize("milliseconds", [7, 100, 1000, 9000])
@pytest.mark.parametrize("form", ["bytes", "arrays"])
def test_any_chunks_are_the_whole_recording(
    predictor: RecognizerPredictor, milliseconds: int, form: str
) -> None:
    (offline,) = predictor.predict([(SPEECH, RATE)])
    assert len(offline.words) > 4
    size = RATE * milliseconds // 1000
    chunks = cut(SPEECH, size) if form == "arrays" else cut(pcm(SPEECH), 2 * size)
    answers = contract.answers_of(predictor.session(**WHOLE), chunks)
    (final,) = finals(answers)
    assert final.text == offline.text
    same_words(final.words, offline.words)
    assert final.confidence == pytest.approx(offline.confidence, abs=2e-4)
    assert (final.begin, final.end) == (offline.words[0].begin, offline.words[-1].end)
    same(answers, contract.answers_of(predictor.session(**WHOLE), [SPEECH]))


def test_sample_by_sample(predictor: RecognizerPredictor) -> None:
    speech = SHORT[: 3 * RATE // 4]
    wanted = contract.answers_of(predictor.session(), [speech])
    assert len(wanted) > 3
    same(contract.answers_of(predictor.session(), cut(speech, 1)), wanted)


@pytest.mark.parametrize("changes", [{}, {"encoder": "conv"}, {"cell": "gru", "window": 4}])
@pytest.mark.parametrize("size", [1, 56, 800, 8000, 10**6])
def test_log_probabilities_are_those_of_the_whole(changes: dict[str, Any], size: int) -> None:
    one = recognizer(**changes)
    speech = SHORT if size > 1 else SHORT[:4000]
    (wanted,) = one.log_probs([one.front_end.frames(speech)])
    stream = AcousticStream(one.model, one.front_end)
    for _ in range(2):  # after a flush the next one begins anew
        found = [part for chunk in cut(speech, size) for part in stream.push(chunk)]
        got = np.concatenate([*found, *stream.flush()])
        np.testing.assert_allclose(got, wanted.numpy(), rtol=1e-5, atol=1e-5)


def test_end_points_change_nothing_that_is_recognized(predictor: RecognizerPredictor) -> None:
    (offline,) = predictor.predict([(SPEECH, RATE)])
    session = predictor.session(silence_after=0.3, silence_before=0.2, longest_utterance=2)
    found = finals(contract.answers_of(session, cut(SPEECH, 800)))
    assert len(found) > 4
    letters = "".join(answer.text for answer in found).replace(" ", "")
    assert letters == offline.text.replace(" ", "")
    begins = {word.begin for answer in found for word in answer.words}
    assert begins >= {word.begin for word in offline.words}
    ends = [answer.end for answer in found]
    assert ends == sorted(ends)


@settings(max_examples=15)
@given(data=st.data())
def test_any_cut_and_any_stop(data: st.DataObject) -> None:
    options = {"silence_after": 0.3, "silence_before": 1.0, "longest_utterance": 1}
    speech = SHORT[:12_000]
    form = data.draw(st.sampled_from(["pcm", "wav", "array"]))
    sequence: Any = speech if form == "array" else pcm(speech)
    if form == "wav":
        sequence = wav(sequence, header(rate=RATE))
    contract.any_cut_and_any_stop_is_the_whole(PREDICTOR, sequence, data, same, **options)


@settings(max_examples=10)
@given(data=st.data())
def test_any_stop_of_a_resampled_stream(data: st.DataObject) -> None:
    sequence = pcm(recording(1.5, rate=11025))
    contract.any_cut_and_any_stop_is_the_whole(PREDICTOR, sequence, data, same, rate=11025)


def test_a_resampled_stream_is_the_resampled_recording(predictor: RecognizerPredictor) -> None:
    speech = recording(4.0, rate=11025)
    (offline,) = predictor.predict([(speech, 11025)])
    (final,) = finals(contract.answers_of(predictor.session(**WHOLE), [(speech, 11025)]))
    assert final.text == offline.text
    same_words(final.words, offline.words)


def test_it_goes_on_in_a_new_process(predictor: RecognizerPredictor, tmp_path: Path) -> None:
    contract.goes_on_in_a_new_process(
        predictor, tmp_path, pcm(SHORT), 30_001, same, silence_after=0.3, rate=11025
    )


def test_sessions_and_models_are_apart(predictor: RecognizerPredictor) -> None:
    contract.sessions_never_touch(predictor, pcm(SHORT), pcm(recording(2.0, 5)), same)
    contract.other_weights_are_refused(predictor, recognizer(seed=1), pcm(SHORT), same)


@settings(max_examples=40)
@given(data=st.data())
def test_damaged_snapshots(data: st.DataObject) -> None:
    contract.damaged_snapshots_are_refused(PREDICTOR, pcm(SHORT[:4000]), data)


def test_snapshots_with_nan_are_refused(predictor: RecognizerPredictor) -> None:
    contract.snapshots_with_nan_are_refused(predictor, pcm(SHORT[:4000]), rate=11025)
    contract.snapshots_with_nan_are_refused(predictor, pcm(SHORT[:4000]), beam=2)


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("search/path.emissions", 0, 99),
        ("search/path.emissions", 0, -1),
        ("search/path.emissions", 2, 0),
        ("search/path.confidences", 0, 1.5),
    ],
)
def test_snapshots_of_no_tokens_are_refused(
    predictor: RecognizerPredictor, beam: int, name: str, place: int, value: float
) -> None:
    session = predictor.session(beam=beam)
    for begin in range(0, len(SHORT), 500):  # until there are tokens that the search holds
        session.push(pcm(SHORT[begin : begin + 500]))
        whole = session.state
        if len(whole.tensors["search/path.confidences"]):
            break
    whole.tensors[name].view(-1)[place] = value
    with pytest.raises(InputError, match="the snapshot does not fit this session"):
        session.state = whole


def test_any_number_of_threads(predictor: RecognizerPredictor) -> None:
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(contract.answers_of(predictor.session(), cut(SHORT, 1000)))
    same(*found)


def test_partial_answers_tell_each_change_and_can_be_off(predictor: RecognizerPredictor) -> None:
    answers = contract.answers_of(predictor.session(silence_after=0.3), [SPEECH])
    text = ""
    for answer in answers:
        if answer.event == "partial":
            assert answer.text not in ("", text)
            text = answer.text
        else:
            assert answer.text == text
            text = ""
    quiet = contract.answers_of(predictor.session(silence_after=0.3, partial=False), [SPEECH])
    same(quiet, finals(answers))


def test_silence_ends_an_empty_utterance_again_and_again() -> None:
    deaf = recognizer()
    with torch.no_grad():
        deaf.model.readout.bias[-1] += 1000
    session = deaf.session(silence_before=2)
    silence = np.zeros(RATE, np.float32)
    said = [answer for _ in range(9) for answer in session.push(silence)]
    assert said == [LiveText("final", begin, begin + 2, "", 0.0, ()) for begin in (0, 2, 4, 6)]


def test_an_utterance_that_is_too_long_ends_between_words(predictor: RecognizerPredictor) -> None:
    (offline,) = predictor.predict([(SPEECH, RATE)])
    session = predictor.session(silence_before=0, silence_after=0, longest_utterance=4.5)
    found = finals(contract.answers_of(session, [SPEECH]))
    assert len(found) == 3
    same_words(tuple(word for answer in found for word in answer.words), offline.words)
    assert " ".join(answer.text for answer in found) == offline.text


def test_the_word_that_goes_over_counts_in_the_next_utterance(
    predictor: RecognizerPredictor,
) -> None:
    session = predictor.session(silence_before=0, silence_after=0, longest_utterance=4.5)
    chunks = cut(SPEECH, RATE // 25)
    arrived = [
        (number / 25, answer)
        for number, chunk in enumerate(chunks, 1)
        for answer in finals(session.push(chunk))
    ]
    (first, _), (second, later) = arrived
    assert first == pytest.approx(4.5, abs=0.15)
    assert later.begin < first
    assert second - later.begin == pytest.approx(4.4, abs=0.2)


def test_a_word_without_end_is_cut_and_stays_bounded() -> None:
    endless = recognizer()
    with torch.no_grad():
        endless.model.readout.bias[:2] -= 1000  # no white space
        endless.model.readout.bias[endless.tokenizer.encode(" ")[0]] -= 1000
    (offline,) = endless.predict([(SPEECH, RATE)])
    session = endless.session(silence_before=0, silence_after=0, longest_utterance=2)
    found = finals(contract.answers_of(session, [SPEECH]))
    assert len(found) >= 3
    assert "".join(answer.text for answer in found) == offline.text.replace(" ", "")


def test_the_place_stays_small(predictor: RecognizerPredictor) -> None:
    session = predictor.session()
    sizes = []
    for turn in range(4):
        for chunk in cut(recording(6.0, turn), 4000):
            session.push(chunk)
        sizes.append(len(session.state.to_bytes()))
    assert max(sizes) < sizes[0] + 8000


def test_the_last_word_comes_with_the_end(predictor: RecognizerPredictor) -> None:
    """Also where the end is a fault, or comes in the middle of the stream."""
    loud = SHORT[: 2 * RATE]
    wanted = finals(contract.answers_of(predictor.session(**WHOLE), [pcm(loud)]))
    assert len(wanted) == 1
    for data in (pcm(loud) + b"\1", wav(pcm(loud), header(rate=RATE), size=1 << 20)):
        session = predictor.session(**WHOLE)
        got = session.push(data)
        with pytest.raises(InputError) as error:
            session.flush()
        same(finals([*got, *error.value.answers]), wanted)
        same(finals(contract.answers_of(session, [pcm(loud)])), wanted)  # begins anew
    changed = wav(pcm(loud), header(rate=RATE)) + wav(pcm(loud), header(rate=16000))
    session = predictor.session(**WHOLE)
    with pytest.raises(InputError, match="the rate changes from 8,000 to 16,000") as error:
        session.push(changed)
    same(finals(list(error.value.answers)), wanted)
    restored = predictor.session(**WHOLE)
    restored.state = Snapshot.from_bytes(session.state.to_bytes())
    for each in (session, restored):
        with pytest.raises(InputError, match="the rate changes") as error:
            each.push(pcm(loud))
        assert error.value.answers == ()
        with pytest.raises(InputError, match="the rate changes"):
            each.flush()
        same(finals(contract.answers_of(each, [pcm(loud)])), wanted)


def test_a_fault_loses_nothing_of_what_the_resampler_holds(predictor: RecognizerPredictor) -> None:
    loud = pcm(recording(2.0, rate=11025))
    whole = wav(loud, header(rate=11025))
    wanted = finals(contract.answers_of(predictor.session(**WHOLE), [whole]))
    session = predictor.session(**WHOLE)
    with pytest.raises(InputError, match="the rate changes") as error:
        session.push(whole + wav(loud, header(rate=16000)))
    same(finals(list(error.value.answers)), wanted)


def test_a_faulty_stream_is_concluded_once() -> None:
    """Also of a recognizer that hears words in silence."""
    endless = recognizer(tail=1.0)
    with torch.no_grad():
        endless.model.readout.bias[endless.tokenizer.encode("a")[0]] += 1000
    session = endless.session(**WHOLE)
    data = wav(pcm(SHORT[:RATE]), header(rate=RATE)) + wav(b"", header(rate=16000))
    with pytest.raises(InputError) as error:
        session.push(data + pcm(SHORT[:RATE]))
    assert finals(list(error.value.answers))
    for again in (lambda: session.push(b"\0\0"), session.flush):
        with pytest.raises(InputError) as error:
            again()
        assert error.value.answers == ()


@pytest.mark.parametrize(
    "chunk", [None, 5, "text", [1], np.array([np.nan]), (SHORT, 0), (SHORT, float("inf"))]
)
def test_what_is_no_audio_changes_nothing(predictor: RecognizerPredictor, chunk: Any) -> None:
    wanted = contract.answers_of(predictor.session(), [SHORT])
    session = predictor.session()
    got = session.push(SHORT[:9000])
    with pytest.raises(InputError) as error:
        session.push(chunk)
    assert "\n" not in str(error.value)
    same([*got, *contract.answers_of(session, [SHORT[9000:]])], wanted)


@pytest.mark.remedy
def test_a_recognizer_of_two_directions_names_the_flag() -> None:
    with pytest.raises(InputError, match="train one with --no-bidirectional to stream"):
        recognizer(bidirectional=True).session()
    assert recognizer(bidirectional=False).session().push(SHORT)


def test_options_are_checked(predictor: RecognizerPredictor) -> None:
    odd = {"rate": 999, "silence_after": -1, "longest_utterance": -0.5, "silence_before": 1e308}
    for name, value in odd.items():
        with pytest.raises(InputError, match=re.escape(f"--{name.replace('_', '-')} {value}")):
            predictor.session(**{name: value})


def test_a_beam_is_that_of_the_whole_recording(predictor: RecognizerPredictor) -> None:
    speech = SHORT[: 2 * RATE]
    (log_probs,) = predictor.log_probs([predictor.front_end.frames(speech)])
    search = BeamSearch(4)
    wanted = search.n_best(search.advance(search.start(), log_probs), 3)
    answers = contract.answers_of(predictor.session(beam=4, n_best=3, **WHOLE), cut(speech, 1000))
    (final,) = finals(answers)
    assert final.n_best == tuple(map(predictor.text, wanted))
    assert final.text == final.n_best[0]
    same_words(final.words, words_of(predictor.tokenizer, wanted[0], 0.04))


@settings(max_examples=4)
@given(data=st.data())
def test_any_cut_and_any_stop_of_a_beam(data: st.DataObject) -> None:
    options = {"silence_after": 0.3, "longest_utterance": 1, "beam": 3, "hot_words": ("fgf", "a")}
    speech = pcm(SHORT[:8000])
    contract.any_cut_and_any_stop_is_the_whole(PREDICTOR, speech, data, same, **options)


@pytest.mark.remedy
def test_the_snapshot_of_another_search_is_refused(predictor: RecognizerPredictor) -> None:
    session, other = predictor.session(beam=3), predictor.session(beam=3, hot_words=("fgf",))
    session.push(SHORT[:8000])
    with pytest.raises(InputError, match="give the beam, the language model and the hot words"):
        other.state = session.state
    again = predictor.session(beam=3)
    again.state = session.state
    same(again.push(SHORT[8000:]), session.push(SHORT[8000:]))
