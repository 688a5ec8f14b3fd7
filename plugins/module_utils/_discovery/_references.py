# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References to a Python in units, jobs and configurations, before their interpreter or environment is determined."""

import re
from typing import Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import split_command_line

# Other values are not kept, since they may be secrets.
PYTHON_VARIABLE = re.compile(
    r"^(?:PYTHON[A-Z]*|VIRTUAL_ENV|CONDA_PREFIX|PATH|LD_LIBRARY_PATH|LD_PRELOAD|PYENV_VERSION|UV_PYTHON)$"
)


class PythonReference(NamedTuple):
    """A dependent: the file and line that declare it, its user, commands, working directory and variables."""

    kind: str
    name: str
    source: str
    line: Optional[int]
    user: Optional[str]
    commands: List[str]
    directory: Optional[str]
    variables: Dict[str, str]
    files: List[str]


def parse_python_variables(text: str) -> Dict[str, str]:
    """The variables that choose a Python among the assignments ``NAME=value`` in *text*."""
    pairs = (word.partition("=") for word in split_command_line(text))
    return {name: value for name, separator, value in pairs if separator and PYTHON_VARIABLE.match(name)}


def make_reference(
    kind: str,
    name: str,
    source: str,
    user: Optional[str],
    command: str,
    line: Optional[int] = None,
    directory: Optional[str] = None,
    variables: Optional[Dict[str, str]] = None,
) -> PythonReference:
    """A reference with one command."""
    return PythonReference(kind, name, source, line, user, [command], directory, variables or {}, [source])
