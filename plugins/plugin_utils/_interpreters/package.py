# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source ``package`` on the controller."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._files import DATA
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    ControllerSource,
    HostActions,
    InterpreterSourceError,
    InterpreterWish,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PACKAGE_NAMES_FILE = DATA / "interpreter-packages.toml"


def find_package_names(system: Mapping[str, Any], minor: Minor) -> list[str]:
    """The packages that provide *minor* on *system* (``id`` and ``version`` of os-release(5)); empty if unknown."""
    with PACKAGE_NAMES_FILE.open("rb") as stream:
        known = tomllib.load(stream)["distributions"]
    entry = known.get(str(system.get("id")), {})
    entry = known.get(entry.get("as"), entry)
    release = str(system.get("version") or "")
    patterns = entry.get(release) or entry.get(release.partition(".")[0]) or entry.get("any") or {}
    names = patterns.get(f"{minor[0]}.{minor[1]}") or patterns.get("any") or []
    return [name.format(dotted=f"{minor[0]}.{minor[1]}") for name in names]


class PackageController(ControllerSource):
    """Has the packages installed by M(ansible.builtin.package)."""

    def choose_interpreter(self, entry: Mapping[str, Any], wish: InterpreterWish) -> dict[str, Any] | None:
        """As the base. An exact version has no known names, because the patch in a package is unknown before."""
        names = entry.get("packages") or []
        if not names and wish.patch is None:
            names = find_package_names(wish.system, wish.minor)
        version = str(entry.get("version") or "")
        if not names or (version and not wish.is_covered_by(version)):
            return None
        return {
            "source": entry["source"],
            "version": wish.version,
            "path": entry.get("path") or f"/usr/bin/python{format_minor(wish.minor)}",
            "packages": list(names),
        }

    def provide_interpreter(self, options: Mapping[str, Any], host: HostActions) -> dict[str, Any]:
        """As the base: install the packages if the host lacks the executable, and check what they installed."""
        answer = host.run_module(options)
        if answer.get("failed") or answer.get("installed"):
            return answer
        path, names = str(options["path"]), list(options.get("packages") or [])
        changed = {
            "changed": True,
            "actions": [f"install {', '.join(names)}"],
            "diff": {"before": {path: None}, "after": {path: ", ".join(names)}},
        }
        if host.check_mode:
            return {**changed, "installed": True, "version": options["version"], "path": path, "prefix": "/usr"}
        done = host.run_action("ansible.builtin.package", {"name": names, "state": "present"})
        if done.get("failed"):
            raise InterpreterSourceError(
                f"the packages {', '.join(names)} could not be installed: {done.get('msg')}; "
                "name others in `packages`, or choose another source"
            )
        answer = host.run_module(options)
        if not answer.get("failed") and not answer.get("installed"):
            raise InterpreterSourceError(
                f"the packages {', '.join(names)} installed no {path}; correct `path` or `packages`"
            )
        return {**answer, **changed}


SOURCE = PackageController()
