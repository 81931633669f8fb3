"""identify: who writes, how sure that is, and what they say about themselves."""

from skills.identify.claims import claims_in
from skills.identify.facts import keys_of
from skills.identify.skill import Identify, IdentifyInput, IdentifyUpdate
from skills.identify.texts import code_text

__all__ = ["Identify", "IdentifyInput", "IdentifyUpdate", "claims_in", "code_text", "keys_of"]
