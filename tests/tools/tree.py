# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rooms of the tree, and a check that imports run one way between them.

``python -m tests.tools.tree`` prints every import that runs upward, every circle between packages and every file
without a room, and ends with 1 if there is one. docs/architecture.md has the table of the rooms.
"""

from __future__ import annotations

import ast
import pathlib
import sys
from collections.abc import Iterable, Mapping

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREFIX = "ansible_collections.oxzep7.python.plugins."
# What each room is for, from the lowest to the highest. A room imports only rooms that stand before it.
ROOMS = {
    "module_utils._credentials": "credentials in URLs, kept out of everything that is shown or stored",
    "module_utils._errors": "the errors that are shown to operators",
    "module_utils._changes": "the differences of a run: `changed`, `diff` and `actions`",
    "module_utils._finding": "the shape of a finding, and the list of all keys",
    "module_utils._cause": "why a program failed, as one line, from what it printed or logged",
    "module_utils._names": "names and identifiers that may stand in paths and in shell text",
    "module_utils._host": "this machine: files, accounts, commands, untrusted reading, ELF",
    "module_utils._module": "the base of all modules",
    "module_utils._services": "one file for each kind of service",
    "module_utils._application": "what is declared and live: services, state, journal, live path, known backups",
    "module_utils._packages": "what is installed: metadata, records, locks, copies, wheels",
    "module_utils._interpreter": "installing and proving interpreters",
    "module_utils._interpreter.sources": "one file for each source of interpreters",
    "module_utils._health.checks": "one file for each kind of check",
    "module_utils._health": "the health of an application",
    "module_utils._discovery": "the inventory of a host",
    "module_utils._source": "scanning source for what leaves Python",
    "module_utils._transaction": "a change that is made completely or undone: journal, dead man, undo script",
    "module_utils._promotion": "choosing a generation and making it live",
    "module_utils._generation": "building and proving a generation",
    "module_utils._diagnosis": "two generations side by side: what differs, and the likely cause",
    "module_utils._backup.databases": "one file for each kind of database",
    "module_utils._backup.layers": "what a layer is: entries, tar streams, encryption, manifests",
    "module_utils._backup.engines": "one file for each backup engine",
    "module_utils._backup": "layers, backups, restores, drills",
    "module_utils._declaration": "the options of an application, composed of all kinds",
    "module_utils._preflight": "everything that could stop an upgrade of a host",
    "plugin_utils._files": "files on the controller",
    "plugin_utils._table": "tables as text",
    "plugin_utils._wording": "phrases of reports and messages",
    "plugin_utils._activity": "what a long stage of the controller is doing",
    "plugin_utils._lifecycle": "Python's versions and their ends of life",
    "plugin_utils._pinned_settings": "settings of services that name an interpreter",
    "plugin_utils._packages": "indexes, resolution, wheels, advisories",
    "plugin_utils._interpreters": "the controller's part of interpreter sources, one file for each",
    "plugin_utils._rollout": "waves, gates, ledger, notifications, the scope of a rollback",
    "plugin_utils._report": "reports, pages and records",
    "plugin_utils._planning": "plans, rehearsals and the evidence they leave",
    "plugin_utils._action": "the base of all action plugins",
    "doc_fragments": "documentation that modules share",
    "filter": "filters for the roles",
    "callback": "progress of a run",
    "modules": "modules: documentation, arguments, one call",
    "action": "the controller's half of modules",
}
# Folders of plugins, and those whose rooms they may import. Nothing imports a module or an action.
ALLOWED = {
    "modules": {"module_utils"},
    "module_utils": {"module_utils"},
    "action": {"plugin_utils", "module_utils"},
    "callback": {"plugin_utils"},
    "filter": {"plugin_utils"},
    "plugin_utils": {"plugin_utils", "module_utils"},
    "doc_fragments": {"module_utils", "plugin_utils"},
}


def list_modules() -> dict[str, pathlib.Path]:
    """The Python files of ``plugins`` by their dotted names below it."""
    found = {}
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        parts = path.relative_to(ROOT / "plugins").with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def find_room(name: str) -> str | None:
    """The room of the module *name*: the longest one that it is in, or None."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        room = ".".join(parts[:length])
        if room in ROOMS:
            return room
    return None


def find_imports(path: pathlib.Path, known: Iterable[str]) -> set[str]:
    """The modules of ``plugins`` that the file at *path* imports; *known* are all there are."""
    names = set(known)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name[len(PREFIX) :] for alias in node.names if alias.name.startswith(PREFIX))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
            base = (node.module or "")[len(PREFIX) :]
            for alias in node.names:
                module = f"{base}.{alias.name}"
                found.add(module if module in names else base)
    return found


def get_package(name: str) -> str:
    """The package of the module *name*; a file beside the packages counts as one of its own."""
    package = name.rpartition(".")[0]
    return package if "." in package else name


def find_circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The members of one circle of *graph*, in order, the first one also at the end; empty without any."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return path[path.index(node) :] + [node]
        if node in done:
            return []
        for other in sorted(graph.get(node, ())):
            circle = visit(other, [*path, node])
            if circle:
                return circle
        done.add(node)
        return []

    for start in sorted(graph):
        circle = visit(start, [])
        if circle:
            return circle
    return []


def check_imports() -> list[str]:
    """Every import against the arrows, every file outside the rooms, and a circle between packages."""
    modules = list_modules()
    floors = {room: floor for floor, room in enumerate(ROOMS)}
    problems = []
    packages: dict[str, set[str]] = {}
    for name, path in modules.items():
        room = find_room(name)
        if room is None:
            problems.append(f"{path.relative_to(ROOT)} is in no room; name its room in {pathlib.Path(__file__).name}")
            continue
        for other in sorted(find_imports(path, modules)):
            target = find_room(other)
            if other.partition(".")[0] not in ALLOWED[name.partition(".")[0]]:
                problems.append(f"{path.relative_to(ROOT)} imports {other}, which is for Ansible only")
            elif target is None or (target != room and floors[target] >= floors[room]):
                problems.append(f"{path.relative_to(ROOT)} imports {other}, which stands above {room}")
            package, imported = get_package(name), get_package(other)
            if package != imported:
                packages.setdefault(package, set()).add(imported)
    circle = find_circle(packages)
    if circle:
        problems.append(f"packages import each other in a circle: {' -> '.join(circle)}")
    unused = [room for room in ROOMS if not any(find_room(name) == room for name in modules)]
    problems.extend(f"the room {room} is empty; remove it from {pathlib.Path(__file__).name}" for room in unused)
    return problems


def main() -> None:
    """Print the problems and end with 1, or end with 0."""
    problems = check_imports()
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
