# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Vendor modules: modules outside every package, which a distribution puts beside its interpreter.

An environment that sees them loses those that another interpreter lacks.
"""

import os
import re
import time
from typing import List, Set

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._site_packages import SitePackages
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_directory

VENDOR_TIMEOUT = 60.0
MODULE_NAME = re.compile(r"^([A-Za-z_]\w*)(?:/|\.py|(?:\.[\w-]+)?\.so)$")


def find_vendor_modules(interpreter: str) -> Set[str]:
    """Names of the modules outside every package in ``site-packages`` of *interpreter*. Raises OSError.

    The operating system's own interpreters have none.
    """
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(interpreter)))
    library = os.path.join(prefix, "lib")
    if prefix == "/usr" or not os.path.isdir(library):
        return set()
    found: Set[str] = set()
    for name in sorted(os.listdir(library)):
        path = os.path.join(library, name, "site-packages")
        if name.startswith("python3.") and os.path.isdir(path):
            site = SitePackages(path, "site-packages", False, time.monotonic() + VENDOR_TIMEOUT)
            handle = open_directory(path)
            try:
                site.read(handle)
            finally:
                os.close(handle)
            for entry in site.unmanaged:
                match = MODULE_NAME.match(entry["path"].partition("/")[2])
                if match and entry["kind"] == "module":
                    found.add(match.group(1))
    return found


def find_missing_vendor_modules(old: str, new: str, installed: Set[str]) -> List[str]:
    """Vendor modules of the interpreter *old* that *new* lacks and that are not *installed*. Raises OSError."""
    return sorted(find_vendor_modules(old) - find_vendor_modules(new) - installed)
