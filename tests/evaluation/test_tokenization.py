from __future__ import annotations

from collections.abc import Sequence

import pytest

from elman.errors import InputError
from elman.evaluation import tokenization
from elman.evaluation.tokenization import check_tokenization, tokenization_for


@pytest.mark.fault(4)
@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["六零四", "七六四七"], "zh"),
        (["我用 PyTorch 训练 transformer 模型"], "zh"),
        (["三十 km", "hello 你好吗"], "zh"),
        (["これはペンです"], "char"),
        (["東京タワー"], "char"),
        (["ｶﾀｶﾅ"], "char"),
        (["이것은 펜입니다"], "char"),
        (["สวัสดีครับ"], "char"),
        (["ភាសាខ្មែរ"], "char"),
        (["မြန်မာ"], "char"),
        (["ພາສາລາວ"], "char"),
        (["The word 你好 means hello in Chinese"], "13a"),
        (["Привет, мир"], "13a"),
        (["नमस्ते दुनिया"], "13a"),
        (["123 456"], "13a"),
        ([""], "13a"),
    ],
)
def test_the_script_of_most_of_the_text_decides(
    texts: Sequence[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenization, "_installed", lambda name: not name.endswith("mecab"))
    chosen, why = tokenization_for(texts)
    assert chosen == expected
    assert bool(why) == (expected != "13a")


@pytest.mark.fault(4)
def test_japanese_and_korean_are_cut_into_words_where_mecab_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokenization, "_installed", lambda name: True)
    assert tokenization_for(["これはペンです"])[0] == "ja-mecab"
    assert tokenization_for(["이것은 펜입니다"])[0] == "ko-mecab"
    monkeypatch.setattr(tokenization, "_installed", lambda name: False)
    assert 'pip install "sacrebleu[ja]"' in tokenization_for(["これはペンです"])[1]
    with pytest.raises(InputError, match=r"ko-mecab: needs MeCab: pip install \"sacrebleu\[ko\]"):
        check_tokenization("ko-mecab")
