# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of an application, from its version to the target."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import expect, track
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._once import OnceCache
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import ResolvedLock, find_uv_platform
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._versions import is_same_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._demands import (
    Goal,
    collect_constraints,
    get_own_target,
    get_stay,
    list_step_minors,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import DATA_ERRORS, NoLockError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost, build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import (
    MoveReason,
    VersionLimit,
    classify_move,
    select_limits,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageSet
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._retired import list_retired_uses

# What planning reads of a package.
PACKAGE_KEYS = ("name", "version", "requires", "requested")


def hash_parts(*parts: Any) -> str:
    """Sixteen hexadecimal digits that stand for *parts*."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def list_package_changes(
    before: Mapping[str, str], after: Mapping[str, str], reasons: Mapping[str, MoveReason]
) -> list[dict[str, Any]]:
    """A row for each package that differs *after* from *before*, with the move, its reason, evidence and date."""
    changes = []
    for name in sorted({*before, *after}):
        if not is_same_version(before.get(name), after.get(name)):
            changes.append(
                {
                    "package": name,
                    "from": before.get(name),
                    "to": after.get(name),
                    "move": classify_move(before.get(name), after.get(name)),
                    "evidence": reasons[name].evidence,
                    "reason": reasons[name].text,
                    "date": reasons[name].date,
                }
            )
    return changes


def collect_earlier_steps(
    document: Mapping[str, Any], lock: Callable[[str], str | None]
) -> dict[str, tuple[dict[str, Any], str]]:
    """The steps of an earlier plan's *document*, with the text that *lock* gives for an identifier.

    Each step is there twice: by everything that it was asked with, and by its start alone, which a host half-way knows.
    """
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for part in document.get("hosts", {}).values():
        for application in part.get("applications", []):
            for step in application.get("steps", []):
                asked, text = step.get("asked"), None if step.get("asked") in found else lock(step["lock"])
                if asked and text is not None and hashlib.sha256(text.encode("utf-8")).hexdigest() == step["lock"]:
                    found[asked] = found[step["start"]] = (
                        {key: value for key, value in step.items() if key not in ("from", "interpreter")},
                        text,
                    )
    return found


@dataclasses.dataclass(frozen=True)
class StepChain:
    """The steps of an application up to the first that cannot be planned, which has the ``problem``, if one has."""

    steps: Sequence[Mapping[str, Any]]
    problem: Exception | None = None


class StepPlanner:
    """Finds the steps of applications, equal ones once. ``locks`` are the texts of all locks by identifier."""

    def __init__(
        self,
        goal: Goal,
        today: datetime.date,
        locker: StepLocker,
        advisories: Advisories | None,
        fix: bool,
        earlier: Mapping[str, tuple[dict[str, Any], str]],
        reviewed: bool,
        copying: bool = False,
    ) -> None:
        self._goal = goal
        self._today = today
        self._locker = locker
        self._advisories = advisories
        self._fix = fix
        self._earlier = earlier
        self._reviewed = reviewed
        self._copying = copying
        self._chains: OnceCache[StepChain] = OnceCache()
        self.locks: dict[str, str] = {}

    def list_minors(self, application: Mapping[str, Any]) -> list[Minor]:
        """The minors that *application* visits; none where it stays. Raises UnknownVersionError."""
        if get_stay(application):
            return []
        return list_step_minors(application["environment"]["python"], self.find_goal(application))

    def find_goal(self, application: Mapping[str, Any]) -> Goal:
        """The version that *application* goes to: its own target, or that of the run. Raises UnknownVersionError."""
        own = get_own_target(application)
        return Goal.from_target(own, self._today) if own else self._goal

    def select_advisories(self, application: Mapping[str, Any]) -> Advisories | None:
        """The advisories that move packages of *application*, if any do."""
        return self._advisories if self._fix or application.get("goal") == "security" else None

    def list_moves(self, application: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The versions before and after each step of *application*. Raises UnknownVersionError."""
        python = application["environment"]["python"]
        current, _patch_number = _lifecycle.parse_version(python)
        minors = self.list_minors(application)
        if minors == [current]:
            # Within one minor only the patch differs.
            return [(python, f"{format_minor(current)}.{self.find_goal(application).patch}")]
        return list(itertools.pairwise(map(format_minor, [current, *minors])))

    def plan_steps(self, host: PlannedHost, application: Mapping[str, Any]) -> StepChain:
        """The steps of *application* without interpreters, found once for equal packages, constraints and platforms."""
        environment = application["environment"]
        current, _patch_number = _lifecycle.parse_version(environment["python"])
        moves = self.list_moves(application)
        if not moves:
            return StepChain([])
        platform = find_uv_platform(str(host.facts["architecture"]), host.facts["libc"])
        advisories = self.select_advisories(application)
        unique = json.dumps(
            [
                [{key: package.get(key) for key in PACKAGE_KEYS} for package in environment["packages"]],
                sorted(application.get("wanted") or ()),
                application.get("imported"),
                application.get("extras") or {},
                application.get("copies") or {},
                moves,
                platform,
                [dict(entry) for entry in host.constraints],
                advisories is not None,
            ],
            sort_keys=True,
            default=str,
        )
        return self._chains.get(
            hashlib.sha256(unique.encode()).hexdigest(),
            lambda: self._plan_chain(
                build_package_set(
                    environment,
                    set(application.get("wanted") or ()),
                    current,
                    str(host.facts["architecture"]),
                    application.get("copies") or {},
                    application.get("imported"),
                    self._copying,
                    application.get("extras") or {},
                ),
                moves,
                platform,
                host.constraints,
                advisories,
            ),
        )

    def _plan_chain(
        self,
        packages: PackageSet,
        moves: Sequence[tuple[str, str]],
        platform: str,
        constraints: Sequence[Mapping[str, Any]],
        advisories: Advisories | None,
    ) -> StepChain:
        steps: list[dict[str, Any]] = []
        expect("steps resolved", len(moves))
        for before, after in moves:
            minor = _lifecycle.parse_version(after)[0]
            try:
                limits = select_limits(collect_constraints(packages, constraints, advisories), minor)
                with track("steps resolved", f"{len(packages.pins)} packages for Python {format_minor(minor)}"):
                    step, text = self._plan_step(packages, limits, minor, platform)
            except NoLockError as error:
                why = f"no lock for the step from Python {before} to {format_minor(minor)}: {error}"
                return StepChain(steps, NoLockError(error.key, why, error.packages))
            except DATA_ERRORS as error:
                return StepChain(steps, error)
            self.locks[step["lock"]] = text
            steps.append({"from": before, **step, "to": after})
            packages = packages.apply_lock(ResolvedLock.parse(text), minor, platform)
        return StepChain(steps)

    def _plan_step(
        self, packages: PackageSet, limits: tuple[VersionLimit, ...], minor: Minor, platform: str
    ) -> tuple[dict[str, Any], str]:
        """The step to *minor* and the text of its lock: those of an earlier plan, if it was asked the same."""
        start = hash_parts(
            sorted(packages.pins.items()),
            limits,
            minor,
            platform,
            sorted((name, copy.sha256) for name, copy in packages.copies.items()),
        )
        asked = hash_parts(
            start,
            sorted((name, sorted(who)) for name, who in packages.required_by.items()),
            sorted(packages.roots),
            sorted(packages.added),
            sorted((name, sorted(extras)) for name, extras in packages.extras.items()),
            *list_retired_uses(packages),
        )
        if asked in self._earlier or (self._reviewed and start in self._earlier):
            return self._earlier[asked if asked in self._earlier else start]
        release = _lifecycle.load_releases()[minor]
        found = self._locker.lock(packages, limits, minor, platform)
        return {
            "to": format_minor(minor),
            "lock": hashlib.sha256(found.text.encode("utf-8")).hexdigest(),
            "packages": len(found.after.pins),
            "changes": list_package_changes(packages.pins, found.after.pins, found.reasons),
            "built": list(found.built),
            "copied": list(found.copied),
            **({"kept": list(found.kept)} if found.kept else {}),
            **({"libraries": dict(found.libraries)} if found.libraries else {}),
            "doubts": dict(found.doubts),
            "asked": asked,
            "start": start,
            "end_of_life": release.end_of_life.isoformat(),
            "newest_patch": f"{format_minor(minor)}.{release.newest_patch}",
        }, found.text
