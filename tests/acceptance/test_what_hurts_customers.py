"""What customers of other support systems complain about, tried on every channel (docs/field-notes.md)."""

from __future__ import annotations

import pytest

from evals.emulators.gmail.correspondent import out_of_office
from evals.emulators.gmail.mailbox import Sent
from evals.emulators.gmail.reception import received
from evals.emulators.twilio.ledger import PREFIX
from tests.acceptance.company import Company, Person

CHANNELS = ("chat", "email", "whatsapp")
HOURS, WEEKDAYS = "What are your opening hours during the week?", "17:30"
PERSON_DE = "Guten Tag, ich möchte bitte mit einem Menschen sprechen."
HANDOFF_DE, HANDED_BACK_DE = "Jemand aus unserem Team", "Hier antwortet wieder unser automatischer Assistent."
RATE_DE = "Wie war unsere Hilfe? Bitte antworten Sie mit einer Zahl"
AMONG_STAFF = "tiresome quokka"


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_hand_back_is_said_in_the_customers_language_and_the_agent_answers_again(
    company: Company, channel: str
) -> None:
    talk = company.talk(channel, company.person())
    await talk.write(PERSON_DE)
    (handoff,) = await talk.wait()
    assert HANDOFF_DE in handoff
    case_id = await talk.case()
    await company.decides(case_id, "take_over")
    await company.until("select 1 from cases where id = %s and owner = 'human'", case_id)
    await company.does(case_id, "messages", text="Guten Tag, hier ist Kim.")
    (written,) = await talk.wait()
    assert "hier ist Kim" in written

    await company.does(case_id, "hand-back")
    (handed_back,) = await talk.wait()
    assert HANDED_BACK_DE in handed_back
    await talk.write(HOURS)
    (answer,) = await talk.wait()
    assert WEEKDAYS in answer
    transcript = (await company.case(case_id))["transcript"]
    authors = [line["author"] for line in transcript]
    assert authors == ["customer", "system", "human", "system", "customer", "agent"]
    assert HANDED_BACK_DE in transcript[3]["text"], "the history has the mark"


@pytest.mark.parametrize("channel", CHANNELS)
async def test_what_staff_say_among_themselves_stays_there_and_a_settled_handoff_is_over(
    company: Company, channel: str
) -> None:
    talk = company.talk(channel, company.person())
    await talk.write(f"I want to talk to a person. {HOURS}")
    heard = await talk.wait()
    case_id = await talk.case()
    rejected = (await company.escalation(case_id))["id"]
    await company.decides(case_id, "reject", reason=f"A {AMONG_STAFF}: leave that out.")
    await company.until(
        "select 1 from escalations where case_id = %s and status = 'open' and id <> %s", case_id, rejected
    )
    await company.decides(case_id, "answer", text="Here I am. We open at nine.")
    heard += await talk.wait()
    assert "Here I am." in heard[-1]
    await company.does(case_id, "resolve")

    await talk.write("How long is the warranty of a planter?")
    heard += await talk.wait()
    assert len(heard) == 3, "one note, a person's answer, the agent's answer"
    assert "years" in heard[-1]
    assert (await company.case(await talk.case()))["escalation_id"] is None, "an old wish for a person is no new one"
    assert AMONG_STAFF not in str(heard)


async def test_how_it_was_is_asked_once_in_the_customers_language_and_only_while_the_window_is_open(
    company: Company,
) -> None:
    asked, silent = company.person(), company.person()
    for person in (asked, silent):
        await person.texts(PERSON_DE)
        assert HANDOFF_DE in await person.gets_text()
        case_id = await company.case_of(person.number)
        await company.decides(case_id, "answer", text="Ich bin da. Alles ist gut.")
        assert "Ich bin da." in await person.gets_text()
        await company.until("select 1 from outbox where case_id = %s and kind = 'reply' and state = 'sent'", case_id)
        await company.does(case_id, "resolve")
    await silent_for_a_day(company, silent)
    await company.rows("update surveys set due_at = now()")
    for _ in range(2):
        await company.served.services.surveys.ask()  # what the scheduler's job does, which may be doing it as well
    await company.served.services.signals.outbox_waits()
    assert RATE_DE in await asked.gets_text()
    await asked.texts("5")
    (rated,) = await company.until(
        "select * from surveys where case_id = %s and rating = 5", await company.case_of(asked.number)
    )
    assert (rated["resolution_number"], rated["withdrawn"]) == (1, None)
    theirs = await company.case_of(silent.number)
    (withdrawn,) = await company.until("select * from surveys where case_id = %s and withdrawn is not null", theirs)
    assert withdrawn["withdrawn"] == "window_closed"
    assert [RATE_DE in text for text in asked.texted] == [False, False, True], "once"
    assert len(silent.texted) == 2


async def test_a_machine_that_answers_every_mail_and_hides_what_it_is_ends_with_a_person(company: Company) -> None:
    machine = company.person()

    def answer(sent: Sent) -> bytes | None:
        return received(out_of_office(sent, marked=False)) if machine.address in sent.identity.recipients else None

    company.providers.gmail.answer_with(answer)
    await machine.mails(HOURS, subject="A question")
    assert WEEKDAYS in (await machine.gets_mail()).as_string()
    case_id = await company.case_of(machine.address)
    await company.until("select 1 from outbox where case_id = %s and kind = 'handoff' and state = 'sent'", case_id)
    sent = len(machine.mailed)
    assert sent <= 3, "and now it is paused: nothing more goes out"
    each_answered = "select 1 from messages where case_id = %s and direction = 'in' having count(*) = %s"
    await company.until(each_answered, case_id, sent + 1)
    kinds = await company.rows("select kind from outbox where case_id = %s", case_id)
    assert [row["kind"] for row in kinds].count("handoff") == 1
    case = await company.case(case_id)
    assert (case["transcript"][-1]["state"], len(machine.mailed)) == ("waiting", sent)


async def silent_for_a_day(company: Company, person: Person) -> None:
    """They wrote 25 hours ago, as both sides know it."""
    await company.rows(
        "update messages set received_at = received_at - interval '25 hours' where case_id = %s",
        await company.case_of(person.number),
    )
    with company.providers.twilio.ledger.lock:
        company.providers.twilio.ledger.heard.pop(PREFIX + person.number, None)
