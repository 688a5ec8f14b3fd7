# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command in an environment as the application's user."""

import os
from typing import List

from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import Application
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    build_process_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    EVIDENCE_BYTES,
    CommandResult,
    run_command,
)

IMPORT_TIMEOUT = 300.0


def run_in_environment(
    application: Application, environment: str, command: List[str], user: Identity, timeout: float
) -> CommandResult:
    """Run *command* of the application's in *environment*, as if that were activated, for at most *timeout* seconds.

    Of its output the result has the end.
    """
    settings = dict(build_process_environment(user, os.path.join(environment, "bin")), VIRTUAL_ENV=environment)
    return run_command(command, timeout, user, cwd=application.source or "/", environment=settings, tail=EVIDENCE_BYTES)
