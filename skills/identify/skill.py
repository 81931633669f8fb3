"""The identify node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from skills.identify.claims import claims_in
from skills.identify.facts import keys_said, mentioned
from skills.identify.likeness import match
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

    Other customers who proved a claimed address become possible matches, which a reviewer may merge; so does the one
    whom the company's records fit best, if what is said fits well enough and nobody else as well. Neither changes what
    the customer is told.

    Raises:
        DatabaseUnavailableError: the directory did not answer; the turn runs again from the inbox.
    """

    directory: CustomerDirectory

    async def __call__(self, state: IdentifyInput) -> IdentifyUpdate:
        """Read the claims and facts, and ask whose they are when there are any."""
        turn = state["turn"]
        claims = claims_in(turn.text)
        customer = turn.customer
        return {
            "identification": Identification(
                customer_id=customer.id,
                verified=customer.verified,
                claims=claims,
                possible_matches=tuple(
                    other
                    for other in dict.fromkeys((*await self._owners(claims), *await self._known(turn.text, claims)))
                    if other != customer.id
                ),
            )
        }

    async def _owners(self, claims: tuple[Claim, ...]) -> list[CustomerId]:
        addresses = [claim for claim in claims if claim.kind in {"email", "phone"}]
        return await self.directory.verified_owners(addresses) if addresses else []

    async def _known(self, text: str, claims: tuple[Claim, ...]) -> list[CustomerId]:
        said = mentioned(text, claims)
        keys = keys_said(said)
        if not (said.postcodes or said.dates):
            return []  # a name alone is never enough
        known = await self.directory.known_by(keys)
        found = match(said, known.customers, among=known.among)
        return [] if found is None else [found.who]
