"""What a policy says, for a reader at a terminal or a script: its reasons, and what another one would have changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.commands.printing import duration, indented, line, notices, output, plural, print_json, severity, title
from infra.postgres.past_turns import PastTurn
from skills.errors import PolicyError
from skills.escalate import Finding, Policy, Situation, Verdict
from skills.turn import Escalation, Reason

Kind = Literal["newly_escalated", "no_longer_escalated", "more_urgent", "less_urgent", "other_rules", "same"]
_TITLES: dict[Kind, str] = {
    "newly_escalated": "newly escalated",
    "no_longer_escalated": "no longer escalated",
    "more_urgent": "more urgent",
    "less_urgent": "less urgent",
    "other_rules": "as urgent, by other rules",
}
_AS_LIMIT = {"_at_least": "at least", "_at_most": "at most", "_below": "less than"}
"""How the name of a condition ends, and what it asks for then."""


def print_explanation(now: Situation, policy: Policy, *, every: bool, as_json: bool) -> None:
    """Which rules hold, which nearly do, and on request why the others don't."""
    verdicts = policy.explain(now)
    held = [verdict for verdict in verdicts if verdict.reason]
    nearly = [verdict for verdict in verdicts if verdict.nearly]
    rest = [verdict for verdict in verdicts if not verdict.reason and not verdict.nearly]
    if as_json:
        print_json(_explanation(now, verdicts))
        return
    console = output()
    whole = Escalation(tuple(verdict.reason for verdict in held if verdict.reason))
    if whole.needed:
        console.print(
            Text.assemble(
                "a person decides, ", severity(whole.severity.value),
                f": within {duration(whole.severity.deadline.total_seconds())}",
            )
        )  # fmt: skip
    else:
        console.print(Text("nobody needs to be asked: the agent answers", style="green"))
    draft = "answers" if now.draft.answered else "does not answer"
    console.print(
        Text(
            f"the draft {draft}, confidence {now.draft.confidence:.2f}; polarity {now.sentiment.polarity:+.2f},"
            f" anger {now.sentiment.anger:.2f}, urgency {now.sentiment.urgency:.2f}",
            style="dim",
        )
    )
    _print_rules(console, "These rules hold", held, failing=False)
    _print_rules(console, "These nearly do", nearly, failing=True)
    if every:
        _print_rules(console, "These do not", rest, failing=True)
    else:
        console.print(
            Text(f"\n{plural(len(rest), 'other rule does', 'other rules do')} not; --all says why", style="dim")
        )


def _print_rules(console: Console, heading: str, verdicts: Sequence[Verdict], *, failing: bool) -> None:
    if not verdicts:
        return
    console.print(title(heading))
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for verdict in verdicts:
        grid.add_row(
            severity(verdict.rule.severity.value), Text(verdict.rule.name, style="bold"), verdict.rule.explanation
        )
        for finding in verdict.findings:
            if finding.holds is not failing:
                grid.add_row("", "", Text(told(finding), style="dim"))
    console.print(indented(grid))


def told(finding: Finding) -> str:
    """A condition, what it asks for and what there was, in one line."""
    match finding.condition:
        case "mentions":
            if finding.holds:
                return f"says {_quoted(finding.evidence)}"
            if finding.set_aside:
                return f"says {_quoted(finding.set_aside)}, which is set aside here (`unless` or `other_than`)"
            return f"says none of its {finding.wanted} phrases"
        case "amount_above":
            named = _quoted(finding.found) if finding.found else "no sum"
            return f"names {named}; more than {finding.wanted:g} is asked for"
        case condition:
            suffix = next((suffix for suffix in _AS_LIMIT if condition.endswith(suffix)), "")
            name = condition.removesuffix(suffix).replace("_", " ")
            asked = f"{_AS_LIMIT.get(suffix, '')} {_value(finding.wanted)}".strip()
            return f"{name} is {_value(finding.found)}; {asked} is asked for"


def _value(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.2f}"
        case list() | tuple():
            return " or ".join(map(str, value)) or "none"
        case _:
            return str(value)


def _quoted(said: Iterable[str]) -> str:
    return ", ".join(f"“{line(words, 80)}”" for words in dict.fromkeys(said))


def _explanation(now: Situation, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    whole = Escalation(tuple(verdict.reason for verdict in verdicts if verdict.reason))
    return {
        "escalated": whole.needed,
        "severity": whole.severity.value if whole.needed else None,
        "deadline_seconds": whole.severity.deadline.total_seconds() if whole.needed else None,
        "answered": now.draft.answered,
        "confidence": now.draft.confidence,
        "rules": [
            {
                "rule": verdict.rule.name,
                "severity": verdict.rule.severity.value,
                "holds": verdict.reason is not None,
                "nearly": verdict.nearly,
                "explanation": verdict.reason.explanation if verdict.reason else verdict.rule.explanation,
                "conditions": [
                    {
                        "condition": finding.condition, "wanted": finding.wanted, "found": finding.found,
                        "holds": finding.holds, "set_aside": finding.set_aside, "told": told(finding),
                    }
                    for finding in verdict.findings
                ],
            }
            for verdict in verdicts
        ],
    }  # fmt: skip


def print_faults(faults: Sequence[PolicyError]) -> None:
    """Each fault with its hint."""
    console = notices()
    for fault in faults:
        console.print(Text.assemble(("error: ", "bold red"), line(str(fault), 400)))
        if fault.hint:
            console.print(Text(f"hint:  {line(fault.hint, 600)}", style="dim"))
    console.print(plural(len(faults), "fault"))


@dataclass(frozen=True, slots=True)
class Changed:
    """A turn of the past and what the policy in use and another one say of it."""

    past: PastTurn
    before: tuple[Reason, ...]
    after: tuple[Reason, ...]

    @property
    def kind(self) -> Kind:
        """What the other policy would have changed."""
        before, after = Escalation(self.before), Escalation(self.after)
        if before.needed is not after.needed:
            return "newly_escalated" if after.needed else "no_longer_escalated"
        if before.severity != after.severity:
            return "more_urgent" if after.severity < before.severity else "less_urgent"
        return "same" if _names(self.before) == _names(self.after) else "other_rules"


@dataclass(slots=True)
class Trial:
    """What came of a dry run."""

    since: datetime
    turns: list[Changed] = field(default_factory=list)
    unreadable: int = 0
    """Turns that are gone, or whose customer was erased."""

    def add(self, changed: Changed) -> None:
        """One more turn."""
        self.turns.append(changed)

    def of(self, kind: Kind) -> list[Changed]:
        """The turns that change in this way."""
        return [changed for changed in self.turns if changed.kind == kind]

    @property
    def escalated(self) -> tuple[int, int]:
        """How many turns each policy escalates, the one in use first."""
        return sum(bool(changed.before) for changed in self.turns), sum(bool(changed.after) for changed in self.turns)

    @property
    def drifted(self) -> int:
        """Turns in which the policy in use now names other rules than fired then: articles or rules have changed."""
        return sum(set(_names(changed.before)) != set(changed.past.rules) for changed in self.turns)

    def as_json(self, examples: int) -> dict[str, Any]:
        """Counts, rates and examples for scripts."""
        before, after = self.escalated
        total = max(len(self.turns), 1)
        return {
            "since": self.since,
            "turns": len(self.turns),
            "unreadable": self.unreadable,
            "drifted": self.drifted,
            "escalated": before,
            "escalated_by_other": after,
            "changes": {
                kind: {
                    "turns": len(changes := self.of(kind)),
                    "rate": round(len(changes) / total, 4),
                    "examples": [
                        {
                            "case_id": changed.past.turn.case_id,
                            "text": changed.past.turn.text,
                            "before": _told(changed.before),
                            "after": _told(changed.after),
                        }
                        for changed in changes[:examples]
                    ],
                }
                for kind in _TITLES
            },
        }


def print_trial(console: Console, trial: Trial, name: str, examples: int) -> None:
    """How many turns change and how, with a few of each kind."""
    total = len(trial.turns)
    if not total:
        console.print(f"no turn has ended since {trial.since:%Y-%m-%d %H:%M} UTC that can be read")
        return
    before, after = trial.escalated
    console.print(f"{plural(total, 'turn')} since {trial.since:%Y-%m-%d %H:%M} UTC, judged by both policies")
    console.print(f"the one in use escalates {_share(before, total)}, {name} {_share(after, total)}")
    if trial.unreadable:
        console.print(f"{plural(trial.unreadable, 'more turn')} can't be read any more", style="dim")
    if trial.drifted:
        told = f"of these, {plural(trial.drifted, 'turn')} went otherwise then: the articles or the policy have changed"
        console.print(told, style="dim")
    if all(changed.kind == "same" for changed in trial.turns):
        console.print("nothing would have changed", style="green")
    for kind, heading in _TITLES.items():
        if not (changes := trial.of(kind)):
            continue
        console.print(title(f"{heading}: {_share(len(changes), total)}"))
        for changed in changes[:examples]:
            turn = changed.past.turn
            console.print(indented(Text(line(turn.text, 150))))
            told = f"case {str(turn.case_id)[:8]}, {turn.channel}: {_told(changed.before)} → {_told(changed.after)}"
            console.print(indented(Text(told, style="dim"), 4))


def _names(reasons: Sequence[Reason]) -> tuple[str, ...]:
    return tuple(reason.rule for reason in reasons)


def _told(reasons: tuple[Reason, ...]) -> str:
    return f"{Escalation(reasons).severity.value} {', '.join(_names(reasons))}" if reasons else "answered"


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({count / total:.1%})"
