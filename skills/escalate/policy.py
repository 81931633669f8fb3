"""The escalation policy: named rules, read from TOML and checked before they are used.

``policy.toml`` beside this module is the default and explains the format.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from skills.errors import PolicyError
from skills.escalate.conditions import Condition, Situation, When
from skills.turn import Reason, Severity

_NAMED_LIST = "@"


class _RuleText(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
    severity: Literal["P1", "P2", "P3"]
    explanation: Annotated[str, Field(min_length=1, max_length=200)]
    when: When


class _PolicyText(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    phrases: dict[str, list[str]] = Field(default_factory=dict)
    rule: list[_RuleText] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to ask a person."""

    name: str
    severity: Severity
    explanation: str
    condition: Condition

    def reason(self, now: Situation) -> Reason | None:
        """Why this rule asks for a person now, with the customer's words that it heard; ``None`` when it doesn't."""
        heard = self.condition.holds(now)
        if heard is None:
            return None
        quoted = ", ".join(f"“{words}”" for words in heard)
        explanation = f"{self.explanation.rstrip('.')}: {quoted}." if heard else self.explanation
        return Reason(rule=self.name, explanation=explanation, severity=self.severity)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules, in the order of their file. Every rule that holds gives a reason."""

    rules: tuple[Rule, ...]

    @classmethod
    def default(cls) -> Policy:
        """The policy that ships with the package."""
        return cls.parse((files(__package__) / "policy.toml").read_text(encoding="utf-8"))

    @classmethod
    def parse(cls, text: str) -> Policy:
        """Read a policy.

        Raises:
            PolicyError: with the rule, the field and what it may be, for the first thing that is wrong.
        """
        try:
            raw = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(
                f"The policy is not valid TOML: {error}.", hint="Check quotes and brackets there."
            ) from error
        try:
            checked = _PolicyText.model_validate(raw)
        except ValidationError as error:
            raise _explained(error.errors()[0], raw) from error
        names = [rule.name for rule in checked.rule]
        for name in names:
            if names.count(name) > 1:
                raise PolicyError(f"Two rules are called “{name}”.", hint="Give each rule a name of its own.")
        return cls(tuple(_compiled(rule, checked.phrases) for rule in checked.rule))

    def reasons(self, now: Situation) -> tuple[Reason, ...]:
        """The reasons of every rule that holds, in the order of the rules."""
        return tuple(reason for rule in self.rules if (reason := rule.reason(now)))


def _compiled(rule: _RuleText, lists: dict[str, list[str]]) -> Rule:
    when = rule.when
    if not when.model_dump(exclude_none=True):
        raise PolicyError(
            f"Rule “{rule.name}” has no condition, so it would always ask for a person.",
            hint=f"Add to `when` one of: {', '.join(When.model_fields)}.",
        )
    if when.unless is not None and when.mentions is None:
        raise PolicyError(
            f"Rule “{rule.name}”: `unless` needs `mentions`.", hint="`unless` narrows what `mentions` finds."
        )
    condition = Condition.of(
        when,
        mentions=_filled_in(rule.name, "mentions", when.mentions or (), lists),
        unless=_filled_in(rule.name, "unless", when.unless or (), lists),
    )
    return Rule(rule.name, Severity(rule.severity), rule.explanation, condition)


def _filled_in(rule: str, field: str, listed: Sequence[str], lists: dict[str, list[str]]) -> list[str]:
    """The phrases with ``@name`` replaced by the named list."""
    phrases: list[str] = []
    for phrase in listed:
        if not phrase.startswith(_NAMED_LIST):
            phrases.append(phrase)
        elif (name := phrase.removeprefix(_NAMED_LIST)) in lists:
            phrases += lists[name]
        else:
            raise PolicyError(
                f"Rule “{rule}”: `{field}` names the list “{name}”, which `[phrases]` doesn't have.",
                hint=f"There are: {', '.join(sorted(lists)) or 'none'}.",
            )
    return phrases


def _explained(error: ErrorDetails, raw: dict[str, Any]) -> PolicyError:
    """The first thing that pydantic found, in words that point at the rule and the field."""
    place = list(error["loc"])
    where = "The policy"
    fields: list[str] = list(_PolicyText.model_fields)
    if place[:1] == ["rule"] and len(place) > 1:
        where = _rule_title(raw, int(place[1]))
        del place[:2]
        fields = list(When.model_fields if place[:1] == ["when"] and len(place) > 1 else _RuleText.model_fields)
    field = ".".join(str(part) for part in place) or "rule"
    match error["type"]:
        case "missing":
            return PolicyError(f"{where}: `{field}` is missing.", hint=f"It takes: {', '.join(fields)}.")
        case "extra_forbidden":
            return PolicyError(f"{where}: `{field}` is not a field.", hint=f"Allowed are: {', '.join(fields)}.")
        case _:
            return PolicyError(
                f"{where}: `{field}` is {error['input']!r}, which can't be: {_lowered(error['msg'])}.",
                hint="Compare with the default policy, which explains every condition.",
            )


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:].replace(" or instance of _RuleText", "")


def _rule_title(raw: dict[str, Any], index: int) -> str:
    rule = raw["rule"][index]
    name = rule.get("name") if isinstance(rule, dict) else None
    return f"Rule “{name}”" if isinstance(name, str) else f"Rule number {index + 1}"
