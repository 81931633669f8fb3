"""Twilio's webhooks: customers' messages, and what became of ours.

Nothing is asked of anybody but the database before the answer, and the answer comes after the commit: so Twilio repeats
what was not stored, and what is repeated is known by its id. A forged request is a 403, and is counted.
"""

from __future__ import annotations

import time
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response

from api.problems import problem, responses
from api.routes.visitor import With
from api.wiring import Services
from channels.envelope import Envelope
from channels.whatsapp import WHATSAPP
from channels.whatsapp.form import Form
from channels.whatsapp.inbound import received, unreadable
from channels.whatsapp.refusals import PASSING
from channels.whatsapp.signature import HEADER, SETTINGS_HEADER, WebhookSignature
from channels.whatsapp.statuses import status_event
from skills.errors import ConflictError, InvalidMessageError, NotFoundError

router = APIRouter(prefix="/v1/whatsapp", tags=["whatsapp"])

_NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
"""An answer in TwiML: send nothing. What we say goes out through the outbox."""
_PROBLEMS = responses(403, 404, 409, 413, 422, 503)

_log = structlog.get_logger(__name__)


async def signature_of(use: With) -> WebhookSignature:
    """What checks the webhooks of our account."""
    if use.whatsapp_signature is None:
        raise NotFoundError("there is no WhatsApp here", hint="set CSAGENT_WHATSAPP__ACCOUNT_SID and what goes with it")
    return use.whatsapp_signature


Check = Annotated[WebhookSignature, Depends(signature_of)]


@router.post("/messages", responses={**_PROBLEMS, 200: {"content": {"text/xml": {}}}}, response_class=Response)
async def take_message(request: Request, use: With, check: Check) -> Response:
    """A customer's message. Signed by Twilio; the same MessageSid is the same message."""
    began = time.perf_counter()
    body = await request.body()
    if not _genuine(request, check, body):
        return _forged(use)
    try:
        message = received(Form.parse(body)).envelope
    except InvalidMessageError:
        message = _left_to_a_person(use, body)
    settle = use.settings.settle.of(WHATSAPP)
    try:
        receipt = await use.inbox.receive(message, settle=settle)
    except (InvalidMessageError, ConflictError):  # Twilio would not send it again
        message = _left_to_a_person(use, body)
        receipt = await use.inbox.receive(message, settle=settle)
    use.metrics.received.labels(channel=WHATSAPP, duplicate=str(receipt.duplicate).lower()).inc()
    use.metrics.acknowledged.labels(channel=WHATSAPP).observe(time.perf_counter() - began)
    if receipt.waits:
        await use.signals.case_waits(receipt.case_id, after=settle.total_seconds())
    if message.confirmation is not None:
        await use.signals.outbox_waits()
    return Response(_NOTHING_TO_SAY, media_type="text/xml")


@router.post("/statuses", status_code=204, responses=_PROBLEMS, response_class=Response)
async def take_status(request: Request, use: With, check: Check) -> Response:
    """What became of one of our messages. Signed by Twilio; they may come in any order, and more than once."""
    body = await request.body()
    if not _genuine(request, check, body):
        return _forged(use)
    try:
        event = status_event(Form.parse(body), request.url.query)
    except InvalidMessageError:
        _count_refused(use, "unreadable")
        raise
    if event is None:
        return Response(status_code=204)
    progress, refused = event.progress, event.progress.refused
    use.metrics.reports.labels(channel=WHATSAPP, status=progress.status.value).inc()
    case_id = await use.reports.record(
        WHATSAPP,
        outbox_id=event.delivery_id,
        provider_message_id=event.provider_message_id,
        status=progress.status.value,
        rank=progress.status.rank,
        failure=None if refused is None else refused.reason,
        part=event.part,
        parts=event.parts,
        again=progress.error_code in PASSING,
    )
    if case_id is not None:
        await use.signals.outbox_waits()  # it may have held back what follows it
    return Response(status_code=204)


def _genuine(request: Request, check: WebhookSignature, body: bytes) -> bool:
    """Whether Twilio signed this, with the very path and query that came in."""
    path, query = request.scope["raw_path"], request.scope["query_string"]
    target = (path + b"?" + query if query else path).decode("ascii", "replace")
    return check.genuine(
        target,
        body,
        request.headers.get(HEADER),
        content_type=request.headers.get("Content-Type", ""),
        settings=request.headers.get(SETTINGS_HEADER),
    )


def _forged(use: Services) -> Response:
    _count_refused(use, "signature")
    return problem(
        403,
        "Not Twilio's",
        detail="the signature does not fit the request",
        hint="is the public URL set as Twilio knows it, and the auth token the account's present one?",
    )


def _left_to_a_person(use: Services, body: bytes) -> Envelope:
    """Genuine, and nothing that can be stored as it is: never dropped."""
    _count_refused(use, "unreadable")
    return unreadable(body)


def _count_refused(use: Services, reason: str) -> None:
    use.metrics.webhooks_refused.labels(channel=WHATSAPP, reason=reason).inc()
    _log.warning("webhook.refused", channel=WHATSAPP, reason=reason)
