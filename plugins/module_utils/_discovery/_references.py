# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What something outside an environment says about the Python it uses, before it is known which one that is."""

import re
from typing import Dict, List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._scripts import split_command_line

# Only these are kept: any other value may be a secret.
PYTHON_VARIABLE = re.compile(
    r"^(?:PYTHON[A-Z]*|VIRTUAL_ENV|CONDA_PREFIX|PATH|LD_LIBRARY_PATH|LD_PRELOAD|PYENV_VERSION|UV_PYTHON)$"
)


class PythonReference(NamedTuple):
    """Kind and name of a dependent, the file and line that say so, its user, commands, working directory and variables."""

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
    """The variables that *text*, one or more ``NAME=value``, assigns and that decide which Python runs."""
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
