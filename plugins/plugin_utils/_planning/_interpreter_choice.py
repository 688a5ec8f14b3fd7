# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which interpreter a step uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._registry import choose_from_entries
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    InterpreterSourceError,
    InterpreterWish,
    ManagedLister,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import BlockedStepError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost


def list_no_interpreters(_entry: Mapping[str, Any], _architecture: str) -> Sequence[Mapping[str, str]]:
    """A `ManagedLister` without rows."""
    return ()


def choose_interpreter(
    host: PlannedHost, minor: Minor, patch: int | None, managed: ManagedLister = list_no_interpreters
) -> dict[str, Any] | None:
    """The options of the first interpreter source of *host* that provides *minor* (and *patch*), or None.

    Raises InterpreterSourceError.
    """
    wish = InterpreterWish(
        minor,
        patch,
        str(host.facts["architecture"]),
        host.facts.get("os") or {},
        host.found_interpreters,
        managed,
    )
    return choose_from_entries(host.interpreters, wish)


def resolve_interpreter(host: PlannedHost, minor: Minor, patch: int | None, managed: ManagedLister) -> dict[str, Any]:
    """As `choose_interpreter`, without credentials in URLs. Raises BlockedStepError where no source has it."""
    try:
        chosen = choose_interpreter(host, minor, patch, managed)
    except InterpreterSourceError as error:
        why = f"no source for Python {format_minor(minor)}: {error}"
        raise BlockedStepError("interpreter-source-missing", why) from None
    if chosen is None:
        raise BlockedStepError("interpreter-source-missing", f"no source for Python {format_minor(minor)}")
    # Plans are stored and shown; what installs the interpreter takes them from oxzep7_interpreters again.
    without: dict[str, Any] = redact(chosen)
    return without
