# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describes one interpreter from its files; running it is the last resort."""

import os
import re
from typing import Any, Dict, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._files import read_text
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import MARKER, InterpreterError, ask

PATCHLEVEL = re.compile(r'^#define PY_VERSION\s+"([^"+]+)', re.MULTILINE)
ORIGINS = [("/.pyenv/versions/", "pyenv"), ("/uv/python/", "uv"), ("/.asdf/installs/", "asdf"),
           ("/mise/installs/", "mise"), ("conda", "conda")]


def _version_from_header(prefix: str, name: str) -> Optional[str]:
    text = read_text(os.path.join(prefix, "include", name, "patchlevel.h"))
    match = PATCHLEVEL.search(text) if text else None
    return match.group(1) if match else None


def _origin(path: str, prefix: str) -> str:
    if os.path.exists(os.path.join(prefix, MARKER)):
        return "oxzep7"
    if prefix == "/usr":
        return "system"
    return next((origin for part, origin in ORIGINS if part in path), "other")


def describe(path: str) -> Dict[str, Any]:
    """Version, prefix and origin of the interpreter *path*; ``version`` is None when nothing tells it."""
    prefix = os.path.dirname(os.path.dirname(path))
    name = os.path.basename(path)
    version, evidence = _version_from_header(prefix, name), "patchlevel.h"
    if version is None:
        try:
            version, evidence = ask(path)[0], "ran it"
        except (InterpreterError, OSError) as error:
            evidence = str(error)
    return {"path": path, "prefix": prefix, "version": version, "evidence": evidence, "origin": _origin(path, prefix),
            "implementation": "PyPy" if name.startswith("pypy") else "CPython"}
