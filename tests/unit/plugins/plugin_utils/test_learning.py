# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rehearsals learn is in the plan directory at once, whoever else writes there; and what they say of a failure."""

from __future__ import annotations

import datetime
import multiprocessing

import pytest
import yaml
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._compatibility import read_evidence
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._constraints import (
    append_constraints,
    read_constraints,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._explanations import (
    RemovedUse,
    explain_failure,
    find_broken_user,
    find_removal,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._learning import PlanDirectoryKeeper
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._problems import (
    build_problem,
    describe_error,
    describe_failures,
    format_problems,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import (
    LearnedConstraint,
    Rehearsal,
    TrialFailure,
)

from .test_rehearsal import PLATFORM, Trials
from .world import Made, World

TODAY = datetime.date(2026, 11, 30)
PYPISERVER = "/srv/x/lib/python3.11/site-packages/pypiserver/bottle.py"


def learn(requirement, host="host1"):
    package = requirement.partition(">=")[0]
    reason = f"{package} 1.0 breaks {package} on Python 3.12: boom"
    return LearnedConstraint(requirement, ">=3.12", reason, "import", TODAY.isoformat(), host, "boom")


def learn_many(directory, host):
    keeper = PlanDirectoryKeeper(directory, host, TODAY, lambda line: None)
    for number in range(20):
        keeper.keep([learn(f"{host}-{number}>=2.0", host)], (3, 12))
        keeper.keep([learn("shared>=2.0", host)], (3, 12))


def test_several_processes_lose_nothing_and_write_nothing_twice(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=learn_many, args=(tmp_path, f"host{number}")) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    names = [row["requirement"] for row in read_constraints(tmp_path)]
    assert len(names) == len(set(names)) == 3 * 20 + 1
    assert {entry.package for entry in read_evidence(tmp_path / "evidence.json")} == {
        name.partition(">=")[0] for name in names
    }


def test_what_an_operator_writes_meanwhile_stays_and_counts(tmp_path):
    keeper = PlanDirectoryKeeper(tmp_path, "host1", TODAY, lambda line: None)
    keeper.keep([learn("a>=2.0")], (3, 12))
    path = tmp_path / "constraints.yml"
    path.write_text(path.read_text() + "# mine\n- {requirement: b<3, reason: mine}\n")
    keeper.keep([learn("c>=2.0")], (3, 12))
    assert "# mine" in path.read_text()
    assert [row["requirement"] for row in keeper.read()] == ["a>=2.0", "b<3", "c>=2.0"]
    assert [row["requirement"] for row in keeper.added] == ["a>=2.0", "c>=2.0"]


def test_a_file_that_is_being_edited_ends_no_rehearsal_and_loses_nothing(tmp_path):
    said = []
    keeper = PlanDirectoryKeeper(tmp_path, "host1", TODAY, said.append)
    keeper.keep([learn("a>=2.0")], (3, 12))
    assert len(keeper.read()) == 1
    path = tmp_path / "constraints.yml"
    whole = path.read_text()
    path.write_text(whole + "- requirement: [b\n")
    assert len(keeper.read()) == 1 and len(keeper.read()) == 1
    assert len([line for line in said if "cannot be read" in line]) == 1
    keeper.keep([learn("c>=2.0")], (3, 12))
    path.write_text(path.read_text().replace("- requirement: [b\n", ""))
    assert [row["requirement"] for row in read_constraints(tmp_path)] == ["a>=2.0", "c>=2.0"]


def test_a_line_that_another_program_writes_at_the_same_moment_is_not_overwritten(tmp_path, monkeypatch):
    path = tmp_path / "constraints.yml"
    append_constraints(tmp_path, [{"requirement": "a>=1"}])
    dump, times = yaml.safe_dump, []

    def edit_and_dump(*given, **options):
        if not times:
            path.write_text(path.read_text() + "- requirement: edited>=1\n")
        times.append(1)
        return dump(*given, **options)

    monkeypatch.setattr(yaml, "safe_dump", edit_and_dump)
    append_constraints(tmp_path, [{"requirement": "b>=1"}])
    assert [row["requirement"] for row in read_constraints(tmp_path)] == ["a>=1", "edited>=1", "b>=1"]


@pytest.mark.parametrize(
    "text, name",
    [
        ("ImportError: cannot import name 'getargspec' from 'inspect' (/x/inspect.py)", "inspect.getargspec"),
        (
            "AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean",
            "pkgutil.ImpImporter",
        ),
        ("ModuleNotFoundError: No module named 'distutils.version'", "distutils"),
        ("ModuleNotFoundError: No module named 'six.moves'", None),
        ("ImportError: cannot import name 'soft_unicode' from 'markupsafe' (/x/__init__.py)", None),
        ("ValueError: boom", None),
    ],
)
def test_what_left_python_is_found_in_an_error(text, name):
    change = find_removal(text, (3, 12))
    assert (change.name if change else None) == name


def test_what_leaves_later_is_no_cause():
    assert find_removal("No module named 'distutils'", (3, 11)) is None


def test_a_failure_is_explained_by_what_left_who_uses_it_and_the_version_that_does_not():
    text = "ImportError: cannot import name 'getargspec' from 'inspect' (/usr/lib/python3.11/inspect.py)"
    user = find_broken_user(
        ["/srv/x/bin/pypi-server", PYPISERVER], {"pypiserver": "pypiserver"}, {"pypiserver": "1.4.2"}
    )
    assert explain_failure(text, (3, 11), user, "1.5.0") == (
        "inspect.getargspec was removed in Python 3.11; used by bottle inside pypiserver 1.4.2; "
        "pypiserver 1.5.0 no longer uses it"
    )
    assert explain_failure(text, (3, 11), user, None).endswith("used by bottle inside pypiserver 1.4.2")
    assert explain_failure(text, (3, 11), None, None) == "inspect.getargspec was removed in Python 3.11"
    assert explain_failure("ValueError: boom", (3, 11), user, "1.5.0") is None


def test_the_user_is_the_package_of_the_last_installed_file_and_none_where_that_is_not_known():
    pins, owners = {"app": "1.0", "ruamel-yaml": "0.17"}, {"app": "app", "ruamel.yaml": "ruamel-yaml"}
    paths = ["/v/lib/python3.11/site-packages/app/a.py", "/v/lib/python3.11/site-packages/ruamel/yaml/main.py"]
    assert find_broken_user(paths, owners, pins).package == "ruamel-yaml"
    assert find_broken_user([*paths, "/usr/lib/python3.11/inspect.py"], owners, pins).package == "ruamel-yaml"
    assert find_broken_user([*paths, "/v/lib/python3.11/site-packages/unknown.py"], owners, pins) is None
    assert find_broken_user(["/srv/app/main.py"], owners, pins) is None


def test_what_no_version_cures_is_described_with_the_version_that_no_longer_uses_it():
    world = World({"pypiserver": {"1.4.2": Made()}})
    text = "bottle.py:38: ImportError: cannot import name 'getargspec' from 'inspect' (/usr/lib/python3.11/inspect.py)"
    trials = Trials(
        lambda pins: {"pypiserver": TrialFailure(text, (PYPISERVER,), "inspect")}, {"pypiserver": "pypiserver"}
    )
    rows = [{"name": "pypiserver", "version": "1.4.2", "requires": [], "requested": True}]
    start = build_package_set({"packages": rows}, set(), (3, 8), "x86_64")
    ended = Rehearsal(world.locker(), world, trials, "host1", TODAY).rehearse_step(start, [], (3, 11), PLATFORM)
    asked = []

    def later(*question):
        asked.append(question)
        return "1.5.0"

    cause = describe_failures(ended, (3, 11), PLATFORM, later)
    assert cause.startswith(f"no version of any package cures pypiserver: {text} (inspect.getargspec was removed in")
    assert cause.endswith("used by bottle inside pypiserver 1.4.2; pypiserver 1.5.0 no longer uses it)")
    use = RemovedUse("inspect.getargspec", "pypiserver/bottle.py")
    assert asked == [("pypiserver", "1.4.2", use, (3, 11), PLATFORM)]
    problem = build_problem("web1", "pypi", "3.11", cause, "/p/constraints.yml")
    message = format_problems("web1", [problem])
    assert message.startswith(
        "web1: not rehearsed to the target: pypi; what was learned is kept\npypi on Python 3.11: "
    )
    assert message.endswith("constrain it in /p/constraints.yml; run oxzep7.python.rehearse again with --limit web1")


def test_a_constraint_says_what_left_python_and_who_uses_it():
    world = World({"pypiserver": {"1.4.2": Made(), "1.5.0": Made()}})
    text = "cannot import name 'getargspec' from 'inspect' (/usr/lib/python3.11/inspect.py)"
    failure = TrialFailure(text, (PYPISERVER,), "inspect")
    trials = Trials(
        lambda pins: {"pypiserver": failure} if pins["pypiserver"] == "1.4.2" else {}, {"pypiserver": "pypiserver"}
    )
    rows = [{"name": "pypiserver", "version": "1.4.2", "requires": [], "requested": True}]
    start = build_package_set({"packages": rows}, set(), (3, 8), "x86_64")
    ended = Rehearsal(world.locker(), world, trials, "host1", TODAY).rehearse_step(start, [], (3, 11), PLATFORM)
    assert ended.learned[0].reason.endswith(
        "(inspect.getargspec was removed in Python 3.11; used by bottle inside pypiserver 1.4.2)"
    )


def test_an_error_is_told_with_the_cause_in_the_output_below_it():
    output = 'install: it failed: \nTraceback (most recent call last):\n  File "/x/setup.py", line 3\nValueError: bad\n'
    assert describe_error(output) == "install: it failed: ValueError: bad (/x/setup.py, line 3)"
    assert describe_error("no lock: ERROR of nobody") == "no lock: ERROR of nobody"
