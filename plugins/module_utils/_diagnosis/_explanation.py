# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which difference explains a failure. Functions of data, without effects."""

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._differences import (
    PLANNED,
    RUN_FAILS,
    Culprit,
    Difference,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

EXPLAINED, REMOVED = RUN_FAILS + 2, RUN_FAILS + 3
# Forms in which Python says that a module has not what is asked of it.
MISSING_NAMES = (
    re.compile(r"(?:partially initialized )?module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'"),
    re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'"),
    re.compile(r"No module named '?(?P<module>[\w.]+)'?"),
)
CAUSE_FILE = re.compile(r"\((?P<path>/[^()]+), line \d+\)")
# What a failure says, and the areas and names, as patterns, of differences that explain it.
EXPLANATIONS: Tuple[Tuple[str, str], ...] = (
    (
        r"cannot open shared object file|error while loading shared libraries|undefined symbol",
        r"libraries:.*|variables:LD_.*",
    ),
    (r"bad interpreter|cannot execute", r"scripts:.*"),
    (
        r"Unicode(?:De|En)codeError|codec can't",
        r"variables:(?:LANG|LC_\w+|PYTHON(?:UTF8|IOENCODING))|defaults:(?:encoding.*|locale)|flags:UTF-8 mode",
    ),
    (r"RecursionError", r"defaults:recursion limit"),
    (r"^\w*Warning\b", r"variables:PYTHONWARNINGS|defaults:.*warnings|flags:dev.*"),
    (r"\bssl\b|SSL|TLS|certificate|unsupported hash", r"tls:.*|defaults:digests|variables:(?:SSL|OPENSSL)_\w+"),
    (r"[Pp]ickl|bootstrapping phase|freeze_support|forkserver", r"defaults:multiprocessing start method"),
    (r"PermissionError|Permission denied", r"defaults:umask"),
    (r"integer string conversion", r"defaults:limit of digits of integers"),
    (r"Too many open files", r"defaults:limit of open files"),
    (
        r"No such file or directory|not found|FileNotFoundError",
        r"variables:PATH|scripts:.*|defaults:temporary directory",
    ),
    (r"No module named", r"path:.*|start:.*|variables:PYTHON.*|build:_?\w+"),
    (r"AssertionError", r"flags:optimization.*"),
)


class Failure(NamedTuple):
    """Something that fails on one side only: the sentence about it, and its cause.

    ``known`` is whether the other side finds the module that the cause misses, if it misses one.
    """

    text: str
    cause: str
    known: bool = True


class MissingName(NamedTuple):
    """A module, and what it does not have; None if there is no such module."""

    module: str
    name: Optional[str]

    def describe(self) -> str:
        """It as one name."""
        return "%s.%s" % (self.module, self.name) if self.name else self.module


def find_missing_name(cause: str) -> Optional[MissingName]:
    """What *cause* says that a module does not have; None if it says nothing of the kind."""
    for pattern in MISSING_NAMES:
        match = pattern.search(cause)
        if match:
            found = match.groupdict()
            return MissingName(found["module"], found.get("name"))
    return None


def _find_owner(path: str, packages: Mapping[str, Any]) -> Optional[str]:
    """The name of the one of *packages* that the file *path* is probably of; None if it is of none."""
    inside = re.search(r"/site-packages/([\w-]+)", path)
    if inside is None:
        return None
    name = normalize_name(inside.group(1))
    for package, known in packages.items():
        if package == name or inside.group(1) in known["tops"]:
            return package
    return None


def describe_owner(cause: str, packages: Mapping[str, Any]) -> str:
    """The file that *cause* names, and the package of *packages* that it is probably of; empty without a file."""
    match = CAUSE_FILE.search(cause)
    if not match:
        return ""
    path = match.group("path")
    owner = _find_owner(path, packages)
    if owner:
        return "; used by %s %s in %s" % (owner, packages[owner]["version"], path)
    return "; used in %s" % path


def _find_package(culprits: Sequence[Culprit], names: Set[str]) -> Optional[Culprit]:
    """The first of *culprits* that is, or brings, a difference of one of the packages *names*."""
    for culprit in culprits:
        for one in [culprit.difference] + culprit.effects:
            if one.area == "packages" and one.name in names:
                return culprit
    return None


def _find_effect(culprits: Sequence[Culprit], explains: str) -> Optional[Culprit]:
    """The first of *culprits* that is, or brings, a difference whose area and name are of the form *explains*."""
    for culprit in culprits:
        for one in [culprit.difference] + culprit.effects:
            if culprit.difference.rank >= PLANNED and re.fullmatch(explains, "%s:%s" % (one.area, one.name)):
                return culprit
    return None


def explain_failure(failure: Failure, culprits: Sequence[Culprit], packages: Mapping[str, Any]) -> Optional[Culprit]:
    """The first of *culprits* that explains *failure*; *packages* are those of the side that does not fail."""
    missing = find_missing_name(failure.cause)
    found = None
    if missing:
        top = missing.module.split(".")[0]
        names = {normalize_name(top)} | {name for name, known in packages.items() if top in known["tops"]}
        found = _find_package(culprits, names)
    if not missing or failure.known:
        for says, explains in EXPLANATIONS:
            if re.search(says, failure.cause):
                found = found or _find_effect(culprits, explains)
    # What raises it may be of another version.
    match = CAUSE_FILE.search(failure.cause)
    owner = _find_owner(match.group("path"), packages) if match else None
    return found or (_find_package(culprits, {owner}) if owner else None)


def attach_failures(
    failures: Sequence[Failure], culprits: List[Culprit], packages: Mapping[str, Any]
) -> Tuple[List[Culprit], List[Failure]]:
    """*culprits* with those first that explain one of *failures*, which they tell; and the failures that none does."""
    told: Dict[int, List[str]] = {}
    left = []
    for failure in failures:
        found = explain_failure(failure, culprits, packages)
        if found is None:
            left.append(failure)
        else:
            told.setdefault(culprits.index(found), []).append(failure.text)
    changed = []
    for number, culprit in enumerate(culprits):
        if number in told:
            difference = culprit.difference
            text = "%s; therefore %s" % (difference.text, told[number][0])
            culprit = culprit._replace(difference=difference._replace(text=text, rank=EXPLAINED))
        changed.append(culprit)
    return changed, left


def describe_removed(missing: MissingName, versions: Tuple[str, str], failure: Failure, owner: str) -> Difference:
    """The difference that Python has *missing* in the first of *versions* and not in the second."""
    text = "removed API: %s is in Python %s and not in %s%s; therefore %s" % (
        missing.describe(),
        versions[0],
        versions[1],
        owner,
        failure.text,
    )
    return Difference("standard library", missing.describe(), "present", "removed", "removed API", text, REMOVED)
