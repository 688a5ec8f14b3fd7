# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conflicts between the packages of a step: what may relieve one, and what it comes from."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import ResolutionError, ResolvedLock
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._drafts import (
    BoundedDraft,
    LockResolver,
    ReleaseIndex,
    StepDraft,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import VersionBound, VersionLimit

# Beyond, a person is quicker: each try is one resolution.
MAXIMUM_TRIES = 40
# How uv names a package without wheels.
WHEELLESS_PATTERN = re.compile(
    r"(?:Because|and|that) `?([A-Za-z0-9][\w.-]*?)`?(?:[=<>!~]\S*)? has no (?:usable )?wheels"
)
WORD_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]|[A-Za-z0-9]")


def find_mentioned_names(text: str, names: Iterable[str]) -> list[str]:
    """Those of *names* that *text* speaks of, in its order."""
    known = set(names)
    found = []
    for word in WORD_PATTERN.findall(text):
        name = normalize_name(re.split(r"==", word)[0])
        if name in known and name not in found:
            found.append(name)
    return found


def list_reliefs(index: ReleaseIndex, draft: StepDraft, asked: BoundedDraft, complaint: str) -> Iterable[StepDraft]:
    """Drafts that free one, two or all of the packages that *complaint* speaks of, the smallest sets first."""
    options: dict[str, str] = {}
    for name in find_mentioned_names(complaint, asked.bounds):
        entry = asked.bounds[name]
        releases = index.list_releases(name, draft.minor, draft.platform)
        sources = [release.version for release in releases if release.source and not release.excluded]
        if entry.reason and entry.reason.evidence == "no-wheel" and entry.current in sources:
            options[name] = entry.current
        elif entry.build and entry.lowest in sources[:-1]:
            options[name] = sources[sources.index(entry.lowest) + 1]
    mentioned = find_mentioned_names(complaint, _find_new_packages(complaint, asked))
    exact = [asked.bounds[name] for name in find_mentioned_names(complaint, asked.alone - asked.copied)]
    if exact:
        why = "other packages need a later version"
        limits = [VersionLimit(one.name, f"{one.name}!={one.lowest}", why, "dependency", None) for one in exact]
        yield dataclasses.replace(draft, limits=(*draft.limits, *limits))
    strangers = [name for name in mentioned if name not in draft.newcomers]
    if strangers:
        yield dataclasses.replace(draft, newcomers=draft.newcomers | set(strangers))
    sizes: list[Iterable[tuple[str, ...]]] = [
        itertools.combinations(options, 1),
        itertools.combinations(options, 2),
    ]
    for chosen in itertools.chain(*sizes, [tuple(options)] if len(options) > 2 else []):
        yield dataclasses.replace(draft, built_from={**draft.built_from, **{name: options[name] for name in chosen}})


def _find_new_packages(complaint: str, asked: BoundedDraft) -> list[str]:
    """New packages that have no wheel, as *complaint* names them."""
    names = [normalize_name(name) for name in WHEELLESS_PATTERN.findall(complaint)]
    return [name for name in names if name not in asked.bounds]


def explain_conflict(resolver: LockResolver, draft: StepDraft, asked: BoundedDraft, first: ResolutionError) -> str:
    """The smallest set of packages to free for a lock, with what holds them; else the text of the resolver."""
    names = find_mentioned_names(str(first), asked.bounds)
    sets = itertools.chain.from_iterable(itertools.combinations(names, size) for size in (1, 2, 3))
    for freed in itertools.islice(sets, MAXIMUM_TRIES):
        requirements = []
        for name, entry in sorted(asked.bounds.items()):
            bounded = draft.format_requirement(entry, name in asked.alone)
            requirements.append(draft.format_name(name) if name in freed else bounded)
        question = dataclasses.replace(
            asked.question,
            constraints=tuple(text for text in asked.question.constraints if not find_mentioned_names(text, freed)),
            requirements=tuple(requirements),
        )
        try:
            lock = resolver.lock(question)
        except ResolutionError:
            continue
        pins = lock.pins
        holds = []
        for name in freed:
            holds.append(_describe_hold(name, asked.bounds[name], pins.get(name), lock, draft.limits))
        return (
            "there is no lock in which every package stays or moves up; it takes freeing "
            f"{' and '.join(freed)}: {'; '.join(holds)}. Replace or constrain one of them"
        )
    return str(first)


def _describe_hold(
    name: str, entry: VersionBound, version: str | None, lock: ResolvedLock, limits: Sequence[VersionLimit]
) -> str:
    own = [limit.requirement for limit in limits if limit.name == name]
    floor = (
        f"{name} is at {entry.current}"
        if entry.reason is None
        else f"{name} must be {entry.lowest} or later ({entry.reason.text})"
    )
    if own:
        floor += f" within {', '.join(own)}"
    who = ", ".join(sorted(lock.requirers.get(name, ()))) or "other packages"
    return f"{floor}, and {who} would have {version or 'none'}"
