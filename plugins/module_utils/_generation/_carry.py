# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes along into a new generation what a lock does not account for: files in no package, and changes that were made by hand to files of one."""

import filecmp
import os
import re
import shutil
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._patch import PatchError, apply_patch

LIBRARY_PATH = re.compile(r"^(lib(?:64)?)/python\d+\.\d+/")
# A name that only one minor version of one implementation imports (PEP 3149).
TAGGED_FILE = re.compile(r"\.(?:cpython|pypy)-?\d\w*(?:-[\w-]+)?\.so$|\.cpython-\d+(?:\.opt-\d)?\.pyc$")

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
            },
        },
    },
}


class CarryError(CollectionError):
    """Something that cannot be taken along; the text names it, says why, and what to do."""


class Cargo(NamedTuple):
    """What is taken along: *policy* (``copy`` or ``patch``), paths in the old environment, and the changed files of packages.

    A path ends with ``/`` if it is a directory. A change has ``path``, ``package``, ``version`` and, to be patched, ``diff``.
    """

    policy: str
    files: Sequence[str]
    changes: Sequence[Mapping[str, Any]]


def parse_cargo(given: Mapping[str, Any]) -> Cargo:
    """What the validated option *given* says. Raises CarryError for a path that leads out of the environment."""
    for path in list(given["files"]) + [change["path"] for change in given["changes"]]:
        if os.path.isabs(path) or ".." in path.split("/") or not path.strip("/"):
            raise CarryError("%r is no path inside the environment" % path)
    return Cargo(given["policy"], given["files"], given["changes"])


def describe_cargo(cargo: Cargo) -> List[str]:
    """A sentence for each thing that is taken along."""
    return ["take along %s" % path for path in cargo.files] + [
        "%s the changes made to %s of %s"
        % ("apply" if cargo.policy == "patch" else "keep", change["path"], change["package"])
        for change in cargo.changes
    ]


def _locate_path(environment: str, path: str, minor: str) -> str:
    """Where *path*, as an inventory has it, is in *environment*, whose interpreter is of *minor*."""
    return os.path.join(
        environment, LIBRARY_PATH.sub(lambda match: "%s/python%s/" % (match.group(1), minor), path)
    ).rstrip("/")


def load_cargo(cargo: Cargo, live: str, live_minor: str, path: str, minor: str, pins: Dict[str, str]) -> List[str]:
    """Put *cargo* of the environment *live* into the new one at *path*, which has the packages *pins*; returns the paths.

    Run it as the account that owns both. Raises CarryError, OSError.
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
    return loaded


def reload_cargo(cargo: Cargo, live: str, live_minor: str, path: str, minor: str, pins: Dict[str, str]) -> List[str]:
    """As `load`, into an environment that may have *cargo* from an earlier time. Raises CarryError, OSError."""
    for name in cargo.files:
        target = _locate_path(path, name, minor)
        if os.path.isdir(target) and not os.path.islink(target):
            shutil.rmtree(target)
        elif os.path.lexists(target):
            os.unlink(target)
    return load_cargo(cargo, live, live_minor, path, minor, pins)


def _copy_path(source: str, target: str, name: str, other_minor: bool) -> None:
    if not os.path.lexists(source):
        raise CarryError("%s is not there any more; run the plan again" % source)
    inside = [os.path.join(folder, entry) for folder, _below, names in os.walk(source) for entry in names] or [source]
    compiled = [entry for entry in inside if TAGGED_FILE.search(entry) and "/__pycache__/" not in entry]
    if compiled and other_minor:
        raise CarryError(
            "%s was compiled for another Python and cannot be taken along; provide it as a package, or set `carry` of the application to drop"
            % compiled[0]
        )
    if os.path.lexists(target):
        if (
            os.path.isfile(source)
            and os.path.isfile(target)
            and not os.path.islink(target)
            and filecmp.cmp(source, target, shallow=False)
        ):
            return
        raise CarryError(
            "%s cannot be taken along: a package of the new generation has it, too; rename it, or set `carry` of the application to drop"
            % name
        )
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(source) and not os.path.islink(source):
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _replace_file(target: str, data: bytes) -> None:
    """Put *data* in place of *target*, whose file may be shared with a cache (uv links what it installs)."""
    beside = target + ".carried"
    with open(beside, "xb") as stream:
        stream.write(data)
    shutil.copymode(target, beside)
    os.rename(beside, target)


def _keep_changed_file(source: str, target: str, change: Mapping[str, Any], pins: Dict[str, str]) -> None:
    if pins.get(change["package"]) != change["version"]:
        raise CarryError(
            "the changed %s was kept from %s %s, but the new generation has %s; set `carry` of the application to patch, or to drop"
            % (change["path"], change["package"], change["version"], pins.get(change["package"]) or "no such package")
        )
    with open(source, "rb") as stream:
        _replace_file(target, stream.read())


def _patch_file(target: str, change: Mapping[str, Any]) -> None:
    if not change.get("diff"):
        raise CarryError(
            "what was changed in %s of %s is not known; set `carry` of the application to copy, or to drop"
            % (change["path"], change["package"])
        )
    try:
        with open(target, encoding="utf-8", newline="") as stream:
            text = stream.read()
        changed = apply_patch(text, change["diff"])
    except (PatchError, FileNotFoundError, UnicodeDecodeError) as error:
        raise CarryError(
            "the changes made to %s cannot be applied to %s of the new generation: %s; publish them as a version of %s, or set `carry` of the "
            "application to drop" % (change["path"], change["package"], error, change["package"])
        )
    if changed != text:
        _replace_file(target, changed.encode("utf-8"))
