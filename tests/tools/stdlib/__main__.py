# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds ``stdlib-changes.json``: ``python -m tests.tools.stdlib [PATH]``.

From what real interpreters say (``interpreters.json``), from two releases of typeshed (in two releases of mypy) and the module lists of
``stdlibs`` for the versions and modules that no interpreter told about, and from the supplement that is written by hand.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._stdlib_changes import tomllib
from tests.tools.stdlib.interpreters import KEPT, covered
from tests.tools.stdlib.stubs import Said, Stubs

ROOT = pathlib.Path(__file__).resolve().parents[3]
DATA = ROOT / "plugins" / "plugin_utils" / "_data"
TARGET = DATA / "stdlib-changes.json"
SUPPLEMENT = DATA / "stdlib-supplement.toml"
# The older speaks of 3.8 to 3.13, the newer of 3.10 to 3.15.
OLDER, NEWER, STDLIBS = "mypy==1.11.2", "mypy==2.4.1", "stdlibs==2026.9.3"
DATES = {"typeshed": "2026-10-01", "stdlibs": "2026-09-03"}
# Modules that an interpreter is not asked about: they open windows, belong to other systems, or are tools.
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


def unpacked(requirement: str, directory: pathlib.Path) -> pathlib.Path:
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


def asked(name: str) -> bool:
    """Whether real interpreters speak for *name*."""
    return not any(name == module or name.startswith(module + ".") for module in NOT_ASKED)


def text_of(minor: int) -> str:
    """``3.x``."""
    return f"3.{minor}"


def lost(before: Said, after: Said) -> tuple[list[str], list[str]]:
    """Names and parameters that *after* lacks; a member that a class may have from a base now is not lost."""
    gone = {name for name in before.names if name not in after.names and name.split(".")[0] not in OTHERS}
    names = []
    for name in gone:
        parent, _dot, member = name.rpartition(".")
        module = next(
            (
                ".".join(parent.split(".")[:count])
                for count in range(parent.count(".") + 1, 0, -1)
                if ".".join(parent.split(".")[:count]) in after.members
            ),
            "",
        )
        if not covered(name, gone) and not (
            parent in after.names and parent != module and member in after.members.get(module, set())
        ):
            names.append(name)
    parameters = [
        f"{name}({parameter})"
        for name, known in before.names.items()
        if known and name.split(".")[0] not in OTHERS
        for later in [after.names.get(name)]
        if later is not None
        for parameter in known - later
        if not parameter.startswith("_")
    ]
    return sorted(names), sorted(parameters)


def rows_of_interpreters() -> list[Row]:
    """What real interpreters removed."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    return [
        {"name": name, "removed": minor, "source": f"CPython {pair['versions'][0]} and {pair['versions'][1]}"}
        for minor, pair in kept.items()
        for name in [*pair["names"], *pair["parameters"]]
        if asked(name)
    ]


def rows_of_stubs(stubs: dict[int, Said], surveyed: set[str], release: str) -> list[Row]:
    """What typeshed removed between adjacent minors; for those in *surveyed* only what no interpreter was asked."""
    rows = []
    for minor in sorted(stubs)[1:]:
        names, parameters = lost(stubs[minor - 1], stubs[minor])
        told = text_of(minor) in surveyed
        rows += [
            {"name": name, "removed": text_of(minor), "source": release}
            for name in [*names, *parameters]
            if not told or not asked(name) or name.endswith("(loop)")
        ]
    return rows


def rows_of_modules(directory: pathlib.Path, surveyed: set[str]) -> list[Row]:
    """Modules that left, of ``stdlibs``."""
    sys.path.insert(0, str(directory))
    lists = {minor: set(importlib.import_module(f"stdlibs.py3{minor}").module_names) for minor in range(6, 16)}
    sys.path.remove(str(directory))
    return [
        {"name": name, "removed": text_of(minor), "source": STDLIBS.replace("==", " ")}
        for minor in range(7, 16)
        for name in sorted(lists[minor - 1] - lists[minor])
        if not name.startswith("_") and (text_of(minor) not in surveyed or not asked(name))
    ]


def deprecations(stubs: dict[int, Said]) -> dict[str, str]:
    """Since when, as far as typeshed tells, each name is deprecated; ``yes`` where it says so of every version it knows."""
    found: dict[str, str] = {}
    for minor in sorted(stubs):
        for name in stubs[minor].deprecated:
            if name.split(".")[0] not in OTHERS:
                found.setdefault(name, "yes" if minor == min(stubs) else text_of(minor))
    return found


def once(rows: list[Row]) -> list[Row]:
    """*rows* without later removals of a parameter: it is a stub's or an interpreter's form that left then."""
    first: dict[str, tuple[int, ...]] = {}
    for row in rows:
        if row["name"].endswith(")") and "removed" in row:
            first[row["name"]] = min(first.get(row["name"], (9,)), tuple(map(int, row["removed"].split("."))))
    return [
        row
        for row in rows
        if row["name"] not in first or tuple(map(int, row["removed"].split("."))) == first[row["name"]]
    ]


def shown(name: str, new: dict[int, Said], old: dict[int, Said], minor: int) -> bool:
    """Whether typeshed knows *name*, too: what it does not is no public part of the library."""
    said = new.get(minor) or old.get(minor)
    return said is not None and name in said.names


def build() -> str:
    """The text of the table."""
    surveyed = set(json.loads(KEPT.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as directory:
        scratch = pathlib.Path(directory)
        older, newer = (
            Stubs(unpacked(release, scratch) / "mypy" / "typeshed" / "stdlib") for release in (OLDER, NEWER)
        )
        old = {minor: older.said((3, minor)) for minor in range(8, 14)}
        new = {minor: newer.said((3, minor)) for minor in range(10, 16)}
        rows = [
            *rows_of_interpreters(),
            *rows_of_stubs(old, surveyed, f"typeshed of {OLDER.replace('==', ' ')}"),
            *rows_of_stubs(
                {minor: said for minor, said in new.items() if minor >= 13},
                surveyed,
                f"typeshed of {NEWER.replace('==', ' ')}",
            ),
            *rows_of_modules(unpacked(STDLIBS, scratch), surveyed),
        ]
    deprecated = {**deprecations(old), **{name: since for name, since in deprecations(new).items() if since != "yes"}}
    deprecated = {**deprecations(new), **deprecated}
    supplement = tomllib.loads(SUPPLEMENT.read_text(encoding="utf-8"))["change"]
    table: dict[tuple[str, str | None], Row] = {}
    for row in [*supplement, *rows]:
        table.setdefault((row["name"], row.get("removed")), row)
    removed = {row["name"] for row in table.values()}
    for name, since in deprecated.items():
        if name not in removed:
            table[(name, None)] = {"name": name, "deprecated": since, "source": "typeshed"}
    ours = {row["name"] for row in supplement if row.get("removed") == "never"}
    final = once([row for row in table.values() if row["name"] not in ours])
    for row in final:
        if row["name"] in deprecated and "removed" in row:
            row.setdefault("deprecated", deprecated[row["name"]])
    final.sort(key=lambda row: (row["name"], row.get("removed", ""), row.get("changed", "")))
    head = {"typeshed": [OLDER, NEWER], "stdlibs": STDLIBS, "taken": max(DATES.values())}
    lines = ",\n".join(json.dumps(row, sort_keys=True) for row in final)
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    news = {
        minor: [name for name in pair["added"] if shown(name, new, old, int(minor[2:]))] for minor, pair in kept.items()
    }
    for minor in (14, 15):
        fresh = {
            name for name in new[minor].names if name not in new[minor - 1].names and name.split(".")[0] not in OTHERS
        }
        news.setdefault(
            text_of(minor),
            sorted(name for name in fresh if not covered(name, fresh) and not name.rpartition(".")[2].isupper()),
        )
    symbols = {minor: pair["symbols"] for minor, pair in kept.items()}
    parts = [
        f'"{title}": {json.dumps(value, sort_keys=True)},\n'
        for title, value in (("about", head), ("symbols", symbols), ("added", news))
    ]
    return "{" + "".join(parts) + f'"changes": [\n{lines}\n]}}\n'


def main() -> None:
    """Write the table."""
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_text(build(), encoding="utf-8")


if __name__ == "__main__":
    main()
