"""Files with messages over HTTP: from customers, to whoever holds a link, to staff, and from staff."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import struct
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.bodies import MAX_UPLOAD
from tests.integration.http.conftest import Service

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0) + bytes(40)
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
Parts = list[tuple[str, tuple[str, bytes]]]


async def upload(
    service: Service, files: Parts, *, status: int = 202, token: str | None = None, **fields: str
) -> dict[str, Any]:
    headers = {"Idempotency-Key": str(uuid4())} | ({"Authorization": f"Bearer {token}"} if token else {})
    response = await service.customer.post("/v1/web/messages", data=fields, files=files, headers=headers)
    assert response.status_code == status, response.text
    return dict(response.json())


async def read(service: Service, token: str, *, wait: int = 0, after: int = 0) -> list[dict[str, Any]]:
    response = await service.customer.get(
        "/v1/web/messages", params={"wait": wait, "after": after}, headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 200, response.text
    return list(response.json()["messages"])


async def escalated(service: Service, taken: dict[str, Any]) -> dict[str, Any]:
    assert await read(service, taken["conversation_token"], after=taken["cursor"], wait=10)
    (item,) = (await service.kim.get("/v1/review/escalations")).json()["items"]
    return dict((await service.kim.get(f"/v1/review/escalations/{item['id']}")).json())


async def test_files_come_with_a_message_and_can_be_read_by_their_links(service: Service) -> None:
    taken = await upload(
        service, [("file", ("a photo.png", PNG)), ("file", ("bill.pdf", PDF))], text="hello", email="kim@example.com"
    )
    assert [(file["name"], file["refusal"], file["sentence"]) for file in taken["files"]] == [
        ("a photo.png", None, None),
        ("bill.pdf", None, None),
    ]
    message, reply = await _two(service, taken["conversation_token"])
    assert (message["text"], reply["text"], reply["files"]) == ("hello", "echo: hello", [])
    assert [(file["name"], file["media_type"], file["size"]) for file in message["files"]] == [
        ("a photo.png", "image/png", len(PNG)),
        ("bill.pdf", "application/pdf", len(PDF)),
    ]
    picture, bill = (file["url"] for file in message["files"])
    response = await service.customer.get(picture)
    assert (response.status_code, response.content) == (200, PNG)
    headers = response.headers
    assert headers["content-type"] == "image/png"
    assert headers["content-disposition"].startswith('attachment; filename="a photo.png"')
    assert (headers["x-content-type-options"], headers["content-security-policy"]) == (
        "nosniff",
        "default-src 'none'; sandbox",
    )
    again = await service.customer.get(picture, headers={"If-None-Match": headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    shown = await service.customer.get(f"{picture}?inline")
    assert shown.headers["content-disposition"].startswith("inline")
    kept = await service.customer.get(f"{bill}?inline")
    assert kept.headers["content-disposition"].startswith("attachment")
    assert kept.headers["content-type"] == "application/pdf"


async def _two(service: Service, token: str) -> list[dict[str, Any]]:
    messages = await read(service, token)
    return messages if len(messages) == 2 else [*messages, *await read(service, token, wait=10, after=1)]


async def test_a_refused_file_is_named_and_its_message_stored(service: Service) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("a.txt", bytes(30_000_000))
    taken = await upload(
        service,
        [
            ("file", ("evil.exe", b"MZ\x90\0" + bytes(100))),
            ("file", ("bomb.zip", packed.getvalue())),
            ("file", ("", b"")),
            ("file", ("large.txt", b"x" * 10_485_761)),
            ("file", ("page.html", b"<script>alert(1)</script>")),
            ("file", ("notes.txt", b"fine")),
        ],
        text="look",
    )
    refusals = {file["name"]: file["refusal"] for file in taken["files"]}
    assert refusals == {
        "evil.exe": "program",
        "bomb.zip": "archive_bomb",
        "large.txt": "too_large",
        "page.html": "program",
        "notes.txt": None,
    }
    assert all(file["sentence"] for file in taken["files"] if file["refusal"])
    message = (await read(service, taken["conversation_token"]))[0]
    assert message["text"] == "look"
    sizes = {file["name"]: (file["size"], file["url"] is not None) for file in message["files"]}
    assert sizes["large.txt"] == (10_485_761, False)
    assert sizes["notes.txt"] == (4, True)


async def test_more_than_is_taken_with_one_message_is_refused_by_name(service: Service) -> None:
    taken = await upload(service, [("file", (f"{n}.txt", b"x")) for n in range(12)], text="many")
    assert [file["name"] for file in taken["files"] if file["refusal"] == "too_many"] == ["10.txt", "11.txt"]


async def test_files_without_a_text_are_a_persons(service: Service) -> None:
    taken = await upload(service, [("file", ("bill.pdf", PDF))], text="  ")
    message = (await read(service, taken["conversation_token"]))[0]
    assert message["text"] == "[bill.pdf]"
    async with service.services.database.connection() as connection:
        row = await (await connection.execute("select for_person from messages where direction = 'in'")).fetchone()
    assert row == {"for_person": "files_only"}


@pytest.mark.parametrize(
    "name", ['a"; x="b.png', "a\r\nSet-Cookie: x=1.png", "../../etc/passwd", "\u202egnp.exe", "ü €.png"]
)
async def test_no_name_of_a_file_gets_out_of_its_header(service: Service, name: str) -> None:
    taken = await upload(service, [("file", (name, PNG))], text="hello")
    assert taken["files"][0]["refusal"] in {None, "program"}
    message = (await read(service, taken["conversation_token"]))[0]
    if (url := message["files"][0]["url"]) is not None:
        response = await service.customer.get(url)
        assert "set-cookie" not in response.headers
        assert "/" not in message["files"][0]["name"]
        assert response.headers["content-disposition"].count('"') == 2


async def test_a_link_that_was_altered_or_has_expired_finds_nothing(service: Service) -> None:
    taken = await upload(service, [("file", ("bill.pdf", PDF))], text="hello")
    url: str = (await read(service, taken["conversation_token"]))[0]["files"][0]["url"]
    path, _, token = url.rpartition("/")
    for wrong in (token[:-2] + "AA", "B" + token[1:], token[:-4], token + "AAAA", "x", "%00", "ü"):
        response = await service.customer.get(f"{path}/{wrong}")
        assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


async def test_staff_see_and_read_files_and_that_they_did_is_written_down(service: Service) -> None:
    files = [("file", ("bill.pdf", PDF)), ("file", ("a.exe", b"MZ\x90\0" + bytes(9)))]
    escalation = await escalated(service, await upload(service, files, text="a person please"))
    message = escalation["transcript"][0]
    assert message["files"] == [
        {"ordinal": 1, "name": "bill.pdf", "media_type": "application/pdf", "size": len(PDF), "refusal": None},
        {
            "ordinal": 2,
            "name": "a.exe",
            "media_type": message["files"][1]["media_type"],
            "size": 13,
            "refusal": "program",
        },
    ]
    path = f"/v1/review/files/{message['id']}"
    found = await service.kim.get(f"{path}/1")
    assert (found.status_code, found.content) == (200, PDF)
    for other, status in (("2", 404), ("3", 404), ("-1", 422), ("99999", 422)):
        assert (await service.kim.get(f"{path}/{other}")).status_code == status
    assert (await service.customer.get(f"{path}/1")).status_code == 401
    async with service.services.database.connection() as connection:
        cursor = await connection.execute("select actor, data from events where kind = 'file.read' order by id")
        events = await cursor.fetchall()
    assert (events[0]["actor"], events[0]["data"]["ordinal"]) == ("kim", 1)


async def test_a_person_sends_files_with_a_decision_and_with_a_message(service: Service) -> None:
    taken = await upload(service, [("file", ("", b""))], text="a person please")
    token, escalation = taken["conversation_token"], await escalated(service, taken)
    file = {"name": "label.pdf", "data": base64.b64encode(PDF).decode()}
    decision = {"action": "answer", "version": escalation["version"], "text": "Here is your label.", "files": [file]}
    path = f"/v1/review/escalations/{escalation['id']}/decision"
    for wrong, status in (
        ({"action": "approve", "text": None}, 422),
        ({"files": [{"name": "a.exe", "data": base64.b64encode(b"MZ\x90").decode()}]}, 422),
        ({"files": [{"name": "a.pdf", "data": "no base64!"}]}, 422),
    ):
        assert (await service.kim.post(path, json={**decision, **wrong})).status_code == status
    assert (await service.kim.post(path, json=decision)).status_code == 202
    answer = await _from_person(service, token, after=taken["cursor"])
    assert (answer["text"], [one["name"] for one in answer["files"]]) == ("Here is your label.", ["label.pdf"])
    assert (await service.customer.get(answer["files"][0]["url"])).content == PDF

    case = f"/v1/review/cases/{escalation['case_id']}"
    assert (await service.kim.post(f"{case}/take-over")).status_code == 204
    own = {"text": "One more thing.", "files": [file, {**file, "name": "second.pdf"}]}
    key = {"Idempotency-Key": str(uuid4())}
    for _ in range(2):
        assert (await service.kim.post(f"{case}/messages", json=own, headers=key)).status_code == 202
    more = await _from_person(service, token, after=answer["position"])
    assert [one["name"] for one in more["files"]] == ["label.pdf", "second.pdf"]
    async with service.services.database.connection() as connection:
        row = await (await connection.execute("select count(*) as files from message_files")).fetchone()
    assert row == {"files": 3}


async def _from_person(service: Service, token: str, *, after: int) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            for message in await read(service, token, wait=5, after=after):
                if message["author"] == "human":
                    return message
                after = message["position"]


async def announced_too_large(service: Service, path: str) -> bytes:
    """What is answered to a request that announces more than is taken, before a byte of it is sent."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(*service.url.removeprefix("http://").split(":"))
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {MAX_UPLOAD + 1}\r\n\r\n"
        writer.write(head.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer)
        assert length is not None
        answer += await reader.readexactly(int(length[1]))
        writer.close()
    return answer


def a_form(*parts: bytes, boundary: bytes = b"b") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


FIELD = b'Content-Disposition: form-data; name="text"\r\n\r\nhi'


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", a_form(FIELD), 400),
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", a_form(FIELD)[:-20], 400),
        ("multipart/form-data; boundary=b", a_form(b"X-Large: " + b"x" * 100_000 + b"\r\n" + FIELD), 400),
        ("multipart/form-data; boundary=b", a_form(b"X: y\r\n" * 5_000 + FIELD), 400),
        ("multipart/form-data; boundary=b", a_form(*[FIELD] * 5_000), 400),
        ("multipart/form-data; boundary=b", a_form(FIELD, FIELD + b"x" * 300_000), 400),
        (
            "multipart/form-data; boundary=b",
            a_form(*[b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\nx'] * 5_000),
            400,
        ),
        ("multipart/form-data; boundary=b", a_form(FIELD.replace(b"text", b"admin")), 422),
        ("multipart/form-data; boundary=b", a_form(FIELD.replace(b"hi", b"x" * 20_001)), 422),
        ("multipart/form-data; boundary=b", a_form(FIELD.replace(b"hi", b"\0")), 422),
        ("application/x-www-form-urlencoded", b"text=hi", 422),
        ("text/plain", b"hi", 422),
        ("application/json", b"[" * 100_000, 400),
    ],
)
async def test_a_broken_or_hostile_form_is_a_problem_and_stores_nothing(
    service: Service, kind: str, body: bytes, status: int
) -> None:
    response = await service.customer.post("/v1/web/messages", content=body, headers={"Content-Type": kind})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    async with service.services.database.connection() as connection:
        assert await (await connection.execute("select 1 from customers")).fetchone() is None


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_a_form_beyond_every_limit_is_turned_away(service: Service, announced: bool) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    if announced:
        answer = await announced_too_large(service, "/v1/web/messages")
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"application/problem+json" in answer
        return

    async def endless() -> AsyncIterator[bytes]:
        yield a_form(FIELD)[:-6] + b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(MAX_UPLOAD // 1_000_000 + 2):
            yield bytes(1_000_000)

    try:
        response = await service.customer.post("/v1/web/messages", content=endless(), headers=headers)
    except httpx.TransportError:
        return  # it was turned away while it was still sending
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


async def test_what_a_person_sends_is_read_only_of_those_who_signed_in(service: Service) -> None:
    body = b'{"text": "' + b"x" * 1_000_000
    for path in (f"cases/{uuid4()}/messages", f"escalations/{uuid4()}/decision"):
        response = await service.customer.post(
            f"/v1/review/{path}", content=body, headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 401
