# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The base class of check kinds, the context of an evaluation, and its verdict."""

import re
from typing import Any, Dict, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import COMMAND_TIMEOUT


class CheckError(CollectionError):
    """A check that could not be evaluated; the text says why."""


class CheckContext(NamedTuple):
    """The application that a check is evaluated for.

    ``identity`` is the account that commands run as; None for the account of this process. ``environment`` is the path
    of the live environment. ``before`` is what the check measured before the promotion; None where there was no
    promotion, and therefore nothing to compare with.
    """

    identity: Optional[Identity] = None
    environment: Optional[str] = None
    before: Optional[Dict[str, Any]] = None


class Verdict(NamedTuple):
    """Whether a check passed, the evidence for it, and measurements for a later comparison."""

    passed: bool
    evidence: str
    measured: Dict[str, Any] = {}


class CheckKind:
    """A kind of health check.

    ``name`` is the option that declares a check of this kind, ``options`` that option's argument spec and
    ``documentation`` its documentation as YAML, from which the documentation of the modules is composed.
    """

    name = ""
    options: Dict[str, Any] = {}
    documentation = ""

    def validate(self, options: Dict[str, Any]) -> None:
        """Check values that the argument spec cannot check. Raises ValueError that names the option."""

    def estimate_seconds(self, options: Dict[str, Any]) -> float:
        """The longest time in seconds that one evaluation may take: its ``timeout``, or that of commands."""
        return float(options.get("timeout") or COMMAND_TIMEOUT)

    def evaluate(self, options: Dict[str, Any], context: CheckContext) -> Verdict:
        """The verdict of one evaluation. Raises CollectionError, OSError, ValueError."""
        raise NotImplementedError

    def build_probe_options(self, options: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """Options of a quick evaluation, for measuring downtime; None where this kind is not suitable for it."""
        return None


def validate_pattern(options: Dict[str, Any], name: str) -> None:
    """Check that option *name*, if set, is a regular expression. Raises ValueError that names the option."""
    try:
        re.compile(options.get(name) or "")
    except re.error as error:
        raise ValueError("%s is not a valid regular expression: %s" % (name, error))
