from __future__ import annotations

import pytest

from skills.identify import code_text
from skills.turn import Language


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "it", "ja", None])
def test_the_text_has_the_code_alone_in_its_line_says_who_asks_and_how_long_it_counts(language: str | None) -> None:
    text = code_text(None if language is None else Language(language), "012345", site="Example Shop", minutes=10)
    assert "012345" in text.splitlines()
    assert text.count("012345") == 1
    assert "Example Shop" in text
    assert " 10 min" in text.replace("10 Min", "10 min")
    assert "{" not in text


def test_it_is_in_the_customers_language_and_says_that_nobody_should_pass_it_on() -> None:
    def text(language: str) -> str:
        return code_text(Language(language), "012345", site="Example Shop", minutes=10)

    assert text("de").startswith("Ihr Code lautet")
    assert text("ja") == text("en")
    for language, word in (("en", "Don't pass it on"), ("de", "an niemanden weiter"), ("fr", "Ne le donnez")):
        assert word in text(language)
