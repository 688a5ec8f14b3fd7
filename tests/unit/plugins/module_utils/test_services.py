# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of services: what their states mean, and what a promotion makes of them."""

import subprocess

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._services import (
    adapt_services,
    find_service_problems,
    observe_services,
    render_starts,
    render_stops,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import _describe_states
from ansible_collections.oxzep7.python.plugins.module_utils._services import unit as unit_kind
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import ServiceState
from ansible_collections.oxzep7.python.plugins.module_utils._services._units import (
    STOP_PROPERTIES,
    Unit,
    find_setup_problems,
    judge_unit,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services.supervisor import (
    SupervisorService,
    judge_program,
    parse_status,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services.unit import UnitService

try:
    from hypothesis import given
    from hypothesis import strategies as some
except ImportError:
    given = None


def make_unit(name, active="active", sub="running", **properties):
    return dict(properties, Id=name, ActiveState=active, SubState=sub, LoadState="loaded")


RUNNING = make_unit("web.service")
JOB = make_unit("job.service", "inactive", "dead", Type="oneshot", RemainAfterExit="no", Result="success")
TIMER = make_unit("job.timer", "active", "waiting", Triggers="job.service", ActiveEnterTimestampMonotonic="50")


@pytest.mark.parametrize(
    ("properties", "others", "healthy", "evidence"),
    [
        (RUNNING, [], True, "running"),
        (dict(RUNNING, ActiveState="activating", SubState="auto-restart"), [], False, "activating (auto-restart)"),
        (dict(RUNNING, ActiveState="inactive", SubState="dead"), [], False, "not running: inactive (dead)"),
        (dict(RUNNING, ActiveState="failed", SubState="failed", Result="exit-code"), [], False, "exit-code"),
        (make_unit("once.service", sub="exited", Type="oneshot", RemainAfterExit="yes"), [], True, "active (exited)"),
        (JOB, [], True, "not tried: it is inactive and has ended well"),
        (dict(JOB, RemainAfterExit="yes"), [], False, "not running"),
        (dict(JOB, Result="exit-code"), [], False, "not running"),
        (dict(JOB, ActiveState="failed", Result="exit-code"), [], False, "not running: failed (dead), exit-code"),
        (dict(JOB, ActiveState="activating", SubState="start"), [], True, "at work"),
        (dict(JOB, Type="simple", TriggeredBy="job.timer"), [TIMER], True, "waits for job.timer"),
        (
            dict(JOB, Type="simple", TriggeredBy="job.timer"),
            [dict(TIMER, ActiveState="inactive")],
            False,
            "not running",
        ),
        (TIMER, [JOB], True, "not tried: job.service, which job.timer triggers, has not run since"),
        (TIMER, [dict(JOB, InactiveExitTimestampMonotonic="60")], True, "job.service has run since"),
        (TIMER, [dict(JOB, InactiveExitTimestampMonotonic="40")], True, "has not run since"),
        (dict(TIMER, ActiveState="inactive", SubState="dead"), [JOB], False, "not running: inactive (dead)"),
        (make_unit("all.target", sub="active"), [], True, "active (active)"),
    ],
)
def test_states_of_units(properties, others, healthy, evidence):
    state = judge_unit(Unit(properties), {other["Id"]: Unit(other) for other in others})
    assert state.healthy is healthy and evidence in state.evidence
    assert state.failed == (properties["ActiveState"] == "failed")


def test_a_timer_is_not_healthy_when_its_job_has_failed_since():
    failed = dict(JOB, ActiveState="failed", SubState="failed", Result="exit-code")
    for began, healthy in (("60", False), ("40", True)):
        others = {"job.service": Unit(dict(failed, InactiveExitTimestampMonotonic=began))}
        state = judge_unit(Unit(TIMER), others)
        assert (state.healthy, state.failed) == (healthy, not healthy)


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"UnitFileState": "enabled"}, []),
        ({"UnitFileState": "static"}, []),
        ({"UnitFileState": "generated"}, []),
        ({"UnitFileState": "indirect"}, []),
        ({"UnitFileState": "disabled"}, ["service-not-enabled"]),
        ({"UnitFileState": "enabled-runtime"}, ["service-not-enabled"]),
        ({"UnitFileState": "transient"}, ["service-not-enabled"]),
        ({"UnitFileState": "disabled", "TriggeredBy": "x.timer"}, []),
        ({"UnitFileState": "disabled", "WantedBy": "all.target"}, []),
        ({"UnitFileState": "enabled", "NeedDaemonReload": "yes"}, ["unit-file-changed"]),
        ({"LoadState": "masked", "UnitFileState": "masked", "NeedDaemonReload": "yes"}, ["service-masked"]),
        ({"LoadState": "not-found"}, ["service-not-found"]),
        ({"LoadState": "bad-setting", "UnitFileState": "enabled"}, ["service-not-found"]),
    ],
)
def test_how_units_are_set_up(changes, keys):
    problems = find_setup_problems("web.service", Unit(dict(RUNNING, **changes)))
    assert [problem["key"] for problem in problems] == keys
    for problem in problems:
        assert "web.service" in problem["detail"] and problem["blocking"] == (problem["key"] != "service-not-enabled")


class Systemd:
    """The units of one instance of systemd, by their properties."""

    def __init__(self, *units):
        self.units = {properties["Id"]: properties for properties in units}
        self.calls = 0

    def read(self, names, _properties, _user=None):
        self.calls += 1
        return {name: self.units.get(name) or {"Id": name, "LoadState": "not-found"} for name in names}


@pytest.fixture
def systemd(monkeypatch):
    """Install a function that sets the units of this host."""

    def install(*units):
        world = Systemd(*units)
        monkeypatch.setattr(unit_kind, "is_systemd_running", lambda: True)
        monkeypatch.setattr(unit_kind, "read_unit_properties", world.read)
        return world

    return install


def adapt(*names, action="stop-start"):
    return [(service.name, service.action) for service in adapt_services([UnitService(name, action) for name in names])]


def test_dependents_are_found_through_each_other_and_only_active_ones_are_started_again(systemd):
    systemd(
        dict(RUNNING, RequiredBy="a.service off.service", ConsistsOf="b.service"),
        make_unit("a.service", BoundBy="c.service"),
        make_unit("b.service", RequiredBy="web.service"),
        make_unit("c.service", RequisiteOf="d.target"),
        make_unit("d.target", sub="active"),
        make_unit("off.service", "inactive", "dead", RequiredBy="e.service"),
        make_unit("e.service"),
    )
    again = [(name, "start-again") for name in ("a.service", "b.service", "c.service", "d.target", "e.service")]
    assert adapt("web.service") == [("web.service", "stop-start"), *again]
    assert adapt("web.service", "a.service") == [("web.service", "stop-start"), ("a.service", "stop-start"), *again[1:]]
    assert adapt("web.service", action="restart") == [("web.service", "restart"), *again]
    assert adapt("web.service", action="reload") == [("web.service", "reload")]
    (problem,) = find_service_problems([UnitService("web.service"), UnitService("c.service")])
    assert problem["key"] == "dependents-not-declared"
    assert problem["detail"].startswith("a.service, b.service, d.target, e.service:")


if given:
    PLACES = some.integers(0, 6)
    EDGES = some.lists(some.tuples(PLACES, PLACES, some.sampled_from(STOP_PROPERTIES)), max_size=14)

    @given(EDGES, some.sets(PLACES), some.sets(PLACES, min_size=1), some.sampled_from(["stop-start", "restart"]))
    def test_exactly_the_active_units_that_stop_are_started_again(edges, active, declared, action):
        names = ["u%d.service" % number for number in range(7)]
        units = {
            name: make_unit(name, "active" if number in active else "inactive") for number, name in enumerate(names)
        }
        stopped, size = set(declared), 0
        for first, second, key in edges:
            unit = units[names[first]]
            unit[key] = (unit.get(key, "") + " " + names[second]).strip()
        while size != len(stopped):
            size = len(stopped)
            stopped |= {second for first, second, _key in edges if first in stopped}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(unit_kind, "is_systemd_running", lambda: True)
            patch.setattr(unit_kind, "read_unit_properties", Systemd(*units.values()).read)
            services = [UnitService(names[number], action) for number in sorted(declared)]
            adapted = adapt_services(services)
        assert [service.name for service in adapted[: len(services)]] == [service.name for service in services]
        expected = sorted(names[number] for number in (stopped & active) - declared)
        assert [(service.name, service.action) for service in adapted[len(services) :]] == [
            (name, "start-again") for name in expected
        ]


def test_a_declared_service_that_stops_with_another_one_is_started_again_whatever_its_action(systemd):
    systemd(dict(RUNNING, RequiredBy="a.service b.service"), make_unit("a.service"), make_unit("b.service"))
    services = [UnitService("a.service", "none"), UnitService("web.service"), UnitService("b.service", "reload")]
    assert [(service.name, service.action) for service in adapt_services(services)] == [
        ("a.service", "start-again"),
        ("web.service", "stop-start"),
        ("b.service", "start-again"),
    ]
    assert find_service_problems([UnitService("x.service", "none")])[0]["key"] == "service-not-found"


def test_dependents_of_an_alias_are_not_the_unit_itself(systemd):
    world = systemd(dict(RUNNING, RequiredBy="a.service"), make_unit("a.service", RequiredBy="web.service"))
    world.units["www.service"] = world.units["web.service"]
    assert adapt("www.service") == [("www.service", "stop-start"), ("a.service", "start-again")]


def test_what_is_started_again_is_in_the_undo_script(systemd):
    systemd(
        dict(RUNNING, RequiredBy="a.service all.target job.service"),
        make_unit("a.service"),
        make_unit("all.target", sub="active"),
        dict(JOB, ActiveState="activating"),
    )
    services = adapt_services([UnitService("web.service")])
    assert [line for line in render_stops(services, 5.0) if "web.service" not in line] == []
    starts = [line for line in render_starts(services, 5.0) if "reset-failed" not in line]
    assert starts == [
        "timeout 5 systemctl start -- web.service || fail 'service web.service did not start'",
        "timeout 5 systemctl start -- a.service || fail 'service a.service did not start'",
        "timeout 5 systemctl start --job-mode=ignore-dependencies -- all.target"
        " || fail 'service all.target did not start'",
        "timeout 5 systemctl start --no-block -- job.service || fail 'service job.service did not start'",
    ]


def test_an_idle_job_is_only_looked_at_and_one_at_work_is_started_anew(systemd):
    world = systemd(JOB)
    assert adapt("job.service") == [("job.service", "watch")]
    world.units["job.service"] = dict(JOB, ActiveState="activating", SubState="start")
    (service,) = adapt_services([UnitService("job.service")])
    assert service.action == "stop-start" and "--no-block" in render_starts([service], 5.0)[-1]


def test_what_a_timer_triggers_is_treated_with_it(systemd):
    world = systemd(TIMER, dict(JOB, TriggeredBy="job.timer"))
    assert adapt("job.timer") == [("job.service", "watch"), ("job.timer", "stop-start")]
    world.units["job.service"] = dict(JOB, ActiveState="activating", TriggeredBy="job.timer")
    # Stopped from the last to the first, so that the timer does not start the job again.
    assert adapt("job.timer") == [("job.service", "stop-start"), ("job.timer", "stop-start")]
    assert adapt("job.timer", "job.service") == [("job.timer", "stop-start"), ("job.service", "stop-start")]


def test_a_socket_goes_on_listening_while_its_service_is_restarted(systemd):
    socket = make_unit("web.socket", sub="listening", Triggers="web.service")
    world = systemd(socket, dict(RUNNING, TriggeredBy="web.socket"))
    assert adapt("web.socket") == [("web.service", "restart"), ("web.socket", "watch")]
    assert adapt("web.service") == [("web.service", "restart")]
    world.units["web.service"].update(ActiveState="inactive", SubState="dead")
    assert adapt("web.socket") == [("web.service", "restart-running"), ("web.socket", "watch")]
    (service, state) = next(iter(observe_services([UnitService("web.service")]).items()))
    assert service.name == "web.service" and state.healthy and "waits for web.socket" in state.evidence


def test_the_members_of_a_target_are_what_only_it_starts(systemd):
    systemd(
        make_unit("all.target", sub="active", Wants="a.service db.service job.timer", ConsistsOf="b.service"),
        make_unit("a.service", WantedBy="all.target"),
        make_unit("b.service", WantedBy="multi-user.target", PartOf="all.target"),
        make_unit("db.service", WantedBy="multi-user.target all.target"),
        dict(TIMER, WantedBy="all.target"),
        dict(JOB, TriggeredBy="job.timer"),
    )
    assert adapt("all.target") == [
        ("a.service", "stop-start"),
        ("b.service", "stop-start"),
        ("job.service", "watch"),
        ("job.timer", "stop-start"),
        ("all.target", "stop-start"),
    ]


def test_units_of_two_accounts_are_asked_of_their_own_systemd(systemd, monkeypatch):
    worlds = {
        None: Systemd(dict(RUNNING, RequiredBy="x.service"), make_unit("x.service")),
        "one": Systemd(RUNNING),
        "two": Systemd(dict(RUNNING, ActiveState="failed", RequiredBy="x.service"), make_unit("x.service")),
    }
    systemd()
    monkeypatch.setattr(
        unit_kind, "read_unit_properties", lambda names, properties, user: worlds[user].read(names, properties)
    )
    services = [UnitService("web.service", "stop-start", user) for user in ("two", "one", None)]
    assert [state.healthy for state in observe_services(services).values()] == [False, True, True]
    treated = [(service.name, service.user) for service in adapt_services(services)]
    assert treated == [
        ("web.service", "two"),
        ("x.service", "two"),
        ("web.service", "one"),
        ("web.service", None),
        ("x.service", None),
    ]


# What supervisorctl 4.3 prints.
STATUS = """\
many:0                           RUNNING   pid 31995, uptime 0:00:02
many:1                           {state}   pid 31996, uptime 1 day, 0:00:02
"""


@pytest.mark.parametrize(
    ("text", "healthy", "failed", "pids", "evidence"),
    [
        (STATUS.format(state="RUNNING"), True, False, (31995, 31996), "running"),
        (STATUS.format(state="STOPPING"), False, False, (31995, 31996), "many:1 is STOPPING"),
        ("bad  FATAL     Exited too quickly (process log may have details)\n", False, True, (), "Exited too quickly"),
        ("bad  STARTING  \n", False, False, (), "bad is STARTING"),
        ("none: ERROR (no such process)\n", False, False, (), "does not know it"),
    ],
)
def test_states_of_programs(text, healthy, failed, pids, evidence):
    state = judge_program(parse_status(text))
    assert (state.healthy, state.failed, state.pids) == (healthy, failed, pids) and evidence in state.evidence


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (STATUS.format(state="RUNNING"), "0"),
        (STATUS.format(state="FATAL"), "1"),
        ("none: ERROR (no such process)\n", "1"),
        ("unix:///run/supervisor.sock no such file\n", "1"),
        ("", "1"),
    ],
)
def test_the_undo_script_reads_the_state_of_programs(tmp_path, answer, failed):
    control = tmp_path / "it's supervisorctl"
    control.write_text("#!/bin/sh\necho \"$@\" >>%s/log\n[ $1 != status ] || cat <<'E'\n%sE\n" % (tmp_path, answer))
    control.chmod(0o755)
    service = SupervisorService("many", program="many:*", control=[str(control)])
    lines = [
        "failed=0",
        "fail() { failed=1; }",
        *render_stops([service], 5.0),
        *render_starts([service], 5.0),
        "echo $failed",
    ]
    assert subprocess.check_output(["/bin/sh", "-c", "\n".join(lines)], cwd=str(tmp_path)).decode().split() == [failed]
    assert (tmp_path / "log").read_text().splitlines() == ["stop many:*", "start many:*", "status many:*"]


def test_a_service_that_its_manager_has_restarted_is_not_healthy():
    state = ServiceState(True, "running", restarts=2)
    (result,) = _describe_states({UnitService("web.service"): state}, True, ())
    assert not result["passed"] and result["evidence"] == "restarted 2 times by systemd"
    (result,) = _describe_states({UnitService("web.service"): state}, False, ())
    assert result["passed"]
