# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the properties of a systemd unit mean. Functions of data, without effects."""

import os
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._finding import build_finding
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import (
    ServiceState,
    describe_missing_service,
)

# Properties that name the units which systemd stops together with a unit (systemd.unit(5)).
STOP_PROPERTIES = ("RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo")
# Properties that name what starts a unit.
STARTER_PROPERTIES = ("WantedBy", "RequiredBy", "BoundBy", "UpheldBy", "TriggeredBy")
# Properties that name the units which a target starts or stops.
MEMBER_PROPERTIES = ("Wants", "Requires", "BindsTo", "ConsistsOf")
STATE_PROPERTIES = (
    "ActiveState",
    "SubState",
    "Result",
    "Type",
    "RemainAfterExit",
    "NRestarts",
    "TriggeredBy",
    "Triggers",
    "ControlGroup",
    "ActiveEnterTimestampMonotonic",
    "InactiveExitTimestampMonotonic",
)
SETUP_PROPERTIES = ("LoadState", "LoadError", "UnitFileState", "NeedDaemonReload") + STARTER_PROPERTIES
ADAPTION_PROPERTIES = STATE_PROPERTIES + MEMBER_PROPERTIES + ("PartOf",) + STARTER_PROPERTIES
TRIGGER_SUFFIXES = (".timer", ".path", ".socket", ".automount")
MEMBER_SUFFIXES = (".service",) + TRIGGER_SUFFIXES
ACTIVE_STATES = ("active", "reloading", "refreshing")
MISSING_STATES = ("not-found", "error", "bad-setting", None)
# States of unit files that start with the host if something else wants the unit only.
NOT_ENABLED_STATES = ("disabled", "enabled-runtime", "linked", "linked-runtime", "transient")


class Unit:
    """A unit by its properties, as ``systemctl show`` prints them; absent ones are empty."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self._properties = properties

    def get(self, name: str) -> Optional[str]:
        """The value of property *name*; None without one."""
        return self._properties.get(name) or None

    def list_words(self, *names: str) -> List[str]:
        """The words, as names of units, in the values of the properties *names*."""
        found: List[str] = []
        for name in names:
            found += (self._properties.get(name) or "").split()
        return found

    def get_number(self, name: str) -> int:
        """The value of the numeric property *name*; 0 without one."""
        text = self._properties.get(name) or ""
        return int(text) if text.isdigit() else 0

    @property
    def name(self) -> str:
        """Its name, of which the one that was asked for may be an alias."""
        return self._properties.get("Id") or ""

    @property
    def suffix(self) -> str:
        """Its type, as ``.service``."""
        return os.path.splitext(self.name)[1]

    def is_active(self) -> bool:
        """Whether it is up."""
        return self.get("ActiveState") in ACTIVE_STATES

    def is_job(self) -> bool:
        """Whether it runs to its end and is inactive then, successful or not."""
        return self.get("Type") == "oneshot" and self.get("RemainAfterExit") != "yes"

    def is_at_work(self) -> bool:
        """Whether it is a job that runs at the moment."""
        return self.is_job() and self.get("ActiveState") == "activating"

    def is_idle(self, others: Mapping[str, "Unit"]) -> bool:
        """Whether it is inactive as it should be: a job, or started on demand by one of *others* that is active."""
        if self.get("ActiveState") != "inactive" or self.get("Result") not in ("success", None):
            return False
        return self.is_job() or bool(self.list_active_triggers(others))

    def list_active_triggers(self, others: Mapping[str, "Unit"]) -> List[str]:
        """The units among *others* that start it on demand and are active."""
        return [name for name in self.list_words("TriggeredBy") if name in others and others[name].is_active()]

    def list_sockets(self) -> List[str]:
        """The sockets that start it on demand."""
        return [name for name in self.list_words("TriggeredBy") if name.endswith(".socket")]

    def describe_state(self) -> str:
        """The state as systemctl shows it, with the reason of a failure."""
        reason = self.get("Result")
        text = "%s (%s)" % (self.get("ActiveState"), self.get("SubState"))
        return text if reason in ("success", None) else "%s, %s" % (text, reason)


def judge_unit(unit: Unit, others: Mapping[str, Unit]) -> ServiceState:
    """The state of *unit*; *others* are the units that trigger it or that it triggers, by name."""
    failed = unit.get("ActiveState") == "failed"
    group = unit.get("ControlGroup")
    state = ServiceState(False, "", failed, unit.get_number("NRestarts"), groups=(group,) if group else ())
    if unit.is_active():
        if unit.suffix in TRIGGER_SUFFIXES:
            return _judge_trigger(unit, others, state)
        plain = unit.get("SubState") in ("running", None)
        evidence = "running" if plain else unit.describe_state()
        return state._replace(healthy=True, evidence=evidence, has_processes=plain and unit.suffix == ".service")
    if unit.is_at_work():
        return state._replace(healthy=True, evidence="at work", has_processes=True)
    if unit.is_idle(others):
        triggers = unit.list_active_triggers(others)
        waiting = "waits for %s" % ", ".join(triggers) if triggers else "has ended well"
        return state._replace(healthy=True, evidence="not tried: it is inactive and %s" % waiting)
    return state._replace(evidence="not running: %s" % unit.describe_state())


def _judge_trigger(unit: Unit, others: Mapping[str, Unit], state: ServiceState) -> ServiceState:
    """*state* of the active *unit*, which starts others on demand: they must not have failed since it is active."""
    evidence = [unit.describe_state()]
    for name in unit.list_words("Triggers"):
        other = others.get(name)
        since = unit.get_number("ActiveEnterTimestampMonotonic")
        ran = other is not None and other.get_number("InactiveExitTimestampMonotonic") >= since
        if other is not None and ran and other.get("ActiveState") == "failed":
            text = "%s, which %s triggers, is %s" % (name, unit.name, other.describe_state())
            return state._replace(evidence=text, failed=True)
        if ran:
            evidence.append("%s has run since" % name)
        else:
            evidence.append("not tried: %s, which %s triggers, has not run since" % (name, unit.name))
    return state._replace(healthy=True, evidence="; ".join(evidence))


def find_setup_problems(name: str, unit: Unit) -> List[Dict[str, Any]]:
    """Findings about how the *unit* that is declared as *name* is set up."""
    loaded = unit.get("LoadState")
    if loaded == "masked":
        return [
            build_finding(
                key="service-masked",
                detail="%s is masked, so it could not be started after a stop" % name,
                remediation="run systemctl unmask %s, or correct `services`" % name,
            )
        ]
    if loaded in MISSING_STATES:
        return [describe_missing_service(name)]
    problems = []
    if unit.get("NeedDaemonReload") == "yes":
        problems.append(
            build_finding(
                key="unit-file-changed",
                detail="the files of %s were changed, and systemd has not loaded them: the next start could differ "
                "from what runs now, and so could a start that undoes the promotion" % name,
                remediation="run systemctl daemon-reload, restart %s, and see that it works" % name,
            )
        )
    state = unit.get("UnitFileState")
    if state in NOT_ENABLED_STATES and not unit.list_words(*STARTER_PROPERTIES):
        problems.append(
            build_finding(
                key="service-not-enabled",
                detail="%s is %s and nothing else starts it, so it does not come back when the host restarts"
                % (name, state),
                remediation="run systemctl enable %s" % name,
            )
        )
    return problems


def select_members(target: Unit, units: Mapping[str, Unit], declared: Sequence[str]) -> List[str]:
    """Those of *units* that belong to *target*: its parts, and what nothing but it and *declared* units starts."""
    parts = target.list_words("ConsistsOf")
    owners = set(declared) | {target.name} | set(parts)
    members = []
    for name in sorted(set(target.list_words(*MEMBER_PROPERTIES))):
        unit = units.get(name)
        if unit is None or not name.endswith(MEMBER_SUFFIXES):
            continue
        starters = unit.list_words(*STARTER_PROPERTIES)
        if name in parts or (starters and owners.issuperset(starters)):
            members.append(name)
    return members


def collect_related(units: Sequence[Unit]) -> List[str]:
    """The names of what triggers *units* or is triggered by them, each once."""
    names: Dict[str, None] = {}
    for unit in units:
        names.update(dict.fromkeys(unit.list_words("TriggeredBy", "Triggers")))
    return list(names)
