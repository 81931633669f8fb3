"""The review page among colleagues, over HTTP."""

from __future__ import annotations

from uuid import uuid4

from tests.integration.http.conftest import Service
from tests.integration.http.test_review import decide, escalated, last_said
from tests.integration.http.test_web import read, write

SECRET = "He threatened to sue; be careful."


async def test_a_colleague_is_asked_and_answers_and_the_customer_hears_nothing_of_it(service: Service) -> None:
    token, escalation = await escalated(service)
    notes = f"/v1/review/cases/{escalation['case_id']}/notes"
    asked = await service.kim.post(notes, json={"text": SECRET, "asks": "lee"})
    assert asked.status_code == 201
    (question,) = (await service.lee.get("/v1/review/questions")).json()["items"]
    assert (question["author"], question["text"], question["escalation_id"]) == ("kim", SECRET, escalation["id"])
    assert (await service.kim.get("/v1/review/questions")).json()["items"] == []

    answer = {"text": "I know him. Offer the repair.", "answers": asked.json()["id"]}
    assert (await service.kim.post(notes, json=answer)).status_code == 409
    assert (await service.lee.post(notes, json=answer)).status_code == 201
    assert (await service.lee.post(notes, json=answer)).status_code == 409
    assert (await service.lee.get("/v1/review/questions")).json()["items"] == []
    background = (await service.kim.get(f"/v1/review/cases/{escalation['case_id']}/background")).json()
    assert [(note["author"], note["text"]) for note in background["notes"]] == [
        ("kim", SECRET),
        ("lee", answer["text"]),
    ]

    assert (await decide(service.kim, escalation, action="reject", reason="curt")).status_code == 202
    again = escalation
    while again["id"] == escalation["id"]:
        for item in (await service.kim.get("/v1/review/escalations")).json()["items"]:
            again = (await service.kim.get(f"/v1/review/escalations/{item['id']}")).json()
    assert (await decide(service.kim, again, action="approve")).status_code == 202
    await last_said(service, token, count=3)
    assert SECRET not in str(await read(service, token)) + str(again["request"])


async def test_a_note_that_makes_no_sense_is_refused(service: Service) -> None:
    _, escalation = await escalated(service)
    notes = f"/v1/review/cases/{escalation['case_id']}/notes"
    refused = [
        ({"text": " \n"}, 422),
        ({"text": "x" * 4001}, 422),
        ({"text": "a\x00b"}, 422),
        ({"text": "you", "asks": "kim"}, 422),
        ({"text": "you", "asks": "nobody"}, 404),
        ({"text": "so", "answers": str(uuid4())}, 404),
    ]
    assert [(await service.kim.post(notes, json=note)).status_code for note, _ in refused] == [
        code for _, code in refused
    ]
    assert (await service.kim.post(f"/v1/review/cases/{uuid4()}/notes", json={"text": "x"})).status_code == 404
    assert (await service.kim.get("/v1/review/colleagues")).json()["names"] == ["lee"]


async def test_who_else_looks_is_said_and_that_something_changed(service: Service) -> None:
    token, escalation = await escalated(service)
    looking = f"/v1/review/cases/{escalation['case_id']}/looking"
    assert (await service.kim.put(looking)).json()["others"] == []
    first = (await service.lee.put(looking)).json()
    assert first["others"] == ["kim"]
    assert (await service.lee.put(looking)).json() == first
    await write(service, "one more thing", token=token)
    changed = (await service.lee.put(looking)).json()
    assert changed["state"] != first["state"]
    await service.kim.post(f"/v1/review/escalations/{escalation['id']}/claim")
    claimed = (await service.lee.put(looking)).json()
    assert claimed["state"] != changed["state"]
    await service.kim.post(f"/v1/review/cases/{escalation['case_id']}/notes", json={"text": "I am at it"})
    assert (await service.lee.put(looking)).json()["state"] != claimed["state"]
    assert (await service.kim.delete(looking)).status_code == 204
    assert (await service.lee.put(looking)).json()["others"] == []
    assert (await service.kim.put(f"/v1/review/cases/{uuid4()}/looking")).status_code == 404


async def test_what_was_read_says_in_which_state_the_case_was(service: Service) -> None:
    token, escalation = await escalated(service)
    case = f"/v1/review/cases/{escalation['case_id']}"
    reads = [f"/v1/review/escalations/{escalation['id']}", case]

    async def states() -> set[str]:
        return {(await service.lee.get(path)).json()["state"] for path in reads}

    known = []
    for change in (
        lambda: write(service, "one more thing", token=token),
        lambda: service.kim.post(f"{reads[0]}/claim"),
        lambda: service.kim.post(f"{case}/notes", json={"text": "I am at it"}),
        lambda: service.kim.delete(f"{reads[0]}/claim"),
    ):
        known.append(await states())
        assert known[-1] == {(await service.lee.put(f"{case}/looking")).json()["state"]}
        await change()
    known.append(await states())
    assert len(set.union(*known)) == len(known) == 5


async def test_a_lead_gives_an_escalation_to_somebody_only_as_it_was_seen(service: Service) -> None:
    _, escalation = await escalated(service)
    path = f"/v1/review/escalations/{escalation['id']}"
    await service.kim.post(f"{path}/claim")
    late = await service.lee.post(f"{path}/assign", json={"to": "lee", "seen": None})
    assert (late.status_code, late.json()["changes"]["claimed_by"]) == (409, "kim")
    assert (await service.lee.post(f"{path}/assign", json={"to": "nobody", "seen": "kim"})).status_code == 404
    assert (await service.lee.post(f"{path}/assign", json={"to": "lee", "seen": "kim"})).status_code == 204
    assert (await decide(service.kim, escalation, action="approve")).status_code == 409
    assert (await decide(service.lee, escalation, action="take_over")).status_code == 202
    assert (await service.lee.post(f"{path}/assign", json={"to": "kim", "seen": None})).status_code == 409

    case = f"/v1/review/cases/{escalation['case_id']}"
    while (await service.kim.get(case)).json()["owner_name"] != "lee":
        pass
    assert (await service.lee.post(f"{case}/assign", json={"to": "kim", "seen": "kim"})).status_code == 409
    assert (await service.lee.post(f"{case}/assign", json={"to": "kim", "seen": "lee"})).status_code == 204
    assert (await service.kim.get(case)).json()["owner_name"] == "kim"
    assert (
        await service.lee.post(f"/v1/review/cases/{uuid4()}/assign", json={"to": "kim", "seen": None})
    ).status_code == 404


async def test_the_queue_shows_what_is_asked_for(service: Service) -> None:
    _, escalation = await escalated(service)
    severity = escalation["severity"]
    other = next(one for one in ("P1", "P2", "P3") if one != severity)
    await service.kim.post(f"/v1/review/escalations/{escalation['id']}/claim")
    shown = {
        "": 1, "channel=chat": 1, "channel=email": 0, f"severity={severity}": 1, f"severity={other}": 0,
        "whose=mine": 1, "whose=nobodys": 0, "whose=others": 0, "late=true": 0, "topic=Returns": 0,
        "has_draft=true": 1, "has_draft=false": 0,
    }  # fmt: skip
    for asked, count in shown.items():
        items = (await service.kim.get(f"/v1/review/escalations?{asked}")).json()["items"]
        assert len(items) == count, asked
    assert len((await service.lee.get("/v1/review/escalations?whose=others")).json()["items"]) == 1
    assert (await service.kim.get("/v1/review/escalations?severity=P9")).status_code == 422


async def test_what_was_before_is_there_with_what_a_reviewer_changed(service: Service) -> None:
    token, escalation = await escalated(service)
    await decide(service.kim, escalation, action="edit", text="In my words.")
    await last_said(service, token, count=3)
    background = (await service.lee.get(f"/v1/review/cases/{escalation['case_id']}/background")).json()
    (decision,) = background["decisions"]
    assert (decision["action"], decision["reviewer"], decision["proposal"], decision["text"]) == (
        "edit", "kim", escalation["request"]["proposal"], "In my words.",
    )  # fmt: skip
    assert len(background["moods"]) == 1
    assert background["earlier_cases"] == []
