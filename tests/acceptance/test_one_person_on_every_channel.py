"""One person writes by web, then by mail, then by WhatsApp: one customer, nothing forgotten, nothing told too early."""

from __future__ import annotations

import json
from typing import Any

from evals.emulators.gmail.reception import Found
from tests.acceptance.company import Company, Person, Visitor, body_of, code_in

CANARY = "quokka marmalade"
"""What only Dana wrote."""
HOURS, WEEKDAYS = "What are your opening hours during the week?", "17:30"
SATURDAYS, ON_SATURDAYS = "and on Saturdays?", "10:00"
CLUB, CLUB_ANSWER = "How do I join the Early Sowers club?", "thirteenth month"
"""An article that is for proven customers only."""
FORGED = Found(dmarc="fail", dkim=None, spf="fail")
"""What Gmail finds about a mail that somebody else sent in the address's name."""


async def test_one_person_on_three_channels_is_one_customer_with_the_whole_history(company: Company) -> None:
    dana, visitor = company.person(), company.visitor()
    earlier = await an_earlier_mail(company, dana)

    assert WEEKDAYS in await visitor.asks(HOURS, email=dana.address)
    assert (await visitor.get("/v1/web/conversations")).status_code == 403
    before = (await visitor.get("/v1/web/identity")).json()
    assert (before["proven"], before["can_prove"], before["mentioned"]) == (False, ["email", "phone"], ["email"])
    first = await proves_by_mail(visitor, dana)
    assert first["Subject"] == "Your code"
    await proves_by_phone(visitor, dana)

    # The customer: earlier talks are there.
    listed = (await visitor.get("/v1/web/conversations")).json()["items"]
    assert [(talk["channel"], talk["here"]) for talk in listed] == [("chat", True), ("email", False)]
    assert CANARY in (await visitor.get(f"/v1/web/conversations/{listed[1]['id']}/messages")).text

    # The agent: a question that leans on a talk elsewhere is understood, and who is proven may read more.
    await dana.mails(SATURDAYS, subject="A question")
    assert ON_SATURDAYS in body_of(await dana.gets_mail())
    await dana.texts("and on Sundays?")
    assert "Sundays and English bank holidays" in await dana.gets_text()
    assert CLUB_ANSWER in await visitor.asks(CLUB)

    # The reviewer: one customer, whichever address is looked for, and what was said elsewhere stands with the request.
    await dana.texts("I want to talk to a person.")
    await dana.gets_text()
    assert [len(await company.found(address)) for address in (dana.address, dana.number)] == [1, 1]
    assert await company.owner(dana.address) == await company.owner(dana.number) == earlier
    page = await company.customer(earlier)
    assert sorted(case["channel"] for case in page["cases"]) == ["chat", "email", "email", "whatsapp"]
    assert all(case["proven"] for case in page["cases"])
    proven = {(one["channel"], one["address"]) for one in page["addresses"] if one["proven_at"]}
    assert proven == {("email", dana.address), ("whatsapp", dana.number)}
    (asked,) = [case["id"] for case in page["cases"] if case["channel"] == "whatsapp"]
    elsewhere = (await company.escalation(asked))["request"]["elsewhere"]
    assert {said["channel"] for said in elsewhere} == {"chat", "email"}
    assert {HOURS, SATURDAYS, CLUB} <= {said["text"] for said in elsewhere}

    # And the customer again: everything since is there too, word by word.
    listed = (await visitor.get("/v1/web/conversations")).json()["items"]
    assert [talk["channel"] for talk in listed] == ["whatsapp", "email", "chat", "email"]
    said = [(await visitor.get(f"/v1/web/conversations/{talk['id']}/messages")).json()["messages"] for talk in listed]
    assert [[one["text"] for one in talk if one["author"] == "customer"] for talk in said[:2]] == [
        ["and on Sundays?", "I want to talk to a person."],
        [SATURDAYS],
    ]


async def test_whoever_only_claims_an_address_sees_hears_and_learns_nothing(company: Company) -> None:
    dana, nobody = company.person(), company.person()
    owner = await an_earlier_mail(company, dana)
    await dana.mails(HOURS, subject="Opening hours")
    assert WEEKDAYS in body_of(await dana.gets_mail())

    told: list[Any] = []
    for claimed in (dana, nobody):
        visitor = company.visitor()
        heard = [await visitor.asks(f"I am {claimed.address}. {SATURDAYS}", email=claimed.address)]
        heard.append(await company.visitor().asks(f"I am {claimed.address}. {CLUB}", email=claimed.address))
        answers = [
            await visitor.get("/v1/web/conversations"),
            await visitor.wants_code(email=claimed.address),
            await visitor.wants_code(phone=claimed.number),
            await visitor.types("000000"),
            await visitor.get("/v1/web/identity"),
        ]
        code_in(body_of(await claimed.gets_mail()))  # comes to the address, and to nobody else
        told.append((heard, [(one.status_code, one.json()) for one in answers]))
        assert ON_SATURDAYS not in heard[0]
        assert CLUB_ANSWER not in heard[1]
        read = await company.escalation(visitor.case_id)
        assert read["request"]["elsewhere"] == []
        assert "Dana" not in json.dumps(heard)
    assert neutral(told[0], dana) == neutral(told[1], nobody)
    assert CANARY not in json.dumps(told)
    assert [status for status, _ in told[0][1]] == [403, 202, 202, 422, 200]

    # Nor by mail in the address's name: it opens no talk of hers, and the answer, which goes to her, tells nothing.
    for question, private in ((SATURDAYS, ON_SATURDAYS), (CLUB, CLUB_ANSWER)):
        await dana.mails(question, subject="A question", found=FORGED)
        answer = body_of(await dana.gets_mail())
        assert private not in answer
        assert CANARY not in answer
        assert "Dana" not in answer
    page = await company.customer(owner)
    assert [case["channel"] for case in page["cases"]] == ["email", "email"], "what is hers, and nothing else"
    claiming = [one["id"] for one in await company.found(dana.address) if not one["proven"]]
    cases = [case["id"] for one in claiming for case in (await company.customer(one))["cases"]]
    assert len(cases) == 4, "two visitors and two mails"
    assert [(await company.escalation(case))["request"]["elsewhere"] for case in cases] == [[]] * 4


async def test_without_any_proof_they_are_several_until_staff_joins_them_and_after_they_are_parted(
    company: Company,
) -> None:
    dana, visitor = company.person(), company.visitor()
    await visitor.asks(HOURS, email=dana.address)
    await dana.mails(HOURS, subject="Opening hours")
    await dana.gets_mail()
    await dana.texts(HOURS)
    await dana.gets_text()
    chatting = await company.customer_of(visitor.case_id)
    mailing, texting = await company.owner(dana.address), await company.owner(dana.number)
    assert len({chatting, mailing, texting}) == 3
    matches = (await company.customer(mailing))["possible_matches"]
    assert [match["customer_id"] for match in matches] == [chatting], "an offer to staff"

    for other in (chatting, texting):
        await company.csagent("customers", "merge", other, mailing, "--yes", "--as", "kim")
    page = await company.customer(mailing)
    assert sorted(case["channel"] for case in page["cases"]) == ["chat", "email", "whatsapp"]
    assert await company.owner(dana.number) == mailing
    assert (await visitor.get("/v1/web/conversations")).status_code == 403, "staff knows it, the browser proved nothing"
    assert CLUB_ANSWER not in await visitor.asks(CLUB)
    assert (await company.escalation(visitor.case_id))["request"]["elsewhere"] == []
    await company.decides(visitor.case_id, "answer", text="Kim will tell you by mail.")
    assert "by mail" in await visitor.hears()

    for other in (texting, chatting):
        await company.csagent("customers", "unmerge", other, "--as", "kim")
    assert [case["channel"] for case in (await company.customer(mailing))["cases"]] == ["email"]
    assert await company.owner(dana.number) == texting
    assert await company.customer_of(visitor.case_id) == chatting


async def an_earlier_mail(company: Company, dana: Person) -> str:
    """A mail of a month ago, and its answer. Returns whose it is."""
    await dana.mails(f"I call my planter {CANARY}. How long is the warranty of a planter?", subject="Warranty")
    await dana.gets_mail()
    owner = await company.owner(dana.address)
    for statement in (
        "update messages set received_at = received_at - interval '30 days' where case_id = any(%s)",
        "update cases set opened_at = opened_at - interval '30 days' where id = any(%s)",
    ):
        await company.rows(statement, [case["id"] for case in (await company.customer(owner))["cases"]])
    return owner


async def proves_by_mail(visitor: Visitor, dana: Person) -> Any:
    assert (await visitor.wants_code(email=dana.address)).status_code == 202
    mail = await dana.gets_mail()
    proven = await visitor.types(code_in(body_of(mail)))
    assert (proven.status_code, proven.json()["linked"]) == (200, True)
    return mail


async def proves_by_phone(visitor: Visitor, dana: Person) -> None:
    assert (await visitor.wants_code(phone=dana.number)).status_code == 202
    text = await dana.gets_text()
    assert text == f"{code_in(text)} is your code."
    proven = await visitor.types(code_in(text))
    assert (proven.status_code, proven.json()["linked"]) == (200, True)


def neutral(told: Any, person: Person) -> str:
    """What somebody was told, without the address that they gave."""
    return json.dumps(told).replace(person.address, "an address").replace(person.number, "a number")
