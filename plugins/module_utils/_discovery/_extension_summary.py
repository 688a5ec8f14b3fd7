# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Summarizes the compiled extensions of an environment by the shared libraries they need."""

import os
from typing import Any, Dict, Iterable, List, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._site_packages import SitePackages


def summarize_extensions(
    environment: str, sites: Iterable[SitePackages], interpreter: Optional[str], libraries: SharedLibraries, limit: int
) -> Dict[str, Any]:
    """``{extensions, libraries, unresolved}`` of the *sites* of *environment*, with at most *limit* unresolved entries.

    Libraries inside the environment are left out. Those beside the *interpreter* are found as well.
    """
    bundled: Set[str] = set()
    extensions = []
    for site in sites:
        bundled |= site.bundled
        extensions += site.extensions
    beside = [os.path.join(os.path.dirname(os.path.dirname(interpreter)), "lib")] if interpreter else []
    found: Dict[str, Dict[str, Any]] = {}
    unresolved: List[Dict[str, str]] = []
    for extension in extensions:
        origin = os.path.dirname(environment + "/" + extension.path)
        for name in extension.needed:
            if name in bundled:
                continue
            path = libraries.find(name, extension.search + beside, origin)
            if path is None:
                unresolved.append({"path": extension.path, "library": name})
                continue
            entry = found.setdefault(name, {"name": name, "path": path, "os_package": None})
            entry["extensions"] = entry.get("extensions", 0) + 1
            entry.setdefault("example", extension.path)
    return {
        "extensions": len(extensions),
        "libraries": [found[name] for name in sorted(found)],
        "unresolved": unresolved[:limit],
    }
