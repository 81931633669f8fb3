"""conclude: whether the customer says that the matter is settled, or that the answer did not help."""

from skills.conclude.rating import rating_in
from skills.conclude.skill import Conclude, ConcludeInput, ConcludeUpdate
from skills.conclude.texts import TextName, text_for
from skills.conclude.verdict import verdict_in

__all__ = ["Conclude", "ConcludeInput", "ConcludeUpdate", "TextName", "rating_in", "text_for", "verdict_in"]
