# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the lock of one step: keeps what may stay, builds what has no wheel, and frees as little as possible."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import format_left_out
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import WheelBuildError
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RemoteBuildError, RequiredWheel
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import is_python_allowed
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    ResolutionError,
    ResolutionRequest,
    ResolvedLock,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._versions import is_same_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._build_search import BuildQuestion, BuildSearch
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._conflicts import (
    MAXIMUM_TRIES,
    explain_conflict,
    find_mentioned_names,
    list_reliefs,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._departures import apply_departures
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._drafts import (
    BoundedDraft,
    LockResolver,
    ReleaseIndex,
    StepDraft,
    WheelProvider,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import (
    MissingWheelsError,
    NoLockError,
    UncopiedPackagesError,
    UnpublishedPackagesError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import (
    MoveReason,
    PackageBlockedError,
    VersionBound,
    VersionLimit,
    find_unrequired_packages,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import (
    PackageSet,
    StepLock,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._retired import (
    build_leaving_reason,
    describe_remedies,
    list_dispensable_packages,
    list_superfluous_packages,
    predict_leaving,
)

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.version import Version

LOCKING_ROUNDS = 12


class StepLocker:
    """Locks steps; safe to use from several threads as its parts are."""

    def __init__(
        self, resolver: LockResolver, index: ReleaseIndex, builder: WheelProvider, search: BuildSearch | None = None
    ) -> None:
        self._search = search or BuildSearch()
        self._resolver = resolver
        self._index = index
        self._builder = builder

    def has_version(self, name: str, version: str) -> bool:
        """Whether the operator's own sources have that version of *name*. Raises IndexUnavailableError."""
        return self._index.has_version(name, version)

    def has_variant(self, name: str, version: str) -> bool:
        """As `has_version`, for that version or a later one with the same kind of local label."""
        return self._index.has_variant(name, version)

    def lock(self, packages: PackageSet, limits: tuple[VersionLimit, ...], minor: Minor, platform: str) -> StepLock:
        """The lock of *packages* for *minor* on *platform* within *limits*, with the fewest and smallest moves.

        Raises NoLockError, MissingWheelsError, UnpublishedPackagesError, UncopiedPackagesError, IndexUnavailableError.
        """
        departed = apply_departures(packages, limits)
        found = self._lock_remaining(departed.packages, departed.limits, minor, platform, departed.excluded)
        return dataclasses.replace(
            found,
            text=format_left_out(departed.excluded) + found.text,
            reasons={**found.reasons, **departed.reasons},
        )

    def _lock_remaining(
        self,
        packages: PackageSet,
        limits: tuple[VersionLimit, ...],
        minor: Minor,
        platform: str,
        excluded: frozenset[str],
    ) -> StepLock:
        # A package of a constraint is wanted even if no package requires it.
        packages = dataclasses.replace(
            packages, roots=packages.roots | {limit.name for limit in limits if limit.name in packages.pins}
        )
        self._index.load([*packages.pins, *(limit.name for limit in limits)])
        draft = StepDraft(
            dict(packages.pins),
            limits,
            minor,
            platform,
            copies=packages.copies,
            excluded=excluded,
            copyable=packages.copyable,
            extras=packages.extras,
            incidental=packages.incidental,
        )
        loose = list_superfluous_packages(packages, limits, minor)
        try:
            asked, lock, gone = self._settle_remaining(packages, draft, loose)
        except NoLockError as error:
            # What nothing wants, and blocks, is tried without.
            blocking = frozenset(error.packages) & list_dispensable_packages(packages, limits, minor) - loose
            if not blocking:
                raise
            loose |= blocking
            asked, lock, gone = self._settle_remaining(packages, draft, loose)
        reasons = {name: build_leaving_reason(name, minor) for name in gone & loose}
        return self._build_step_lock(packages, asked, lock, gone, reasons, limits, minor, platform)

    def _settle_remaining(
        self, packages: PackageSet, draft: StepDraft, loose: frozenset[str]
    ) -> tuple[BoundedDraft, ResolvedLock, set[str]]:
        """The lock of *draft* without the packages that leave, and their names; none of them is built before.

        *loose* packages stay only where others require them.
        """
        architecture = draft.platform.partition("-")[0]
        leaving = predict_leaving(packages, loose, draft.minor, architecture)
        staying: set[str] = set()
        while True:
            asked, lock = self._settle_without(leaving, draft)
            held = packages.select_held(lock.pins, draft.minor, architecture) - loose
            # A package that is wanted after all does not leave again.
            back = {name for name in leaving if name in held or name in lock.packages}
            staying |= back
            requirers = {name: set(who) for name, who in lock.requirers.items()}
            gone = set() if back else find_unrequired_packages(packages.pins, staying | held, requirers)
            if not back and not gone:
                return asked, lock, leaving
            leaving = (leaving - back) | gone

    def _settle_without(self, leaving: Collection[str], draft: StepDraft) -> tuple[BoundedDraft, ResolvedLock]:
        """The lock of *draft* without the packages *leaving*. Raises NoLockError, UnpublishedPackagesError."""
        kept = {name: version for name, version in draft.packages.items() if name not in leaving}
        sought = sorted(set(kept) - set(draft.copies))
        unknown = [name for name in sought if not self._index.list_releases(name, draft.minor, draft.platform)]
        if unknown:
            raise UnpublishedPackagesError(unknown)
        return self._settle_draft(dataclasses.replace(draft, packages=kept))

    def _build_step_lock(
        self,
        packages: PackageSet,
        asked: BoundedDraft,
        lock: ResolvedLock,
        gone: set[str],
        known: Mapping[str, MoveReason],
        limits: Sequence[VersionLimit],
        minor: Minor,
        platform: str,
    ) -> StepLock:
        pins = lock.pins
        reasons = {}
        for name, version in pins.items():
            if is_same_version(packages.pins.get(name), version):
                continue
            release = self._index.find_release(name, version, minor, platform)
            published = release.published if release else None
            own = asked.bounds[name].reason if name in asked.bounds else None
            wanted = next((limit for limit in limits if limit.install and limit.name == name), None)
            if own is None and wanted and name not in packages.pins:
                own = MoveReason(wanted.evidence, f"constraint {wanted.requirement}: {wanted.reason}", wanted.date)
            if own is None:
                who = ", ".join(sorted(lock.requirers[name])) or "another package"
                own = MoveReason(
                    "dependency", f"{'now' if name not in packages.pins else 'a later version is'} required by {who}"
                )
            reasons[name] = MoveReason(own.evidence, own.text, own.date or published)
        for name in gone:
            who = ", ".join(sorted(packages.required_by.get(name, ())))
            reasons[name] = known.get(name) or MoveReason(
                "not-required", f"was required by {who} only, and is not any more", None
            )
        doubts = {}
        for name, entry in asked.bounds.items():
            if entry.excluded and is_same_version(pins.get(name), entry.lowest):
                doubts[name] = entry.excluded
        copied = {name: packages.copies[name] for name in asked.copied if name in pins}
        kept = {}
        for name, (wheel, _digest) in asked.wheels.items():
            copy = packages.copies.get(name)
            if copy and name not in copied and (copy.wheel, copy.version) == (wheel, pins.get(name)):
                kept[name] = copy
        taken = {**copied, **kept}
        built = tuple(sorted(name for name in asked.wheels if name in pins and name not in taken))
        after = packages.apply_lock(lock, minor, platform)
        needed = {name: self._builder.list_libraries(asked.wheels[name][0]) for name in built}
        libraries = {name: names for name, names in needed.items() if names}
        return StepLock(lock.text, after, reasons, built, doubts, tuple(sorted(copied)), tuple(sorted(kept)), libraries)

    def _settle_draft(self, draft: StepDraft) -> tuple[BoundedDraft, ResolvedLock]:
        """The lock of *draft*, freed where it must be; what newcomers exclude the Python is barred."""
        for _round in range(LOCKING_ROUNDS):
            draft, asked, lock = self._resolve_draft(draft)
            names = [name for name in lock.packages if name not in draft.packages]
            self._index.load(names)
            pins = lock.pins
            barred = set()
            for name in names:
                release = self._index.find_release(name, pins[name], draft.minor, draft.platform)
                if release and release.excluded:
                    releases = self._index.list_releases(name, draft.minor, draft.platform)
                    barred |= {f"{name}!={entry.version}" for entry in releases if entry.excluded}
            if barred <= draft.barred:
                return asked, lock
            draft = dataclasses.replace(draft, barred=draft.barred | barred)
        raise NoLockError(
            "unresolvable",
            f"newly required packages exclude this Python in {LOCKING_ROUNDS} rounds of choosing others; "
            "constrain them",
        )

    def _resolve_draft(self, draft: StepDraft) -> tuple[StepDraft, BoundedDraft, ResolvedLock]:
        asked = self._bound_draft(draft)
        try:
            return draft, asked, self._resolver.lock(asked.question)
        except ResolutionError as error:
            first = error
        if draft.incidental:
            return self._resolve_draft(draft.without_incidental(find_mentioned_names(str(first), draft.incidental)))
        tried = 0
        for relief in list_reliefs(self._index, draft, asked, str(first)):
            tried += 1
            if tried > MAXIMUM_TRIES:
                break
            try:
                asked = self._bound_draft(relief)
                return relief, asked, self._resolver.lock(asked.question)
            except (ResolutionError, NoLockError):
                continue
        asked = self._bound_draft(draft)
        mentioned = find_mentioned_names(str(first), asked.bounds)
        texts = [explain_conflict(self._resolver, draft, asked, first), describe_remedies(mentioned, draft.minor)]
        raise NoLockError("unresolvable", "; ".join(filter(None, texts)), mentioned)

    def _find_bounds(self, draft: StepDraft, wheels: dict[str, tuple[str, str]]) -> dict[str, VersionBound]:
        """From where each package of *draft* may be taken on; wheels that were built or copied are added to *wheels*.

        Raises NoLockError, MissingWheelsError, UncopiedPackagesError for all packages at once.
        """
        bounds: dict[str, VersionBound] = {}
        elsewhere: list[RemoteBuildError] = []
        problems: dict[str, NoLockError] = {}
        uncopied: list[str] = []
        for name, version in sorted(draft.packages.items()):
            try:
                bounds[name] = self._find_bound(name, version, draft, wheels)
            except PackageBlockedError as error:
                problems[name] = NoLockError("package-blocked", str(error))
            except WheelBuildError as error:
                advice = "provide what it lacks, or put a wheel into a folder of oxzep7_find_links"
                problems[name] = NoLockError("package-not-built", f"{error}; {advice}")
            except RemoteBuildError as error:
                elsewhere.append(error)
            except UncopiedPackagesError as error:
                uncopied += error.names
        if problems:
            texts = [*map(str, problems.values()), describe_remedies(problems, draft.minor)]
            first = next(iter(problems.values()))
            raise NoLockError(first.key, "; ".join(filter(None, texts)), tuple(problems))
        if elsewhere:
            raise MissingWheelsError(elsewhere)
        if uncopied:
            raise UncopiedPackagesError(uncopied)
        return bounds

    def _bound_draft(self, draft: StepDraft) -> BoundedDraft:
        wheels: dict[str, tuple[str, str]] = {}
        bounds = self._find_bounds(draft, wheels)
        for name in draft.newcomers:
            wheels[name] = self._build_newcomer(name, draft)
        copied = set()
        for name in bounds:
            copy = draft.find_copy(name)
            if copy and (copy.own or not self._index.list_releases(name, draft.minor, draft.platform)):
                wheels[name] = (copy.wheel, copy.sha256)
                copied.add(name)
        limits = {limit.requirement for limit in draft.limits}
        barred = {f"{entry.name}!={version}" for entry in bounds.values() for version in entry.barred}
        alone = frozenset(copied) | self._find_exact(bounds.values(), draft)
        asked = sorted(
            [draft.format_requirement(entry, name in alone) for name, entry in bounds.items()]
            + self._list_install_requirements(draft, wheels)
        )
        question = ResolutionRequest(
            tuple(asked),
            draft.minor,
            draft.platform,
            tuple(sorted(limits | barred | draft.barred)),
            tuple(sorted(wheels.values())),
            tuple(sorted(draft.excluded)),
        )
        return BoundedDraft(bounds, wheels, question, frozenset(copied), alone)

    def _find_exact(self, bounds: Iterable[VersionBound], draft: StepDraft) -> frozenset[str]:
        """The packages of *bounds* of which a resolver would take another version if that were allowed.

        It takes a version that was yanked only where nothing else is asked for, and prefers what is neither a
        prerelease nor a variant of a version.
        """
        found = set()
        for entry in bounds:
            release = self._index.find_release(entry.name, entry.lowest, draft.minor, draft.platform)
            lowest = Version(entry.lowest)
            if lowest.local or lowest.is_prerelease or (release and release.yanked):
                found.add(entry.name)
        return frozenset(found)

    def _list_install_requirements(self, draft: StepDraft, wheels: dict[str, tuple[str, str]]) -> list[str]:
        """Requirements for what a constraint wants although nothing has it: its newest version within the limits.

        One without any wheel is built, and added to *wheels*.
        """
        found = []
        for name in {limit.name for limit in draft.limits if limit.install and limit.name not in draft.packages}:
            own = [limit for limit in draft.limits if limit.name == name]
            exact = any("==" in limit.requirement for limit in own)
            admitted = []
            for entry in self._index.list_releases(name, draft.minor, draft.platform):
                stable = entry.is_stable() or exact
                if stable and not entry.excluded and all(limit.admits(entry.version) for limit in own):
                    admitted.append(entry)
            usable = [entry.version for entry in admitted if entry.wheel]
            sources = [entry.version for entry in admitted if entry.source]
            if not usable and sources:
                wheels[name] = self._build_wanted(name, sources[-1], draft)
                usable = sources
            if not usable:
                raise NoLockError(
                    "package-blocked",
                    f"a constraint wants {name}, and no source has a version of it for this Python that fits "
                    f"{', '.join(limit.requirement for limit in own)}; correct the constraint, or put a wheel into a "
                    "folder of oxzep7_find_links",
                )
            found.append(f"{name}>={usable[-1]}")
        return found

    def _find_bound(
        self, name: str, version: str, draft: StepDraft, wheels: dict[str, tuple[str, str]]
    ) -> VersionBound:
        copy = draft.find_copy(name)
        releases = self._index.list_releases(name, draft.minor, draft.platform)
        if copy and (copy.own or not releases):
            return VersionBound(
                name,
                version,
                version,
                False,
                None,
                (),
                None if is_python_allowed(copy.requires_python, draft.minor) else copy.requires_python,
            )

        forced = draft.is_built(name)

        def build(version: str) -> None:
            if forced:
                wheels[name] = self._build_wheel(name, version, draft)
            elif copy and not copy.modified and copy.version == version:
                wheels[name] = (copy.wheel, copy.sha256)
            elif version == draft.packages[name] and name in draft.copyable:
                raise UncopiedPackagesError([name])
            else:
                wheels[name] = self._build_wheel(name, version, draft)

        question = BuildQuestion(
            name,
            version,
            releases,
            draft.limits,
            draft.minor,
            draft.platform,
            draft.built_from.get(name) or (version if forced else None),
        )
        return self._search.find_version(question, build)

    def _build_wheel(self, name: str, version: str, draft: StepDraft) -> tuple[str, str]:
        release = self._index.find_release(name, version, draft.minor, draft.platform)
        if release is None or release.source is None:
            raise WheelBuildError(f"{name} {version} has no source to build from")
        return self._builder.get_wheel(RequiredWheel(name, version, release.source, draft.minor, draft.platform))

    def _build_newcomer(self, name: str, draft: StepDraft) -> tuple[str, str]:
        releases = self._index.list_releases(name, draft.minor, draft.platform)
        usable = [entry.version for entry in releases if entry.source and not entry.excluded and not entry.yanked]
        if not usable:
            raise NoLockError(
                "package-blocked", f"{name} is required now, and has neither a wheel nor a source for this Python"
            )
        return self._build_wanted(name, usable[-1], draft)

    def _build_wanted(self, name: str, version: str, draft: StepDraft) -> tuple[str, str]:
        """As `_build_wheel`, for a package that is not there yet. Raises NoLockError, MissingWheelsError."""
        try:
            return self._build_wheel(name, version, draft)
        except WheelBuildError as error:
            raise NoLockError("package-not-built", str(error)) from None
        except RemoteBuildError as error:
            raise MissingWheelsError([error]) from None
