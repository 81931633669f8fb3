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
from api.studio import NobodyKnown
from api.trying import run_steps
from evals.measure.statistics import wilson
from evals.own.escalation.cases import EscalationCase, Listed, Part, load_cases
from evals.sample_company.script import ARTICLES
from evals.suite import Context, Figure, Report, Suite
from graph.build import Graph, build_graph
from infra.knowledge.ingest import Ingest
from infra.knowledge.memory import InMemoryKnowledge
from infra.knowledge.reading import read_articles
from infra.settings import Settings
from skills.ports import Embedder
from skills.turn import Escalation

RECALL_FLOOR = 0.98
PRECISION_FLOOR = 0.85
_UNSURE = frozenset({"unanswered", "low_confidence", "no_draft"})
"""The rules that ask because of the draft and not because of what the customer says."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A case and what came of it."""

    listed: Listed
    escalation: Escalation

    @property
    def case(self) -> EscalationCase:
        """The case itself."""
        return self.listed.case

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


async def open_graph(embedder: Embedder) -> Graph:
    """The product's graph, offline, over the sample company's articles in memory."""
    knowledge = InMemoryKnowledge(embedder)
    await Ingest(knowledge, embedder).add(read_articles(ARTICLES, source="sample company"))
    skills = choose_skills(
        Settings(_env_file=None),  # as shipped, whatever this machine is set to
        knowledge=knowledge,
        subjects=knowledge.subjects(),
        directory=NobodyKnown(),
        model=None,
        embedder=embedder,
    )
    return build_graph(skills)


async def judge(graph: Graph, listed: Listed) -> Judged:
    """Run one case; nothing is stored."""
    steps = run_steps(graph, listed.case.turn())
    found = [step.finding async for step in steps if isinstance(step.finding, Escalation)]
    return Judged(listed, found[-1])


async def _run(context: Context) -> Report:
    graph = await open_graph(context.embedder)
    judged = [await judge(graph, listed) for listed in load_cases()]
    untuned = _of(judged, "held_out", "written_after")
    return Report(
        figures=(
            *_figures(untuned, "", "not tuned on", floors=True),
            *_figures(_of(judged, "held_out"), "_held_out", "of those the held-out half"),
            *_figures(_of(judged, "written_after"), "_written_after", "and those written after the policy"),
            *_figures(_of(judged, "development"), "_development", "tuned on"),
            *_figures(judged, "_all", "all cases"),
            _urgency(untuned, "escalation_in_time", "not tuned on"),
            _urgency(_of(judged, "written_after"), "escalation_in_time_written_after", "written after the policy"),
        ),
        remarks=tuple(_told(one) for one in judged if not one.right),
        details=_details(judged),
    )


def _of(judged: Iterable[Judged], *parts: Part) -> list[Judged]:
    return [one for one in judged if one.listed.part in parts]


def _figures(judged: Sequence[Judged], suffix: str, which: str, *, floors: bool = False) -> tuple[Figure, Figure]:
    return (
        _share(judged, f"escalation_recall{suffix}", lambda one: one.wanted, lambda one: one.right,
               f"must-escalate cases that were escalated; {which}", floor=RECALL_FLOOR if floors else None),
        _share(judged, f"escalation_precision{suffix}", lambda one: one.escalation.needed, lambda one: one.wanted,
               f"escalated cases that a person had to see; {which}", floor=PRECISION_FLOOR if floors else None),
    )  # fmt: skip


def _urgency(judged: Sequence[Judged], name: str, which: str) -> Figure:
    return _share(judged, name, lambda one: one.wanted, lambda one: one.in_time,
                  f"must-escalate cases, escalated as urgently as asked for; {which}")  # fmt: skip


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
    return Figure(
        name, right / len(chosen), wilson(right, len(chosen)), floor=floor, stated=f"{stated} (n={len(chosen)})"
    )


def _details(judged: Sequence[Judged]) -> dict[str, object]:
    """Counts as ``[right, of]``, must-escalate and must-not apart."""
    false_alarms = [one for one in judged if one.escalation.needed and not one.wanted]
    caught = [one for one in judged if one.escalation.needed and one.wanted]
    return {
        "escalation_cases": len(judged),
        "escalation_cases_by_part": dict(Counter(one.listed.part for one in judged)),
        "escalation_by_channel": _broken_down(judged, lambda one: one.case.channel),
        "escalation_by_category": _broken_down(judged, lambda one: one.listed.category),
        "escalation_by_language": _broken_down(judged, lambda one: one.case.language),
        # How much of it is the policy's hearing, and how much the draft's doubt.
        "escalation_caught_by_doubt_alone": [sum(_UNSURE.issuperset(one.rules) for one in caught), len(caught)],
        "escalation_false_alarms_by_rule": dict(
            Counter(rule for one in false_alarms for rule in one.rules).most_common()
        ),
        "escalation_misses": [one.case.id for one in judged if one.wanted and not one.right],
        "escalation_late": [one.case.id for one in judged if one.wanted and one.right and not one.in_time],
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
    what = "missed" if one.wanted else f"false alarm by {', '.join(one.rules)}"
    return f"{one.listed.part}: {one.listed.category}: {one.case.id}: {what}"


ESCALATION = Suite("escalation", "own cases: what a person has to see, and what not", _run)
