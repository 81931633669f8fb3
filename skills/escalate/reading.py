"""Reads a policy and says all that is wrong with it: the file, the rule, the field, what was found, what is allowed."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from skills.errors import PolicyError
from skills.escalate.conditions import Condition, When
from skills.language import words

_NAMED_LIST = "@"
_LISTS_OF_PHRASES = ("mentions", "unless", "other_than")


class RuleText(BaseModel):
    """A rule as it stands in the file."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
    severity: Literal["P1", "P2", "P3"]
    explanation: Annotated[str, Field(min_length=1, max_length=200)]
    guidance: Annotated[str, Field(max_length=500)] = ""
    when: When


class _PolicyText(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    phrases: dict[str, list[str]] = Field(default_factory=dict)
    rule: list[RuleText] = Field(min_length=1)


def read(text: str, name: str) -> tuple[list[tuple[RuleText, Condition]], list[PolicyError]]:
    """The rules of a policy with their compiled conditions, or everything that is wrong with it.

    Args:
        text: the TOML.
        name: of the file, which every error begins with.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [], [PolicyError(f"{name} is not valid TOML: {error}", hint="check quotes and brackets there")]
    try:
        checked = _PolicyText.model_validate(raw)
    except ValidationError as error:
        return [], [_explained(fault, raw, name) for fault in error.errors()]
    faults = [PolicyError(f"{name}: {fault}", hint=hint) for fault, hint in _faults(checked)]
    return ([] if faults else [(rule, _compiled(rule, checked.phrases)) for rule in checked.rule]), faults


def _faults(policy: _PolicyText) -> Iterator[tuple[str, str]]:
    """What each field by itself can't tell: message and hint."""
    for name, count in Counter(rule.name for rule in policy.rule).items():
        if count > 1:
            yield f"two rules are called “{name}”", "give each rule a name of its own"
    for list_name, listed in policy.phrases.items():
        for phrase in listed:
            if not words(phrase):
                yield f"the list “{list_name}” of [phrases]: {phrase!r} has no word in it", "write what a customer says"
    for rule in policy.rule:
        yield from _faults_of_rule(rule, policy.phrases)


def _faults_of_rule(rule: RuleText, lists: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    title, when = f"rule “{rule.name}”", rule.when
    if not when.model_dump(exclude_none=True):
        yield (
            f"{title} has no condition, so it would always ask for a person",
            f"add to `when` one of: {', '.join(When.model_fields)}",
        )
    for field in ("unless", "other_than"):
        if getattr(when, field) is not None and when.mentions is None:
            yield f"{title}: `{field}` needs `mentions`", f"`{field}` narrows what `mentions` finds"
    for field in _LISTS_OF_PHRASES:
        for phrase in getattr(when, field) or ():
            yield from _faults_of_phrase(f"{title}: `{field}`", phrase, lists)


def _faults_of_phrase(where: str, phrase: str, lists: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    if not phrase.startswith(_NAMED_LIST):
        if not words(phrase):
            yield f"{where} has {phrase!r}, which has no word in it", "write what a customer says"
    elif (named := phrase.removeprefix(_NAMED_LIST)) not in lists:
        yield (
            f"{where} names the list “{named}”, which [phrases] doesn't have{_meant(named, lists)}",
            f"there are: {', '.join(sorted(lists)) or 'none'}",
        )


def _compiled(rule: RuleText, lists: dict[str, list[str]]) -> Condition:
    when = rule.when
    return Condition.of(
        when,
        mentions=_filled_in(when.mentions, lists),
        unless=_filled_in(when.unless, lists),
        other_than=_filled_in(when.other_than, lists),
    )


def _filled_in(listed: Sequence[str] | None, lists: dict[str, list[str]]) -> list[str]:
    """The phrases with ``@name`` replaced by the named list."""
    return [
        filled
        for phrase in listed or ()
        for filled in (lists[phrase.removeprefix(_NAMED_LIST)] if phrase.startswith(_NAMED_LIST) else [phrase])
    ]


def _explained(error: ErrorDetails, raw: dict[str, Any], name: str) -> PolicyError:
    """What pydantic found, in words that point at the rule and the field."""
    place = list(error["loc"])
    where, fields = name, list(_PolicyText.model_fields)
    if place[:1] == ["rule"] and len(place) > 1:
        where = f"{name}: {_rule_title(raw, int(place[1]))}"
        del place[:2]
        fields = list(When.model_fields if place[:1] == ["when"] and len(place) > 1 else RuleText.model_fields)
    field = ".".join(str(part) for part in place) or "rule"
    match error["type"]:
        case "missing":
            return PolicyError(f"{where}: `{field}` is missing", hint=f"it takes: {', '.join(fields)}")
        case "extra_forbidden":
            meant = _meant(str(place[-1]), fields)
            return PolicyError(f"{where}: `{field}` is not a field{meant}", hint=f"allowed are: {', '.join(fields)}")
        case _:
            found, allowed = _shortened(error["input"]), _lowered(error["msg"])
            meant = _meant(error["input"], _literals(allowed)) if isinstance(error["input"], str) else ""
            return PolicyError(
                f"{where}: `{field}` is {found}, which can't be: {allowed}{meant}",
                hint="compare with the shipped policy.toml, which explains every condition",
            )


def _meant(word: str, allowed: Sequence[str] | dict[str, Any]) -> str:
    """``; did you mean …?`` when a name is close to an allowed one."""
    close = get_close_matches(word.casefold(), [name.casefold() for name in allowed], n=1)
    return f"; did you mean “{next(name for name in allowed if name.casefold() == close[0])}”?" if close else ""


def _literals(message: str) -> list[str]:
    """The values that pydantic lists in quotes: ``input should be 'P1', 'P2' or 'P3'``."""
    return message.split("'")[1::2]


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:].replace(" or instance of RuleText", "")


_LONGEST_SHOWN = 60


def _shortened(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def _rule_title(raw: dict[str, Any], index: int) -> str:
    rule = raw["rule"][index]
    name = rule.get("name") if isinstance(rule, dict) else None
    return f"rule “{name}”" if isinstance(name, str) else f"rule number {index + 1}"
