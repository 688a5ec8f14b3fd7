# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes the operating system that this module runs on."""

import os
import platform
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._applications import get_own_interpreter
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import read_trusted_text


def detect_libc() -> Dict[str, Optional[str]]:
    """``{name, version}`` of the C library of this process, from confstr(3), which musl does not answer."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        return {"name": name, "version": version}
    except (ValueError, OSError, AttributeError):
        musl = any(entry.startswith("ld-musl-") for entry in os.listdir("/lib"))
        return {"name": "musl" if musl else None, "version": None}


def detect_operating_system() -> Dict[str, Optional[str]]:
    """``{id, version, name}`` of the operating system (os-release(5))."""
    text = read_trusted_text("/etc/os-release") or read_trusted_text("/usr/lib/os-release") or ""
    values = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            values[key] = value.strip("\"'")
    return {"id": values.get("ID"), "version": values.get("VERSION_ID"), "name": values.get("PRETTY_NAME")}


def describe_host(libc: Dict[str, Optional[str]], libraries: Optional[List[str]]) -> Dict[str, Any]:
    """The host as the inventory has it, with the C library *libc* and the names of its shared *libraries*."""
    return {
        "hostname": platform.node(),
        "architecture": platform.machine(),
        "libc": libc,
        "libraries": libraries,
        "os": detect_operating_system(),
        "python": get_own_interpreter(),
        "privileged": os.geteuid() == 0,
    }
