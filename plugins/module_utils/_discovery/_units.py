# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads systemd unit files and tells which environment each service uses. Nothing is run."""

import os
import re
from typing import Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._files import read_text

DIRECTORIES = ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
               "/lib/systemd/system"]
WORD = re.compile(r"/[^\s\"';:=|&<>()]+")


class Unit(NamedTuple):
    """A service unit: name, user it runs as, and every absolute path its settings mention."""

    name: str
    user: Optional[str]
    paths: List[str]


def _texts(name: str, directories: List[str]) -> List[str]:
    """The unit file that wins and its drop-ins (systemd.unit(5)), in order."""
    main = next((text for text in (read_text(os.path.join(directory, name)) for directory in directories) if text is not None), None)
    texts = [] if main is None else [main]
    for directory in reversed(directories):
        folder = os.path.join(directory, name + ".d")
        if os.path.isdir(folder):
            texts += [read_text(os.path.join(folder, entry)) or "" for entry in sorted(os.listdir(folder)) if entry.endswith(".conf")]
    return texts


def parse(name: str, texts: List[str]) -> Unit:
    """The unit *name* whose files contain *texts*, in systemd's order."""
    user: Optional[str] = None
    paths: List[str] = []
    for line in "\n".join(texts).replace("\\\n", " ").splitlines():
        key, separator, value = line.strip().partition("=")
        if not separator or key.startswith(("#", ";", "[")):
            continue
        if key.strip() == "User":
            user = value.strip() or None
        elif key.startswith(("Exec", "Environment")) or key in ("WorkingDirectory", "RootDirectory"):
            paths += WORD.findall(value)
    return Unit(name, user, paths)


def services(directories: Optional[List[str]] = None) -> List[Unit]:
    """Every service unit that has a file in *directories* (default: systemd's), sorted by name."""
    places = DIRECTORIES if directories is None else directories
    names = set()
    for directory in places:
        try:
            names |= {entry for entry in os.listdir(directory) if entry.endswith(".service")}
        except OSError:
            continue
    return [parse(name, _texts(name, places)) for name in sorted(names)]


def by_environment(units: List[Unit], environments: List[str]) -> Dict[str, List[str]]:
    """Names of the *units* that mention a path inside each of *environments*."""
    return {environment: [unit.name for unit in units
                          if any(path == environment or path.startswith(environment + "/") for path in unit.paths)]
            for environment in environments}
