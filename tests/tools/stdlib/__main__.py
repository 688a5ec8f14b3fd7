# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds ``stdlib-changes.json``: ``python -m tests.tools.stdlib [PATH]``.

Sources: comparisons of real interpreters (``interpreters.json``); for other versions and modules two releases of
typeshed (in two releases of mypy) and the module lists of ``stdlibs``; and a supplement that is written by hand.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Container
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import tomllib
from tests.tools.stdlib.interpreters import RECORDED, drop_covered
from tests.tools.stdlib.stubs import StubNames, Stubs

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = ROOT / "plugins" / "plugin_utils" / "_data"
TARGET = DATA / "stdlib-changes.json"
SUPPLEMENT = DATA / "stdlib-supplement.toml"
# The older release has 3.8 to 3.13, the newer 3.10 to 3.15.
OLDER, NEWER, STDLIBS = "mypy==1.11.2", "mypy==2.4.1", "stdlibs==2026.9.3"
DATES = {"typeshed": "2026-10-01", "stdlibs": "2026-09-03"}
# Modules that interpreters are not asked for: they open windows, belong to other systems, or are tools.
NOT_ASKED = {
    "lib2to3",
    "msilib",
    "tkinter",
    "distutils",
    "xml.etree.cElementTree",
    "asyncio.windows_events",
    "asyncio.windows_utils",
}
OTHERS = {"typing_extensions", "xxlimited", "_typeshed", "genericpath", "posixpath"}
Row = dict[str, Any]


def unpack_wheel(requirement: str, directory: pathlib.Path) -> pathlib.Path:
    """The wheel of *requirement*, unpacked below *directory*."""
    target = directory / requirement.replace("==", "-")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--dest",
            str(target),
            requirement,
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    with zipfile.ZipFile(next(target.glob("*.whl"))) as archive:
        archive.extractall(target)
    return target


def is_asked(name: str) -> bool:
    """Whether real interpreters are asked for *name*."""
    return not any(name == module or name.startswith(module + ".") for module in NOT_ASKED)


def format_minor(minor: int) -> str:
    """``3.x``."""
    return f"3.{minor}"


def list_lost(before: StubNames, after: StubNames) -> tuple[list[str], list[str]]:
    """Names and parameters that *after* lacks; a member that a class may inherit is not lost."""
    gone = {name for name in before.names if name not in after.names and not is_other(name)}
    names = [name for name in drop_covered(gone) if not may_be_inherited(name, after)]
    parameters = []
    for name, earlier in before.names.items():
        later = after.names.get(name)
        if earlier and later is not None and not is_other(name):
            for parameter in earlier - later:
                if not parameter.startswith("_"):
                    parameters.append(f"{name}({parameter})")
    return names, sorted(parameters)


def is_other(name: str) -> bool:
    """Whether *name* lies in a module that is left out."""
    return name.split(".")[0] in OTHERS


def may_be_inherited(name: str, stubs: StubNames) -> bool:
    """Whether another class in the module of *name* has a member of that name, and the class of *name* exists."""
    parent, _dot, member = name.rpartition(".")
    module = parent
    while module and module not in stubs.members:
        module = module.rpartition(".")[0]
    return parent in stubs.names and parent != module and member in stubs.members.get(module, set())


def list_interpreter_rows(recorded: dict[str, Any]) -> list[Row]:
    """The removals in the *recorded* comparisons of interpreters."""
    rows = []
    for minor, pair in recorded.items():
        source = f"CPython {pair['versions'][0]} and {pair['versions'][1]}"
        for name in filter(is_asked, [*pair["names"], *pair["parameters"]]):
            rows.append({"name": name, "removed": minor, "source": source})
    return rows


def list_stub_rows(stubs: dict[int, StubNames], surveyed: Container[str], release: str) -> list[Row]:
    """The removals between adjacent minor versions in *stubs*; for *surveyed* versions those not asked for."""
    rows = []
    for minor in sorted(stubs)[1:]:
        names, parameters = list_lost(stubs[minor - 1], stubs[minor])
        for name in [*names, *parameters]:
            if format_minor(minor) not in surveyed or not is_asked(name) or name.endswith("(loop)"):
                rows.append({"name": name, "removed": format_minor(minor), "source": release})
    return rows


def list_module_rows(directory: pathlib.Path, surveyed: Container[str]) -> list[Row]:
    """The modules that are removed according to ``stdlibs`` in *directory*."""
    sys.path.insert(0, str(directory))
    lists = {minor: set(importlib.import_module(f"stdlibs.py3{minor}").module_names) for minor in range(6, 16)}
    sys.path.remove(str(directory))
    rows = []
    for minor in range(7, 16):
        for name in sorted(lists[minor - 1] - lists[minor]):
            if not name.startswith("_") and (format_minor(minor) not in surveyed or not is_asked(name)):
                rows.append({"name": name, "removed": format_minor(minor), "source": STDLIBS.replace("==", " ")})
    return rows


def find_deprecations(stubs: dict[int, StubNames]) -> dict[str, str]:
    """The minor version since which each name is deprecated; ``yes`` for a name deprecated in the first of *stubs*."""
    found: dict[str, str] = {}
    for minor in sorted(stubs):
        for name in stubs[minor].deprecated:
            if not is_other(name):
                found.setdefault(name, "yes" if minor == min(stubs) else format_minor(minor))
    return found


def parse_removed(row: Row) -> tuple[int, ...]:
    """The version that removes the name of *row*, as a sort key."""
    return tuple(map(int, row["removed"].split(".")))


def drop_later_removals(rows: list[Row]) -> list[Row]:
    """*rows* without later removals of a parameter, which are differences between stubs and interpreters."""
    first: dict[str, tuple[int, ...]] = {}
    for row in rows:
        if row["name"].endswith(")") and "removed" in row:
            first[row["name"]] = min(first.get(row["name"], (9,)), parse_removed(row))
    return [row for row in rows if row["name"] not in first or parse_removed(row) == first[row["name"]]]


def list_new_names(minor: int, new: dict[int, StubNames]) -> list[str]:
    """The names that typeshed adds in *minor*, without constants."""
    fresh = {name for name in new[minor].names if name not in new[minor - 1].names and not is_other(name)}
    return [name for name in drop_covered(fresh) if not name.rpartition(".")[2].isupper()]


def collect_rows(rows: list[Row], deprecated: dict[str, str]) -> list[Row]:
    """The supplement and *rows*, one for each removal of a name, with *deprecated* names; sorted."""
    supplement = tomllib.loads(SUPPLEMENT.read_text(encoding="utf-8"))["change"]
    table: dict[tuple[str, str | None], Row] = {}
    for row in [*supplement, *rows]:
        table.setdefault((row["name"], row.get("removed")), row)
    removed = {row["name"] for row in table.values()}
    for name, since in deprecated.items():
        if name not in removed:
            table[(name, None)] = {"name": name, "deprecated": since, "source": "typeshed"}
    never = {row["name"] for row in supplement if row.get("removed") == "never"}
    final = drop_later_removals([row for row in table.values() if row["name"] not in never])
    for row in final:
        if row["name"] in deprecated and "removed" in row:
            row.setdefault("deprecated", deprecated[row["name"]])
    return sorted(final, key=lambda row: (row["name"], row.get("removed", ""), row.get("changed", "")))


def build_table() -> str:
    """The text of the table."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as directory:
        scratch = pathlib.Path(directory)
        older = Stubs(unpack_wheel(OLDER, scratch) / "mypy" / "typeshed" / "stdlib")
        newer = Stubs(unpack_wheel(NEWER, scratch) / "mypy" / "typeshed" / "stdlib")
        old = {minor: older.read_names((3, minor)) for minor in range(8, 14)}
        new = {minor: newer.read_names((3, minor)) for minor in range(10, 16)}
        newest = {minor: new[minor] for minor in range(13, 16)}
        rows = [
            *list_interpreter_rows(recorded),
            *list_stub_rows(old, recorded, f"typeshed of {OLDER.replace('==', ' ')}"),
            *list_stub_rows(newest, recorded, f"typeshed of {NEWER.replace('==', ' ')}"),
            *list_module_rows(unpack_wheel(STDLIBS, scratch), recorded),
        ]
    older_dates, newer_dates = find_deprecations(old), find_deprecations(new)
    dated = {name: since for name, since in newer_dates.items() if since != "yes"}
    final = collect_rows(rows, {**newer_dates, **older_dates, **dated})
    added: dict[str, list[str]] = {}
    for text, pair in recorded.items():
        minor = int(text[2:])
        # Names that typeshed lacks are no public part of the library.
        known = (new.get(minor) or old.get(minor) or StubNames()).names
        added[text] = [name for name in pair["added"] if name in known]
    for minor in (14, 15):
        added.setdefault(format_minor(minor), list_new_names(minor, new))
    head = {"typeshed": [OLDER, NEWER], "stdlibs": STDLIBS, "taken": max(DATES.values())}
    symbols = {minor: pair["symbols"] for minor, pair in recorded.items()}
    text = "{"
    for title, value in (("about", head), ("symbols", symbols), ("added", added)):
        text += f'"{title}": {json.dumps(value, sort_keys=True)},\n'
    lines = ",\n".join(json.dumps(row, sort_keys=True) for row in final)
    return text + f'"changes": [\n{lines}\n]}}\n'


def main() -> None:
    """Write the table."""
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(build_table(), encoding="utf-8")


if __name__ == "__main__":
    main()
