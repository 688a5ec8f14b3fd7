# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base of all interpreter sources, on the managed host. The file of a source is in ``sources``."""

import os
from typing import Any, Dict, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import InterpreterError, prove_interpreter


class InterpreterRequest(NamedTuple):
    """The interpreter wanted: its minor or exact version, and the options of its source."""

    version: str
    options: Dict[str, Any]


class InterpreterSource:
    """One way to obtain interpreters; the value of the option ``source`` that selects it is ``name``.

    Interpreters are returned as dictionaries with ``version``, ``path`` and ``prefix``.
    """

    name = ""
    # YAML: `description` of the value, the meaning of an entry `without_version`, and `options` as in a module.
    documentation = ""
    # Argument spec of the options in `documentation`; sources that share an option name declare it alike.
    options: Dict[str, Dict[str, Any]] = {}
    # Options that a task needs, that an entry of oxzep7_interpreters needs, and of which an entry needs one.
    required: Tuple[str, ...] = ()
    entry_required: Tuple[str, ...] = ()
    entry_required_one_of: Tuple[str, ...] = ()

    def resolve_request(self, request: InterpreterRequest) -> InterpreterRequest:
        """*request* with everything known that `find_installed` compares. Raises InterpreterError."""
        return request

    def find_installed(self, request: InterpreterRequest, directory: str) -> Optional[Dict[str, Any]]:
        """The interpreter under *directory* that came from *request*, or None."""
        return None

    def find_usable_path(self, options: Dict[str, Any]) -> Optional[str]:
        """The executable on this host that *options* name; None if it is to be installed. Raises InterpreterError."""
        return None

    def measure_download(self, options: Dict[str, Any]) -> Optional[int]:
        """Size in bytes of what this host downloads, None if it is unknown. Raises OSError, ValueError."""
        return None

    def needs_controller(self, request: InterpreterRequest, directory: str) -> bool:
        """Whether the controller must act before this host has the interpreter."""
        return False

    def obtain_interpreter(
        self, request: InterpreterRequest, directory: str, check_mode: bool, changes: Changes
    ) -> Dict[str, Any]:
        """Install the interpreter, or check the existing one. Raises InterpreterError, OSError."""
        raise NotImplementedError


class PathSource(InterpreterSource):
    """Interpreters that something else installs, at the path in ``path``."""

    def find_usable_path(self, options: Dict[str, Any]) -> Optional[str]:
        """As the base."""
        path = options.get("path") or ""
        if not os.path.isfile(path) or not os.access(path, os.X_OK):
            raise InterpreterError("%s is not an executable file; correct the path of this interpreter" % path)
        return path

    def obtain_interpreter(
        self, request: InterpreterRequest, directory: str, check_mode: bool, changes: Changes
    ) -> Dict[str, Any]:
        """As the base."""
        path = self.find_usable_path(request.options) or ""
        version, prefix = prove_interpreter(path, request.version)
        return {"version": version, "path": path, "prefix": prefix}
