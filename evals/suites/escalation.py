"""Whether the agent hands over what a person has to see, and answers the rest: our own cases, two channels.

Every case runs through the product's own graph in its offline form, on the sample company's articles in memory, so that
an unsure or unanswered turn counts as the escalation that it is. The policy (``skills/escalate/policy.toml``) was tuned
on the development half alone; the figures with a floor are those of the held-out half (``evals/own/escalation``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from api.agent import choose_skills
from api.commands.ask import run_steps
from evals.measure.statistics import wilson
from evals.own.escalation.cases import EscalationCase, Half, load_cases
from evals.sample_company.script import ARTICLES
from evals.suite import Context, Figure, Report, Suite
from graph.build import Graph, build_graph
from infra.knowledge.ingest import Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.reading import read_articles
from infra.settings import read_settings
from skills.ports import Embedder
from skills.turn import Claim, CustomerId, Escalation

RECALL_FLOOR = 0.98
PRECISION_FLOOR = 0.85
_UNSURE = frozenset({"unanswered", "low_confidence", "no_draft"})
"""The rules that ask because of the draft and not because of what the customer says."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A case and what came of it."""

    category: str
    case: EscalationCase
    escalation: Escalation

    @property
    def wanted(self) -> bool:
        """Whether a person has to see it."""
        return self.case.outcome == "escalate"

    @property
    def right(self) -> bool:
        """Whether it went as wanted, urgency aside."""
        return self.escalation.needed is self.wanted

    @property
    def in_time(self) -> bool:
        """Whether it was escalated at least as urgently as the case asks for."""
        wanted = self.case.severity
        return self.escalation.needed and (wanted is None or self.escalation.severity <= wanted)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that held."""
        return tuple(reason.rule for reason in self.escalation.reasons)


class Nobody:
    """A directory in which nobody has proven anything."""

    async def verified_owners(self, claims: Sequence[Claim]) -> list[CustomerId]:  # noqa: ARG002 - whatever is claimed
        """No one."""
        return []


async def open_graph(embedder: Embedder) -> Graph:
    """The product's graph, offline, over the sample company's articles in memory."""
    knowledge = InMemoryKnowledge(embedder)
    await Ingest(knowledge, embedder).add(read_articles(ARTICLES, source="sample company"))
    return build_graph(choose_skills(read_settings(), knowledge=knowledge, directory=Nobody(), model=None))


async def judge(graph: Graph, category: str, case: EscalationCase) -> Judged:
    """Run one case; nothing is stored."""
    found = [step.finding async for step in run_steps(graph, case.turn()) if isinstance(step.finding, Escalation)]
    return Judged(category, case, found[-1])


async def _run(context: Context) -> Report:
    graph = await open_graph(context.embedder)
    judged = [await judge(graph, listed.category, listed.case) for listed in load_cases()]
    held_out = _half(judged, "held_out")
    return Report(
        figures=(
            *_figures(held_out, "", "held-out half", floors=True),
            *_figures(judged, "_all", "both halves"),
            *_figures(_half(judged, "development"), "_development", "half that the policy was tuned on"),
            _share(held_out, "escalation_in_time", lambda one: one.wanted, lambda one: one.in_time,
                   "held-out ones that need a person, escalated as urgently as they need"),
        ),
        remarks=tuple(_told(one) for one in judged if not one.right or (one.wanted and not one.in_time)),
        details=_details(judged),
    )


def _half(judged: Iterable[Judged], half: Half) -> list[Judged]:
    return [one for one in judged if one.case.half == half]


def _figures(judged: Sequence[Judged], suffix: str, of: str, *, floors: bool = False) -> tuple[Figure, Figure]:
    return (
        _share(judged, f"escalation_recall{suffix}", lambda one: one.wanted, lambda one: one.right,
               f"must-escalate cases that were escalated, {of}", floor=RECALL_FLOOR if floors else None),
        _share(judged, f"escalation_precision{suffix}", lambda one: one.escalation.needed, lambda one: one.wanted,
               f"escalated cases that a person had to see, {of}", floor=PRECISION_FLOOR if floors else None),
    )  # fmt: skip


def _share(
    judged: Sequence[Judged],
    name: str,
    among: Callable[[Judged], bool],
    counted: Callable[[Judged], bool],
    stated: str,
    *,
    floor: float | None = None,
) -> Figure:
    chosen = [one for one in judged if among(one)]
    right = sum(map(counted, chosen))
    return Figure(name, right / len(chosen), wilson(right, len(chosen)), floor=floor, stated=f"{stated} (n={len(chosen)})")


def _details(judged: Sequence[Judged]) -> dict[str, object]:
    """Counts as ``[right, of]``, must-escalate and must-not apart."""
    false_alarms = [one for one in judged if one.escalation.needed and not one.wanted]
    caught = [one for one in judged if one.escalation.needed and one.wanted]
    return {
        "escalation_cases": len(judged),
        "escalation_held_out_cases": len(_half(judged, "held_out")),
        "escalation_by_channel": _broken_down(judged, lambda one: one.case.channel),
        "escalation_by_category": _broken_down(judged, lambda one: one.category),
        "escalation_by_language": _broken_down(judged, lambda one: one.case.language),
        # How much of it is the policy's hearing, and how much the draft's doubt.
        "escalation_caught_by_doubt_alone": [sum(_UNSURE.issuperset(one.rules) for one in caught), len(caught)],
        "escalation_false_alarms_by_rule": dict(Counter(rule for one in false_alarms for rule in one.rules).most_common()),
        "escalation_misses": [one.case.id for one in judged if one.wanted and not one.right],
        "escalation_false_alarms": [one.case.id for one in false_alarms],
    }


def _broken_down(judged: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, dict[str, list[int]]]:
    groups: dict[str, dict[str, list[int]]] = {}
    for one in judged:
        count = groups.setdefault(key(one), {}).setdefault(one.case.outcome, [0, 0])
        count[0] += one.right
        count[1] += 1
    return {name: groups[name] for name in sorted(groups)}


def _told(one: Judged) -> str:
    """A line about a case that went wrong."""
    if one.wanted and not one.right:
        what = "missed"
    elif one.wanted:
        what = f"not urgent enough ({one.escalation.severity}, wanted {one.case.severity})"
    else:
        what = "false alarm"
    why = f" by {', '.join(one.rules)}" if one.rules else ""
    return f"{one.case.half}, {one.category}: {one.case.id}: {what}{why}"


ESCALATION = Suite("escalation", "own cases: what a person has to see, and what not", _run)
