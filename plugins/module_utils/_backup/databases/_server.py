# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The place of a server that is started for a drill only: a dump can have functions, which run with its rights."""

import os
from typing import Any, Callable, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._isolation import (
    ISOLATED_DIRECTORY,
    call_isolated,
    choose_unused_account,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import create_scratch


def call_with_place(programs: Sequence[str], function: Callable[[Identity, str], Any]) -> Any:
    """The result of *function*, called with an account and an empty directory for a server of it.

    As root, it is an account that owns nothing, isolated as `call_isolated` does; *programs* are the directories of the
    server's programs. Without root it is this process's own account. Raises IsolationError, HelperError, OSError, and
    without root what *function* raises.
    """
    if os.geteuid() != 0:
        own = get_current_identity()
        with create_scratch(own) as directory:
            return function(own, directory)
    who = choose_unused_account()
    with create_scratch(who) as directory:
        return call_isolated(who, directory, programs, lambda: function(who, ISOLATED_DIRECTORY))
