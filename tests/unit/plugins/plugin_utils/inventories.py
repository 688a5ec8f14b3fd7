# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inventories as host_info gives them, made up."""

from __future__ import annotations

import copy


def package(name, version, **more):
    return {
        "name": name,
        "version": version,
        "installer": "pip",
        "requested": False,
        "editable": False,
        "direct_url": None,
        "format": "dist-info",
        "metadata": f"{name}-{version}.dist-info",
        "os_package": None,
        **more,
    }


def interpreter(path="/opt/python3.8/bin/python3.8", version="3.8.18", **more):
    return {
        "path": path,
        "resolved": path,
        "prefix": path.rsplit("/", 2)[0],
        "version": version,
        "evidence": "patchlevel.h",
        "implementation": "CPython",
        "architecture": "x86_64",
        "libc": {"name": "glibc", "needs": "2.17"},
        "libpython": None,
        "linked": "static",
        "origin": "other",
        "os_package": None,
        "owner": "root",
        "found_by": "walk",
        "capabilities": [],
        "selinux": None,
        "executable_stack": False,
        "externally_managed": False,
        "default": False,
        "deleted": False,
        "packages": [],
        "unmanaged": [],
        **more,
    }


def environment(path="/srv/app/venv", python="3.8.18", packages=(), **more):
    return {
        "path": path,
        "kind": "venv",
        "state": "live",
        "points_to": None,
        "python": python,
        "implementation": "CPython",
        "home": "/opt/python3.8/bin",
        "interpreter": "/opt/python3.8/bin/python3.8",
        "system_site_packages": False,
        "owner": "app",
        "mount": "/",
        "nested_in": None,
        "packages": list(packages),
        "fingerprint": "0" * 16,
        "size": 1000,
        "sites": ["lib/python3.8/site-packages"],
        "unmanaged": [],
        "missing": [],
        "modified": [],
        "counts": {"unmanaged": 0, "missing": 0, "modified": 0},
        "long_shebangs": [],
        "services": [],
        "extensions": 0,
        "libraries": [],
        "unresolved": [],
        **more,
    }


def dependent(kind="service", name="app.service", **more):
    return {
        "kind": kind,
        "name": name,
        "source": f"/etc/systemd/system/{name}",
        "line": None,
        "user": "app",
        "environment": "/srv/app/venv",
        "interpreter": "/opt/python3.8/bin/python3.8",
        "variables": {},
        "os_package": None,
        "files": [],
        "directory": None,
        **more,
    }


def inventory(**more):
    return copy.deepcopy(
        {
            "schema": 2,
            "taken": "2026-11-21T12:00:00Z",
            "seconds": 1.0,
            "verified": True,
            "complete": True,
            "host": {
                "hostname": "h",
                "architecture": "x86_64",
                "libc": {"name": "glibc", "version": "2.36"},
                "os": {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)"},
                "python": "/usr/bin/python3",
                "privileged": True,
            },
            "interpreters": [],
            "environments": [],
            "dependents": [],
            "projects": [],
            "applications": [],
            "unsettled": [],
            "not_seen": [],
            **more,
        }
    )
