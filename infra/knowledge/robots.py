"""What a site's robots.txt allows (RFC 9309): the longest rule that fits decides, ``*`` and ``$`` included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_MOST_RULES = 5_000
_LONGEST_RULE = 500


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules for us: pairs of a path pattern and whether it is allowed. ``delay`` is in seconds."""

    rules: tuple[tuple[str, bool], ...]
    delay: float = 0.0

    @classmethod
    def nothing(cls) -> Robots:
        """Nothing is forbidden."""
        return cls(())

    @classmethod
    def everything(cls) -> Robots:
        """Everything is forbidden."""
        return cls((("/", False),))

    def allows(self, url: str) -> bool:
        """Whether a page may be fetched."""
        parts = urlsplit(url)
        path = unquote(parts.path or "/") + (f"?{unquote(parts.query)}" if parts.query else "")
        fitting = [(len(pattern), allowed) for pattern, allowed in self.rules if _fits(pattern, path)]
        return max(fitting, default=(0, True))[1]


def parse_robots(text: str, agent: str) -> Robots:
    """The rules of the groups that name the agent, else of those for everybody."""
    groups: dict[str, list[tuple[str, bool]]] = {}
    delays: dict[str, float] = {}
    agents: list[str] = []
    in_rules = False
    for written in text.splitlines():
        name, colon, value = written.partition("#")[0].partition(":")
        field, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if field == "user-agent":
            if in_rules:
                agents, in_rules = [], False
            agents.append(value.lower())
            groups.setdefault(value.lower(), [])
        elif field in {"allow", "disallow"}:
            in_rules = True
            if value and len(value) <= _LONGEST_RULE:
                for one in agents:
                    groups[one].append((unquote(value), field == "allow"))
        elif field == "crawl-delay":
            in_rules = True
            if re.fullmatch(r"\d{1,6}(\.\d{1,3})?", value):
                delays.update(dict.fromkeys(agents, float(value)))
    ours = agent if agent in groups else "*"
    return Robots(tuple(groups.get(ours, ())[:_MOST_RULES]), delays.get(ours, 0.0))


def _fits(pattern: str, path: str) -> bool:
    """Whether the path begins as the pattern says; in time linear in both, because strangers write both."""
    whole = pattern.endswith("$")
    first, *others = (pattern[:-1] if whole else pattern).split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    for number, part in enumerate(others):
        if whole and number == len(others) - 1:
            return len(path) - len(part) >= at and path.endswith(part)
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return not whole or at == len(path)
