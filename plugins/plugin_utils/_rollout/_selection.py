# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The applications that a run is about, of all that hosts declare."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError


@dataclasses.dataclass(frozen=True)
class Selection:
    """Applications by name: those that match one of ``only``, or all without any, except those that match ``skip``.

    Both are names or shell patterns, such as ``web-*``.
    """

    only: Sequence[str] = ()
    skip: Sequence[str] = ()

    @classmethod
    def from_options(cls, given: Mapping[str, Any]) -> Selection:
        """By the options ``only_applications`` and ``skip_applications`` among *given*, if they are there."""
        return cls(tuple(given.get("only_applications") or ()), tuple(given.get("skip_applications") or ()))

    @classmethod
    def from_variables(cls, facts: Mapping[str, Any]) -> Selection:
        """By the variables *facts* of a host, as far as the inventory or the command line sets them."""
        return cls(*(tuple(facts.get(f"oxzep7_{name}_applications") or ()) for name in ("only", "skip")))

    def includes(self, name: str) -> bool:
        """Whether the run is about the application *name*."""
        return (not self.only or _match_any(name, self.only)) and not _match_any(name, self.skip)

    def choose(self, applications: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Those of *applications* that the run is about."""
        return [application for application in applications if self.includes(str(application["name"]))]


EVERYTHING = Selection()


def _match_any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def choose_names(applications: Sequence[Mapping[str, Any]], only: Sequence[str], skip: Sequence[str]) -> list[str]:
    """The names of those *applications* that match one of *only*, or of all without any, but none of *skip*."""
    return [str(application["name"]) for application in Selection(only, skip).choose(applications)]


def list_undeclared(hostvars: Mapping[str, Mapping[str, Any]], patterns: Sequence[str]) -> list[str]:
    """Those *patterns* that match no application of any host.

    None where the declaration of a host cannot be read before the host is reached.
    """
    names: set[str] = set()
    for host in hostvars:
        try:
            for entry in hostvars[host].get("oxzep7_applications") or []:
                names.add(str(entry["name"]))
        except (AnsibleError, LookupError, TypeError):
            return []
    return [pattern for pattern in dict.fromkeys(patterns) if not fnmatch.filter(names, pattern)]
