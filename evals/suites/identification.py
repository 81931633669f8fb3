"""Identification from free text on EVI: is a caller found among 10,000 customers, and is nobody taken for another?

**Data.** The English half of EVI: profiles with name, postcode and date of birth, and callers who were given a profile
to speak of. They were asked thrice for each fact and heard by a recogniser (up to twenty hypotheses a turn). Dialogues
whose label names no profile are left out, and counted in the details. Weights and thresholds were tuned on one half, by
the SHA-256 of the dialogue's id; every figure here is of the other half.

**What is judged** is what the product uses: ``skills/identify/facts.py`` reads, ``keys_said`` and ``keys_of`` give the
candidates (the product asks the database for the same keys, hashed), ``likeness.match`` decides. It is judged twice:

- *as free text* (``evi_far``, ``evi_frr``), the way of the product: the first hypotheses of all turns are one text, and
  ``mentioned`` reads it, which is not told what was asked. A customer who writes all of it in one burst is read so;
- *as answers* (``…_asked``): ``answered`` reads each turn in all its hypotheses and knows which fact was asked for. The
  product asks no such questions and hears no speech; this is what its reading, comparing and weights are worth beneath,
  and what the weights were tuned on.

**Genuine attempts.** One a dialogue: all turns, among all 10,000 profiles. Falsely rejected (``evi_frr``): not
identified as the profile of the label, be it that nobody is, or somebody else.

**Impostor attempts** (``evi_far`` is the share of them that is accepted):

- verification: what the dialogue says against every other profile that has the same postcode, date of birth, first name
  or last name as its own. These are the hardest; random others are left out, for they would only flatter;
- identification: the dialogue among all profiles but its own, as of a caller of whom nothing is known; accepted if
  anybody is taken for the caller.

The second kind is also given alone (``evi_far_unknown``), and so is the share of dialogues identified as somebody else
while their own profile is there (``evi_misidentified``). Some callers read from another profile than the label says.
They count as the label says; a remark says how many of the accepted are such.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from evals.data.evi import Dialogue, dialogues, profiles, said
from evals.measure.statistics import bootstrap, wilson
from evals.suite import Context, Figure, Report, Suite
from skills.identify.claims import claims_in
from skills.identify.facts import SaidFacts, Slot, keys_of, keys_said, mentioned
from skills.identify.likeness import Match, enough, likeness, match
from skills.identify.names import parts
from skills.identify.postcodes import normal
from skills.ports import FactKey, KnownFacts

HIGHEST_FALSE_ACCEPTS = 0.001

_ALL: tuple[Slot, ...] = ("postcode", "born", "name")
_ABLATIONS: dict[str, tuple[tuple[Slot, ...], bool]] = {
    "postcode": (("postcode",), False),
    "postcode, born": (("postcode", "born"), False),
    "postcode, born, name": (_ALL, False),
    "postcode, name": (("postcode", "name"), False),
    "born, name": (("born", "name"), False),
    "postcode, born, name; first hypothesis": (_ALL, True),
}


class Directory:
    """Profiles in memory, found by their keys as the database finds them by the hashes of the keys."""

    def __init__(self, known: dict[str, KnownFacts]) -> None:
        self.known = known
        self._by_key: dict[FactKey, list[str]] = defaultdict(list)
        for name, facts in known.items():
            for key in keys_of(facts):
                self._by_key[key].append(name)

    def candidates(self, heard: SaidFacts, *, without: str | None = None) -> list[tuple[str, KnownFacts]]:
        """Profiles that share a key with what was said."""
        found = dict.fromkeys(name for key in keys_said(heard) for name in self._by_key.get(key, ()))
        return [(name, self.known[name]) for name in found if name != without]

    def identify(self, heard: SaidFacts, *, without: str | None = None) -> Match[str] | None:
        """Whom the product would offer."""
        return match(heard, self.candidates(heard, without=without), among=len(self.known))

    def nearest(self, heard: SaidFacts) -> str | None:
        """The best candidate, however weak."""
        found = self.candidates(heard)
        return max(found, key=lambda each: likeness(heard, each[1]).score)[0] if found else None


@dataclass(frozen=True, slots=True)
class _Tried:
    """What became of one dialogue."""

    rejected: bool
    first: bool
    misidentified: bool
    unknown_accepted: bool
    verified: int
    """Other profiles that it was accepted as, of ``against`` hard ones."""
    against: int
    other_record: bool
    """Whether what was said agrees with somebody else's profile, and in no fact with the profile of the label."""


async def _run(context: Context) -> Report:
    folder = context.data / "evi"
    directory, labelled = Directory(profiles(folder)), dialogues(folder)
    callers = [one for one in labelled if not one.tuning and one.profile in directory.known]
    neighbours = _neighbours(directory.known)
    typed, tried = [], []
    for count, caller in enumerate(callers):
        if count % 100 == 0:
            context.say(f"identification: {count} of {len(callers)} callers")
        others = neighbours(caller.profile)
        typed.append(_try(directory, caller, others, _as_one_text(caller)))
        tried.append(_try(directory, caller, others, said(caller)))
    context.say("identification: ablations")
    return Report(
        figures=(*_rates(typed, ""), *_rates(tried, "_asked"), *_readings(directory, callers)),
        remarks=(*_remarks(typed, "as free text"), *_remarks(tried, "as answers")),
        details={
            "evi_callers": len(callers),
            "evi_unlabelled": sum(one.profile not in directory.known for one in labelled),
            "evi_reads_from_another": sum(one.other_record for one in tried),
            "evi_impostor_attempts": sum(one.against + 1 for one in tried),
            "evi_ablations": {name: _ablation(directory, callers, *how) for name, how in _ABLATIONS.items()},
        },
    )


def _as_one_text(caller: Dialogue) -> SaidFacts:
    """The first hypotheses of all turns as one text, as if somebody had written it without being asked anything."""
    text = "\n".join(turn.hypotheses[0] for turn in caller.turns if turn.hypotheses)
    return mentioned(text, claims_in(text))


def _try(directory: Directory, caller: Dialogue, others: Collection[str], heard: SaidFacts) -> _Tried:
    own = likeness(heard, directory.known[caller.profile])
    found, stranger = directory.identify(heard), directory.identify(heard, without=caller.profile)
    verified = sum(enough(likeness(heard, directory.known[other]), among=len(directory.known)) for other in others)
    return _Tried(
        rejected=found is None or found.who != caller.profile,
        first=directory.nearest(heard) == caller.profile,
        misidentified=found is not None and found.who != caller.profile,
        unknown_accepted=stranger is not None,
        verified=verified,
        against=len(others),
        other_record=stranger is not None and own.agreeing == 0,
    )


def _neighbours(known: dict[str, KnownFacts]) -> Callable[[str], set[str]]:
    """The profiles that share postcode, date of birth, first name or last name with one."""
    shared: dict[tuple[str, object], set[str]] = defaultdict(set)

    def marks(facts: KnownFacts) -> list[tuple[str, object]]:
        first, last = parts(facts.name)
        return [("postcode", normal(facts.postcode)), ("born", facts.born), ("first", first), ("last", last)]

    for name, facts in known.items():
        for mark in marks(facts):
            shared[mark].add(name)
    return lambda name: set().union(*(shared[mark] for mark in marks(known[name]))) - {name}


def _rates(tried: Sequence[_Tried], way: str) -> tuple[Figure, ...]:
    """False accepts and rejects of one way of reading; ``way`` ends their names."""
    accepted = np.array([one.verified + one.unknown_accepted for one in tried], dtype=np.float64)
    attempts = np.array([one.against + 1 for one in tried], dtype=np.float64)
    interval = (
        bootstrap(len(tried), lambda drawn: float(accepted[drawn].sum() / attempts[drawn].sum()))
        if accepted.any()
        else wilson(0, int(attempts.sum()))
    )
    return (
        Figure(
            f"evi_far{way}",
            float(accepted.sum() / attempts.sum()),
            interval,
            floor=HIGHEST_FALSE_ACCEPTS,
            better="lower",
            stated="impostor attempts that are accepted, hardest ones and unknown callers",
        ),
        _share(f"evi_frr{way}", [one.rejected for one in tried], "callers who are not identified"),
        _share(f"evi_far_unknown{way}", [one.unknown_accepted for one in tried], "unknown callers taken for somebody"),
        _share(f"evi_misidentified{way}", [one.misidentified for one in tried], "callers taken for somebody else"),
        _share(f"evi_lookup_r1{way}", [one.first for one in tried], "callers whose profile is the best candidate"),
    )


def _readings(directory: Directory, callers: Sequence[Dialogue]) -> tuple[Figure, ...]:
    """How often each fact is among what is read of the answers."""
    heard = [said(caller) for caller in callers]
    own = [directory.known[caller.profile] for caller in callers]
    return (
        _share(
            "evi_postcode_acc",
            [normal(known.postcode) in said.postcodes for said, known in zip(heard, own, strict=True)],
            "callers whose postcode is among the readings",
        ),
        _share(
            "evi_born_acc",
            [any(date.whole == known.born for date in said.dates) for said, known in zip(heard, own, strict=True)],
            "callers whose date of birth is among the readings",
        ),
        _share(
            "evi_name_acc",
            [set(parts(known.name)) <= set(said.names) for said, known in zip(heard, own, strict=True)],
            "callers whose first and last name are among the words, letter by letter",
        ),
    )


def _share(name: str, outcomes: Sequence[bool], stated: str) -> Figure:
    return Figure(name, sum(outcomes) / len(outcomes), wilson(sum(outcomes), len(outcomes)), stated=stated)


def _ablation(
    directory: Directory, callers: Sequence[Dialogue], slots: tuple[Slot, ...], best_only: bool
) -> dict[str, float]:
    return _outcome(directory, callers, [said(caller, slots=slots, best_only=best_only) for caller in callers])


def _outcome(directory: Directory, callers: Sequence[Dialogue], heard: Sequence[SaidFacts]) -> dict[str, float]:
    """Shares of callers: best candidate, not identified, and unknown but taken for somebody."""
    first = rejected = unknown = 0
    for caller, one in zip(callers, heard, strict=True):
        found = directory.identify(one)
        first += directory.nearest(one) == caller.profile
        rejected += found is None or found.who != caller.profile
        unknown += directory.identify(one, without=caller.profile) is not None
    return {
        name: round(count / len(callers), 4)
        for name, count in (("lookup_r1", first), ("frr", rejected), ("far_unknown", unknown))
    }


def _remarks(tried: Sequence[_Tried], how: str) -> tuple[str, ...]:
    wrong = [one for one in tried if one.unknown_accepted or one.verified]
    misread = sum(one.other_record for one in wrong)
    told = (
        f"{how}: {len(wrong)} callers have a false accept; what {misread} of them say agrees with another profile and "
        "in no fact with the one of the label: they read from another one, and count as the label says"
    )
    return (told,)


IDENTIFICATION = Suite(
    "identification", "who a caller is, from noisy speech, among 10,000 customers", _run, needs=("evi",)
)
