# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries files outside every package, and manual changes to files of packages, into a new generation.

The environment is read again before a build, so that nothing is lost that a plan did not know of.
"""

import os
import re
import shutil
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._local_changes import (
    CARRY_ADVICE,
    MODIFIED,
    LocalChange,
    list_local_changes,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._local_files import read_local_files
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._patch import PatchError, apply_patch
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import make_directory, remove_tree
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_regular_file, read_whole_file

BLOCK_SIZE = 1 << 20
# Bytes of a changed file, which is a module or text.
CHANGED_LIMIT = 64 << 20
LIBRARY_PATH = re.compile(r"^(lib(?:64)?)/python\d+\.\d+/")
# A name that only one minor version of one implementation imports (PEP 3149).
TAGGED_FILE = re.compile(r"\.(?:cpython|pypy)-?\d\w*(?:-[\w-]+)?\.so$|\.cpython-\d+(?:\.opt-\d)?\.pyc$")

# Files that a message names.
MAXIMUM_NAMED = 20

CARRY_ARGUMENT: Dict[str, Any] = {
    "type": "dict",
    "options": {
        "policy": {"type": "str", "choices": ["copy", "patch"], "required": True},
        "files": {"type": "list", "elements": "str", "default": []},
        "changes": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "str", "required": True},
                "package": {"type": "str", "required": True},
                "version": {"type": "str"},
                "diff": {"type": "str"},
                "digest": {"type": "str"},
            },
        },
        "removed": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "str", "required": True},
                "package": {"type": "str", "required": True},
                "version": {"type": "str"},
            },
        },
    },
}


class CarryError(CollectionError):
    """A file or change that cannot be carried over."""


class Cargo(NamedTuple):
    """The *policy* (``copy`` or ``patch``), paths in the old environment, changed and removed files of packages.

    The path of a directory ends with ``/``. A change has ``path``, ``package``, ``version``, to be patched ``diff``,
    and ``digest`` of the file that the diff leads to. A removed file has ``path``, ``package`` and ``version``.
    """

    policy: str
    files: Sequence[str]
    changes: Sequence[Mapping[str, Any]]
    removed: Sequence[Mapping[str, Any]] = ()


def parse_cargo(given: Mapping[str, Any]) -> Cargo:
    """The cargo in the validated option *given*. Raises CarryError for a path that leads out of the environment."""
    removed = given.get("removed") or []
    for path in list(given["files"]) + [change["path"] for change in list(given["changes"]) + list(removed)]:
        if os.path.isabs(path) or ".." in path.split("/") or not path.strip("/"):
            raise CarryError("%r is not a path inside the environment" % path)
    return Cargo(given["policy"], given["files"], given["changes"], removed)


def describe_cargo(cargo: Cargo) -> List[str]:
    """A sentence for each file and change."""
    sentences = ["take along %s" % path for path in cargo.files]
    verb = "apply" if cargo.policy == "patch" else "keep"
    for change in cargo.changes:
        sentences.append("%s the changes made to %s of %s" % (verb, change["path"], change["package"]))
    for entry in cargo.removed:
        sentences.append("leave out %s of %s, which was removed" % (entry["path"], entry["package"]))
    return sentences


def _generalize_path(path: str) -> str:
    """*path* as it is in an environment of any minor version."""
    return LIBRARY_PATH.sub(lambda match: "%s/python*/" % match.group(1), path)


def read_changes(environment: str) -> List[LocalChange]:
    """The files of *environment* that differ from its packages. Raises CarryError if a part cannot be read, OSError."""
    found, not_seen = read_local_files(environment)
    if not_seen:
        raise CarryError(
            "%s cannot be compared with its packages: %s: %s; run with become, or set `carry` of the application to "
            "drop" % (environment, not_seen[0]["path"], not_seen[0]["reason"])
        )
    return list_local_changes(found)


def digest_changes(changes: Sequence[LocalChange]) -> Dict[str, str]:
    """What of *changes* tells whether they are still the same, by path in an environment of any minor version."""
    return {_generalize_path(change.path): "%s %s" % (change.change, change.digest or "") for change in changes}


def check_changes(carry: str, cargo: Optional[Cargo], changes: Sequence[LocalChange], carried: Dict[str, str]) -> None:
    """Raise CarryError if *changes* of the live environment would be lost without a decision of the operator.

    *carry* is the option of the application. *carried* are the `digest_changes` of the live generation when it was
    built, so that what an earlier step has applied is known.
    """
    policy = cargo.policy if cargo else carry
    if policy == "drop" or not changes:
        return
    if policy == "ask":
        raise CarryError(
            "files of the environment differ from its packages, and `carry` is ask: %s; %s"
            % (_join_changes(changes), CARRY_ADVICE)
        )
    known = {_generalize_path(path): "" for path in cargo.files} if cargo else {}
    for entry in list(cargo.changes) + list(cargo.removed) if cargo else []:
        known[_generalize_path(entry["path"])] = entry.get("digest") or ""
    unknown = []
    for change in changes:
        path = _generalize_path(change.path)
        stale = policy == "patch" and change.change == MODIFIED and known.get(path) and known[path] != change.digest
        if path not in known or (stale and carried.get(path) != "%s %s" % (change.change, change.digest or "")):
            unknown.append(change)
    if unknown:
        raise CarryError(
            "files of the environment differ from its packages, and not as the plan says: %s; run oxzep7.python.plan "
            "again" % _join_changes(unknown)
        )


def _join_changes(changes: Sequence[LocalChange]) -> str:
    more = len(changes) - MAXIMUM_NAMED
    named = "; ".join(change.describe() for change in changes[:MAXIMUM_NAMED])
    return named + (" and %d more" % more if more > 0 else "")


def _locate_path(environment: str, path: str, minor: str) -> str:
    """The place of *path*, as in an inventory, in *environment*, whose interpreter is of *minor*."""
    return os.path.join(
        environment, LIBRARY_PATH.sub(lambda match: "%s/python%s/" % (match.group(1), minor), path)
    ).rstrip("/")


def load_cargo(cargo: Cargo, live: str, live_minor: str, path: str, minor: str, pins: Dict[str, str]) -> List[str]:
    """Carry *cargo* from the environment *live* to the one at *path*, which has the packages *pins*; returns the paths.

    To be run as the account that owns both. Raises CarryError, OSError.
    """
    loaded = []
    for name in cargo.files:
        _copy_path(_locate_path(live, name, live_minor), _locate_path(path, name, minor), name, live_minor != minor)
        loaded.append(name)
    for change in cargo.changes:
        source, target = _locate_path(live, change["path"], live_minor), _locate_path(path, change["path"], minor)
        if cargo.policy == "patch":
            _patch_file(target, change)
        else:
            _keep_changed_file(source, target, change, pins)
        loaded.append(change["path"])
    for entry in cargo.removed:
        _leave_out_file(_locate_path(path, entry["path"], minor), entry, cargo.policy, pins)
        loaded.append(entry["path"])
    return loaded


def reload_cargo(cargo: Cargo, live: str, live_minor: str, path: str, minor: str, pins: Dict[str, str]) -> List[str]:
    """As `load_cargo`, into an environment that may have *cargo* already. Raises CarryError, OSError."""
    for name in cargo.files:
        target = _locate_path(path, name, minor)
        remove_tree(target)
    return load_cargo(cargo, live, live_minor, path, minor, pins)


def _list_files(path: str) -> List[str]:
    """The files below the directory *path*, or *path* itself."""
    found = []
    for folder, _below, names in os.walk(path):
        found += [os.path.join(folder, name) for name in names]
    return found or [path]


def _are_equal_files(source: str, target: str) -> bool:
    """Whether *source*, and *target* itself, are regular files with the same content."""
    if os.path.islink(target) or not os.path.isfile(source) or not os.path.isfile(target):
        return False
    with open_regular_file(source) as first, open_regular_file(target) as second:
        while True:
            block = first.read(BLOCK_SIZE)
            if block != second.read(BLOCK_SIZE):
                return False
            if not block:
                return True


def _copy_path(source: str, target: str, name: str, other_minor: bool) -> None:
    if not os.path.lexists(source):
        raise CarryError("%s does not exist any more; run the plan again" % source)
    compiled = [entry for entry in _list_files(source) if TAGGED_FILE.search(entry) and "/__pycache__/" not in entry]
    if compiled and other_minor:
        raise CarryError(
            "%s was compiled for another Python and cannot be taken along; provide it as a package, or set `carry` of "
            "the application to drop" % compiled[0]
        )
    if os.path.lexists(target):
        if _are_equal_files(source, target):
            return
        raise CarryError(
            "%s cannot be taken along: a package of the new generation has it, too; rename it, or set `carry` of the "
            "application to drop" % name
        )
    make_directory(os.path.dirname(target))
    if os.path.isdir(source) and not os.path.islink(source):
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _replace_file(target: str, data: bytes) -> None:
    """Replace *target* with *data*, not write into it: uv links the files that it installs to its cache."""
    beside = target + ".carried"
    with open(beside, "xb") as stream:
        stream.write(data)
    shutil.copymode(target, beside)
    os.rename(beside, target)


def _keep_changed_file(source: str, target: str, change: Mapping[str, Any], pins: Dict[str, str]) -> None:
    if pins.get(change["package"]) != change["version"]:
        raise CarryError(
            "the changed %s was kept from %s %s, but the new generation has %s; set `carry` of the application to "
            "patch, or to drop"
            % (change["path"], change["package"], change["version"], pins.get(change["package"]) or "no such package")
        )
    _replace_file(target, read_whole_file(source, CHANGED_LIMIT))


def _leave_out_file(target: str, entry: Mapping[str, Any], policy: str, pins: Dict[str, str]) -> None:
    if not os.path.lexists(target):
        return
    if policy != "patch" and pins.get(entry["package"]) != entry["version"]:
        raise CarryError(
            "%s was removed from %s %s, and the new generation has it from %s %s; set `carry` of the application to "
            "patch (leave it out) or drop (install it)"
            % (entry["path"], entry["package"], entry["version"], entry["package"], pins.get(entry["package"]))
        )
    os.unlink(target)


def _patch_file(target: str, change: Mapping[str, Any]) -> None:
    if not change.get("diff"):
        raise CarryError(
            "the changes in %s of %s are unknown; set `carry` of the application to copy, or to drop"
            % (change["path"], change["package"])
        )
    try:
        text = read_whole_file(target, CHANGED_LIMIT).decode("utf-8")
        changed = apply_patch(text, change["diff"])
    except (PatchError, FileNotFoundError, UnicodeDecodeError) as error:
        raise CarryError(
            "the changes made to %s cannot be applied to %s of the new generation: %s; publish them as a version "
            "of %s, or set `carry` of the application to drop"
            % (change["path"], change["package"], error, change["package"])
        )
    if changed != text:
        _replace_file(target, changed.encode("utf-8"))
