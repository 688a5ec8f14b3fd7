# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection without a host: answers of modules are made up, and everything on the controller is real."""

from __future__ import annotations

import json
import re
import time

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: far_end
short_description: A host that is not there
description: Answers for modules of the collection, so that a controller can be measured with many hosts.
author: oxzep7.python contributors (@oxzep7)
extends_documentation_fragment:
  - connection_pipelining
"""
PINS = {
    "click": "7.1.2",
    "flask": "1.1.2",
    "itsdangerous": "1.1.0",
    "jinja2": "2.11.3",
    "markupsafe": "1.1.1",
    "werkzeug": "1.0.1",
    "bottle": "0.12.18",
    "waitress": "1.4.4",
    "tornado": "6.1",
}
UNIQUE = 5
MODULE = re.compile(rb"ansible_collections\.oxzep7\.python\.plugins\.modules\.(\w+)")
NEW_GENERATION = {"id": "1-py3.9", "python": "3.9.18"}


def make_inventory(number):
    """What host_info would answer: one application, whose environment is one of five."""
    without = sorted(PINS)[number % UNIQUE]
    common = {"requires": [], "requested": True, "editable": False, "direct_url": None}
    packages = []
    for name, version in PINS.items():
        if name != without:
            packages.append({**common, "name": name, "version": version, "modules": [name]})
    environment = {"path": "/srv/app/venv", "python": "3.8.18", "packages": packages, "services": ["app.service"]}
    return {
        "summary": {},
        "host": {"architecture": "x86_64", "libc": {"name": "glibc", "version": "2.36"}, "os": {}},
        "interpreters": [],
        "unsettled": [],
        "inventory": {"environments": [], "applications": []},
        "delivered": {"plan": None, "locks": []},
        "sources": [],
        "applications": [
            {
                "name": "app",
                "environment": environment,
                "findings": [],
                "current": None,
                "generations": [],
                "backups": [],
                "last": None,
            }
        ],
    }


def make_answer(module, number):
    """What *module* would answer on the host *number*."""
    done = {
        "event": "promoted",
        "kind": "upgrade",
        "from": "0-py3.8",
        "to": NEW_GENERATION["id"],
        "time": "2026-01-01T00:00:00Z",
        "downtime_ms": 40,
    }
    journal = {
        "events": [{**done, "application": "app"}],
        "applications": [
            {
                "name": "app",
                "current": NEW_GENERATION["id"],
                "python": NEW_GENERATION["python"],
                "open": False,
                "history": [done],
            }
        ],
    }
    return {
        "host_info": lambda: make_inventory(number),
        "plan_delivery": lambda: {"path": "/var/lib/oxzep7/plan.json", "changed": True, "actions": ["store the plan"]},
        "preflight": lambda: {
            "findings": [],
            "blocking": [],
            "room": [],
            "interpreters": [],
            "wheels": {},
            "clock": time.time(),
        },
        "interpreter": lambda: {
            "installed": True,
            "architecture": "x86_64",
            "version": NEW_GENERATION["python"],
            "path": "/opt/3.9/bin/python3.9",
            "prefix": "/opt/3.9",
        },
        "wheelhouse": lambda: {"missing": [], "directory": "/opt/oxzep7/wheelhouse"},
        "environment": lambda: {
            "changed": True,
            "generation": NEW_GENERATION["id"],
            "path": "/srv/app/venv.generations/1-py3.9",
            "deprecation_warnings": [],
        },
        "promotion": lambda: {
            "changed": True,
            "outcome": "promoted",
            "generation": NEW_GENERATION["id"],
            "from": "0-py3.8",
            "downtime_ms": 40,
            "checks": [],
            "journal": journal,
            "record": {
                "application": "app",
                "from": "0-py3.8",
                "to": NEW_GENERATION["id"],
                "lock": None,
                "downtime_ms": 40,
                "seconds": 1.0,
                "result": "promoted",
            },
        },
        "run_info": lambda: {"runs": [], **journal},
    }[module]()


class Connection(Local):
    """Answers what a host would."""

    transport = "far_end"
    has_pipelining = True

    def exec_command(self, cmd, in_data=None, sudoable=True):
        """Status, standard output and standard error of a module that was sent by its standard input."""
        found = MODULE.search(in_data or b"")
        if not found:
            raise RuntimeError(f"nothing but modules can be run there: {cmd}")
        number = int(re.sub(r"\D", "", self._play_context.remote_addr) or 0)
        said = {"changed": False, "actions": [], "invocation": {}, **make_answer(found[1].decode(), number)}
        return 0, json.dumps(said).encode(), b""
