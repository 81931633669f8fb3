"""Escalations and a case of an invented company, as the API gives them to the reviewer's page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

SMOKE = str(uuid5(NAMESPACE_URL, "smoke"))
PARCEL = str(uuid5(NAMESPACE_URL, "parcel"))
REFUND = str(uuid5(NAMESPACE_URL, "refund"))
CASE = str(uuid5(NAMESPACE_URL, "case"))

PARCEL_ANSWER = (
    "Hello Gerald,\n\n"
    "I am sorry that your parcel has not arrived. A parcel counts as missing when it has not arrived seven working "
    "days after dispatch in the UK. For a missing parcel we send a replacement or refund the order in full, whichever "
    "you prefer. Please reply with your order number so that we can start the search.\n\n"
    "Kind regards"
)

FIRST_CITED = "A parcel counts as missing when it has not arrived seven working days after dispatch in the UK."


def line(
    sequence: int, author: str, text: str, *, ago: float = 0, state: str = "handled", delivery: str | None = None
) -> dict[str, Any]:
    """A message of a transcript; ``ago`` in minutes."""
    return {
        "id": str(uuid4()),
        "sequence": sequence,
        "author": author,
        "text": text,
        "at": _minutes(-ago),
        "state": state,
        "delivery": delivery,
        "files": [],
    }


def escalations() -> list[dict[str, Any]]:
    """Three escalations: one late, one due soon, one for later."""
    return [_parcel(), _smoke(), _refund()]


def owned_case() -> dict[str, Any]:
    """A case that a person owns; the customer waits."""
    return {
        "id": CASE,
        "channel": "whatsapp",
        "status": "open",
        "owner": "human",
        "owner_name": "jonas",
        "opened_at": _minutes(-190),
        "resolved_at": None,
        "customer": _customer("Hanna Sorley", "en", "vip"),
        "escalation_id": None,
        "asked_for": None,
        "withheld_draft": "Your planter can be repaired at our bench within ten working days.",
        "transcript": [
            line(1, "customer", "The lamp of my Thicket flickers since the update.", ago=190),
            line(2, "agent", "Please unplug it for a minute and try again.", ago=189, delivery="sent"),
            line(3, "customer", "Did that twice. I would like to talk to a person.", ago=25, state="human"),
        ],
    }


DOUBTED = {
    "guard": "promises",
    "reason": "no source says so",
    "sentence": "I am sorry that your parcel has not arrived.",
    "draft": "last",
}
"""What a guard says of a sentence that still stands in the proposal."""


def question(*, to: str) -> dict[str, Any]:
    """A note in which a colleague asks another."""
    return {
        "id": str(uuid4()),
        "author": "jonas",
        "text": "He called this morning, too. Do you know where the parcel is?",
        "asked": to,
        "answers": None,
        "created_at": _minutes(-20),
        "answered_at": None,
    }


def background(case_id: str) -> dict[str, Any]:
    """What was before, of every case the same."""
    return {
        "moods": [{"at": _minutes(-64), "polarity": 0.1}, {"at": _minutes(-48), "polarity": -0.72}],
        "earlier_cases": [
            {
                "id": str(uuid5(UUID(case_id), "earlier")),
                "channel": "email",
                "status": "resolved",
                "opened_at": _minutes(-20_000),
                "resolved_at": _minutes(-19_000),
                "resolution": "confirmed",
                "topic": "Delivery",
            }
        ],
        "decisions": [
            {
                "action": "edit",
                "reviewer": "jonas",
                "at": _minutes(-19_500),
                "proposal": "It arrives on Monday.",
                "text": "It arrives on Tuesday.",
                "reason": None,
            }
        ],
    }


def _parcel() -> dict[str, Any]:
    asked = (
        "My parcel should have been here last week and NOTHING has come. This is ridiculous, I want my £129 back today."
    )
    return _escalation(
        PARCEL,
        severity="P2",
        due=12.5,
        customer=_customer("Gerald Okoro", "en", "standard"),
        transcript=[
            line(1, "customer", "Where is my order?", ago=64),
            line(
                2,
                "agent",
                "You can follow it under https://shop.example/track with the number from our email.",
                ago=63,
                delivery="sent",
            ),
            line(3, "customer", asked, ago=48),
            line(4, "system", "A person looks at this and answers you here.", ago=47, delivery="sent"),
        ],
        request={
            "proposal": PARCEL_ANSWER,
            "answered": True,
            "confidence": 0.62,
            "model": "extractive",
            "severity": "P2",
            "reasons": [
                {
                    "rule": "angry_customer",
                    "explanation": "The customer is angry and the mood is getting worse",
                    "severity": "P2",
                },
                {
                    "rule": "large_amount",
                    "explanation": "The customer names £129, which is more than £100",
                    "severity": "P3",
                },
            ],
            "sources": [
                {
                    "title": "A parcel that is late or missing",
                    "heading": "When a parcel counts as missing",
                    "text": (
                        "A parcel counts as missing when it has not arrived seven working days after dispatch in the UK"
                        ", or fifteen working days after dispatch abroad. Before that, a parcel that has not moved for "
                        "a day or two is nearly always waiting at a depot and turns up by itself."
                    ),
                    "url": "https://help.thimblewick.example/articles/late-or-missing-parcel",
                    "similarity": 0.83,
                    "cited": [FIRST_CITED],
                },
                {
                    "title": "A parcel that is late or missing",
                    "heading": "What we do about a missing parcel",
                    "text": (
                        "For a missing parcel we send a replacement or refund the order in full, whichever you prefer. "
                        "Write to us with your order number."
                    ),
                    "url": "https://help.thimblewick.example/articles/late-or-missing-parcel",
                    "similarity": 0.79,
                    "cited": [
                        "For a missing parcel we send a replacement or refund the order in full, whichever you prefer."
                    ],
                },
                {
                    "title": "Refunds",
                    "heading": "How long a refund takes",
                    "text": "A refund reaches your account within five working days.",
                    "url": None,
                    "similarity": 0.51,
                    "cited": [],
                },
            ],
            "messages": [asked],
            "mood": {
                "polarity": -0.72,
                "anger": 0.81,
                "urgency": 0.66,
                "trend": "worsening",
                "evidence": ["ridiculous", "nothing"],
            },
            "rejected": [],
            "actions": ["approve", "edit", "answer", "reject", "take_over"],
        },
    )


def _smoke() -> dict[str, Any]:
    asked = "There is smoke coming out of my planter!! What do I do"
    return _escalation(
        SMOKE,
        severity="P1",
        due=-3.5,
        claimed_by="jonas",
        channel="whatsapp",
        customer=_customer("Ana Whitlock", "en", "vip"),
        transcript=[line(1, "customer", asked, ago=18)],
        request=_plain_request(
            asked,
            proposal="Unplug the planter at once and do not use it again.",
            reasons=[
                {
                    "rule": "product_safety",
                    "explanation": "Fire, injury or another danger from a product may be involved",
                    "severity": "P1",
                    "guidance": "Ask first whether anybody is hurt. Say: unplug it, and do not use it again.",
                }
            ],
        ),
    )


def _refund() -> dict[str, Any]:
    asked = "Ich möchte mein Geld zurück, bitte an ein anderes Konto."
    return _escalation(
        REFUND,
        severity="P3",
        due=1265,
        channel="email",
        customer=_customer(None, "de", "standard"),
        transcript=[line(1, "customer", asked, ago=175)],
        request=_plain_request(
            asked,
            proposal="",
            reasons=[
                {"rule": "draft_rejected", "explanation": "Two drafts were turned down already", "severity": "P3"}
            ],
        )
        | {
            "answered": False,
            "actions": ["answer", "take_over"],
            "rejected": [
                {"draft": "Das geht leider nicht.", "reason": "Too short, and not what our article says."},
                {"draft": "Bitte schreiben Sie uns.", "reason": "The customer has just done that."},
            ],
        },
    )


def _plain_request(asked: str, *, proposal: str, reasons: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "proposal": proposal,
        "answered": True,
        "confidence": 0.41,
        "model": "extractive",
        "severity": reasons[0]["severity"],
        "reasons": reasons,
        "sources": [],
        "messages": [asked],
        "mood": {"polarity": -0.3, "anger": 0.1, "urgency": 0.9, "trend": "steady", "evidence": []},
        "rejected": [],
        "actions": ["approve", "edit", "answer", "reject", "take_over"],
    }


def _escalation(
    item: str, *, severity: str, due: float, request: dict[str, Any], channel: str = "chat", **more: object
) -> dict[str, Any]:
    return {
        "id": item,
        "case_id": str(uuid5(UUID(item), "case")),
        "channel": channel,
        "status": "open",
        "version": "1f2e3d4c5b6a7988.4",
        "severity": severity,
        "due_at": _minutes(due),
        "created_at": _minutes(due - 60),
        "claimed_by": None,
        "decided": None,
        "request": request,
        "later_messages": [],
        **more,
    }


def _customer(name: str | None, language: str, segment: str) -> dict[str, Any]:
    return {"id": str(uuid5(NAMESPACE_URL, f"customer {name}")), "name": name, "language": language, "segment": segment}


def _minutes(ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=ahead)).isoformat()
