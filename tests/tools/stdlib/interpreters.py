# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the interpreters of this machine and records what each minor version removes in ``interpreters.json``."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

from tests.fleet.archives import find_packable_interpreter

DIRECTORY = pathlib.Path(__file__).resolve().parent
RECORDED = DIRECTORY / "interpreters.json"
MINORS = tuple(f"3.{minor}" for minor in range(6, 16))


def query_interpreter(executable: pathlib.Path, question: str, names: list[str] | None = None) -> tuple[str, Any]:
    """Version and answer of one interpreter."""
    done = subprocess.run(
        [str(executable), "-I", str(DIRECTORY / "survey.py"), question],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    answer = json.loads(done.stdout)
    return answer["version"], answer["answer"]


def find_interpreters() -> dict[str, pathlib.Path]:
    """The interpreters of this machine by minor version."""
    found = {minor: find_packable_interpreter(minor, install=False) for minor in MINORS}
    return {minor: path for minor, path in found.items() if path}


def list_exported_symbols(executable: pathlib.Path) -> set[str]:
    """The symbols of the C API that *executable*, or the library beside it, exports."""
    libraries = list((executable.parent.parent / "lib").glob("libpython3.*.so.*"))
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", str(libraries[0] if libraries else executable)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    symbols = {line.split()[-1].partition("@")[0] for line in listed.splitlines()}
    return {symbol for symbol in symbols if symbol.startswith(("Py", "_Py"))}


def compare_interpreters() -> dict[str, Any]:
    """What the later of each two adjacent minor versions on this machine lacks and adds, by its minor version."""
    pairs: dict[str, Any] = {}
    executables = find_interpreters()
    universe: set[str] = set()
    before: dict[str, Any] | None = None
    for minor in MINORS:
        if minor not in executables:
            universe, before = set(), None
            continue
        version, names = query_interpreter(executables[minor], "names")
        symbols = list_exported_symbols(executables[minor])
        lacking = set(query_interpreter(executables[minor], "check", sorted(universe))[1]) if before else set()
        if before:
            gone = lacking & universe.difference(before["lacking"])
            pairs[minor] = {
                "versions": [before["version"], version],
                "names": [name for name in drop_covered(gone) if not is_function_now(name, names)],
                "parameters": list_lost_parameters(before["names"], names),
                "symbols": sorted(before["symbols"] - symbols),
                "added": list_added_names(before["names"], names),
            }
        before = {"version": version, "names": names, "lacking": lacking, "symbols": symbols}
        universe |= list_importable(names)
    return pairs


def list_importable(names: dict[str, Any]) -> set[str]:
    """The *names* without those of modules that could not be imported."""
    return {name for name, value in names.items() if value is not False}


def is_covered(name: str, gone: set[str]) -> bool:
    """Whether *gone* has something that contains *name*."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in gone for count in range(1, len(parts)))


def drop_covered(names: set[str]) -> list[str]:
    """*names* without those that others of them contain, sorted."""
    return sorted(name for name in names if not is_covered(name, names))


def list_added_names(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Modules, and functions and classes in modules that both versions could import, that are new in *after*."""
    known = list_importable(before)
    fresh = {name for name in list_importable(after).difference(before) if name.rpartition(".")[2].isidentifier()}
    found = []
    for name in drop_covered(fresh):
        parent, dot, last = name.rpartition(".")
        if not last.isupper() and (not dot or (parent in after and parent in known)):
            found.append(name)
    return found


def is_function_now(name: str, after: dict[str, Any]) -> bool:
    """Whether *name* was a method of a class that is a function in *after*, whose results still have the method."""
    parent = name.rpartition(".")[0]
    return parent in after and not any(other.startswith(parent + ".") for other in after)


def list_lost_parameters(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """``function(parameter)`` for each parameter that a function lost; both versions must list its parameters."""
    found = []
    for name, parameters in before.items():
        if isinstance(parameters, list) and isinstance(after.get(name), list):
            for parameter in set(parameters).difference(after[name]):
                found.append(f"{name}({parameter})")
    return sorted(found)


def main() -> None:
    """Update the comparisons of versions that this machine has, and keep the others."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    RECORDED.write_text(
        json.dumps({**recorded, **compare_interpreters()}, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
