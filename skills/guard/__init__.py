"""guard: what stands against a draft before anybody is told it, each finding with its reason for the reviewer."""

from skills.guard.judge import Judge, JudgedForm
from skills.guard.skill import Guard, GuardInput, GuardUpdate

__all__ = ["Guard", "GuardInput", "GuardUpdate", "Judge", "JudgedForm"]
