from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.whatsapp import WHATSAPP
from channels.whatsapp.text import MAX_LENGTH
from skills.adapt import Adapt, ChannelRule, ChannelRules, Company, check_text, fit
from skills.adapt.cut import shortened
from skills.adapt.emoji import at_most
from skills.adapt.markup import shown
from skills.adapt.rules import Links, length_of
from skills.errors import InvalidMessageError
from skills.turn import ChannelName, Customer, Draft, Escalation, Language, Reason, Reply, Severity
from tests.unit.skills.adapted import CHANNELS, LANGUAGES, expected
from tests.unit.skills.adapted import adapted as example
from tests.unit.skills.skill_examples import (
    DELIVERY,
    PAYMENT,
    a_customer,
    a_passage,
    a_retrieval,
    a_sentiment,
    a_turn,
    an_answer,
    no_answer,
)

NOBODY = Escalation(())
UNLINKED = a_passage("No link.", url=None)
DISCLOSURE = "You are talking to an automated assistant"


def asked(severity: Severity = Severity.P3, rule: str = "unanswered") -> Escalation:
    return Escalation((Reason(rule, "why", severity),))


async def adapted(
    draft: Draft | None = None,
    *,
    channel: str = "chat",
    escalation: Escalation = NOBODY,
    language: str = "en",
    first: bool = False,
    customer: Customer | None = None,
    rules: ChannelRules | None = None,
    company: Company | None = None,
    spoken: str | None = None,
) -> Reply:
    turn = a_turn("hi", channel=channel, history=[] if first else [("customer", "before")], customer=customer)
    return (
        await Adapt(rules or ChannelRules(), company or Company())(
            {
                "turn": turn,
                "sentiment": a_sentiment(language=language),
                "retrieval": a_retrieval("q", DELIVERY, PAYMENT, UNLINKED),
                "draft": replace(draft or an_answer(), language=Language(spoken or language)),
                "escalation": escalation,
            }
        )
    )["reply"]


async def test_web_names_the_source_below_the_answer() -> None:
    reply = await adapted()
    assert reply == Reply("Delivery takes two days.\n\nSource: Delivery: https://help.example/delivery", None)


async def test_several_sources_are_listed_each_once_and_those_without_a_link_left_out() -> None:
    both = an_answer().citations + an_answer("b", passage=PAYMENT).citations + an_answer("c").citations
    reply = await adapted(replace(an_answer(), citations=both))
    assert reply.text.endswith(
        "Sources:\n- Delivery: https://help.example/delivery\n- Payment: https://help.example/payment"
    )
    assert "Source" not in (await adapted(an_answer(passage=UNLINKED))).text


async def test_email_is_a_letter_with_the_name_of_a_verified_customer_only() -> None:
    letter = (await adapted(channel="email")).text
    assert letter.startswith("Hello Anna Meyer,\n\nDelivery")
    assert letter.endswith("Kind regards\nYour support team")
    assert (await adapted(channel="email", customer=a_customer(verified=False))).text.startswith("Hello,\n\n")


@pytest.mark.parametrize("name", [None, "", "http://evil.example", "a\nb: c <x>", "x" * 200, "WIN 1000"])
async def test_a_name_that_is_none_is_not_spoken(name: str | None) -> None:
    assert (await adapted(channel="email", customer=a_customer(name=name))).text.startswith("Hello,\n\n")


async def test_whatsapp_keeps_bold_and_names_no_sources() -> None:
    draft = replace(an_answer(), text="## Delivery\n\nIt takes **two** days, see [here](https://a.example).")
    assert (
        await adapted(draft, channel="whatsapp")
    ).text == "*Delivery*\n\nIt takes *two* days, see here: https://a.example."


async def test_a_channel_without_rules_of_its_own_gets_plain_text() -> None:
    assert (await adapted(replace(an_answer(), text="**two**"), channel="pigeon")).text == "two"


async def test_the_first_text_of_a_case_says_once_that_an_assistant_writes() -> None:
    alone = await adapted(first=True)
    assert alone.text.startswith(DISCLOSURE)
    handed = await adapted(first=True, escalation=asked())
    assert handed.handoff is not None
    assert handed.handoff.startswith(DISCLOSURE)
    assert DISCLOSURE not in handed.text
    assert DISCLOSURE not in (await adapted()).text


@pytest.mark.parametrize(
    ("language", "severity", "deadline"),
    [
        ("en", Severity.P1, "within 15 minutes"),
        ("en", Severity.P2, "within an hour"),
        ("en", Severity.P3, "within one working day"),
        ("de", Severity.P3, "innerhalb eines Arbeitstages"),
        ("es", Severity.P2, "una hora"),
        ("fr", Severity.P1, "15 minutes"),
        ("it", Severity.P1, "within 15 minutes"),
    ],
)
async def test_the_handoff_says_by_when_in_the_customers_language(
    language: str, severity: Severity, deadline: str
) -> None:
    reply = await adapted(language=language, escalation=asked(severity))
    assert reply.handoff is not None
    assert deadline in reply.handoff
    assert "Delivery" not in reply.handoff


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            "Our automated assistant can't answer it at the moment, so a colleague will look at it within one working",
        ),
        ("de", "Unser automatischer Assistent kann sie gerade nicht beantworten. Jemand aus unserem Team"),
        ("es", "Nuestro asistente automático no puede responderlo en este momento. Una persona"),
        ("fr", "Notre assistant automatique ne peut pas y répondre pour le moment. Une personne"),
    ],
)
async def test_when_no_draft_could_be_written_the_customer_is_told_and_that_a_person_will_answer(
    language: str, words: str
) -> None:
    down = no_answer(failure="the model did not answer: timeout")
    handoff = (await adapted(down, language=language, escalation=asked(rule="no_draft"))).handoff
    assert handoff is not None
    assert words in handoff
    assert "timeout" not in handoff
    unanswered = (await adapted(no_answer(), language=language, escalation=asked())).handoff
    assert unanswered is not None
    assert words not in unanswered


async def test_a_handoff_for_danger_says_whom_to_call() -> None:
    for rule, words in {"self_harm": "crisis line", "product_safety": "unplug"}.items():
        handoff = (await adapted(escalation=asked(Severity.P1, rule))).handoff
        assert handoff is not None
        assert "112" in handoff
        assert words in handoff
    german = (await adapted(escalation=asked(Severity.P1, "self_harm"), language="de", channel="email")).handoff
    assert german is not None
    assert german.startswith("Guten Tag Anna Meyer,")
    assert "Notruf" in german


SMALL = ChannelRules({ChannelName("chat"): ChannelRule(max_length=160, sources=True)})


async def test_sources_go_first_when_a_text_is_too_long() -> None:
    text = "Delivery takes two days in general. " * 3 + "And so on, and so on, and so on."
    assert (await adapted(an_answer(text), rules=SMALL)).text == text


async def test_an_answer_too_long_ends_with_a_whole_sentence_and_a_note() -> None:
    text = (await adapted(an_answer("First it is said. " + "Then more. " * 40), rules=SMALL)).text
    assert text.startswith("First it is said. Then more.")
    assert text.endswith("(This answer was too long for this channel. Write to us if you need the rest.)")
    assert "more.\n\n(This" in text


@given(st.text(min_size=1), st.sampled_from(["chat", "email", "whatsapp", "pigeon"]), st.integers(1, 200))
async def test_every_draft_fits_its_channel(text: str, channel: str, times: int) -> None:
    reply = await adapted(an_answer(text * times), channel=channel, first=True)
    check_text(ChannelName(channel), reply.text)


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# Title #\n\nText", "Title\n\nText"),
        ("* one\n  + two\n3. three", "- one\n  - two\n3. three"),
        ("> quoted\n\n---\n\nend", "quoted\n\nend"),
        ("| a | b |\n|---|---|\n| c | d |", "- a, b\n\n- c, d"),
        ("```\ncode\n```", "code"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
    ],
)
def test_markdown_becomes_plain_text(markdown: str, text: str) -> None:
    assert shown(markdown, ChannelRule()) == text


def test_a_reviewers_text_is_checked_and_never_rewritten() -> None:
    text = " **As it is** \n"
    assert fit(ChannelName("whatsapp"), text) is text


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("  \n", "is empty", "reject"),
        ("x" * 4801, "has 4,801 characters; whatsapp takes 4,800", "by 1 characters"),
        ("😀" * 2401, "has 4,802 characters", "by 2 characters"),
        ("a\x00b", "U+0000", "Delete it"),
        ("a\ud83db", "U+D83D", "Delete it"),
    ],
)
def test_a_text_that_can_not_be_sent_is_refused_with_the_reason(text: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        check_text(ChannelName("whatsapp"), text)
    assert message in str(caught.value)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_same_draft_looks_on_every_channel_as_its_rule_says(channel: str, language: str) -> None:
    texts = expected()[channel]
    assert (await example(channel, language)).text == texts[language]
    handed = await example(channel, language, escalated=True)
    assert handed.handoff == texts[f"{language}_handoff"]


async def test_the_sign_off_names_the_company_and_a_letter_without_a_place_of_its_own_ends_with_the_signature() -> None:
    company = Company("Example", "Example Ltd\n1 Sample Street")
    form = (await adapted(channel="form", company=company)).text
    assert form.endswith("Kind regards\nYour Example support team\n\nExample Ltd\n1 Sample Street")
    email = (await adapted(channel="email", company=company)).text
    assert email.endswith("Kind regards\nYour Example support team")
    assert "Example" not in (await adapted(channel="chat", company=company)).text


async def test_a_draft_in_another_language_than_the_customers_says_so_in_theirs() -> None:
    text = (await adapted(language="de", spoken="en")).text
    assert text.startswith("Diese Antwort haben wir nur in einer anderen Sprache.")
    assert "anderen Sprache" not in (await adapted(language="de")).text


@pytest.mark.parametrize(
    ("links", "text"),
    [
        ("address", "See https://a.example/_x_/y, or us@b.example and https://c.example."),
        ("label: address", "See all of it: https://a.example/_x_/y, or us: us@b.example and https://c.example."),
        ("label (address)", "See all of it (https://a.example/_x_/y), or us (us@b.example) and https://c.example."),
        ("[label](address)", "See [all of it](https://a.example/_x_/y), or [us](us@b.example) and https://c.example."),
    ],
)
def test_a_links_address_is_always_to_be_seen_and_left_as_it_is(links: Links, text: str) -> None:
    markdown = "See [all of it](https://a.example/_x_/y), or [us](mailto:us@b.example) and <https://c.example>."
    assert shown(markdown, ChannelRule(links=links)) == text


FAMILY, FLAG, THUMB = "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd"


@pytest.mark.parametrize(
    ("text", "most", "left"),
    [
        (f"Yes {FAMILY} and {FLAG}{THUMB} done \u2764\ufe0f.", 0, "Yes and done."),
        (f"Yes {FAMILY} and {FLAG}{THUMB} done \u2764\ufe0f.", 1, f"Yes {FAMILY} and done."),
        ("\u2705 Paid\n  - \u274c Sent", 0, "Paid\n- Sent"),
        ("Press 1\ufe0f\u20e3 for help", 0, "Press 1 for help"),
        ("Acme\u00a9 \u2713 5 \u2192 6", 0, "Acme\u00a9 \u2713 5 \u2192 6"),
        ("\U0001f44d", 0, "\U0001f44d"),
        ("  two  spaces  ", 0, "  two  spaces  "),
    ],
)
def test_emoji_are_left_out_whole(text: str, most: int, left: str) -> None:
    assert at_most(text, most) == left


@pytest.mark.parametrize(
    ("text", "room", "left"),
    [
        ("One. Two. Three.", 9, "One. Two."),
        ("A sentence that is too long.", 12, "A sentence"),
        ("See https://a.example/a-long-way now", 20, "See"),
        ("https://a.example/a-long-way", 20, ""),
        (f"ab{FAMILY}cd", 6, "ab"),
        ("ab\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 8, "ab\U0001f1e9\U0001f1ea"),
        ("e\u0301e\u0301", 3, "e\u0301"),
        ("x\u3002https://a.example/very/long", 12, "x\u3002"),
        ("short", 5, "short"),
        ("words", 0, ""),
    ],
)
def test_a_cut_is_never_inside_of_a_link_or_of_what_looks_like_one_character(text: str, room: int, left: str) -> None:
    assert shortened(text, room) == left


@given(st.text(alphabet=st.sampled_from(f"ab. \n*{FAMILY}{FLAG}{THUMB}\u0301"), max_size=60), st.integers(0, 40))
def test_what_is_cut_is_a_beginning_that_fits(text: str, room: int) -> None:
    left = shortened(text, room)
    assert text.startswith(left)
    assert length_of(left) <= room


@pytest.mark.parametrize("channel", [*ChannelRules().by_channel, "another"])
async def test_what_a_customer_smuggles_into_a_draft_stays_text(channel: str) -> None:
    """An answer may repeat what was asked."""
    asked = "*bold* _it_ ```x``` <b onclick=x>[bank](javascript:x) \u202egnp.exe\u2066 %%{{x}} {name}\x1b[31m"
    text = (await adapted(an_answer(f"I don't know: {asked}"), channel=channel)).text
    assert not set("\x1b\u202e\u2066*_`") & set(text)
    assert "javascript" not in text
    assert "<b onclick=x>bank gnp.exe %%{{x}} {name}[31m" in text


@given(st.text(max_size=200), st.sampled_from(["chat", "form", "email", "whatsapp", "another"]))
async def test_no_name_and_no_draft_breaks_the_form_of_a_letter(text: str, channel: str) -> None:
    reply = await adapted(an_answer(text or "x"), channel=channel, customer=a_customer(name=text))
    check_text(ChannelName(channel), reply.text)
    if channel in {"form", "email"}:
        assert reply.text.startswith("Hello")
        assert reply.text.endswith("Kind regards\nYour support team")


def test_a_rule_knows_how_much_its_channel_puts_into_one_message() -> None:
    assert ChannelRules().of(WHATSAPP).one_message == MAX_LENGTH
