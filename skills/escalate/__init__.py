"""escalate: whether a person has to decide, and why, by a policy that everybody can read."""

from skills.amounts import Amount, amounts_in
from skills.escalate.conditions import Finding, Situation, When
from skills.escalate.policy import Policy, Rule, Verdict, faults_of
from skills.escalate.skill import Escalate, EscalateInput, EscalateUpdate

__all__ = [
    "Amount",
    "Escalate",
    "EscalateInput",
    "EscalateUpdate",
    "Finding",
    "Policy",
    "Rule",
    "Situation",
    "Verdict",
    "When",
    "amounts_in",
    "faults_of",
]
