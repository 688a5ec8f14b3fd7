# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that a process listens on a TCP port of this host."""

import os
from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import (
    CheckContext,
    CheckKind,
    Verdict,
)

# The state LISTEN of proc(5), net/tcp.
LISTEN_STATE = "0A"


def list_listening_ports() -> List[int]:
    """The TCP ports of this host in state LISTEN, from proc(5) ``net/tcp`` and ``net/tcp6``, sorted."""
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        with open(table, encoding="ascii") as stream:
            for line in stream.readlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN_STATE:
                    ports.add(int(fields[1].rpartition(":")[2], 16))
    return sorted(ports)


class PortCheck(CheckKind):
    """Looks for a listening TCP port in the tables of the kernel."""

    name = "port"
    options = {"type": "dict", "options": {"port": {"type": "int", "required": True}}}
    documentation = """
description: Check that a process listens on a TCP port of the host, on any address.
type: dict
suboptions:
  port:
    description: Port number.
    type: int
    required: true
"""

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """Pass when the port is in state LISTEN. Raises OSError."""
        if options["port"] in list_listening_ports():
            return Verdict(True, "a process listens on port %d" % options["port"])
        return Verdict(False, "no process listens on port %d" % options["port"])
