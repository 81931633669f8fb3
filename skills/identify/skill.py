"""The identify node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from skills.identify.claims import claims_in
from skills.ports import CustomerDirectory
from skills.turn import Claim, CustomerId, Identification, Turn


class IdentifyInput(TypedDict):
    """What identify reads."""

    turn: Turn


class IdentifyUpdate(TypedDict):
    """What identify finds out."""

    identification: Identification


@dataclass(frozen=True)
class Identify:
    """Who writes. Only the channel or a one-time code verifies a customer; what the text claims never does.

    Other customers who proved a claimed address become possible matches, which a reviewer may merge.

    Raises:
        DatabaseUnavailableError: the directory did not answer; the turn runs again from the inbox.
    """

    directory: CustomerDirectory

    async def __call__(self, state: IdentifyInput) -> IdentifyUpdate:
        """Read the claims and, when an address is among them, ask whose it is."""
        turn = state["turn"]
        claims = claims_in(turn.text)
        customer = turn.customer
        return {
            "identification": Identification(
                customer_id=customer.id,
                verified=customer.verified,
                claims=claims,
                possible_matches=await self._others(claims, customer.id),
            )
        }

    async def _others(self, claims: tuple[Claim, ...], customer: CustomerId) -> tuple[CustomerId, ...]:
        addresses = [claim for claim in claims if claim.kind in {"email", "phone"}]
        if not addresses:
            return ()
        owners = await self.directory.verified_owners(addresses)
        return tuple(owner for owner in dict.fromkeys(owners) if owner != customer)
