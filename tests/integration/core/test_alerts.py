"""What people have to be told of, found in the state of the database, and how it gets to them whatever receivers do."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from api.alert_desk import AlertDesk
from api.alerter import Alerter
from api.metrics import Metrics
from infra.alerts.mail import Mailer, server_of
from infra.alerts.webhook import Webhooks
from infra.breakers import Breakers
from infra.knowledge.addresses import networks
from infra.postgres.alert_endpoints import AlertEndpoints
from infra.postgres.alert_sends import AlertSends
from infra.postgres.alerts import Alerts, AlertTerms, ListedAlert
from infra.postgres.escalations import QueuedEscalation
from infra.postgres.incidents import Incidents, Written
from infra.postgres.reviews import CLAIM
from infra.staff.roles import Role
from skills.errors import ConflictError, NotFoundError
from skills.turn import Decision
from tests.core import Core
from tests.emulators.smtp_server import SmtpServer, smtp_server
from tests.emulators.webhook_receiver import receiver

HERE = networks(["127.0.0.0/8"])
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Reading those of the world takes longer than a test."""
HOUR = timedelta(hours=1)
"""The deadline of a P2, which is what the trivial graph escalates with."""


class Office:
    """The staff of a test, and what tells them."""

    def __init__(self, core: Core) -> None:
        self.core = core
        terms = AlertTerms(mail=True)
        self.desk = AlertDesk(
            noted=Alerts(core.database, terms),
            sends=AlertSends(core.database, mail=True, give_up=terms.give_up),
            endpoints=AlertEndpoints(core.database, b"k" * 32, insecure=True),
            mail=True,
        )
        self.metrics = Metrics()

    def alerter(self, mail: SmtpServer | None = None) -> Alerter:
        """A new process: it has forgotten who failed."""
        mailer = None
        if mail is not None:
            mailer = Mailer(
                server_of(f"smtp+plain://127.0.0.1:{mail.port}"), "csagent@shop.example", step=60.0, seconds=60.0
            )
        return Alerter(
            self.desk,
            mailer=mailer,
            webhooks=Webhooks(HERE, seconds=60.0, context=NO_CERTIFICATES),
            breakers=Breakers(),
            metrics=self.metrics,
            base="https://help.example",
        )

    async def hire(self, name: str, role: Role = "reviewer") -> None:
        await self.core.rows(
            "insert into staff_accounts (id, name, role, address) values (gen_random_uuid(), %s, %s, %s) returning 1",
            name, role, f"{name}@shop.example",
        )  # fmt: skip

    async def escalation(self, thread: str = "t1") -> QueuedEscalation:
        receipt = await self.core.write(thread, "a person please")
        await self.core.work(receipt.case_id)
        (found,) = [one for one in await self.core.reviews.queue() if one.case_id == receipt.case_id]
        return found

    async def age(self, escalation: QueuedEscalation, by: timedelta) -> None:
        """Let it have been opened, and claimed, so much earlier."""
        await self.core.rows(
            "update escalations set created_at = created_at - %s, due_at = due_at - %s,"
            " claimed_until = claimed_until - %s where id = %s returning 1",
            by, by, by, escalation.id,
        )  # fmt: skip

    async def told(self) -> list[tuple[str, list[str]]]:
        """What there is to tell and to whom, the oldest first."""
        listed = await self.desk.noted.listed()
        return [(one.kind, sorted(send["to"] for send in one.sends)) for one in reversed(listed)]

    async def sends(self) -> list[dict[str, Any]]:
        return [send for alert in await self.desk.noted.listed() for send in alert.sends]

    async def later(self) -> None:
        """Everything that was put off is due."""
        await self.core.rows("update alert_sends set due_at = now() where state in ('pending', 'sending') returning 1")


@pytest.fixture
def office(core: Core) -> Office:
    return Office(core)


async def test_a_case_is_told_of_when_it_waits_is_near_its_deadline_late_and_unheeded_each_once(office: Office) -> None:
    for name, role in (("rita", "reviewer"), ("lena", "lead"), ("ada", "admin"), ("otto", "auditor")):
        await office.hire(name, role)  # type: ignore[arg-type] # they are roles
    case = await office.escalation()
    for minutes in (0, 43, 20, 58):
        await office.age(case, timedelta(minutes=minutes))
        assert await office.desk.noted.note() == 1
        assert await office.desk.noted.note() == 0
    expected = [("waiting", ["rita"]), ("warned", ["rita"]), ("late", ["lena"]), ("unheeded", ["ada", "lena"])]
    assert await office.told() == expected


async def test_two_who_look_at_once_tell_of_it_once(office: Office) -> None:
    await office.hire("rita")
    await office.escalation()
    await asyncio.gather(*(office.desk.noted.note() for _ in range(5)))
    assert await office.told() == [("waiting", ["rita"])]


async def test_what_has_long_been_late_at_the_first_look_is_one_alert_not_one_for_each_step(office: Office) -> None:
    await office.hire("lena", "lead")
    await office.age(await office.escalation(), 5 * HOUR)
    assert await office.desk.noted.note() == 1
    assert await office.told() == [("unheeded", ["lena"])]


async def test_a_severity_that_is_not_told_of_at_once_is_told_of_near_its_deadline(office: Office) -> None:
    await office.hire("rita")
    case = await office.escalation()
    await office.core.rows("update escalations set severity = 'P3' returning 1")
    assert await office.desk.noted.note() == 0
    await office.age(case, timedelta(minutes=50))
    assert await office.desk.noted.note() == 1


async def test_a_late_case_that_its_holder_does_not_touch_moves_on_to_the_next(office: Office) -> None:
    await office.hire("lena", "lead")
    case = await office.escalation()
    await office.core.reviews.claim(case.id, "kim")
    assert await office.desk.noted.move_on() == 0
    await office.age(case, timedelta(minutes=6))  # touched six minutes ago, but not late
    assert await office.desk.noted.move_on() == 0
    await office.core.rows("update escalations set due_at = now() - interval '1 s' returning 1")
    assert await office.desk.noted.move_on() == 1
    (line,) = await office.core.reviews.queue()
    assert (line.claimed_by, line.moved_on_from, line.severity, line.urgency) == (None, "kim", "P2", "P1")
    assert ("moved_on", ["lena"]) in await office.told()
    (event,) = await office.core.rows("select actor, data from events where kind = 'escalation.moved_on'")
    assert event["data"] == {"escalation_id": str(case.id), "from": "kim", "late": True}
    await office.core.reviews.claim(case.id, "lee")
    (line,) = await office.core.reviews.queue()
    assert (line.claimed_by, line.moved_on_from) == ("lee", None)


async def test_who_is_at_a_late_case_keeps_it_and_a_claim_that_lapsed_goes_back(office: Office) -> None:
    case = await office.escalation()
    await office.age(case, 2 * HOUR)
    await office.core.reviews.claim(case.id, "kim")
    assert await office.desk.noted.move_on() == 0
    on_time = await office.escalation("t2")
    await office.core.reviews.claim(on_time.id, "lee")
    await office.age(on_time, CLAIM + timedelta(seconds=1))
    assert await office.desk.noted.move_on() == 1
    assert {line.moved_on_from for line in await office.core.reviews.queue()} == {None, "lee"}


async def test_a_customer_who_waits_for_whoever_took_their_case_over_is_told_of_to_them_and_to_leads(
    office: Office,
) -> None:
    for name, role in (("rita", "reviewer"), ("rolf", "reviewer"), ("lena", "lead")):
        await office.hire(name, role)  # type: ignore[arg-type] # they are roles
    receipt = await office.core.write("t1", "hello")
    await office.core.work(receipt.case_id)
    await office.core.cases.take_over(receipt.case_id, "rita")
    await office.core.write("t1", "are you there?")
    await office.core.rows("update messages set state = 'human' where state = 'waiting' returning 1")
    assert await office.desk.noted.note() == 0
    await office.core.rows("update messages set received_at = received_at - interval '61 min' returning 1")
    assert [await office.desk.noted.note() for _ in range(2)] == [1, 0]
    assert await office.told() == [("customer_waits", ["lena", "rita"])]


async def test_messages_that_were_given_up_and_texts_that_failed_are_told_to_leads(office: Office) -> None:
    await office.hire("lena", "lead")
    receipt = await office.core.write("t1", "hello")
    await office.core.work(receipt.case_id)
    letter = "insert into dead_letters (id, case_id, first_sequence, last_sequence, error) values (%s, %s, 1, 1, 'x')"
    await office.core.rows(f"{letter} returning 1", UUID(int=7), receipt.case_id)
    await office.core.rows("update outbox set state = 'failed' returning 1")
    assert await office.desk.noted.note() == 2
    assert await office.desk.noted.note() == 0
    assert sorted(await office.told()) == [("dead_letter", ["lena"]), ("send_troubled", ["lena"])]


async def test_every_alert_gets_there_by_mail_and_by_webhook_and_several_to_one_person_are_one_mail(
    office: Office,
) -> None:
    await office.hire("rita")
    async with smtp_server() as mail, receiver() as program:
        await office.desk.endpoints.add("pager", program.url, by="ada")
        cases = [await office.escalation(f"t{number}") for number in range(3)]
        await office.desk.noted.note()
        await office.alerter(mail).deliver()
        await office.alerter(mail).deliver()
    (letter,) = mail.mails
    assert letter["Subject"] == "[P2] A case waits for a person (and 2 more)"
    assert all(f"https://help.example/review#e/{case.id}" in letter.get_content() for case in cases)
    assert {request.content["data"]["subject_id"] for request in program.requests} == {str(case.id) for case in cases}
    assert {send["state"] for send in await office.sends()} == {"sent"}
    everything = letter.as_string() + "".join(request.body.decode() for request in program.requests)
    assert "a person please" not in everything


async def test_who_fails_is_tried_again_until_it_arrives_under_the_same_id_and_holds_up_nobody(office: Office) -> None:
    await office.hire("rita")
    async with smtp_server("drop_after_data", "busy_data") as mail, receiver("503 Busy", "", "500 Oh") as program:
        await office.desk.endpoints.add("pager", program.url, by="ada")
        await office.escalation()
        await office.desk.noted.note()
        for attempts in (1, 2, 3):
            await office.alerter(mail).deliver()
            assert {send["attempts"] for send in await office.sends()} == {attempts}
            await office.alerter(mail).deliver()  # put off: nobody is asked again at once
            await office.later()
        await office.alerter(mail).deliver()
    assert [send["state"] for send in await office.sends()] == ["sent", "sent"]
    assert len({letter["Message-ID"] for letter in mail.mails}) == 1
    assert len({request.headers["webhook-id"] for request in program.requests}) == 1
    assert office.metrics.registry.get_sample_value(
        "csagent_alert_sends_total", {"medium": "webhook", "result": "notyet"}
    ) == 3.0  # fmt: skip


async def test_whoever_was_killed_while_telling_is_followed_by_the_next(office: Office) -> None:
    async with receiver() as program:
        await office.desk.endpoints.add("pager", program.url, by="ada")
        await office.escalation()
        await office.desk.noted.note()
        (lane,) = await office.desk.sends.lanes()
        assert len(await office.desk.sends.claim(lane, 1)) == 1  # and here it dies
        assert await office.alerter().deliver() == 0
        await office.later()
        assert await office.alerter().deliver() == 1
    assert [send["state"] for send in await office.sends()] == ["sent"]


async def test_a_receiver_that_is_down_is_left_alone_for_a_while(office: Office) -> None:
    async with receiver(*["503 Busy"] * 9) as program:
        await office.desk.endpoints.add("pager", program.url, by="ada")
        await office.escalation()
        await office.desk.noted.note()
        alerter = office.alerter()
        for _ in range(6):
            await alerter.deliver()
            await office.later()
    assert len(program.requests) == 3


async def test_what_is_tried_for_too_long_is_failed_for_everybody_to_see_and_can_be_tried_again(
    office: Office,
) -> None:
    async with receiver("500 Oh") as program:
        await office.desk.endpoints.add("pager", program.url, by="ada")
        await office.escalation()
        await office.desk.noted.note()
        await office.alerter().deliver()
        await office.later()
        await office.core.rows("update alert_sends set since = now() - interval '25 h' returning 1")
        await office.alerter().deliver()
        (failed,) = await office.desk.noted.listed(failed=True)
        assert (failed.sends[0]["state"], failed.sends[0]["error"]) == ("failed", "http_500")
        assert (await office.desk.noted.state()).failed == 1
        await office.desk.sends.retry(UUID(failed.sends[0]["id"]))
        await office.alerter().deliver()
    assert [send["state"] for send in await office.sends()] == ["sent"]
    with pytest.raises(ConflictError):
        await office.desk.sends.retry(UUID(failed.sends[0]["id"]))
    with pytest.raises(NotFoundError):
        await office.desk.sends.retry(UUID(int=1))


async def test_an_endpoint_that_is_gone_is_told_nothing_more_and_admins_hear_of_it(office: Office) -> None:
    await office.hire("ada", "admin")
    async with receiver("410 Gone") as program:
        await office.desk.endpoints.add("pager", program.url, by="ada")
        await office.age(await office.escalation(), HOUR)
        await office.desk.noted.note()
        await office.alerter().deliver()
        assert await office.desk.noted.note() == 1
        assert (await office.told())[-1] == ("webhook_gone", ["ada"])
        (endpoint,) = await office.desk.endpoints.listed()
        assert (endpoint.disabled_for, (await office.desk.noted.state()).gone) == ("gone", 1)
        await office.desk.endpoints.enable("pager", by="ada")
        await office.desk.noted.test(by="ada")
        await office.alerter().deliver()
    assert [request.content["type"] for request in program.requests] == ["escalation.late", "test"]


async def test_nobody_is_written_to_about_what_was_decided_meanwhile_or_who_has_left(office: Office) -> None:
    await office.hire("rita")
    await office.hire("lena", "lead")
    late, waiting = await office.escalation("t1"), await office.escalation("t2")
    await office.age(late, timedelta(minutes=61))
    await office.desk.noted.note()
    await office.core.rows("update staff_accounts set disabled_at = now() where name = 'lena' returning 1")
    read = await office.core.reviews.read(waiting.id, reader="kim")
    await office.core.reviews.decide(waiting.id, Decision("approve", "kim"), seen=read.version)
    async with smtp_server() as mail:
        await office.alerter(mail).deliver()
    assert mail.mails == []
    assert {(send["to"], send["state"], send["error"]) for send in await office.sends()} == {
        ("rita", "withdrawn", "decided"),
        ("lena", "withdrawn", "no_address"),
    }


async def test_an_alert_for_nobody_is_kept_and_counted(office: Office) -> None:
    await office.escalation()
    await office.desk.noted.note()
    assert await office.told() == [("waiting", [])]
    assert (await office.desk.noted.state()).untold == 1


async def test_a_secret_is_changed_while_both_sign_and_every_change_is_written_down(office: Office) -> None:
    endpoints = office.desk.endpoints
    first = await endpoints.add("pager", "https://hooks.example/x", by="ada")
    assert await endpoints.secret("pager") == first
    assert await endpoints.rotate("pager", by="ada") != first
    (listed,) = await endpoints.listed()
    assert (listed.generation, listed.old_until is not None) == (2, True)
    assert len(endpoints.secrets(listed.id, 2, old_signs=True)) == 2
    with pytest.raises(ConflictError):
        await endpoints.add("pager", "https://hooks.example/y", by="ada")
    await endpoints.remove("pager", by="ada")
    with pytest.raises(NotFoundError):
        await endpoints.secret("pager")
    rows = await office.core.rows("select kind, actor from events where kind like 'alerts.%%' order by at")
    assert [row["kind"] for row in rows] == [
        "alerts.webhook_added",
        "alerts.webhook_rotated",
        "alerts.webhook_removed",
    ]


async def test_old_alerts_go_but_for_what_still_waits(office: Office) -> None:
    decided, waiting = await office.escalation("t1"), await office.escalation("t2")
    await office.desk.noted.note()
    await office.core.rows("update escalations set status = 'closed' where id = %s returning 1", decided.id)
    await office.core.rows(
        "update alerts set created_at = now() - interval '91 d',"
        " id = ('00000000' || substr(id::text, 9))::uuid returning 1"
    )
    assert await office.desk.noted.forget() == 1
    left: list[ListedAlert] = await office.desk.noted.listed()
    assert [one.subject_id for one in left] == [waiting.id]


async def test_leads_and_admins_are_told_once_when_the_status_page_waits_for_a_word(office: Office) -> None:
    people: list[tuple[str, Role]] = [("rita", "reviewer"), ("lena", "lead"), ("ada", "admin")]
    for name, role in people:
        await office.hire(name, role)
    began = datetime.now(UTC) - timedelta(minutes=40)
    incidents = Incidents(office.core.database)
    await incidents.open(Written("Mails wait", "P1", "down", ("email",), began), by="kim", now=began)
    await incidents.raise_reminders(datetime.now(UTC))
    assert [await office.desk.noted.note() for _ in range(2)] == [1, 0]
    assert await office.told() == [("status_due", ["ada", "lena"])]
