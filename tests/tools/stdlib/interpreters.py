# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each step between real interpreters removes: asks every interpreter of a machine, and keeps the answers in ``interpreters.json``."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any

from tests.fleet.archives import find_packable_interpreter

HERE = pathlib.Path(__file__).resolve().parent
KEPT = HERE / "interpreters.json"
MINORS = tuple(f"3.{minor}" for minor in range(6, 16))


def ask(executable: pathlib.Path, question: str, names: list[str] | None = None) -> tuple[str, Any]:
    """Version and answer of one interpreter."""
    done = subprocess.run(
        [str(executable), "-I", str(HERE / "survey.py"), question],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    answer = json.loads(done.stdout)
    return answer["version"], answer["answer"]


def here() -> dict[str, pathlib.Path]:
    """The interpreters of this machine by minor version."""
    found = {minor: find_packable_interpreter(minor, install=False) for minor in MINORS}
    return {minor: path for minor, path in found.items() if path}


def exported(executable: pathlib.Path) -> set[str]:
    """The symbols of the C API that *executable*, or the library beside it, exports."""
    libraries = list((executable.parent.parent / "lib").glob("libpython3.*.so.*"))
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", str(libraries[0] if libraries else executable)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {
        line.split()[-1].partition("@")[0] for line in listed.splitlines() if line.split()[-1].startswith(("Py", "_Py"))
    }


def removed() -> dict[str, Any]:
    """For each two adjacent minor versions that this machine has: their versions, and the names, parameters and symbols that the later one lacks."""
    pairs: dict[str, Any] = {}
    executables = here()
    universe: set[str] = set()
    before: dict[str, Any] | None = None
    for minor in MINORS:
        if minor not in executables:
            universe, before = set(), None
            continue
        version, names = ask(executables[minor], "names")
        symbols = exported(executables[minor])
        lacking = set(ask(executables[minor], "check", sorted(universe))[1]) if before else set()
        if before:
            had = {name for name in universe if name not in before["lacking"]}
            gone = {
                name for name in had & lacking if not covered(name, had & lacking) and not became_function(name, names)
            }
            pairs[minor] = {
                "versions": [before["version"], version],
                "names": sorted(gone),
                "parameters": lost_parameters(before["names"], names),
                "symbols": sorted(before["symbols"] - symbols),
                "added": added(before["names"], names),
            }
        before = {"version": version, "names": names, "lacking": lacking, "symbols": symbols}
        universe |= {name for name, value in names.items() if value is not False}
    return pairs


def covered(name: str, gone: set[str]) -> bool:
    """Whether something that contains *name* is gone, too."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in gone for count in range(1, len(parts)))


def added(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Modules, functions and classes that are new in modules that both versions could import, or altogether."""
    known = {name for name, value in before.items() if value is not False}
    modules = {name for name in after if name in before and before[name] is not False}
    fresh = {
        name
        for name in after
        if name not in before and after[name] is not False and name.rpartition(".")[2].isidentifier()
    }
    return sorted(
        name
        for name in fresh
        if not covered(name, fresh)
        and name not in known
        and (name.rpartition(".")[0] in modules or "." not in name)
        and not name.rpartition(".")[2].isupper()
    )


def became_function(name: str, after: dict[str, Any]) -> bool:
    """Whether *name* was a method of what is no class *after*: its instances have it still."""
    parent = name.rpartition(".")[0]
    return parent in after and not any(other.startswith(parent + ".") for other in after)


def lost_parameters(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """``function(parameter)`` for each parameter that a function lost that both versions tell the parameters of."""
    return sorted(
        f"{name}({parameter})"
        for name, known in before.items()
        if isinstance(known, list) and isinstance(after.get(name), list)
        for parameter in known
        if parameter not in after[name]
    )


def main() -> None:
    """Renew what this machine's interpreters tell, and keep what only others do."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    KEPT.write_text(json.dumps({**kept, **removed()}, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
