# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which modules a distribution puts beside its interpreter, in no package: an environment that sees them loses what another interpreter lacks."""

import os
import re
import time
from typing import List, Set

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._site_packages import SitePackages
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import open_directory

VENDOR_TIMEOUT = 60.0
MODULE_NAME = re.compile(r"^([A-Za-z_]\w*)(?:/|\.py|(?:\.[\w-]+)?\.so)$")


def find_vendor_modules(interpreter: str) -> Set[str]:
    """The names of the modules in no package in the ``site-packages`` of *interpreter*; none for the operating system's own. Raises OSError."""
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
            matches = [
                MODULE_NAME.match(entry["path"].partition("/")[2])
                for entry in site.unmanaged
                if entry["kind"] == "module"
            ]
            found |= {match.group(1) for match in matches if match}
    return found


def find_missing_vendor_modules(old: str, new: str, installed: Set[str]) -> List[str]:
    """The modules beside the interpreter *old* that are neither beside *new* nor *installed*. Raises OSError."""
    return sorted(find_vendor_modules(old) - find_vendor_modules(new) - installed)
