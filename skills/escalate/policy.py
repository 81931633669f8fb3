"""The escalation policy: named rules, and what each says of a situation.

``policy.toml`` beside this module is the default and explains the format; ``reading.py`` checks it before it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from skills.errors import PolicyError
from skills.escalate.conditions import Condition, Finding, Situation
from skills.escalate.reading import RuleText, read
from skills.turn import Reason, Severity

DEFAULT_NAME = "policy.toml"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of a situation, condition by condition."""

    rule: Rule
    findings: tuple[Finding, ...]
    reason: Reason | None

    @property
    def nearly(self) -> bool:
        """Whether it was close: all but one condition hold, and that one missed by little."""
        failing = [finding for finding in self.findings if not finding.holds]
        return len(failing) == 1 and failing[0].near


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to ask a person."""

    name: str
    severity: Severity
    explanation: str
    condition: Condition
    guidance: str = ""
    """What a reviewer should mind."""

    def reason(self, now: Situation) -> Reason | None:
        """Why this rule asks for a person now, with the customer's words that it heard; ``None`` when it doesn't."""
        heard = self.condition.holds(now)
        if heard is None:
            return None
        quoted = ", ".join(f"“{words}”" for words in heard)
        explanation = f"{self.explanation.rstrip('.')}: {quoted}." if heard else self.explanation
        return Reason(rule=self.name, explanation=explanation, severity=self.severity, guidance=self.guidance)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules, in the order of their file. Every rule that holds gives a reason."""

    rules: tuple[Rule, ...]

    @classmethod
    def default(cls) -> Policy:
        """The policy that ships with the package."""
        return cls.parse((files(__package__) / DEFAULT_NAME).read_text(encoding="utf-8"))

    @classmethod
    def parse(cls, text: str, *, name: str = DEFAULT_NAME) -> Policy:
        """Read a policy.

        Args:
            text: the TOML.
            name: of the file that it stands in, for the error.

        Raises:
            PolicyError: with the file, the rule, the field and what it may be, for the first thing that is wrong.
                ``reading.read`` tells of all of them.
        """
        rules, faults = read(text, name)
        if faults:
            raise faults[0]
        return cls(tuple(_rule(rule, condition) for rule, condition in rules))

    def reasons(self, now: Situation) -> tuple[Reason, ...]:
        """The reasons of every rule that holds, in the order of the rules."""
        return tuple(reason for rule in self.rules if (reason := rule.reason(now)))

    def explain(self, now: Situation) -> tuple[Verdict, ...]:
        """What every rule says, and by which conditions, in the order of the rules."""
        return tuple(Verdict(rule, tuple(rule.condition.look(now)), rule.reason(now)) for rule in self.rules)


def faults_of(text: str, *, name: str = DEFAULT_NAME) -> list[PolicyError]:
    """Everything that is wrong with a policy, as ``Policy.parse`` would raise the first of it."""
    return read(text, name)[1]


def _rule(text: RuleText, condition: Condition) -> Rule:
    return Rule(text.name, Severity(text.severity), text.explanation, condition, text.guidance)
