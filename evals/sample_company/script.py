"""What the sample company's customers write, and what ought to come of every turn.

    SampleCustomer             one customer in one web chat
    └── SampleTurn             messages sent in quick succession, then a wait for the reply
        └── Answered | Escalated

The expectations say what a good support agent ought to do, whether or not ours does it yet. A mistake in
``messages.toml`` would silently turn into a wrong score, so the loader refuses whatever it doesn't know: unknown keys,
citations of articles that don't exist, expectations that nothing could fail.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from skills.errors import BadRequestError
from skills.turn import ChannelName, Language, Severity

HOME = Path(__file__).parent
ARTICLES = HOME / "articles"
"""The company's help articles, one Markdown file each; the file's stem is the article's slug."""
MESSAGES = HOME / "messages.toml"

Kind = Literal[
    "fact", "vague", "follow_up", "burst", "small_talk", "noisy", "other_language", "near_scope", "far_scope", "angry",
    "legal", "danger", "product_safety", "medical", "wants_a_person", "action", "money", "vip", "repeat_contact",
    "fraud", "privacy", "press", "chargeback", "injection", "staff_secret",
]  # fmt: skip
"""What an entry tries out, to break a score down by; ``noisy`` is a plain question in caps, typos or a ramble."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z]+(_[a-z]+)*$")]

_STRICT = ConfigDict(extra="forbid")
_ENGLISH = Language("en")
_CHAT = ChannelName("chat")


@dataclass(frozen=True, slots=True)
class Answered:
    """The agent ought to answer by itself."""

    __pydantic_config__ = _STRICT

    outcome: Literal["answered"]
    cites: tuple[Slug, ...]
    """Articles of which at least one must be cited; empty for small talk, which needs no source."""
    contains: tuple[Text, ...] = ()
    """The reply must contain one of these, whatever the case of its letters; empty when any friendly reply will do."""
    lacks: tuple[Text, ...] = ()
    """The reply must contain none of these."""


@dataclass(frozen=True, slots=True)
class Escalated:
    """The agent ought to hand the turn to a person."""

    __pydantic_config__ = _STRICT

    outcome: Literal["escalated"]
    rules: Annotated[tuple[RuleName, ...], Field(validation_alias="rule", min_length=1)]
    """Rules of the escalation policy of which at least one must be among the reasons."""
    severity: Severity
    """The escalation's severity: neither a less nor a more urgent one will do."""
    lacks: tuple[Text, ...] = ()
    """Nothing that the customer or, as a draft, the reviewer gets may contain any of these."""


Expectation = Annotated[Answered | Escalated, Field(discriminator="outcome")]


@dataclass(frozen=True, slots=True)
class SampleTurn:
    """Messages sent in quick succession, which must get one reply between them."""

    __pydantic_config__ = _STRICT

    messages: Annotated[tuple[Text, ...], Field(min_length=1)]
    expect: Expectation


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """One customer, whose turns are played in order, each after the reply to the one before."""

    __pydantic_config__ = _STRICT

    id: Slug
    name: Text
    kind: Kind
    turns: Annotated[tuple[SampleTurn, ...], Field(validation_alias="turn", min_length=1)]
    language: Annotated[Language, StringConstraints(pattern="^[a-z]{2}$")] = _ENGLISH
    """The language that is written here, and in which every text that comes back ought to be."""
    segment: Literal["standard", "vip"] = "standard"
    channel: Annotated[ChannelName, StringConstraints(pattern="^(chat|form|email|whatsapp)$")] = _CHAT
    subject: Text | None = None
    """Of the first mail, and of the form."""
    earlier_cases: Annotated[int, Field(ge=0, strict=True)] = 0
    """Cases of this customer in the seven days before, to be set up ahead of the first message."""


@dataclass(frozen=True, slots=True)
class _File:
    __pydantic_config__ = _STRICT

    customers: Annotated[tuple[SampleCustomer, ...], Field(validation_alias="customer", min_length=1)]


def load_script(messages: Path = MESSAGES, articles: Path = ARTICLES) -> tuple[SampleCustomer, ...]:
    """Read and check the customers of ``messages``, in the order of the file.

    Raises:
        BadRequestError: the file can't be read, is not TOML, doesn't fit the format, uses an id twice, or cites an
            article that is not in ``articles`` or must not reach customers.
    """
    document = _read(messages)
    try:
        customers = TypeAdapter(_File).validate_python(document).customers
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        raise BadRequestError(
            f"{messages.name}: {_place(document, fault['loc'])}: {fault['msg']}",
            hint="README.md beside the sample company's messages shows the format.",
        ) from error
    _check_ids(customers, messages)
    _check_answers(customers, messages, _audiences(articles))
    return customers


def _read(messages: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(messages.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadRequestError(f"{messages} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadRequestError(f"{messages.name} is not UTF-8: {error.reason} at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadRequestError(f"{messages.name} is not TOML: {error}") from error


def _place(document: Mapping[str, Any], location: tuple[int | str, ...]) -> str:
    """Where a fault is, as a person would say it: ``customer 3 ('cat-owner'), turn 1, expect, severity``."""
    words: list[str] = []
    node: Any = document
    for step in location:
        if isinstance(step, int) and words:
            words[-1] += f" {step + 1}"
        elif not (step in ("answered", "escalated") and isinstance(node, Mapping)):
            words.append(step if isinstance(step, str) and step.isidentifier() else repr(step))
        else:
            continue  # pydantic names the chosen outcome in the path, where the file has no such level
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            node = None
        if words[-1].startswith("customer ") and isinstance(node, Mapping) and "id" in node:
            words[-1] += f" ({node['id']!r})"
    return ", ".join(words) or "the file"


def _check_ids(customers: tuple[SampleCustomer, ...], messages: Path) -> None:
    twice = [name for name, count in Counter(customer.id for customer in customers).items() if count > 1]
    if twice:
        raise BadRequestError(
            f"{messages.name}: the id {twice[0]!r} is used twice", hint="Ids name results; keep them unique."
        )


def _check_answers(customers: tuple[SampleCustomer, ...], messages: Path, audiences: Mapping[str, str]) -> None:
    for customer in customers:
        for number, turn in enumerate(customer.turns, start=1):
            if not isinstance(turn.expect, Answered):
                continue
            place = f"{messages.name}: customer {customer.id!r}, turn {number}"
            if turn.expect.cites and not turn.expect.contains:
                raise BadRequestError(
                    f"{place}: an answer with sources needs 'contains'",
                    hint="Give a short string that stands in every right answer, such as a price.",
                )
            for slug in turn.expect.cites:
                if slug not in audiences:
                    raise BadRequestError(
                        f"{place}: there is no article {slug!r}", hint="Cite files of articles/ by stem."
                    )
                if audiences[slug] != "public":
                    raise BadRequestError(
                        f"{place}: the article {slug!r} is for {audiences[slug]}",
                        hint="A visitor of the web chat has proved nothing, so only public articles may be cited.",
                    )


def _audiences(articles: Path) -> dict[str, str]:
    """The audience that each article's front matter names, by slug; ``public`` when it names none."""
    found: dict[str, str] = {}
    for path in sorted(articles.glob("*.md")):
        front_matter = path.read_text(encoding="utf-8").split("---", maxsplit=2)[1:2]
        lines = (line.partition(":") for text in front_matter for line in text.splitlines())
        found[path.stem] = next((value.strip() for key, _, value in lines if key == "audience"), "public")
    return found
