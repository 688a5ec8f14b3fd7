# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes one environment from its files; nothing in it is run."""

import json
import os
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._files import read_text
from ansible_collections.oxzep7.python.plugins.module_utils._generation._build import configuration, version_of
from ansible_collections.oxzep7.python.plugins.module_utils._generation._lock import Package, packages
from ansible_collections.oxzep7.python.plugins.module_utils._identity import of_uid


def _direct_url(package: Package) -> Optional[Dict[str, Any]]:
    try:
        value = json.loads(read_text(os.path.join(package.metadata, "direct_url.json")) or "null")
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _package(package: Package) -> Dict[str, Any]:
    direct = _direct_url(package)
    return {
        "name": package.name,
        "version": package.version,
        "installer": (read_text(os.path.join(package.metadata, "INSTALLER")) or "").strip() or None,
        "requested": os.path.exists(os.path.join(package.metadata, "REQUESTED")),
        "editable": bool(direct and isinstance(direct.get("dir_info"), dict) and direct["dir_info"].get("editable")),
        "direct_url": direct.get("url") if direct else None,
    }


def describe(path: str) -> Dict[str, Any]:
    """Python, base interpreter, packages and owner of the environment *path*. Raises BuildError, OSError."""
    values = configuration(path)
    found: List[Dict[str, Any]] = [_package(package) for package in packages(path)]
    base = os.path.join(path, "bin", "python")
    return {
        "path": path,
        "resolved": os.path.realpath(path),
        "python": version_of(path),
        "home": values.get("home"),
        "interpreter": os.path.realpath(base) if os.path.exists(base) else None,
        "system_site_packages": values.get("include-system-site-packages", "false").lower() == "true",
        "owner": of_uid(os.stat(path).st_uid).name,
        "packages": found,
        "services": [],
    }
