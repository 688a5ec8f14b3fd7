# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of planning."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._finding import KEYS
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import (
    RemoteBuildError,
    list_needed_wheels,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import compress_names

# Names and ranges of hosts in a line of a message.
MAXIMUM_HOSTS = 40


class PlanError(CollectionError):
    """A plan that cannot be made: one line for each reason."""


@dataclasses.dataclass(frozen=True)
class BlockedApplication:
    """Why an application of a host cannot be planned: the key of the finding, cause and next step; and all as a line.

    Key and next step are empty where no finding is known.
    """

    host: str
    application: str
    key: str
    detail: str
    remediation: str
    text: str

    @classmethod
    def from_finding(cls, host: str, application: str, entry: Mapping[str, Any]) -> BlockedApplication:
        """From a finding about the application."""
        text = f"{entry['detail']} ({entry['key']}); {entry['remediation']}"
        return cls(host, application, entry["key"], entry["detail"], entry["remediation"], text)

    @classmethod
    def from_error(cls, host: str, application: str, error: CollectionError) -> BlockedApplication:
        """From the error that ended its planning."""
        if isinstance(error, NoLockError):
            text = f"{application}: {error} ({error.key})"
            return cls(host, application, error.key, str(error), KEYS[error.key].action, text)
        return cls(host, application, "", str(error), "", f"{application}: {error}")


class PlanBlockedError(PlanError):
    """A plan that cannot be made: a line for each reason, with all hosts of it. ``blocked`` are its rows."""

    def __init__(self, blocked: Sequence[BlockedApplication]) -> None:
        hosts: dict[str, list[str]] = {}
        for row in blocked:
            hosts.setdefault(row.text, []).append(row.host)
        lines = []
        for text, names in hosts.items():
            lines.append(f"{compress_names(list(dict.fromkeys(names)), MAXIMUM_HOSTS)}: {text}")
        super().__init__("\n".join(lines))
        self.blocked = list(blocked)

    def list_reasons(self) -> list[dict[str, Any]]:
        """The rows as data, each reason once with its ``hosts``."""
        reasons: dict[str, dict[str, Any]] = {}
        for row in self.blocked:
            values = dataclasses.asdict(row)
            host, text = values.pop("host"), values.pop("text")
            reason = reasons.setdefault(text, {**values, "hosts": []})
            reason["hosts"] = list(dict.fromkeys([*reason["hosts"], host]))
        return list(reasons.values())


class CopiesNeededError(CollectionError):
    """Packages that no source has and that may be copied from their hosts: names by application and host."""

    def __init__(self, wanted: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        lines = []
        self.wanted: dict[str, dict[str, list[str]]] = {}
        for host, part in wanted.items():
            for application, names in part.items():
                lines.append(f"{host}: {application}: {', '.join(names)}")
                self.wanted.setdefault(host, {})[application] = list(names)
        super().__init__("; ".join(lines))


class WheelsNeededError(CollectionError):
    """Wheels that a builder host must build before the plan; ``wanted`` are their rows, the text has the causes."""

    def __init__(self, failures: Sequence[RemoteBuildError]) -> None:
        super().__init__("\n".join(sorted({str(entry) for entry in failures})))
        self.wanted = list_needed_wheels(failures)


class NoLockError(CollectionError):
    """A step without a lock: ``key`` is the finding's; the text gives the cause and the next step.

    ``packages`` are those that block it, where they are known.
    """

    def __init__(self, key: str, text: str, packages: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.key = key
        self.packages = tuple(packages)


class UnpublishedPackagesError(CollectionError):
    """Packages that no source has in any version; ``names`` are theirs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"no source has {', '.join(names)}")
        self.names = list(names)


class UncopiedPackagesError(CollectionError):
    """Packages without a wheel that stay, and whose installed files may be copied; ``names`` are theirs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"no wheel of {', '.join(names)} for this Python; the installed files may do")
        self.names = list(names)


class MissingWheelsError(CollectionError):
    """Wheels that a builder host must provide first."""

    def __init__(self, failures: Sequence[RemoteBuildError]) -> None:
        super().__init__("; ".join(map(str, failures)))
        self.failures = list(failures)
