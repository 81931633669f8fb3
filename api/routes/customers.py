"""Customers for staff: found by an exact address, read across channels, joined with another and parted again.

Every look is written down. The same as ``csagent customers``; whoever is signed in is who acts.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.problems import responses
from api.routes.staff import CustomerReader, Reviewer, StaffRoute
from api.routes.visitor import With
from infra.postgres.customers import ReadCustomer
from skills.turn import CustomerId

router = APIRouter(prefix="/v1/review/customers", tags=["review"], route_class=StaffRoute)

Reason = Annotated[
    str | None, Field(min_length=1, max_length=1000, description="Why, for whoever looks at it later; kept sealed")
]
_PROBLEMS = responses(400, 401, 403, 404, 409, 413, 422, 503)


class FoundCustomer(BaseModel):
    """A customer who proved the address, or only says that it is theirs."""

    id: UUID
    proven: bool
    channels: list[str]


class FoundCustomers(BaseModel):
    """Whoever proved it first."""

    items: list[FoundCustomer]


class KnownAddress(BaseModel):
    """An address of the customer; ``contested``: proven in a talk of theirs, and a person has to say whose it is."""

    channel: str
    address: str | None
    proven_at: datetime | None
    contested: bool


class CaseOfCustomer(BaseModel):
    """A case of the customer; ``proven``: its talk is theirs beyond doubt."""

    id: UUID
    conversation_id: UUID
    channel: str
    status: Literal["open", "resolved"]
    owner: Literal["agent", "human"]
    owner_name: str | None
    opened_at: datetime
    resolved_at: datetime | None
    escalation_id: UUID | None
    proven: bool


class PossibleMatch(BaseModel):
    """Somebody who may be the same person: an offer to staff, never told to a customer."""

    customer_id: UUID
    channels: list[str]
    theirs: bool
    contested: bool


class CustomerMerge(BaseModel):
    """A merge that the customer took part in."""

    id: UUID
    source_id: UUID
    into_id: UUID
    merged_by: str
    merged_at: datetime
    undone_by: str | None
    undone_at: datetime | None
    undoable: bool
    undoable_until: datetime
    conversations: int = Field(description="Talks that moved")
    identities: int = Field(description="Addresses that moved")
    reason: str | None
    undone_reason: str | None


class CustomerPage(BaseModel):
    """A customer across channels."""

    id: UUID
    name: str | None
    language: str | None
    segment: str
    created_at: datetime
    merged_into: UUID | None
    erased: bool
    conversations: int
    open_cases: int
    addresses: list[KnownAddress]
    cases: list[CaseOfCustomer]
    possible_matches: list[PossibleMatch]
    merges: list[CustomerMerge]


class MergePreview(BaseModel):
    """What both have, before they are one."""

    source: CustomerPage
    into: CustomerPage
    undo_days: int = Field(description="For how long it can be undone")


class NewMerge(BaseModel):
    """With whom the customer is joined. Theirs stays; this customer's talks, cases and addresses move."""

    model_config = ConfigDict(extra="forbid")

    into: UUID
    reason: Reason = None


class Parting(BaseModel):
    """Why two are parted again."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = None


class Merged(BaseModel):
    """They are one; it can be undone for a time."""

    merge_id: UUID
    customer_id: UUID = Field(description="Who they are now")


class Unmerged(BaseModel):
    """They are two again."""

    parted_from: UUID


@router.get("", responses=_PROBLEMS)
async def find_customers(
    use: With,
    staff: CustomerReader,
    address: Annotated[str, Query(min_length=3, max_length=320, description="A whole mail address or phone number")],
) -> FoundCustomers:
    """Who has this very address, on any channel. That you asked is written down, the address is not."""
    found = await use.customers.find(address, reader=staff)
    return FoundCustomers(items=[FoundCustomer.model_validate(asdict(one)) for one in found])


@router.get("/{customer_id}", responses=_PROBLEMS)
async def read_customer(customer_id: UUID, use: With, staff: CustomerReader) -> CustomerPage:
    """One customer with addresses, and cases on all channels. That you read it is written down."""
    return _page(await use.customers.read(CustomerId(customer_id), reader=staff))


@router.get("/{customer_id}/merge", responses=_PROBLEMS)
async def preview_merge(customer_id: UUID, into: UUID, use: With, staff: CustomerReader) -> MergePreview:
    """What both have, side by side. That you read it is written down."""
    return MergePreview(
        source=_page(await use.customers.read(CustomerId(customer_id), reader=staff)),
        into=_page(await use.customers.read(CustomerId(into), reader=staff)),
        undo_days=use.customers.undoable.days,
    )


@router.post("/{customer_id}/merge", responses=_PROBLEMS)
async def merge_customer(customer_id: UUID, new: NewMerge, use: With, staff: Reviewer) -> Merged:
    """Say that two customers are one person. What an agent is writing in their cases begins anew."""
    merge_id = await use.customers.merge(
        CustomerId(customer_id), CustomerId(new.into), reviewer=staff, reason=new.reason
    )
    return Merged(merge_id=merge_id, customer_id=new.into)


@router.post("/{customer_id}/unmerge", responses=_PROBLEMS)
async def unmerge_customer(customer_id: UUID, use: With, staff: Reviewer, why: Parting | None = None) -> Unmerged:
    """Undo the merge by which this customer became another's part."""
    reason = None if why is None else why.reason
    return Unmerged(parted_from=await use.customers.unmerge(CustomerId(customer_id), reviewer=staff, reason=reason))


def _page(read: ReadCustomer) -> CustomerPage:
    return CustomerPage.model_validate(asdict(read))
