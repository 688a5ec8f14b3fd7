# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of health checks.

Imports are static, because only what is imported statically is sent to managed hosts.
"""

from typing import Any, Dict, List, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckKind
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._command import CommandCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._failed_units import FailedUnitsCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._freshness import FreshnessCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._http import HttpCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._log import LogCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._port import PortCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._process import ProcessCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._python import PythonCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._systemd import SystemdCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._tcp import TcpCheck

_kinds: Dict[str, CheckKind] = {}


def register_check_kind(kind: CheckKind) -> None:
    """Add *kind*: its option is accepted, documented and evaluated from now on."""
    _kinds[kind.name] = kind


def unregister_check_kind(name: str) -> None:
    """Remove the kind called *name*."""
    del _kinds[name]


def list_check_kinds() -> List[CheckKind]:
    """Every kind, in the order of registration, which is the order of the documentation."""
    return list(_kinds.values())


def select_check_kind(check: Dict[str, Any]) -> Tuple[CheckKind, Dict[str, Any]]:
    """The kind of the declared *check*, and the options of that kind. Raises ValueError if it is of no known kind."""
    for kind in _kinds.values():
        if check.get(kind.name) is not None:
            return kind, check[kind.name]
    raise ValueError("one of the options %s is required" % ", ".join(sorted(_kinds)))


for _kind in (
    HttpCheck(),
    TcpCheck(),
    SystemdCheck(),
    CommandCheck(),
    ProcessCheck(),
    PortCheck(),
    FailedUnitsCheck(),
    LogCheck(),
    FreshnessCheck(),
    PythonCheck(),
):
    register_check_kind(_kind)
