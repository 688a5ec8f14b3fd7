# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop of a rehearsal: try a lock, find the package at fault, free it to the nearest version that works."""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import dataclasses
import datetime
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import parse_pins as pins_of
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._drafts import ReleaseIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import MissingWheelsError, NoLockError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._explanations import (
    RemovedUse,
    explain_failure,
    find_broken_user,
    find_removal,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._installed_uses import KnownUses
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import VersionLimit, select_limits
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageSet, StepLock
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._retired import load_retired_packages
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import load_replacements
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._twins import (
    Twins,
    find_twins,
    iterate_twin_orders,
)

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.version import Version

NOTHING_KNOWN = KnownUses()
# The nearest later version of a package (by name, version, minor and platform) without a use of what left Python.
VersionFinder = Callable[[str, str, RemovedUse, Minor, str], str | None]
REHEARSAL_ROUNDS = 40
MAXIMUM_CANDIDATES = 6
# What a package that moved away from a name ranks behind those that use the name.
LOSER_RANK = 40
# How many versions are tried between those that strides meet, where none of them cures.
VERSIONS_BETWEEN = 8
SITE_PACKAGES_PATTERN = re.compile(r"/(?:site|dist)-packages/(.+?)(?:\.py|[.\w-]*\.so)?$")
# Python says of a name that is not there whose it should be.
NAMED_MODULE_PATTERN = re.compile(
    r"(?:cannot import name '[^']*' from (?:partially initialized module )?|module )'([\w.]+)'"
)
NOT_FOUND_PATTERN = re.compile(r"No module named '([\w.]+)'")


@dataclasses.dataclass(frozen=True)
class TrialFailure:
    """An import or a test that worked before. ``frames`` are paths, deepest last; ``runner`` is what ran a test.

    ``packages`` are those that the failure itself names.
    """

    text: str
    frames: tuple[str, ...] = ()
    missing: str | None = None
    kind: str = "import"
    runner: str = ""
    packages: tuple[str, ...] = ()

    @classmethod
    def from_result(cls, value: Mapping[str, Any], kind: str) -> TrialFailure:
        """From what a host returned."""
        return cls(
            str(value["text"]),
            tuple(value.get("frames") or ()),
            value.get("missing"),
            kind,
            str(value.get("runner") or ""),
            tuple(value.get("packages") or ()),
        )

    def normalize_text(self) -> str:
        """The text without paths and line numbers: equal for failures that are the same."""
        return re.sub(r"\S*/(\S+):\d+: ", r"\1: ", self.text)


@dataclasses.dataclass(frozen=True)
class TrialOutcome:
    """The outcome of a lock: new failures by module or test, and requested modules that are absent.

    ``owners`` has the package of each top-level module, and of each first one below a namespace, before and now.
    """

    failures: Mapping[str, TrialFailure]
    owners: Mapping[str, str]
    gone: frozenset[str] = frozenset()


class TrialRunner(Protocol):
    """Builds a lock beside what is live, and says what fails in it that did not fail before."""

    def run_trial(self, lock: str, only: Sequence[str] | None) -> TrialOutcome:
        """The outcome of *lock*; of the names in *only*, if given, and of everything otherwise."""


class ConstraintKeeper(Protocol):
    """Keeps what rehearsals learn, and knows what others have learned meanwhile."""

    def read(self) -> Sequence[Mapping[str, Any]]:
        """The constraints that are known now."""

    def keep(self, learned: Sequence[LearnedConstraint], minor: Minor) -> None:
        """Keep what was *learned* on the way to *minor*, before anything else is tried."""


class NothingKept:
    """A `ConstraintKeeper` for rehearsals whose result alone counts."""

    def read(self) -> Sequence[Mapping[str, Any]]:
        """Nothing."""
        return ()

    def keep(self, learned: Sequence[LearnedConstraint], minor: Minor) -> None:
        """Do nothing."""


@dataclasses.dataclass(frozen=True)
class LearnedConstraint:
    """A line of ``constraints.yml``: what must hold from a Python on, why, what was seen, when and where."""

    requirement: str
    python: str
    reason: str
    evidence: str
    date: str
    host: str
    seen: str
    install: str = ""
    replaced_by: str = ""
    build: str = ""

    def to_row(self) -> dict[str, str]:
        """As it is written."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}

    def to_order(self) -> dict[str, str]:
        """What of it a trial tries."""
        row = self.to_row()
        return {name: row[name] for name in ("requirement", "install", "replaced_by", "build") if name in row}


@dataclasses.dataclass(frozen=True)
class RehearsalResult:
    """The end of a step's rehearsal: its lock, what was learned, rounds, what still fails, and packages by module."""

    found: StepLock
    learned: tuple[LearnedConstraint, ...]
    rounds: int
    failures: Mapping[str, TrialFailure]
    owners: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class CureSearch:
    """How a cure is sought: the number of versions to try between strides, and whether a version *without* the failing
    module is a cure, too.
    """

    between: int
    without: bool


def iterate_positions(count: int, between: int) -> Iterator[int]:
    """The order in which *count* versions are tried: at strides that double, to the last one; then *between* more.

    Nearest first; then the middle of the widest gap first.
    """
    strides = sorted(
        {
            *itertools.takewhile(lambda number: number < count, ((1 << power) - 1 for power in range(32))),
            *([count - 1] if count else []),
        }
    )
    yield from strides
    known = strides
    for _more in range(between):
        pairs = itertools.pairwise(known)
        gaps = [(following - before, -before) for before, following in pairs if following - before > 1]
        if not gaps:
            return
        width, before = max(gaps)
        yield width // 2 - before
        known = sorted([*known, width // 2 - before])


def find_owner(name: str, owners: Mapping[str, str]) -> str | None:
    """The package of the module *name*: that of the longest beginning of it which *owners* has."""
    while name and name not in owners:
        name = name.rpartition(".")[0]
    return owners.get(name)


def find_suspects(failure: TrialFailure, owners: Mapping[str, str]) -> list[str]:
    """The packages that may be at fault: those it names, the owner of the missing module, those on the way to the
    failure, and the test runner.
    """
    modules = [
        failure.missing or "",
        *NOT_FOUND_PATTERN.findall(failure.text),
        *NAMED_MODULE_PATTERN.findall(failure.text),
    ]
    for path in reversed(failure.frames):
        if match := SITE_PACKAGES_PATTERN.search(path):
            modules.append(match[1].replace("/", "."))
    found = list(failure.packages)
    for module in [*modules, failure.runner]:
        owner = find_owner(module, owners)
        if owner and owner not in found:
            found.append(owner)
    return found


def find_losers(failure: TrialFailure, owners: Mapping[str, str]) -> set[str]:
    """The packages from which *failure* imports a name that they do not have."""
    return {owner for module in NAMED_MODULE_PATTERN.findall(failure.text) if (owner := find_owner(module, owners))}


def rank_candidates(
    failures: Mapping[str, TrialFailure],
    owners: Mapping[str, str],
    via: Mapping[str, Iterable[str]],
    moved: Collection[str] = (),
) -> list[tuple[str, int]]:
    """Packages to free with the number of failures that each explains, most first, shared requirements among them.

    Of packages that explain as many, one that has *moved* and lost a name thereby comes after those that use the name.
    """
    explains: dict[str, set[str]] = collections.defaultdict(set)
    rank: dict[str, int] = {}
    importers: dict[str, set[str]] = collections.defaultdict(set)
    for name, failure in failures.items():
        for position, package in enumerate(find_suspects(failure, owners)):
            explains[package].add(name)
            later = LOSER_RANK if package in moved and package in find_losers(failure, owners) else 0
            rank[package] = min(rank.get(package, 99), position + later)
            importers[package].add(name)
    for package, requirers in via.items():
        shared = [requirer for requirer in requirers if requirer in importers]
        if len(shared) > 1:
            explains[package] |= set().union(*(importers[requirer] for requirer in shared))
            rank.setdefault(package, 50)
    order = sorted(explains, key=lambda name: (-len(explains[name]), rank[name], name))
    return [(package, len(explains[package])) for package in order]


@dataclasses.dataclass(frozen=True)
class TriedLock:
    """A lock that was tried on the way to *minor*: for which packages and limits, and what it came to."""

    packages: PackageSet
    limits: tuple[VersionLimit, ...]
    minor: Minor
    platform: str
    found: StepLock
    outcome: TrialOutcome
    learned: tuple[LearnedConstraint, ...] = ()
    # What other locks came to, by what they were constrained to; None where there is no such lock.
    seen: dict[str, TrialOutcome | None] = dataclasses.field(default_factory=dict)
    # The failures that stayed with such a constraint while others, cured since, failed too.
    hopeless: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)

    def list_freed(self) -> set[str]:
        """The packages that this step's rehearsal has freed already."""
        return {limit.name for entry in self.learned for limit in select_limits([entry.to_row()], self.minor)}

    def read_pins(self) -> dict[str, str]:
        """Version by package of the lock."""
        return pins_of(self.found.text)

    def list_moved(self) -> set[str]:
        """The packages that are there before and have another version in the lock."""
        before = self.packages.pins
        return {name for name, version in self.read_pins().items() if before.get(name, version) != version}

    def list_hopeless(self) -> dict[str, frozenset[str]]:
        """The failures by constraint, as it is tried, that it did not cure."""
        found = dict(self.hopeless)
        for key, outcome in self.seen.items():
            failed = frozenset(self.outcome.failures if outcome is None else outcome.failures)
            found[key] = found.get(key, frozenset()) | failed
        return found


def build_key(constraints: Iterable[Mapping[str, str]]) -> str:
    """What stands for *constraints* that are tried together."""
    return "; ".join(" ".join(constraint.values()) for constraint in constraints)


def iterate_with_next(numbers: Iterable[int]) -> Iterator[tuple[int, int | None]]:
    """Each of *numbers*, with the one after it."""
    one, other = itertools.tee(numbers)
    next(other, None)
    return itertools.zip_longest(one, other)


class LocksAhead:
    """Makes the locks of a step; those of the next candidates in threads while others are tried."""

    def __init__(self, locker: StepLocker, count: int) -> None:
        """Without *count*, the number of threads, nothing is made before it is asked for."""
        self._locker = locker
        self._pool = concurrent.futures.ThreadPoolExecutor(count) if count else None
        self._begun: dict[tuple[Any, ...], concurrent.futures.Future[str]] = {}

    def prepare(self, constraints: Sequence[Mapping[str, str]], tried: TriedLock) -> None:
        """Begin to make the lock of *tried* with *constraints*."""
        key = self._build_key(constraints, tried)
        if self._pool and key not in self._begun and build_key(constraints) not in tried.seen:
            self._begun[key] = self._pool.submit(self._make, constraints, tried)

    def lock(self, constraints: Sequence[Mapping[str, str]], tried: TriedLock) -> str:
        """The lock's text when *constraints* hold, too. Raises NoLockError, MissingWheelsError."""
        begun = self._begun.get(self._build_key(constraints, tried))
        return begun.result() if begun else self._make(constraints, tried)

    @staticmethod
    def _build_key(constraints: Sequence[Mapping[str, str]], tried: TriedLock) -> tuple[Any, ...]:
        return tried.limits, tried.minor, tuple(sorted(tried.packages.pins.items())), build_key(constraints)

    def _make(self, constraints: Sequence[Mapping[str, str]], tried: TriedLock) -> str:
        limits = tried.limits + select_limits(constraints, tried.minor)
        return self._locker.lock(tried.packages, limits, tried.minor, tried.platform).text


class Rehearsal:
    """Rehearses steps on one host."""

    def __init__(
        self,
        locker: StepLocker,
        index: ReleaseIndex,
        attempts: TrialRunner,
        host: str,
        today: datetime.date,
        known: KnownUses = NOTHING_KNOWN,
        keeper: ConstraintKeeper | None = None,
        ahead: int = 0,
        later: VersionFinder | None = None,
    ) -> None:
        """*ahead* is how many locks of next candidates are made while one is tried.

        *later* names versions to try first where a failure shows what left Python.
        """
        self._later = later
        self._known = known
        self._keeper = keeper or NothingKept()
        self._ahead = LocksAhead(locker, ahead)
        self._locker = locker
        self._index = index
        self._attempts = attempts
        self._host = host
        self._today = today

    def rehearse_step(
        self, packages: PackageSet, constraints: Sequence[Mapping[str, Any]], minor: Minor, platform: str
    ) -> RehearsalResult:
        """Rehearse the step of *packages* to *minor*. A round tries everything, and cures what fails.

        Raises NoLockError, MissingWheelsError, and what attempts raise.
        """
        learned: list[LearnedConstraint] = []
        rounds = 0
        while True:
            rows = [*constraints, *self._keeper.read(), *(entry.to_row() for entry in learned)]
            limits = select_limits(rows, minor)
            found = self._locker.lock(packages, limits, minor, platform)
            tried = TriedLock(
                packages, limits, minor, platform, found, self._attempts.run_trial(found.text, None), tuple(learned)
            )
            rounds += 1
            freed = self._cure_failures(tried) if rounds < REHEARSAL_ROUNDS else []
            if not freed:
                return RehearsalResult(found, tuple(learned), rounds, tried.outcome.failures, tried.outcome.owners)
            learned += freed

    def _cure_failures(self, tried: TriedLock) -> list[LearnedConstraint]:
        """The constraints that cure the failures of *tried*, one after the other, each kept as soon as it is found.

        Only these failures are tried on the way: what else a constraint does, the next round tells.
        """
        found: list[LearnedConstraint] = []
        while tried.outcome.failures and len(found) < REHEARSAL_ROUNDS:
            freed = self._find_constraints(tried)
            if not freed:
                break
            self._keeper.keep(freed, tried.minor)
            found += freed
            tried = self._apply_constraints(tried, freed)
        return found

    def _apply_constraints(self, tried: TriedLock, freed: Sequence[LearnedConstraint]) -> TriedLock:
        """*tried* with what was *freed*, and what of its failures is left."""
        outcome = self._try_constraints([entry.to_order() for entry in freed], tried)
        if outcome is None:
            outcome = TrialOutcome({}, tried.outcome.owners)
        left = {name: failure for name, failure in outcome.failures.items() if name in tried.outcome.failures}
        limits = tried.limits + select_limits([entry.to_row() for entry in freed], tried.minor)
        return dataclasses.replace(
            tried,
            limits=limits,
            found=self._locker.lock(tried.packages, limits, tried.minor, tried.platform),
            outcome=dataclasses.replace(outcome, failures=left),
            learned=(*tried.learned, *freed),
            seen={},
            hopeless=tried.list_hopeless(),
        )

    def _find_constraints(self, tried: TriedLock) -> list[LearnedConstraint]:
        """The constraints on what to free. What costs more trials, or a module, is asked where nothing else helps."""
        nearest = self._find_best_cure(tried, CureSearch(0, False))
        if nearest:
            return [nearest]
        twins = self._find_twin_cure(tried)
        if twins:
            return twins
        found = (
            self._find_best_cure(tried, CureSearch(VERSIONS_BETWEEN, False))
            or self._find_best_cure(tried, CureSearch(VERSIONS_BETWEEN, True))
            or self._find_successor(tried)
            or self._find_replacement(tried)
        )
        return [found] if found else []

    def _find_twin_cure(self, tried: TriedLock) -> list[LearnedConstraint]:
        """Constraints on packages that load the same C library in builds that differ: all move, or all are built."""
        outcome, pins = tried.outcome, tried.read_pins()
        for failure in outcome.failures.values():
            twins = find_twins(failure.text, find_suspects(failure, outcome.owners), pins)
            if twins is None:
                continue
            versions = {name: self._list_other_versions(name, tried) for name in twins.packages}
            sources = []
            for name in twins.packages:
                release = self._index.find_release(name, pins[name], tried.minor, tried.platform)
                if release and release.source:
                    sources.append(name)
            for rows in iterate_twin_orders(twins, versions, sources):
                cured = self._find_cured_by(rows, tried, CureSearch(0, False))
                about = [name for name in outcome.failures if name in cured]
                if about:
                    return [self._build_twin_constraint(twins, row, about, tried) for row in rows]
        return []

    def _build_twin_constraint(
        self, twins: Twins, row: Mapping[str, str], about: Sequence[str], tried: TriedLock
    ) -> LearnedConstraint:
        pins = tried.read_pins()
        (limit,) = select_limits([row], tried.minor)
        learned = self._build_constraint(limit.name, row["requirement"], about, tried)
        names = " and ".join(f"{name} {pins[name]}" for name in twins.packages)
        how = "are built alike" if row.get("build") else "move together"
        said = tried.outcome.failures[about[0]].normalize_text()[-300:]
        return dataclasses.replace(
            learned,
            reason=f"{names} load different builds of {twins.library}, so they {how}: {said}",
            build=row.get("build", ""),
        )

    def _find_best_cure(self, tried: TriedLock, search: CureSearch) -> LearnedConstraint | None:
        """The package whose nearest other version cures most failures; of equals, the one with the fewest moves."""
        best: tuple[tuple[int, int, int, int], LearnedConstraint] | None = None
        outcome = tried.outcome
        required_by = tried.found.after.required_by
        ranked = rank_candidates(outcome.failures, outcome.owners, required_by, tried.list_moved())
        ranked = self._known.rank_candidates(ranked, tried.read_pins(), tried.minor)
        for order, (package, explained) in enumerate(ranked[:MAXIMUM_CANDIDATES]):
            if best and -best[0][0] >= explained and best[0][1] <= 1:
                # Who explains less cannot cure more, and nothing moves fewer packages than one.
                break
            cure = self._find_cure(package, tried, search)
            if cure is None:
                continue
            requirement, cured, moves, distance = cure
            about = [name for name in outcome.failures if name in cured]
            score = (-len(cured), moves, distance, order)
            if best is None or score < best[0]:
                best = (score, self._build_constraint(package, requirement, about, tried))
        return best[1] if best else None

    def _find_successor(self, tried: TriedLock) -> LearnedConstraint | None:
        """The package that takes the place of a dead one with the same modules, if no version of any package helps."""
        outcome = tried.outcome
        ranked = rank_candidates(outcome.failures, outcome.owners, tried.found.after.required_by)
        for package, _explained in ranked[:MAXIMUM_CANDIDATES]:
            row = load_retired_packages().get(package)
            if row is None or row.since or not row.same or package not in tried.packages.pins:
                continue
            order = {"requirement": package, "replaced_by": row.successor}
            cured = self._find_cured_failures(order, tried, CureSearch(0, False))
            if cured:
                about = [name for name in outcome.failures if name in cured]
                learned = self._build_constraint(package, package, about, tried)
                return dataclasses.replace(learned, replaced_by=row.successor)
        return None

    def _find_replacement(self, tried: TriedLock) -> LearnedConstraint | None:
        """The package that replaces a missing module of the standard library, if no version of any package helps."""
        failures = tried.outcome.failures
        missed: set[str] = set()
        for failure in failures.values():
            names = [failure.missing or "", *NOT_FOUND_PATTERN.findall(failure.text)]
            missed.update(name.split(".")[0] for name in names)
        for module, package in sorted(load_replacements().items()):
            if module not in missed or package in tried.read_pins():
                continue
            self._index.load([package])
            if not self._index.list_releases(package, tried.minor, tried.platform):
                continue
            cured = self._find_cured_failures({"requirement": package, "install": "true"}, tried, CureSearch(0, False))
            if cured:
                about = [name for name in failures if name in cured]
                learned = self._build_constraint(package, package, about, tried)
                return dataclasses.replace(
                    learned,
                    install="true",
                    reason=f"gives back the module {module}, without which {about[0]} is not imported",
                )
        return None

    def _build_constraint(
        self, package: str, requirement: str, about: Sequence[str], tried: TriedLock
    ) -> LearnedConstraint:
        failure = tried.outcome.failures[about[0]]
        python = format_minor(tried.minor)
        others = f" and {len(about) - 1} more" if len(about) > 1 else ""
        pins = tried.read_pins()
        broken = f"{package} {pins.get(package, 'its absence')} breaks {about[0]}{others}"
        user = find_broken_user(failure.frames, tried.outcome.owners, pins)
        why = explain_failure(failure.text, tried.minor, user, None)
        reason = f"{broken} on Python {python}: {failure.normalize_text()[-300:]}{f' ({why})' if why else ''}"
        return LearnedConstraint(
            requirement, f">={python}", reason, failure.kind, self._today.isoformat(), self._host, failure.text[-1000:]
        )

    def _find_cure(self, package: str, tried: TriedLock, search: CureSearch) -> tuple[str, set[str], int, int] | None:
        """The nearest version of *package* that cures: requirement, cured failures, packages that move, distance."""
        requirements = self._list_other_versions(package, tried)
        trials: dict[int, set[str]] = {}

        def cured_by(number: int) -> set[str]:
            if number not in trials:
                trials[number] = self._find_cured_failures({"requirement": requirements[number]}, tried, search)
            return trials[number]

        # A package that was freed before and is at fault again is not freed by one version again and again.
        wanted = self._count_most_cured(requirements, cured_by) if package in tried.list_freed() else 1
        likely = self._list_likely_positions(package, requirements, tried)
        positions = itertools.chain(likely, iterate_positions(len(requirements), search.between))
        rows = {number: [{"requirement": requirements[number]}] for number in range(len(requirements))}
        position = None
        for number, following in iterate_with_next(positions):
            if following is not None:
                self._ahead.prepare(rows[following], tried)
            if len(cured_by(number)) >= wanted:
                position = number
                break
        if position is None:
            return None
        low, high = max([number for number in trials if number < position], default=-1) + 1, position
        if position in likely and low < high:
            # Where it was named rightly, the one before it does not cure.
            low, high = (low, high - 1) if len(cured_by(high - 1)) >= len(cured_by(high)) else (high, high)
        while low < high:
            middle = (low + high) // 2
            if len(cured_by(middle)) >= len(cured_by(position)):
                high = middle
            else:
                low = middle + 1
        now, then = tried.read_pins(), pins_of(self._lock_with_constraint({"requirement": requirements[high]}, tried))
        return requirements[high], cured_by(high), sum(now.get(name) != then.get(name) for name in {*now, *then}), high

    def _list_likely_positions(self, package: str, requirements: Sequence[str], tried: TriedLock) -> list[int]:
        """The positions in *requirements* of versions that are known not to use what left Python and is missed."""
        pins, outcome = tried.read_pins(), tried.outcome
        named = [self._known.clean.get(package)]
        uses: list[RemovedUse] = []
        for failure in outcome.failures.values():
            user = find_broken_user(failure.frames, outcome.owners, pins)
            change = find_removal(failure.text, tried.minor)
            if self._later and user and change and user.package == package:
                use = RemovedUse(change.name, user.path)
                if use not in uses:
                    uses.append(use)
                    named.append(self._later(package, user.version, use, tried.minor, tried.platform))
        wanted = [f"{package}>={version}" for version in named if version]
        found = [requirements.index(text) for text in dict.fromkeys(wanted) if text in requirements]
        # The last of them lacks every use, and may cure all failures.
        return sorted(set(found), reverse=True)

    @staticmethod
    def _count_most_cured(requirements: Sequence[str], cured_by: Callable[[int], set[str]]) -> int:
        """The most failures that a version at doubling strides cures, the last version among them; at least one."""
        return max([1, *(len(cured_by(number)) for number in iterate_positions(len(requirements), 0))])

    def _list_other_versions(self, package: str, tried: TriedLock) -> list[str]:
        """Requirements for other versions of *package*, nearest first: later ones; earlier ones too if it is new."""
        now, before = tried.read_pins().get(package), tried.packages.pins
        if now is None:
            return [f"{package}>={before[package]}"] if package in before else []
        usable = []
        for entry in self._index.list_releases(package, tried.minor, tried.platform):
            if (entry.wheel or entry.source) and not entry.excluded and entry.is_stable():
                usable.append(entry.version)
        later = [f"{package}>={version}" for version in usable if Version(version) > Version(now)]
        if package in before:
            return later
        return [f"{package}<={version}" for version in reversed(usable) if Version(version) < Version(now)]

    def _lock_with_constraint(self, constraint: Mapping[str, str], tried: TriedLock) -> str:
        """The lock's text when *constraint* holds, too. Raises NoLockError, MissingWheelsError."""
        return self._ahead.lock([constraint], tried)

    def _find_cured_failures(self, constraint: Mapping[str, str], tried: TriedLock, search: CureSearch) -> set[str]:
        return self._find_cured_by([constraint], tried, search)

    def _find_cured_by(
        self, constraints: Sequence[Mapping[str, str]], tried: TriedLock, search: CureSearch
    ) -> set[str]:
        """The failures that *constraints*, together, cure."""
        failures = tried.outcome.failures
        if tried.hopeless.get(build_key(constraints), frozenset()).issuperset(failures):
            return set()
        outcome = self._try_constraints(constraints, tried)
        if outcome is None:
            return set()
        without = search.without
        return {name for name in failures if name not in outcome.failures and (without or name not in outcome.gone)}

    def _try_constraints(self, constraints: Sequence[Mapping[str, str]], tried: TriedLock) -> TrialOutcome | None:
        """What the failures of *tried* come to when *constraints* hold, too; None without such a lock."""
        key = build_key(constraints)
        if key not in tried.seen:
            tried.seen[key] = None
            with contextlib.suppress(NoLockError, MissingWheelsError):
                lock = self._ahead.lock(constraints, tried)
                tried.seen[key] = self._attempts.run_trial(lock, sorted(tried.outcome.failures))
        return tried.seen[key]
