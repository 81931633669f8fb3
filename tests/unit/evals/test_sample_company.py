from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.sample_company.script import (
    ARTICLES,
    MESSAGES,
    Answered,
    Escalated,
    Kind,
    SampleCustomer,
    SampleTurn,
    load_script,
)
from skills.errors import BadRequestError
from skills.escalate.policy import Policy
from skills.turn import Severity

VALID = """
[[customer]]
id = "cat-owner"
name = "Ruth"
kind = "fact"

[[customer.turn]]
messages = ["Is chive bad for cats?"]

[customer.turn.expect]
outcome = "answered"
cites = ["pets"]
contains = ["chives"]

[[customer]]
id = "smoke"
name = "Nate"
kind = "danger"
language = "de"
segment = "vip"
channel = "chat"
earlier_cases = 2

[[customer.turn]]
messages = ["hilfe", "der akku qualmt"]

[customer.turn.expect]
outcome = "escalated"
rule = ["danger", "product_safety"]
severity = "P1"
lacks = ["£20"]
"""


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "pets.md").write_text("---\ntitle: Pets\naudience: public\n---\n\naudience: staff, says the body\n")
    (folder / "secrets.md").write_text("---\ntitle: Secrets\naudience: staff\n---\n\nHush.\n")
    (folder / "plain.md").write_text("No front matter at all.\n")
    return folder


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    return tmp_path / "messages.toml"


def front_matter(article: Path) -> dict[str, str]:
    lines = article.read_text(encoding="utf-8").split("---\n", maxsplit=2)[1].splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def body(slug: str) -> str:
    return (ARTICLES / f"{slug}.md").read_text(encoding="utf-8").split("---\n", maxsplit=2)[2]


def every_article() -> list[Path]:
    return sorted(ARTICLES.glob("*.md"))


def every_turn() -> list[tuple[str, SampleTurn]]:
    return [
        (f"{customer.id} {number}", turn)
        for customer in load_script()
        for number, turn in enumerate(customer.turns, start=1)
    ]


def answers() -> list[tuple[str, Answered]]:
    return [(name, turn.expect) for name, turn in every_turn() if isinstance(turn.expect, Answered)]


def escalations() -> list[tuple[str, Escalated]]:
    return [(name, turn.expect) for name, turn in every_turn() if isinstance(turn.expect, Escalated)]


class TestLoader:
    def test_a_file_becomes_customers_in_its_own_order(self, messages: Path, articles: Path) -> None:
        messages.write_text(VALID)

        first, second = load_script(messages, articles)

        assert first == SampleCustomer(
            id="cat-owner",
            name="Ruth",
            kind="fact",
            turns=(
                SampleTurn(
                    messages=("Is chive bad for cats?",),
                    expect=Answered(outcome="answered", cites=("pets",), contains=("chives",)),
                ),
            ),
        )
        assert (second.language, second.segment, second.earlier_cases) == ("de", "vip", 2)
        assert second.turns[0].messages == ("hilfe", "der akku qualmt")
        assert second.turns[0].expect == Escalated(
            outcome="escalated", rules=("danger", "product_safety"), severity=Severity.P1, lacks=("£20",)
        )

    @pytest.mark.parametrize(
        ("right", "wrong", "complaint"),
        [
            ('id = "cat-owner"', 'id = "smoke"', "messages.toml: the id 'smoke' is used twice"),
            ('id = "cat-owner"', 'id = "Cat owner"', r"customer 1 \('Cat owner'\), id: String should match"),
            ('kind = "fact"', 'kind = "facts"', r"customer 1 \('cat-owner'\), kind: Input should be 'fact'"),
            ('name = "Ruth"\n', "", r"customer 1 \('cat-owner'\), name: Field required"),
            ('segment = "vip"', 'segment = "VIP"', r"customer 2 \('smoke'\), segment: Input should be 'standard' or"),
            ('segment = "vip"', 'tier = "vip"', r"customer 2 \('smoke'\), tier: "),
            ('channel = "chat"', '"chan\\nel" = "chat"', r"customer 2 \('smoke'\), 'chan\\nel': Unexpected"),
            ('channel = "chat"', 'channel = "fax"', r"customer 2 \('smoke'\), channel: "),
            ("earlier_cases = 2", "earlier_cases = -2", r"customer 2 \('smoke'\), earlier_cases: "),
            ('"der akku qualmt"', '" "', r"customer 2 \('smoke'\), turn 1, messages 2: String should have at least"),
            ('["Is chive bad for cats?"]', "[]", r"turn 1, messages: Tuple should have at least 1 item"),
            ('severity = "P1"', 'severity = "P9"', r"turn 1, expect, severity: Input should be 'P1', 'P2' or 'P3'"),
            ('severity = "P1"\n', "", r"customer 2 \('smoke'\), turn 1, expect, severity: Field required"),
            ('rule = ["danger", "product_safety"]', "rule = []", r"turn 1, expect, rule: Tuple should have"),
            ('outcome = "answered"', 'outcome = "ignored"', r"turn 1, expect: .*'answered', 'escalated'"),
            ('cites = ["pets"]\n', "", r"customer 1 \('cat-owner'\), turn 1, expect, cites: Field required"),
            ('contains = ["chives"]\n', "", r"customer 'cat-owner', turn 1: an answer with sources needs 'contains'"),
            ('cites = ["pets"]', 'cites = ["dogs"]', "customer 'cat-owner', turn 1: there is no article 'dogs'"),
            ('cites = ["pets"]', 'cites = ["secrets"]', "turn 1: the article 'secrets' is for staff"),
            ('"cat-owner"', '"cat-owner', "messages.toml is not TOML: "),
            (VALID, "", "messages.toml: customer: Field required"),
            (VALID, "customer = 7", "messages.toml: customer: Input should be a valid tuple"),
        ],
    )
    def test_a_mistake_is_named_with_its_place(
        self, messages: Path, articles: Path, right: str, wrong: str, complaint: str
    ) -> None:
        assert right in VALID
        messages.write_text(VALID.replace(right, wrong, 1))

        with pytest.raises(BadRequestError, match=complaint) as caught:
            load_script(messages, articles)

        assert "\n" not in str(caught.value)

    def test_a_missing_file_is_a_clear_error(self, messages: Path, articles: Path) -> None:
        with pytest.raises(BadRequestError, match=r"messages\.toml can't be read: No such file"):
            load_script(messages, articles)

    def test_a_file_in_another_encoding_is_a_clear_error(self, messages: Path, articles: Path) -> None:
        messages.write_bytes(VALID.encode("latin-1"))

        with pytest.raises(BadRequestError, match=r"messages\.toml is not UTF-8: .* at byte \d+"):
            load_script(messages, articles)

    def test_an_article_without_front_matter_is_public(self, messages: Path, articles: Path) -> None:
        messages.write_text(VALID.replace('cites = ["pets"]', 'cites = ["plain"]'))

        assert len(load_script(messages, articles)) == 2

    @settings(deadline=None)  # a machine that is busy is no finding
    @given(start=st.integers(0, len(VALID)), length=st.integers(0, 60), junk=st.text(max_size=12))
    def test_a_damaged_file_loads_or_is_refused_in_one_line(
        self, tmp_path_factory: pytest.TempPathFactory, start: int, length: int, junk: str
    ) -> None:
        folder = tmp_path_factory.mktemp("damaged")
        (folder / "pets.md").write_text("---\naudience: public\n---\n")
        damaged = (VALID[:start] + junk + VALID[start + length :]).encode(errors="replace")
        (folder / "messages.toml").write_bytes(damaged)

        try:
            outcome = str([customer.id for customer in load_script(folder / "messages.toml", folder)])
        except BadRequestError as error:
            outcome = str(error)

        assert len(outcome.splitlines()) == 1


class TestArticles:
    def test_there_are_enough_of_them_and_at_most_two_are_internal(self) -> None:
        audiences = [front_matter(article)["audience"] for article in every_article()]

        assert len(audiences) >= 45
        assert set(audiences) == {"public", "customers", "staff"}
        assert audiences.count("staff") <= 2

    @pytest.mark.parametrize("article", every_article(), ids=lambda article: article.stem)
    def test_an_article_has_the_form_that_the_readme_promises(self, article: Path) -> None:
        said = front_matter(article)
        sections = body(article.stem).split("\n## ")[1:]

        assert list(said) == ["title", "language", "audience", "url", "updated"]
        assert said["language"] == "en"
        assert said["url"] == f"https://help.thimblewick.example/articles/{article.stem}"
        assert date.fromisoformat(said["updated"]).year in {2025, 2026}
        assert 2 <= len(sections) <= 4
        assert all(section.rstrip().endswith((".", "!", "?")) for section in sections)
        assert 120 <= sum(len(section.partition("\n")[2].split()) for section in sections) <= 350

    def test_titles_and_sentences_stand_in_one_place_only(self) -> None:
        titles = [front_matter(article)["title"] for article in every_article()]
        sentences = [
            sentence
            for article in every_article()
            for sentence in re.split(r"(?<=[.!?])\s+", body(article.stem))
            if len(sentence.split()) > 6
        ]

        assert len(set(titles)) == len(titles)
        assert [sentence for sentence in set(sentences) if sentences.count(sentence) > 1] == []

    def test_every_address_and_number_is_reserved_for_fiction(self) -> None:
        everything = "\n".join(path.read_text(encoding="utf-8") for path in [*every_article(), MESSAGES])

        hosts = re.findall(r"(?:@|https?://|\b)((?:[a-z0-9-]+\.)+(?:com|org|net|co|uk|de|eu|io|example))\b", everything)
        assert {host for host in hosts if not host.endswith((".example", "example.com"))} == set()
        assert set(re.findall(r"\b0\d{4} \d{3} \d{3}\b", everything)) == {"01632 960 140"}


class TestMessages:
    def test_every_kind_of_message_is_there(self) -> None:
        kinds = [customer.kind for customer in load_script()]

        assert len(kinds) >= 36
        assert kinds.count("fact") >= 12
        assert set(kinds) == set(get_args(Kind))

    def test_what_an_answer_must_contain_stands_in_an_article_that_it_may_cite(self) -> None:
        unfounded = [
            (name, text)
            for name, expect in answers()
            for text in expect.contains
            if expect.cites and not any(text.casefold() in body(slug).casefold() for slug in expect.cites)
        ]

        assert unfounded == []

    def test_every_expected_rule_stands_in_the_policy(self) -> None:
        known = {rule.name for rule in Policy.default().rules}
        expected = {rule for _, expect in escalations() for rule in expect.rules}

        assert expected - known == set()

    def test_no_question_is_written_twice(self) -> None:
        texts = [text for _, turn in every_turn() for text in turn.messages if len(text.split()) > 3]

        assert len(set(texts)) == len(texts)

    def test_an_expectation_of_silence_names_what_staff_articles_really_say(self) -> None:
        secrets = body("staff-goodwill-credits") + body("staff-recall-desk")
        kept = [text for name, expect in escalations() if "staff" in name for text in expect.lacks]

        assert kept
        assert [text for text in kept if text not in secrets] == []
