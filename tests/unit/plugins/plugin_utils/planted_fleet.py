# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet whose packages age in every way, planned with an index in memory."""

from __future__ import annotations

import random

from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner

from .world import Made, World

FACTS = {"architecture": "x86_64", "libc": {"name": "glibc", "version": "2.36"}}
ARCHIVE = {"source": "archive", "url": "http://files.example.org/x.tar.gz", "sha256": "0" * 64}
SOURCES = [{**ARCHIVE, "version": f"3.{minor}"} for minor in range(9, 13)]
SYLLABLES = ("arc", "ble", "cor", "dat", "fla", "gun", "htt", "jin", "pyt", "req", "sql", "wer", "yam", "zop")


def make_packages(count, chance):
    """*count* packages: most stay, others move a little or by a major version, are built, leave or come."""
    packages = {}
    for number in range(count):
        first = SYLLABLES[number % len(SYLLABLES)]
        name = f"{first}{SYLLABLES[(number * 5) % len(SYLLABLES)]}{number}"
        kind = chance.random()
        end = chance.randrange(9, 13)
        later = "2.0" if kind < 0.06 else "1.4"
        packages[name] = {"1.0": Made(), later: Made()}
        if kind < 0.2:
            packages[name] = {"1.0": Made(range(6, end)), later: Made(range(end - 1, 20))}
        elif kind < 0.24:
            packages[name] = {"1.0": Made(range(6, 9), source=True), "1.1": Made(range(6, 9), source=True)}
        elif kind < 0.27:
            packages[name] = {"1.0": Made(range(6, end)), "1.2": Made(requires=(f"new{number}",))}
            packages[f"new{number}"] = {"0.3": Made()}
    return packages


def make_hosts(count, unique, packages, applications=("app",)):
    """*count* hosts with *unique* different environments of *packages*."""
    names = sorted(name for name in packages if not name.startswith("new"))
    common = {"requires": [], "requested": True, "editable": False, "direct_url": None}
    hosts = []
    for number in range(count):
        entries = []
        for at, application in enumerate(applications):
            without = names[(number * len(applications) + at) % unique]
            pins = [{**common, "name": name, "version": "1.0"} for name in names if name != without]
            environment = {"path": f"/srv/{application}/venv", "python": "3.8.18", "packages": pins}
            entries.append({"name": application, "findings": [], "environment": environment})
        hosts.append(PlannedHost(f"web{number + 1}", FACTS, entries, [], SOURCES, []))
    return hosts


def plan_fleet(count, unique, packages=120, applications=("app",), seed=7):
    """The plan of such a fleet to Python 3.12."""
    made = make_packages(packages, random.Random(seed))
    return Planner("3.12", World(made).locker()).plan(make_hosts(count, unique, made, applications))
