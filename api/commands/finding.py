"""What a check of ``csagent doctor`` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from skills.errors import SupportError

State = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; ``hint`` says what to mend and is empty where nothing is wrong."""

    check: str
    state: State
    message: str
    hint: str = ""


def ok(check: str, message: str) -> Finding:
    """Nothing to do."""
    return Finding(check, "ok", message)


def warning(check: str, message: str, hint: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(check, "warning", message, hint)


def error(check: str, message: str, hint: str) -> Finding:
    """It does not work."""
    return Finding(check, "error", message, hint)


def failed(check: str, problem: SupportError) -> Finding:
    """An error of ours as a finding."""
    return Finding(check, "error", str(problem).rstrip("."), problem.hint or "")
