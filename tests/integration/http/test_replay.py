"""What a page missed comes when it asks again, from whichever place it had got to."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.integration.http.conftest import Service


@pytest.mark.parametrize(
    ("begin", "read"),
    [
        pytest.param("/v1/web/messages", "/v1/web/messages", id="chat"),
        pytest.param("/v1/web/form", "/v1/web/form/messages", id="form"),
    ],
)
async def test_from_any_cursor_the_rest_is_read_without_a_gap_or_a_double(
    service: Service, begin: str, read: str
) -> None:
    body = {"text": "hello", "email": "mira@example.com"}
    taken = (await service.customer.post(begin, json=body, headers={"Idempotency-Key": str(uuid4())})).json()
    bearer = {"Authorization": f"Bearer {taken['conversation_token']}"}
    await service.customer.get(read, params={"wait": 20, "after": 1}, headers=bearer)
    case = f"/v1/review/cases/{(await _case_of(service))}"
    await service.kim.post(f"{case}/take-over")
    for text in ("one", "two", "three"):
        sent = await service.kim.post(
            f"{case}/messages", json={"text": text}, headers={"Idempotency-Key": str(uuid4())}
        )
        assert sent.status_code == 202

    said: list[str] = []
    positions = [0]
    while "three" not in said:
        asked = {"wait": 20, "after": positions[-1]}
        page = (await service.customer.get(read, params=asked, headers=bearer)).json()
        said += [message["text"] for message in page["messages"]]
        positions += [message["position"] for message in page["messages"]]
        assert page["cursor"] == positions[-1]
    assert said == ["hello", "echo: hello", "one", "two", "three"]
    for missed, cursor in enumerate(positions):
        again = (await service.customer.get(read, params={"after": cursor}, headers=bearer)).json()
        assert [message["text"] for message in again["messages"]] == said[missed:]


async def _case_of(service: Service) -> str:
    async with service.services.database.connection() as connection:
        row = await (await connection.execute("select id from cases")).fetchone()
    assert row is not None
    return str(row["id"])
