# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet as one self-contained page: the data and a program that shows them, without a network."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

PAGE_TEMPLATE = pathlib.Path(__file__).parent / "page.html"


def _compact_package(package: Mapping[str, Any]) -> list[Any]:
    remarks = [name for name in ("requested", "editable", "damaged") if package.get(name)]
    remarks += [f"from {package['direct_url']}"] if package["direct_url"] else []
    remarks += [f"package {package['os_package']}"] if package["os_package"] else []
    return [package["name"], package["version"], package["installer"], ", ".join(remarks)]


def share_package_sets(fleet: Mapping[str, Any]) -> dict[str, Any]:
    """*fleet* with each set of packages once, however many environments have it."""
    sets: dict[str, str] = {}
    hosts = {}
    for name, host in fleet["hosts"].items():
        environments = []
        for entry in host["environments"]:
            packages = json.dumps([_compact_package(package) for package in entry["packages"]])
            environments.append({**entry, "packages": sets.setdefault(packages, str(len(sets)))})
        hosts[name] = {**host, "environments": environments}
    return {
        **fleet,
        "hosts": hosts,
        "package_sets": {number: json.loads(packages) for packages, number in sets.items()},
    }


def render_fleet_page(fleet: Mapping[str, Any]) -> str:
    """The page for *fleet*. What hosts say cannot end the element that holds it."""
    data = json.dumps(share_package_sets(fleet), separators=(",", ":"))
    for character in "<>&":
        data = data.replace(character, f"\\u{ord(character):04x}")
    return PAGE_TEMPLATE.read_text(encoding="utf-8").replace("@DATA@", data, 1)
