# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that a TCP port accepts connections."""

import socket
from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import (
    CheckContext,
    CheckKind,
    Verdict,
)


class TcpCheck(CheckKind):
    """Opens a TCP connection."""

    name = "tcp"
    options = {
        "type": "dict",
        "options": {
            "host": {"type": "str", "default": "127.0.0.1"},
            "port": {"type": "int", "required": True},
            "timeout": {"type": "float", "default": 5.0},
        },
    }
    documentation = """
description: Open a TCP connection.
type: dict
suboptions:
  host:
    description: Host name or address.
    type: str
    default: 127.0.0.1
  port:
    description: Port number.
    type: int
    required: true
  timeout:
    description: Seconds to wait for the connection.
    type: float
    default: 5.0
"""

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when the port accepts a connection. Raises OSError."""
        with socket.create_connection((options["host"], options["port"]), timeout=options["timeout"]):
            return Verdict(True, "%s port %d accepts connections" % (options["host"], options["port"]))
