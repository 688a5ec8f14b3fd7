# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What failed promotions teach: a constraint only where the package at fault is certain."""

from __future__ import annotations

import json

import pytest
from ansible_collections.oxzep7.python.plugins.action import report
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import compute_lock_id
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._constraints import read_constraints
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import select_limits
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._run_lessons import list_lessons

from .test_plan import host, steps_of
from .world import Made, World

LOCK = "".join(
    f"{name}=={version} \\\n    --hash=sha256:0\n"
    for name, version in (("flask", "1.0"), ("google-auth", "1.30"), ("pypiserver", "1.4.2"))
)
SITE = "/srv/x/venv/lib/python3.11/site-packages"
GETARGSPEC = (
    "ImportError: cannot import name 'getargspec' from 'inspect' (/usr/lib/python3.11/inspect.py) "
    f"({SITE}/pypiserver/bottle.py, line 38)"
)
DATE = "2026-11-30"


def make_row(cause, **changes):
    row = {"host": "web1", "application": "pypi", "from": "3.10", "to": "3.11", "result": "reverted", "cause": cause}
    return {**row, "lock": compute_lock_id(LOCK), **changes}


def list_of(*rows, lock=LOCK):
    return list_lessons(rows, lambda identifier: lock, DATE)


def test_a_package_whose_own_file_uses_what_left_is_constrained():
    ((minor, entry),) = list_of(make_row(GETARGSPEC), make_row(GETARGSPEC, host="web2")).learned
    row = entry.to_row()
    assert minor == (3, 11) and (row["requirement"], row["python"]) == ("pypiserver!=1.4.2", ">=3.11")
    assert (row["evidence"], row["date"], row["host"]) == ("run", DATE, "web1")
    assert row["reason"] == (
        "pypiserver 1.4.2 breaks pypi on Python 3.11: inspect.getargspec was removed in Python 3.11; "
        "used by bottle inside pypiserver 1.4.2"
    )
    (limit,) = select_limits([row], (3, 12))
    assert limit.admits("1.4.3") and not limit.admits("1.4.2") and select_limits([row], (3, 10)) == ()


def test_it_is_evidence_as_well():
    (found,) = list_of(make_row(GETARGSPEC)).evidence
    assert (found.package, found.version, found.python, found.state, found.kind) == (
        "pypiserver",
        "1.4.2",
        "3.11",
        "breaks",
        "run",
    )


def test_a_file_that_the_python_does_not_compile_is_its_packages_fault():
    cause = f"SyntaxError: invalid syntax ({SITE}/google/auth/aio.py, line 7)"
    ((_minor, entry),) = list_of(make_row(cause)).learned
    assert entry.requirement == "google-auth!=1.30"


def test_the_first_exception_of_a_chain_decides():
    cause = f"RuntimeError: no application ({SITE}/flask/cli.py, line 9); caused by {GETARGSPEC}"
    ((_minor, entry),) = list_of(make_row(cause)).learned
    assert entry.requirement == "pypiserver!=1.4.2"


@pytest.mark.parametrize(
    "cause, package",
    [
        (f"ModuleNotFoundError: No module named 'six.moves' ({SITE}/flask/app.py, line 3)", "flask"),
        (f"OperationalError: no such table ({SITE}/flask/app.py, line 3)", "flask"),
        (GETARGSPEC.replace("pypiserver/bottle.py", "unknown/bottle.py"), None),
        ("ImportError: cannot import name 'getargspec' from 'inspect' (/srv/app/main.py, line 1)", None),
        ("not running", None),
    ],
)
def test_where_another_may_be_at_fault_there_is_evidence_at_most(cause, package):
    lessons = list_of(make_row(cause))
    assert lessons.learned == ()
    assert [(entry.package, entry.state) for entry in lessons.evidence] == ([(package, "unknown")] if package else [])


@pytest.mark.parametrize(
    "row",
    [
        make_row(GETARGSPEC, result="promoted"),
        make_row(GETARGSPEC, **{"from": "3.11"}),
        make_row(GETARGSPEC, **{"from": "3.12"}),
        make_row(None),
        make_row(GETARGSPEC, lock=None),
        # A rollback that failed.
        make_row(GETARGSPEC, **{"from": "live", "to": "before first", "lock": None}),
    ],
)
def test_only_a_failed_promotion_to_a_later_minor_teaches(row):
    lessons = list_of(row)
    assert (lessons.learned, lessons.evidence) == ((), ())


def test_a_lock_that_works_on_another_host_does_not_break_its_package():
    good = {"host": "web2", "application": "pypi", "from": "3.10", "to": "3.11", "result": "promoted"}
    lessons = list_of(make_row(GETARGSPEC), {**good, "lock": compute_lock_id(LOCK)})
    assert lessons.learned == () and [entry.state for entry in lessons.evidence] == ["unknown"]


def test_nothing_is_taught_without_the_lock():
    assert list_of(make_row(GETARGSPEC), lock=None).learned == ()


class Shown:
    """What an action shows."""

    def __init__(self):
        self.lines = []

    def display(self, line):
        self.lines.append(line)

    warning = display


def test_the_report_of_a_run_writes_it_to_the_plan_and_the_next_plan_moves_the_package(tmp_path):
    packages = {"pypiserver": {"1.4.2": Made(), "1.5.0": Made()}}
    planned_host = host("web1", python="3.10.4", packages=(("pypiserver", "1.4.2"),))
    plan = Planner("3.11", World(packages).locker()).plan([planned_host])
    (tmp_path / "locks").mkdir()
    (tmp_path / "plan.json").write_text(json.dumps(plan.document))
    for identifier, text in plan.locks.items():
        (tmp_path / "locks" / f"{identifier}.txt").write_text(text)
    action = report.ActionModule.__new__(report.ActionModule)
    action._display = Shown()
    (step,) = steps_of(plan, "web1")
    row = make_row(GETARGSPEC, application="app", lock=step["lock"])
    for _wave in range(2):
        action._record_evidence(tmp_path, [row])
    assert [line for line in action._display.lines if "not added" in line] == []
    assert len(action._display.lines) == 1 and "web1: pypiserver!=1.4.2: " in action._display.lines[0]
    (row,) = read_constraints(tmp_path)
    matrix = json.loads((tmp_path / "matrix.json").read_text())
    (cell,) = matrix["packages"]["pypiserver"].values()
    assert (cell["state"], cell["kind"]) == ("breaks", "run")
    again = host("web1", python="3.10.4", packages=(("pypiserver", "1.4.2"),), constraints=[row])
    (step,) = steps_of(Planner("3.11", World(packages).locker()).plan([again]), "web1")
    (change,) = step["changes"]
    assert (change["to"], change["evidence"]) == ("1.5.0", "run") and "inspect.getargspec" in change["reason"]
