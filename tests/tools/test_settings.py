import html

from markdown import Markdown

import settings
from elman.tasks.language_model.config import LanguageModelConfig


def test_every_setting_has_a_row_with_its_default_and_meaning() -> None:
    extensions = [settings.makeExtension(), "tables"]
    line = "{settings: elman.tasks.language_model.config:LanguageModelConfig}"
    page = Markdown(extensions=extensions).convert(f"# Flags\n\n{line}\n\nafter")
    for name, field in LanguageModelConfig.model_fields.items():
        assert f"<td><code>--{name.replace('_', '-')}</code></td>" in page
        assert f"<td>{html.escape(field.description or '', quote=False)}</td>" in page
    assert page.count("<tr>") == len(LanguageModelConfig.model_fields) + page.count("<h3>")
    assert "<td><code>512</code></td>" in page
    assert "<td>off</td>" in page
    assert "<p>after</p>" in page
    assert "{settings" not in page
