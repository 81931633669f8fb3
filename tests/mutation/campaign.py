"""Tries mutants: a rehearsal sees which tests reach what, then each mutant meets those that reach it, in a fork.

Tests that killed neighbours of a mutant come first, then the quick ones, then those that hung over a neighbour. A
mutant that no test reaches survives.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from tests.mutation.child import Child, Ended, Message, Over, Prepare
from tests.mutation.databases import Lane
from tests.mutation.mutant import Mutant, Verdict
from tests.mutation.planting import plant
from tests.mutation.tracing import Tracer

LONGEST = 180.0
"""Seconds that a test may take in the rehearsal."""

PYTEST = (
    *("-p", "no:terminal", "-p", "no:xdist", "-p", "no:cov", "-p", "no:cacheprovider", "-p", "no:randomly"),
    *("-o", "timeout=0", "-o", "addopts=--strict-markers --strict-config --import-mode=importlib"),
    "--capture=no",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant, and which test noticed."""

    mutant: Mutant
    verdict: Verdict
    by: str | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A child that died in a test, or was ended because it was late."""

    test: str
    late: bool


@dataclass(frozen=True, slots=True)
class _Job:
    mutant: Mutant | None
    items: Sequence[pytest.Item]
    prepare: Prepare


class RehearsalError(Exception):
    """Without any mutant, the tests should pass."""


class Campaign:
    """A pytest plugin that plays the collected tests again and again, each time over another mutant.

    Args:
        root: what the files' names start from.
        targets: the files that are changed, each with the files of tests that may notice.
        mutants: the changes to try.
        seconds: how long the tests may take that a mutant meets, in the rehearsal's time; at least one is played.
        lanes: places at which children run, one each.
        patience: how long a test may take over a mutant, by what it took without one.
        told: hears of each result, and before the first of each test of the rehearsal.
        left_out: tests that are not played.
    """

    def __init__(
        self,
        *,
        root: Path,
        targets: Mapping[str, Sequence[str]],
        mutants: Sequence[Mutant],
        seconds: Callable[[Mutant], float] = lambda _: math.inf,
        lanes: Sequence[Lane | None],
        patience: Callable[[float], float] = lambda usual: 20 + 10 * usual,
        told: Callable[[Result | str], None] = lambda _: None,
        left_out: tuple[str, ...] = (),
    ) -> None:
        self._root = root
        self._targets = targets
        self._mutants = mutants
        self._budget = seconds
        self._lanes = lanes
        self._patience = patience
        self._told = told
        self._left_out = left_out
        self._seconds: dict[str, float] = {}
        self._reaching: dict[tuple[str, int | str], list[pytest.Item]] = defaultdict(list)
        self._kills: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._hangs: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.failed: str | None = None
        self.results: list[Result] = []

    def run(self) -> list[Result]:
        """Collect the tests and try every mutant.

        Raises:
            RehearsalError: a test could not be collected, or fails without a mutant.
        """
        files = {mutant.file for mutant in self._mutants}
        tests = dict.fromkeys(str(self._root / test) for file in files for test in self._targets[file])
        code = pytest.main([*PYTEST, "--rootdir", str(self._root), *tests], [self])
        if self.failed is not None or code != pytest.ExitCode.OK:
            raise RehearsalError(self.failed or f"pytest could not collect the tests ({code!r})")
        return self.results

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = f"{report.nodeid}: {report.longreprtext.strip().splitlines()[-1]}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if self.failed is None:
            items = [item for item in session.items if not item.name.startswith(self._left_out or ("?",))]
            self._rehearse(items)
        if self.failed is None:
            self._try_all()
        return True

    def _rehearse(self, items: Sequence[pytest.Item]) -> None:
        """Play every test once, without a mutant, and note what it reaches and how long it takes."""
        by_id = {item.nodeid: item for item in items}
        files = list(dict.fromkeys(item.path for item in items))
        parts = ([i for i in items if files.index(i.path) % len(self._lanes) == n] for n in range(len(self._lanes)))
        prepare = partial(Tracer, tuple(self._targets), self._root)
        for _, message in self._play((_Job(None, part, prepare) for part in parts if part), lambda _: LONGEST):
            match message:
                case Ended(failure=None):
                    self._seconds[message.test] = message.seconds
                    for place in message.reached:
                        self._reaching[place].append(by_id[message.test])
                    self._told(message.test)
                case Ended():
                    self.failed = f"{message.test}: {message.failure}"
                case Lost():
                    self.failed = f"{message.test}: did not come to an end"

    def _try_all(self) -> None:
        for mutant, message in self._play(self._jobs(), lambda test: self._patience(self._seconds[test])):
            assert mutant is not None  # only the rehearsal has none
            match message:
                case Over():
                    self._conclude(Result(mutant, "survived", None))
                case Ended(failure=str()):
                    self._kills[mutant.where][message.test] += 1
                    self._conclude(Result(mutant, "killed", message.test))
                case Lost():
                    self._hangs[mutant.where][message.test] += 1
                    self._conclude(Result(mutant, "timeout" if message.late else "killed", message.test))

    def _jobs(self) -> Iterator[_Job]:
        for mutant in self._mutants:
            if items := self._chosen(mutant):
                yield _Job(mutant, items, partial(plant, mutant, self._root))
            else:
                self._conclude(Result(mutant, "survived", None))

    def _chosen(self, mutant: Mutant) -> list[pytest.Item]:
        """The tests that reach the mutant: first who killed its neighbours, then the quick."""
        kills, hangs = self._kills[mutant.where], self._hangs[mutant.where]
        wanted = mutant.reached_by
        places = [p for p in self._reaching if p[0] == mutant.file and (wanted is None or p[1] in wanted)]
        files = {self._root / test for test in self._targets[mutant.file]}
        found = {i.nodeid: i for place in places for i in self._reaching[place] if i.path in files}
        items = sorted(found.values(), key=lambda i: (hangs[i.nodeid] > 0, -kills[i.nodeid], self._seconds[i.nodeid]))
        spent = accumulate(self._seconds[item.nodeid] for item in items)
        return [
            i for n, (i, sum_) in enumerate(zip(items, spent, strict=True)) if not n or sum_ <= self._budget(mutant)
        ]

    def _conclude(self, result: Result) -> None:
        self.results.append(result)
        self._told(result)

    def _play(
        self, jobs: Iterator[_Job], seconds: Callable[[str], float]
    ) -> Iterator[tuple[Mutant | None, Message | Lost]]:
        """As many children at once as there are lanes; each ends with its first failure."""
        running: dict[Child, tuple[_Job, Lane | None]] = {}
        free = list(self._lanes)
        while True:
            while free and (job := next(jobs, None)) is not None:
                lane = free.pop()
                running[Child(job.items, lane, job.prepare, seconds)] = job, lane
            if not running:
                return
            ready = wait([child.connection for child in running], timeout=0.5)
            for child in list(running):
                message: Message | Lost | None = None
                if child.connection in ready:
                    message = child.read() or Lost(child.test, late=False)
                elif child.is_late:
                    message = Lost(child.test, late=True)
                if message is None:
                    continue
                job, lane = running[child]
                if isinstance(message, Over | Lost) or (isinstance(message, Ended) and message.failure is not None):
                    del running[child]
                    child.end()
                    if lane is not None:
                        lane.renew(child.databases)
                    free.append(lane)
                yield job.mutant, message
