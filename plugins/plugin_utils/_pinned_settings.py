# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that name the old interpreter: its library, as uWSGI needs it, or its home, as mod_wsgi does."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding

PATH_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "PYTHONHOME", "PYTHONPATH")
LIBPYTHON = re.compile(r"libpython3\.\d+")
# Where interpreters of operating systems are: their directories are searched anyway, and stay.
SYSTEM_PREFIXES = ("/usr", "/")
# The default of oxzep7_interpreter_dir, and a version that names a directory in it.
INTERPRETERS = "/opt/oxzep7/interpreters"
FULL_VERSION = re.compile(r"^\d+\.\d+\.\d+$")


def find_pinned_settings(
    environment: Mapping[str, Any] | None,
    interpreters: Iterable[Mapping[str, Any]],
    dependents: Iterable[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The settings of *dependents* of *environment* that name its interpreter, by an inventory.

    Each has ``name``, ``source`` (a path, with the line where it is known), ``setting``, ``value`` and ``named``, the
    part of the value that names it.
    """
    if environment is None:
        return []
    paths = {environment.get("path"), environment.get("resolved")} - {None}
    base = next((entry for entry in interpreters if entry["path"] == environment.get("interpreter")), None)
    prefix = posixpath.normpath(str(base["prefix"])) if base and base.get("prefix") else ""
    if not prefix or prefix in SYSTEM_PREFIXES:
        return []
    found = []
    for entry in dependents:
        own = entry.get("environment") in paths or entry["name"] in (environment.get("services") or ())
        # What uses another environment of the same interpreter is of another application.
        shared = not entry.get("environment") and entry.get("interpreter") == environment.get("interpreter")
        if entry["kind"] == "process" or not (own or shared):
            continue
        for setting, value in _list_settings(entry):
            named = _find_named(value, prefix)
            if named:
                source = f"{entry['source']}:{entry['line']}" if entry.get("line") else str(entry["source"])
                row = {"name": entry["name"], "source": source, "setting": setting, "value": value, "named": named}
                if row not in found:
                    found.append(row)
    return found


def _list_settings(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings of a dependent that may name an interpreter, with their values."""
    variables = entry.get("variables") or {}
    found = [(name, str(variables[name])) for name in PATH_VARIABLES if variables.get(name)]
    if entry["kind"] == "mod_wsgi" and entry.get("interpreter") and not entry.get("environment"):
        # bin/pythonX.Y below the home that it names
        found.append(("WSGIPythonHome", posixpath.dirname(posixpath.dirname(str(entry["interpreter"])))))
    return found


def _find_named(value: str, prefix: str) -> str:
    """The part of *value*, a list of paths, that lies in *prefix* or is a libpython; empty without one."""
    for part in re.split(r"[:\s]+", value):
        path = posixpath.normpath(part) if part else ""
        if path == prefix or path.startswith(prefix + "/") or LIBPYTHON.search(part):
            return part
    return ""


def check_pinned_settings(
    pinned: Sequence[Mapping[str, Any]], environment: str, steps: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Findings about settings that name the old interpreter, each with the line to write instead.

    *steps* are those of a plan that replace it, where there is one.
    """
    later = f"Python {steps[-1]['to']}" if steps else "an upgrade"
    found = []
    for row in pinned:
        if row["setting"] in ("WSGIPythonHome", "PYTHONHOME"):
            advice = f"name the environment instead, which stays at its path: {row['setting']} {environment}"
            if row["setting"] == "PYTHONHOME":
                advice = "remove the setting; the environment's interpreter knows its home"
        elif row["setting"] == "LD_LIBRARY_PATH":
            libraries = ":".join([str(row["value"]), *_list_libraries(steps)])
            advice = (
                "add the `lib` directories of the new interpreters below oxzep7_interpreter_dir before the first step: "
                f"LD_LIBRARY_PATH={libraries}; libraries of several versions do not disturb each other"
            )
        elif row["setting"] == "PATH":
            parts = [f"{environment}/bin" if part == row["named"] else part for part in str(row["value"]).split(":")]
            advice = f"name the environment instead, which stays at its path: PATH={':'.join(dict.fromkeys(parts))}"
        else:
            advice = "remove that part, or name the new interpreter's"
        found.append(
            build_finding(
                key="interpreter-named",
                detail=f"{row['name']} ({row['source']}) sets {row['setting']}={row['value']}: {row['named']} is of "
                f"the interpreter that {later} replaces",
                where=str(row["name"]),
                remediation=advice,
            )
        )
    return found


def _list_libraries(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """The directories with the libraries of the interpreters of *steps*; VERSION stands for one that is not known."""
    found = []
    for step in steps or [{}]:
        chosen = step.get("interpreter") or {}
        version = str(chosen.get("version") or "")
        if chosen.get("path"):
            found.append(posixpath.join(posixpath.dirname(posixpath.dirname(str(chosen["path"]))), "lib"))
        else:
            found.append(f"{INTERPRETERS}/{version if FULL_VERSION.match(version) else 'VERSION'}/lib")
    return list(dict.fromkeys(found))


def check_inventory_settings(inventory: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Findings about services and jobs whose settings name an interpreter, each once."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for environment in inventory["environments"]:
        pinned = find_pinned_settings(environment, inventory["interpreters"], inventory["dependents"])
        rows = check_pinned_settings(pinned, str(environment["path"]), ())
        for row, entry in zip(pinned, rows, strict=True):
            found.setdefault((row["name"], row["source"], row["setting"]), entry)
    return list(found.values())
