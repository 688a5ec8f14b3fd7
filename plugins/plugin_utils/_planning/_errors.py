# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of planning."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._finding import KEYS
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import (
    RemoteBuildError,
    list_needed_wheels,
)


class PlanError(CollectionError):
    """A plan that cannot be made for any application."""


class BlockedStepError(CollectionError):
    """What blocks an application from a step on: ``key`` is the finding's; the text gives the cause.

    ``packages`` are those that block it, where they are known.
    """

    def __init__(self, key: str, text: str, remediation: str = "", packages: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.packages = tuple(packages)
        action = KEYS[key].action.rstrip(".")
        self.key = key
        self.remediation = remediation or action[0].lower() + action[1:]


@dataclasses.dataclass(frozen=True)
class BlockedReason:
    """Why an application of a host cannot be planned: the key of the finding, the cause and the next step.

    ``before`` and ``after`` are the versions of the first step that is not planned, empty where none is; ``packages``
    are those that block it, where they are known.
    """

    key: str
    cause: str
    remediation: str
    before: str = ""
    after: str = ""
    packages: tuple[str, ...] = ()

    @classmethod
    def from_finding(cls, entry: Mapping[str, Any]) -> BlockedReason:
        """From a finding about the application."""
        return cls(entry["key"], entry["detail"], entry["remediation"])

    @classmethod
    def from_error(cls, error: Exception, before: str = "", after: str = "") -> BlockedReason:
        """From the error that ended its planning, at the step between the two versions."""
        if not isinstance(error, BlockedStepError):
            text = str(error) if isinstance(error, CollectionError) else f"{type(error).__name__}: {error}"
            error = BlockedStepError("application-not-planned", text)
        return cls(error.key, str(error), error.remediation, before, after, error.packages)

    def to_row(self) -> dict[str, Any]:
        """The reason as the plan has it, without credentials in URLs."""
        row: dict[str, Any] = {name: redact_text(getattr(self, name)) for name in ("key", "cause", "remediation")}
        if self.after:
            row.update({"from": self.before, "to": self.after})
        if self.packages:
            row["packages"] = list(self.packages)
        return row


# What data of a host that have another shape than expected raise.
DATA_ERRORS = (CollectionError, ValueError, LookupError, TypeError, AttributeError)


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


class NoLockError(BlockedStepError):
    """A step without a lock."""

    def __init__(self, key: str, text: str, packages: Sequence[str] = ()) -> None:
        super().__init__(key, text, packages=packages)


class UnpublishedPackagesError(BlockedStepError):
    """Packages that no source has in any version; ``names`` are theirs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            "package-not-from-index",
            f"no source has {', '.join(names)}",
            "copy them with oxzep7.python.package_copy, publish them to an index of oxzep7_indexes, "
            "or put wheels into a folder of oxzep7_find_links",
            names,
        )
        self.names = list(names)


class UncopiedPackagesError(CollectionError):
    """Packages without a wheel that stay, and whose installed files may be copied; ``names`` are theirs."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"no wheel of {', '.join(names)} for this Python; the installed files may do")
        self.names = list(names)


class MissingWheelsError(BlockedStepError):
    """Wheels that a builder host must provide first."""

    def __init__(self, failures: Sequence[RemoteBuildError]) -> None:
        names = sorted({failure.wanted.name for failure in failures})
        super().__init__("package-not-built", "; ".join(map(str, failures)), packages=names)
        self.failures = list(failures)
