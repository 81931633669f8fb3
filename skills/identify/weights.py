"""What each level of agreement weighs, in natural log-odds: counted, not guessed.

``python -m evals.training.identification --data …`` counts them anew, on the tuning half of the dialogues alone. Levels
that the count put in the wrong order were pooled. ``ENOUGH`` is well above the best that any other customer of the same
postcode, date of birth, first or last name reached there (7), and asks for two facts whole.
"""

from __future__ import annotations

from collections.abc import Mapping

WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "postcode": {"0": 7.9, "0.5": 7.9, "1": 7.9, "1.5": 5.77, "2": 3.93, "3": -0.15, "other": -4.09},
    "born": {"3": 9.13, "2y": 1.23, "2": -0.35, "1": -2.95, "0": -4.76},
    "first": {"1": 5.26, "0.9": 0.35, "0.75": 0.35, "0.6": -1.79, "other": -3.89},
    "last": {"1": 4.88, "0.9": -0.07, "0.75": -0.07, "0.6": -1.45, "other": -3.64},
}

ENOUGH = 11.0
LEAD = 3.0
"""How far the best has to be before the next: twice as likely would be 0.7, and this is twenty times."""
CONTRADICTING: Mapping[str, frozenset[str]] = {"born": frozenset({"0", "1"}), "first": frozenset({"other"})}
"""Levels that rule a customer out, whatever else fits: a household shares address, last name and even a birthday."""
