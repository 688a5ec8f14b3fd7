# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What installed packages use that later Pythons lack: findings, later versions, and what a rehearsal tries first."""

from __future__ import annotations

import zipfile

from ansible_collections.oxzep7.python.plugins.plugin_utils._activity import Activity
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._explanations import RemovedUse
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._installed_uses import (
    MAXIMUM_WHEELS,
    KnownUses,
    build_use_findings,
    find_clean_version,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._later_wheels import (
    LaterWheels,
    build_fetcher,
    note_clean_versions,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import Rehearsal, TrialFailure
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from .test_plan import host
from .test_rehearsal import PLATFORM, TODAY, Trials
from .world import Made, World

EVERY_VERSION = [0, 99]
BOTTLE = "lib/python3.8/site-packages/bottle.py"


def use(package, version, name, line, on_import=True, versions=None):
    return [package, version, BOTTLE, name, line, versions or EVERY_VERSION, on_import, True]


def scan(*uses):
    return {"installed": {"uses": list(uses), "problems": [], "files": 1}}


def planned(*steps):
    return {"from": "3.8.18", "steps": [{"to": to, "changes": changes} for to, changes in steps]}


OLD = scan(use("bottle", "0.12", "imp", 40), use("bottle", "0.12", "inspect.getargspec", 7, on_import=False))


def test_a_package_that_stays_is_told_with_file_line_and_a_later_version():
    ((step, finding),) = build_use_findings(OLD, planned(("3.11.9", []), ("3.12.1", [])), {"bottle": "0.13"})
    assert step == 0
    assert finding["key"] == "package-uses-removed" and not finding["blocking"]
    assert f"{BOTTLE}:40: imp is gone in Python 3.12" in finding["detail"]
    assert "(on import)" in finding["detail"] and "(when called)" in finding["detail"]
    assert (
        "bottle 0.12, which the step to Python 3.11 keeps" in finding["detail"] and "bottle 0.13" in finding["detail"]
    )


def test_a_package_that_moves_before_and_a_step_that_lacks_nothing_are_not_told():
    moved = [{"package": "bottle"}]
    assert build_use_findings(OLD, planned(("3.9.1", []), ("3.10.1", [])), {}) == []
    assert build_use_findings(OLD, planned(("3.11.9", moved), ("3.12.1", [])), {}) == []
    assert len(build_use_findings(OLD, planned(("3.11.9", []), ("3.12.1", moved)), {})) == 1
    assert [step for step, _finding in build_use_findings(OLD, planned(("3.9.1", []), ("3.12.1", [])), {})] == [1]
    assert build_use_findings(None, planned(("3.12.1", [])), {}) == []
    assert build_use_findings(OLD, planned(), {}) == []


def test_what_a_test_of_the_version_keeps_away_is_not_told():
    guarded = scan(use("bottle", "0.12", "imp", 40, versions=[0, 12]))
    assert build_use_findings(guarded, planned(("3.12.1", [])), {}) == []


@given(st.integers(1, 60), st.integers(0, 70))
def test_the_nearest_clean_version_is_found_and_few_are_asked(count, first):
    versions = [f"1.{number}" for number in range(count)]
    asked = []

    def is_clean(version):
        asked.append(version)
        return int(version[2:]) >= first

    found = find_clean_version(versions, is_clean)
    assert len(asked) <= MAXIMUM_WHEELS and len(set(asked)) == len(asked)
    if first < 8 and first < count:
        assert found == f"1.{first}"
    assert found is None or int(found[2:]) >= first
    assert found is not None or first >= count or first >= 8


def test_no_versions_have_no_clean_one():
    assert find_clean_version([], lambda version: True) is None
    assert find_clean_version(["1", "2"], lambda version: None) is None


def make_wheel(folder, version, text):
    with zipfile.ZipFile(folder / f"bottle-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr("bottle.py", text)
        archive.writestr(
            f"bottle-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: bottle\nVersion: {version}\n"
        )


def test_wheels_of_later_versions_are_scanned_for_the_nearest_without_such_uses(tmp_path):
    folder, cache = tmp_path / "wheels", tmp_path / "cache"
    folder.mkdir()
    for version, text in {
        "0.11": "",
        "0.12": "import imp\n",
        "0.13": "import imp\n",
        "0.14": "import sys\nif sys.version_info < (3, 12):\n    import imp\n",
        "0.15": "",
    }.items():
        make_wheel(folder, version, text)
    sources = PackageSources((), (str(folder),), True)
    planned_host = host(packages=[("bottle", "0.12")])
    (application,) = planned_host.applications

    def note(seen):
        application["scan"] = seen
        application.pop("clean", None)
        wheels = LaterWheels(PackageIndex(sources, cache), build_fetcher(sources), cache)
        note_clean_versions([planned_host], wheels, "3.12")
        return application.get("clean")

    with Activity("plan", lambda line: None) as activity:
        assert note(OLD) == {"bottle": "0.14"}
        assert "1 of 1 later versions looked for" in activity.describe()
    assert note(scan(use("bottle", "0.15", "imp", 40))) == {"bottle": None}
    assert note(scan(use("nowhere", "0.1", "imp", 40))) == {"nowhere": None}
    assert note(scan(use("bottle", "0.12", "imp", 40, on_import=False))) is None


def rehearse(known):
    """Many packages lead to the failure; the last of them in the alphabet is at fault, up to its version 1.25."""
    packages = {f"lib{number}": {f"1.{minor}": Made() for minor in range(40)} for number in range(5)}
    packages["web"] = {f"1.{minor}": Made() for minor in range(40)}
    frames = tuple(f"/x/site-packages/{name}/__init__.py" for name in packages)[::-1]

    def breaks(pins):
        fails = Version(pins["web"]) < Version("1.25")
        return {"app": TrialFailure("ModuleNotFoundError: No module named 'imp'", frames)} if fails else {}

    world = World(packages)
    trials = Trials(breaks, {name: name for name in packages})
    rows = [{"name": name, "version": "1.0", "requires": [], "requested": True} for name in packages]
    start = build_package_set({"packages": rows}, set(), (3, 8), "x86_64")
    rehearsal = Rehearsal(world.locker(), world, trials, "host1", TODAY, known)
    return rehearsal.rehearse_step(start, [], (3, 12), PLATFORM), len(trials.locks)


def test_a_rehearsal_tries_the_package_and_the_version_that_a_scan_names_first():
    application = {
        "environment": {"python": "3.8.18"},
        "scan": scan(use("web", "1.0", "imp", 3)),
        "clean": {"web": "1.25"},
    }
    blind, many = rehearse(KnownUses())
    informed, few = rehearse(KnownUses.from_application(application, (3, 12)))
    assert [entry.requirement for entry in informed.learned] == ["web>=1.25"]
    assert informed.failures == {} == blind.failures and informed.learned == blind.learned
    assert few < many / 2


def test_what_a_scan_says_moves_nothing_by_itself():
    application = {
        "environment": {"python": "3.8.18"},
        "scan": scan(use("lib0", "1.0", "imp", 3)),
        "clean": {"lib0": "1.9"},
    }
    ended, _count = rehearse(KnownUses.from_application(application, (3, 12)))
    assert [entry.requirement for entry in ended.learned] == ["web>=1.25"]


def test_an_earlier_python_suspects_nobody():
    known = KnownUses.from_application({"environment": {"python": "3.8.18"}, "scan": OLD}, (3, 12))
    assert known.is_suspected("bottle", "0.12", (3, 12)) and not known.is_suspected("bottle", "0.12", (3, 11))
    assert not known.is_suspected("bottle", "0.13", (3, 12)) and not known.is_suspected("flask", "0.12", (3, 12))
    assert KnownUses.from_application({"environment": None}, (3, 12)) == KnownUses()


def test_the_nearest_wheel_whose_file_no_longer_uses_one_name_is_found(tmp_path):
    folder = tmp_path / "wheels"
    folder.mkdir()
    for version, text in {
        "0.12": "import imp\nimport pkgutil\npkgutil.ImpImporter\n",
        "0.13": "import imp\nimport pkgutil\npkgutil.ImpImporter\n",
        "0.14": "import imp\nimport pkgutil\nif hasattr(pkgutil, 'ImpImporter'):\n    pkgutil.ImpImporter\n",
        "0.15": "",
    }.items():
        make_wheel(folder, version, text)
    sources = PackageSources((), (str(folder),), True)
    wheels = LaterWheels(PackageIndex(sources, tmp_path / "cache"), build_fetcher(sources), tmp_path / "cache")

    def find(name, path="bottle.py", package="bottle"):
        return wheels.find_without(package, "0.12", RemovedUse(name, path), (3, 12), PLATFORM)

    assert (find("pkgutil.ImpImporter"), find("imp")) == ("0.14", "0.15")
    # A file that is no longer there uses nothing.
    assert find("imp", "bottle/old.py") == "0.13"
    assert find("imp", package="nowhere") is None


FAR = {"far": {f"1.{number}": Made() for number in range(60)}}


def rehearse_with_hint(named, wanted="1.47"):
    """The number of trials until the nearest version that works is found, where *named* is said to be it."""
    text = "AttributeError: module 'pkgutil' has no attribute 'ImpImporter'"
    failure = TrialFailure(f"far.py:1: {text}", ("/x/site-packages/far/finder.py",))
    world = World(FAR)
    trials = Trials(lambda pins: {} if Version(pins["far"]) >= Version(wanted) else {"far": failure}, {"far": "far"})
    rows = [{"name": "far", "version": "1.0", "requires": [], "requested": True}]
    start = build_package_set({"packages": rows}, set(), (3, 8), "x86_64")
    asked = []

    def later(*question):
        asked.append(question)
        return named

    ended = Rehearsal(world.locker(), world, trials, "host1", TODAY, later=later).rehearse_step(
        start, [], (3, 12), PLATFORM
    )
    assert [entry.requirement for entry in ended.learned] == [f"far>={wanted}"] and not ended.failures
    assert set(asked) == {("far", "1.0", RemovedUse("pkgutil.ImpImporter", "far/finder.py"), (3, 12), PLATFORM)}
    return len(trials.locks)


def test_a_version_that_is_named_rightly_costs_two_trials_however_far_it_is():
    # One of everything, that version, the one before it, and everything again.
    assert rehearse_with_hint("1.47") == 4


@given(st.one_of(st.none(), st.integers(1, 59).map(lambda number: f"1.{number}")))
def test_a_version_that_is_named_wrongly_changes_nothing_but_the_number_of_trials(named):
    assert rehearse_with_hint(named) <= rehearse_with_hint(None) + 4
