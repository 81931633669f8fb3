"""What the report on articles finds, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.knowledge.checking import Checked, Finding, check
from infra.knowledge.conflicts import conflicting_sentences
from infra.postgres.knowledge_check import alike
from skills.turn import ArticleId, Language

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def article(slug: str, body: str = "Text.", **fields: object) -> Checked:
    plain = Checked(
        id=ArticleId(uuid5(NAMESPACE_URL, slug)),
        source="help",
        slug=slug,
        title=slug.title(),
        body=body,
        url=None,
        language=Language("en"),
        audience="public",
        effective_at=None,
        expires_at=None,
        updated_at=NOW - DAY,
        missing_since=None,
        cited=0,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def found(*articles: Checked, removed: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(finding.kind, finding.article.slug) for finding in check(articles, [], removed, NOW)]


def test_what_expired_soon_expires_is_missing_or_old_and_often_cited_is_found() -> None:
    assert found(
        article("fine", expires_at=NOW + 90 * DAY, updated_at=NOW - 999 * DAY, cited=4),
        article("old", updated_at=NOW - 400 * DAY, cited=5),
        article("gone", missing_since=NOW),
        article("soon", expires_at=NOW + DAY),
        article("over", expires_at=NOW),
    ) == [("expired", "over"), ("expiring", "soon"), ("missing", "gone"), ("stale", "old")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A return costs four euros.", "A return costs 5 euros."),
        ("You can return it within 30 days of delivery.", "You can **return** it within 14 days of delivery!"),
        ("The winter sale ends on 12.01.2026.", "The winter sale ends on 19.01.2026."),
        ("- Delivery to Norway takes 3 working days", "Delivery to Norway takes 5 working days."),
        ("Der Versand nach Österreich kostet 4,90 Euro.", "Der Versand nach Österreich kostet 5,90 Euro."),
    ],
)
def test_nearly_the_same_sentence_with_another_figure_is_a_conflict(one: str, other: str) -> None:
    (finding,) = check([article("a", f"Hello.\n\n{one}"), article("b", other)], [], (), NOW)
    assert (finding.kind, finding.article.slug, finding.other and finding.other.slug) == ("conflict", "a", "b")
    assert "–" in finding.detail  # noqa: RUF001 - the dash between the two


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A return costs four euros.", "A return costs 4.00 euros."),
        ("The parcel weighs 1,000 grams at most.", "The parcel weighs 1000 grams at most."),
        ("Delivery to France takes 3 working days.", "Delivery to Norway takes 5 working days."),
        ("A return costs four euros.", "Gift wrapping costs two euros."),
        ("Call 1 of us.", "Call 2 of us."),
    ],
)
def test_the_same_figure_or_another_matter_is_none(one: str, other: str) -> None:
    assert found(article("a", one), article("b", other)) == []


def test_a_price_that_follows_another_is_no_conflict_nor_is_one_within_an_article() -> None:
    before = article("a", "A return costs four euros.", expires_at=NOW + 300 * DAY)
    after = article("b", "A return costs five euros.", effective_at=NOW + 300 * DAY)
    assert found(before, after) == []
    assert found(article("c", "A return costs four euros. A return costs five euros.")) == []
    other = replace(after, effective_at=NOW, language=Language("de"))
    assert found(before, other) == []
    assert found(before, replace(after, effective_at=NOW)) == [("conflict", "a")]


def test_links_that_lead_nowhere_within_the_own_articles_are_found() -> None:
    body = (
        "See [a](two.md#top), [b](../faq/three.md), [c](./four.md), [d](https://else.example/x), [e](#f), [g](i.png)."
    )
    gone = "Read [this](https://shop.example/old) and [that](https://shop.example/live#a)."
    assert found(
        article("sub/one.md", body),
        article("sub/two.md"),
        article("faq/three.md"),
        article("links.md", gone),
        article("live", url="https://shop.example/live"),
        removed=("https://shop.example/old", "https://shop.example/live"),
    ) == [("broken_link", "links.md"), ("broken_link", "sub/one.md")]


def test_passages_that_say_the_same_in_two_articles_are_duplicates_once() -> None:
    one, two, three = article("a"), article("b"), article("c")
    matrix = np.asarray([[1, 0], [0.99, 0.141], [0, 1], [1, 0]], dtype=np.float32)
    pairs = alike([one.id, two.id, three.id, one.id], matrix)
    assert [{first, second} for first, second, _ in pairs] == [{one.id, two.id}]
    findings: list[Finding] = check([one, two, three], pairs, (), NOW)
    assert [(finding.kind, finding.detail) for finding in findings] == [("duplicate", "similarity 0.99")]


@given(st.lists(st.text(alphabet="ab cd. 12,5\n", max_size=60), max_size=8))
def test_any_texts_can_be_compared(texts: list[str]) -> None:
    for conflict in conflicting_sentences(texts, similar=0.75):
        assert conflict.one < conflict.other
        assert 0.75 <= conflict.similarity <= 1
