import re
from pathlib import Path

import pytest

from elman.errors import InputError
from elman.settings import configure
from elman.tasks.language_model.config import LanguageModelConfig


def from_file(folder: Path, toml: str, **flags: object) -> LanguageModelConfig:
    path = folder / "settings.toml"
    path.write_text(toml, encoding="utf-8")
    return configure(LanguageModelConfig, flags, path)


def test_a_flag_beats_the_file_and_the_file_the_default(tmp_path: Path) -> None:
    toml = "hidden-size = 7\nnum_layers = 3\n[optimization]\nbetas = [0.5, 0.6]"
    config = from_file(tmp_path, toml, hidden_size=9)
    assert (config.hidden_size, config.num_layers, config.batch_size) == (9, 3, 32)
    assert config.betas == (0.5, 0.6)


def test_the_config_of_a_run_can_be_given_again(tmp_path: Path) -> None:
    toml = '[elman]\nversion = "1"\nformat = 1\ntask = "x"\n[settings]\nhidden_size = 7'
    assert from_file(tmp_path, toml).hidden_size == 7


@pytest.mark.parametrize(
    ("toml", "flags", "message"),
    [
        ("", {"hidden_size": 0}, "--hidden-size 0: input should be greater than or equal to 1"),
        ("hidden_size = 0", {}, r"settings.toml: hidden-size = 0: input should be greater"),
        ("hiden_size = 1", {}, "unknown key 'hiden_size'; did you mean 'hidden-size'?"),
        ("zzz = 1", {}, "unknown key 'zzz'; see --help-all"),
        ("", {"hiden_size": 1}, "--hiden-size: no such setting; did you mean --hidden-size?"),
        ("hidden_size = 1\n[a]\nhidden_size = 2", {}, "'hidden_size' is there twice"),
        ("hidden-size = 1\nhidden_size = 2", {}, "'hidden_size' is there twice"),
        ("hidden_size = ", {}, "not TOML"),
        ("unit = 'syllable'", {}, "unit = 'syllable': input should be 'char', 'bpe' or 'word'"),
        ("", {"window": 65}, "window is 65, expected a multiple of truncation"),
        ("", {"tied": True, "readout": "adaptive"}, "no weights to tie"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(
    tmp_path: Path, toml: str, flags: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        from_file(tmp_path, toml, **flags)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        configure(LanguageModelConfig, {}, tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(InputError, match="not UTF-8"):
        configure(LanguageModelConfig, {}, tmp_path / "latin.toml")


def test_the_file_and_the_flags_are_judged_together(tmp_path: Path) -> None:
    assert from_file(tmp_path, "truncation = 10", window=20).chunks_back == 1


def test_every_setting_says_what_it_is_and_where_it_belongs() -> None:
    for name, field in LanguageModelConfig.model_fields.items():
        extra = field.json_schema_extra
        assert field.description, name
        assert isinstance(extra, dict), name
        assert extra["section"], name
