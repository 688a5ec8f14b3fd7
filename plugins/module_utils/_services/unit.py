# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Units of systemd, of the system or of an account."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._host._journal import flush_journal, read_journal
from ansible_collections.oxzep7.python.plugins.module_utils._names import ACCOUNT_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import (
    LOG_LIMIT,
    PIDFILE_DOCUMENTATION,
    PIDFILE_OPTION,
    RELOAD,
    RESTART,
    RESTART_RUNNING,
    START_AGAIN,
    STOP_START,
    WATCH,
    Service,
    ServiceState,
    describe_missing_service,
    read_pidfile,
    require_control,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._systemctl import (
    is_systemd_running,
    read_unit_properties,
    render_systemctl,
    run_systemctl,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._units import (
    ADAPTION_PROPERTIES,
    MEMBER_PROPERTIES,
    SETUP_PROPERTIES,
    STATE_PROPERTIES,
    STOP_PROPERTIES,
    TRIGGER_SUFFIXES,
    Unit,
    collect_related,
    find_setup_problems,
    judge_unit,
    select_members,
)

START_VERBS = {
    STOP_START: "start",
    RESTART: "restart",
    RELOAD: "reload",
    START_AGAIN: "start",
    RESTART_RUNNING: "try-restart",
}
UNDO_VERBS = dict(START_VERBS, **{RELOAD: "reload-or-restart"})


class UnitService(Service):
    """A unit of systemd."""

    options = dict({"user": {"type": ACCOUNT_NAME}}, **PIDFILE_OPTION)
    documentation = """
user:
  description: Account whose systemd user instance manages the unit; the system instance by default.
  type: str
""" + PIDFILE_DOCUMENTATION.lstrip()

    def __init__(
        self, name: str, action: str = STOP_START, user: Optional[str] = None, pidfile: Optional[str] = None
    ) -> None:
        """*user* is the account whose user instance of systemd manages the unit; None for the system instance."""
        super().__init__(name, action)
        self.user = user
        self.pidfile = pidfile
        # Options of systemctl for its start.
        self.start_options: List[str] = []

    @classmethod
    def from_entry(cls, entry: Dict[str, Any]) -> Service:
        """As the base."""
        return cls(entry["name"], entry.get("action") or STOP_START, entry.get("user"), entry.get("pidfile"))

    def get_label(self) -> str:
        """As the base."""
        return "%s of %s" % (self.name, self.user) if self.user else self.name

    def _control(self, verb: str, timeout: float, options: Sequence[str] = ()) -> None:
        require_control(verb, run_systemctl(self.user, [verb] + list(options) + ["--", self.name], timeout))

    def stop(self, timeout: float, log: Optional[str] = None) -> None:
        """As the base."""
        if self.action == STOP_START:
            self._control("stop", timeout)

    def start(self, timeout: float, log: Optional[str] = None) -> None:
        """As the base."""
        if self.action in START_VERBS:
            self._control(START_VERBS[self.action], timeout, self.start_options)

    def forget_failures(self, timeout: float) -> None:
        """As the base."""
        if self.is_started():
            # systemd's start limit (systemd.unit(5), StartLimitBurst=) is for services that restart repeatedly by
            # themselves, and would refuse the one start after the swap. Here the reset costs no downtime.
            run_systemctl(self.user, ["reset-failed", "--", self.name], timeout)

    def render_stop(self, timeout: float) -> List[str]:
        """As the base."""
        if self.action != STOP_START:
            return []
        # A unit that does not stop in time is killed: it would keep using the environment that is removed.
        kill = render_systemctl(self.user, ["kill", "--signal=KILL", "--", self.name], timeout)
        return ["%s || %s" % (render_systemctl(self.user, ["stop", "--", self.name], timeout), kill)]

    def render_start(self, timeout: float) -> List[str]:
        """As the base."""
        lines = []
        if self.is_started():
            lines.append(render_systemctl(self.user, ["reset-failed", "--", self.name], timeout) + " 2>/dev/null")
        if self.action in UNDO_VERBS:
            words = [UNDO_VERBS[self.action]] + self.start_options + ["--", self.name]
            lines.append(render_systemctl(self.user, words, timeout) + self.render_complaint())
        return lines

    @classmethod
    def observe(cls, services: Sequence["UnitService"]) -> Dict[Service, ServiceState]:
        """As the base; a unit is healthy while it waits for a socket or a timer, too."""
        if not is_systemd_running():
            return {service: ServiceState(False, "not running: systemd does not run") for service in services}
        states: Dict[Service, ServiceState] = {}
        for user, own in _group_by_user(services):
            units = _read_units(user, [service.name for service in own], STATE_PROPERTIES)
            others = _read_units(user, collect_related(list(units.values())), STATE_PROPERTIES)
            for service in own:
                state = judge_unit(units[service.name], others)
                states[service] = state._replace(pids=read_pidfile(service.pidfile))
        return states

    @classmethod
    def find_problems(cls, services: Sequence["UnitService"]) -> List[Dict[str, Any]]:
        """As the base."""
        if not is_systemd_running():
            return [describe_missing_service(service.name) for service in services]
        problems: List[Dict[str, Any]] = []
        for user, own in _group_by_user(services):
            names = [service.name for service in own]
            for name, unit in _read_units(user, names, SETUP_PROPERTIES).items():
                problems += find_setup_problems(name, unit)
        return problems

    @classmethod
    def find_dependents(cls, services: Sequence["UnitService"]) -> List[str]:
        """As the base: what requires them, is bound to them or a part of them."""
        if not is_systemd_running():
            return []
        found: List[str] = []
        for user, own in _group_by_user([service for service in services if service.action in (STOP_START, RESTART)]):
            others = [service.name for service in services if (service.user or "") == (user or "")]
            found += [unit.name for unit in _find_dependents(user, own, others)]
        return found

    @classmethod
    def adapt(cls, services: Sequence["UnitService"]) -> List[List[Service]]:
        """As the base.

        - One behind a socket is restarted behind the swap: a connection would start it again between the stop and the
          swap, in the old environment. Connections that wait in the socket meanwhile are served, and none is lost.
        - What a timer, path or socket triggers, and the members of a target, are treated with it.
        - What is idle is not started. A job that is at work is stopped, and started again without waiting for its end.
        - What systemd stops together with one of them is started again.
        """
        if not is_systemd_running():
            return [[service] for service in services]
        adapted: Dict[Service, List[Service]] = {service: [service] for service in services}
        for user, own in _group_by_user(services):
            taken = [service.name for service in own]
            changed = [service for service in own if service.action in (STOP_START, RESTART)]
            for service in changed:
                adapted[service] = _expand(service, taken)
            kept = {service.name: service for service in own if service not in changed}
            started = [entry for service in changed for entry in adapted[service]]
            for unit in _find_dependents(user, started, [name for name in taken if name not in kept]):
                if unit.name in kept:
                    adapted[kept[unit.name]] = [_start_again(user, unit)]
                else:
                    adapted[changed[-1]].append(_start_again(user, unit))
        return [adapted[service] for service in services]

    @classmethod
    def find_accounts(cls, services: Sequence["UnitService"]) -> Dict[Service, str]:
        """As the base: ``User=`` of the unit, or the account of its instance of systemd."""
        running = is_systemd_running()
        units = [service for service in services if running and not service.user and service.name.endswith(".service")]
        found: Dict[Service, str] = {service: service.user for service in services if service.user}
        known = read_unit_properties([service.name for service in units], ["User", "LoadState", "DynamicUser"])
        for service in units:
            properties = known[service.name]
            # An account of that kind exists only while the service runs, and a missing unit has none.
            if properties.get("LoadState") == "loaded" and properties.get("DynamicUser") != "yes":
                found[service] = properties.get("User") or "root"
        return found

    @classmethod
    def flush_log(cls, services: Sequence["UnitService"]) -> None:
        """As the base: the journal."""
        if is_systemd_running():
            flush_journal()

    @classmethod
    def read_log(cls, services: Sequence["UnitService"], since: float, until: float) -> Optional[str]:
        """As the base: from the journal."""
        if not is_systemd_running():
            return None
        options = ["--since=@%.6f" % since, "--until=@%.6f" % until]
        for service in services:
            options += ["--user-unit" if service.user else "--unit", service.name]
        return read_journal(options, LOG_LIMIT).stdout

    @classmethod
    def list_files(cls, services: Sequence["UnitService"]) -> List[str]:
        """As the base: unit files, drop-ins and environment files."""
        found: List[str] = []
        for user, own in _group_by_user(services):
            names = [service.name for service in own]
            for unit in _read_units(user, names, ("FragmentPath", "DropInPaths", "EnvironmentFiles")).values():
                words = unit.list_words("DropInPaths", "EnvironmentFiles")
                found += [unit.get("FragmentPath") or ""] + [word for word in words if word.startswith("/")]
        return [path for path in found if path]


def _group_by_user(services: Sequence[UnitService]) -> List[Tuple[Optional[str], List[UnitService]]]:
    """The units of each systemd instance of *services*, in order."""
    groups: Dict[str, List[UnitService]] = {}
    for service in services:
        groups.setdefault(service.user or "", []).append(service)
    return [(user or None, own) for user, own in sorted(groups.items())]


def _read_units(user: Optional[str], names: Sequence[str], properties: Sequence[str]) -> Dict[str, Unit]:
    """The units called *names*, by these names, with *properties*. Raises ServiceError."""
    return {name: Unit(found) for name, found in read_unit_properties(names, properties, user).items()}


def _find_dependents(user: Optional[str], services: Sequence[Service], taken: Sequence[str]) -> List[Unit]:
    """The active units that systemd stops with those of *services* which a promotion stops or restarts.

    They are not among the units called *taken*. Raises ServiceError.
    """
    known: Dict[str, Unit] = {}
    waiting = [service.name for service in services if service.action in (STOP_START, RESTART)]
    own = set(taken) | set(waiting)
    while waiting:
        found = _read_units(user, waiting, ("ActiveState", "Type", "RemainAfterExit") + STOP_PROPERTIES)
        known.update(found)
        # An alias of a unit is its name in the properties of others.
        own |= {unit.name for name, unit in found.items() if name in own}
        names = {name for unit in found.values() for name in unit.list_words(*STOP_PROPERTIES)}
        waiting = sorted(names - set(known))
    return [unit for name, unit in sorted(known.items()) if name not in own and _is_up(unit)]


def _is_up(unit: Unit) -> bool:
    """Whether *unit* is active, or about to be."""
    return unit.is_active() or unit.get("ActiveState") == "activating"


def _start_again(user: Optional[str], unit: Unit) -> UnitService:
    """The service that starts *unit*, which was stopped with another one, again."""
    service = UnitService(unit.name, START_AGAIN, user)
    if unit.suffix == ".target":
        # What it wants and was stopped by hand stays so.
        service.start_options = ["--job-mode=ignore-dependencies"]
    elif unit.is_job():
        service.start_options = ["--no-block"]
    return service


def _expand(service: UnitService, taken: List[str], declared: bool = True) -> List[Service]:
    """What a promotion treats in place of *service*; adds names to *taken*. Raises ServiceError."""
    unit = _read_units(service.user, [service.name], ADAPTION_PROPERTIES)[service.name]
    members: List[str] = []
    if unit.suffix == ".target":
        names = [name for name in dict.fromkeys(unit.list_words(*MEMBER_PROPERTIES)) if name not in taken]
        members = select_members(unit, _read_units(service.user, names, ADAPTION_PROPERTIES), taken)
    elif unit.suffix in TRIGGER_SUFFIXES:
        members = [name for name in unit.list_words("Triggers") if name not in taken]
    taken += members
    found: List[Service] = []
    for name in members:
        found += _expand(UnitService(name, service.action, service.user), taken, False)
    return found + [_choose_action(service, unit, declared)]


def _choose_action(service: UnitService, unit: Unit, declared: bool) -> UnitService:
    """*service* with the action that the state of its *unit* makes necessary. Raises ServiceError."""
    if unit.suffix == ".socket":
        # It keeps connections until its service is back.
        return service.with_action(WATCH)
    others = _read_units(service.user, unit.list_words("TriggeredBy"), STATE_PROPERTIES)
    if any(others[name].is_active() for name in unit.list_sockets()):
        return service.with_action(RESTART if declared or unit.is_active() else RESTART_RUNNING)
    if unit.is_idle(others) or not (declared or _is_up(unit)):
        return service.with_action(WATCH)
    changed = service.with_action(service.action)
    changed.start_options = ["--no-block"] if unit.is_job() else []
    return changed
