# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks of steps that uv resolves from an index on this machine: names, versions and platforms as they occur."""

from __future__ import annotations

import datetime
import re

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import NoLockError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost, build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._steps import list_package_changes

from .index_server import PLATFORM, Controller, serve_index, write_wheel

OLD = "cp38-cp38-manylinux1_x86_64"
NEW = "cp312-cp312-manylinux2014_x86_64"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "served").mkdir()
    return tmp_path / "served"


@pytest.fixture
def served(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    with serve_index(folder) as index:
        yield index


def describe_packages(pins, requires=None):
    rows = []
    for name, version in pins.items():
        lines = (requires or {}).get(name, [])
        row = {"name": name, "version": version, "requires": lines, "requested": True}
        rows.append({**row, "editable": False, "direct_url": None, "modules": [name]})
    return rows


@pytest.fixture
def plan(served, tmp_path):
    def lock(pins, requires=None, folders=(), **more):
        controller = Controller(served.url, tmp_path / "cache", folders)
        packages = describe_packages(pins, requires)
        start = build_package_set({"packages": packages}, set(pins), (3, 8), "x86_64", **more)
        found = controller.locker.lock(start, (), (3, 12), PLATFORM)
        return found.after.pins, {
            row["package"]: row for row in list_package_changes(start.pins, found.after.pins, found.reasons)
        }

    return lock


def write_psycopg(folder, versions, moved):
    for version in versions:
        requires = (f"psycopg-binary=={version} ; extra == 'binary'",)
        last = version == versions[-1]
        write_wheel(folder, "psycopg", version, requires, NEW if last or moved == "binary" else OLD)
        write_wheel(folder, "psycopg-binary", version, (), NEW if last or moved == "psycopg" else OLD)


@pytest.mark.parametrize("moved", ["psycopg", "binary", "both"])
def test_a_package_and_the_one_that_was_installed_for_its_extra_move_together(folder, plan, moved):
    write_psycopg(folder, ["3.0.8", "3.0.9", "3.1"], moved)
    requires = {"psycopg": ["psycopg-binary==3.0.8 ; extra == 'binary'"]}
    assert plan({"psycopg": "3.0.8", "psycopg-binary": "3.0.8"}, requires)[0] == {
        "psycopg": "3.1",
        "psycopg-binary": "3.1",
    }


def test_an_extra_that_nothing_was_installed_for_gives_way_in_a_conflict(folder, plan):
    # As celery does: a later version has an exact pin in an extra that nobody uses.
    write_wheel(folder, "queue", "5.2", ("crypto ; extra == 'auth'",), OLD)
    write_wheel(folder, "queue", "5.3", ("crypto==41 ; extra == 'auth'",))
    for version in ("36", "41"):
        write_wheel(folder, "crypto", version, (), OLD)
    write_wheel(folder, "crypto", "43")
    write_wheel(folder, "web", "1.0", ("crypto",))
    requires = {"queue": ["crypto ; extra == 'auth'"], "web": ["crypto"]}
    assert plan({"queue": "5.2", "crypto": "36", "web": "1.0"}, requires)[0] == {
        "queue": "5.3",
        "crypto": "43",
        "web": "1.0",
    }
    with pytest.raises(NoLockError, match="crypto"):
        plan({"queue": "5.2", "crypto": "36", "web": "1.0"}, requires, extras={"queue": ["auth"]})
    with pytest.raises(NoLockError, match="crypto"):
        plan({"queue": "5.2", "crypto": "36"}, requires)


def test_what_a_barred_version_names_is_not_taken_for_a_requirer(folder, plan):
    # The version that excludes the Python becomes a constraint on the package.
    write_wheel(folder, "sockets", "9.0", python="<3.9")
    write_wheel(folder, "sockets", "10.1")
    write_wheel(folder, "web", "1.0", ("sockets>=8 ; extra == 'standard'",))
    pins, rows = plan({"web": "1.0", "sockets": "9.0"}, {"web": ["sockets>=8 ; extra == 'standard'"]})
    assert pins == {"web": "1.0", "sockets": "10.1"} and rows["sockets"]["evidence"] == "requires-python"


def test_metadata_that_are_not_valid_any_more_are_accepted_by_all_alike(folder, plan, served, tmp_path):
    write_wheel(folder, "celery", "5.0.5", ("pytz>dev", "vine"))
    for name in ("pytz", "vine"):
        write_wheel(folder, name, "1.0")
    pins = {"celery": "5.0.5", "pytz": "1.0", "vine": "1.0"}
    assert plan(pins)[0] == pins
    controller = Controller(served.url, tmp_path / "cache")
    lock = controller.lock("celery>=5.0.5", "pytz>=1.0", "vine>=1.0")
    assert lock.requirers["pytz"] == {"celery"}
    assert [path.name for path, _digest in controller.store.fetch_all(lock.packages.values())] == [
        "celery-5.0.5-py3-none-any.whl",
        "pytz-1.0-py3-none-any.whl",
        "vine-1.0-py3-none-any.whl",
    ]


@pytest.mark.parametrize(
    "current, published, expected",
    [
        ("2004d", ["2003.1", "2014.9", "2015.2"], "2014.9"),
        ("0.1dev-r1234", ["0.0.9", "0.1", "0.2"], "0.1"),
        ("1!2.0", ["2.5", "1!2.0", "1!3.0"], "1!2.0"),
        ("1.0.0.RC1", ["1.0rc1", "1.0"], "1.0rc1"),
        ("2020.04.05", ["2020.4.5", "2021.1"], "2020.4.5"),
        ("19.10b0", ["19.10b0", "20.8b1", "22.1"], "19.10b0"),
        ("1.0.post1", ["1.0", "1.0.post1", "1.1"], "1.0.post1"),
        ("unknown", ["0.1", "0.2"], "0.1"),
    ],
)
def test_a_version_stays_as_it_is_or_moves_to_the_nearest_that_is_valid(folder, plan, current, published, expected):
    for version in published:
        write_wheel(folder, "a", version)
    pins, rows = plan({"a": current})
    assert pins == {"a": expected}
    if "not a version" in str(rows):
        assert rows["a"]["from"] == current and rows["a"]["evidence"] == "not-published"
    else:
        assert rows == {}


def test_names_are_compared_normalized(folder, plan):
    write_wheel(folder, "path.py", "12.0", ("Zope.Interface>=1",))
    write_wheel(folder, "Zope_Interface", "5.0")
    pins = plan({"path.py": "12.0", "zope.interface": "5.0"}, {"path.py": ["Zope.Interface>=1"]})[0]
    assert pins == {"path-py": "12.0", "zope-interface": "5.0"}


def test_a_pin_that_was_yanked_stays_while_it_fits(folder, plan, served):
    served.yanked = {write_wheel(folder, "a", "1.0").name}
    write_wheel(folder, "a", "1.1")
    assert plan({"a": "1.0"}) == ({"a": "1.0"}, {})


def test_a_pin_that_was_yanked_moves_where_others_need_a_later_version(folder, plan, served):
    served.yanked = {write_wheel(folder, "a", "1.0").name}
    write_wheel(folder, "a", "1.1")
    write_wheel(folder, "b", "1.0", (), OLD)
    write_wheel(folder, "b", "2.0", ("a>=1.1",))
    assert plan({"a": "1.0", "b": "1.0"})[0] == {"a": "1.1", "b": "2.0"}


def test_a_prerelease_moves_where_others_need_a_later_version(folder, plan):
    for version in ("19.10b0", "20.8b1", "22.1"):
        write_wheel(folder, "a", version)
    write_wheel(folder, "b", "1.0", (), OLD)
    write_wheel(folder, "b", "2.0", ("a>=20",))
    assert plan({"a": "19.10b0", "b": "1.0"})[0] == {"a": "20.8b1", "b": "2.0"}


def test_a_later_version_of_the_same_variant_in_a_folder_satisfies_a_move(folder, plan, tmp_path):
    links = tmp_path / "links"
    write_wheel(links, "torch", "2.2.0+cpu", (), NEW)
    write_wheel(links, "torch", "2.1.0+cu118", (), NEW)
    write_wheel(folder, "torch", "2.2.0", ("nvidia",), NEW)
    write_wheel(folder, "nvidia", "1.0")
    pins, rows = plan({"torch": "2.0.0+cpu"}, folders=(str(links),))
    assert pins == {"torch": "2.2.0+cpu"} and rows["torch"]["move"] == "minor"


@pytest.mark.parametrize(
    "tag",
    [
        "cp36-abi3-manylinux1_x86_64",
        "cp37-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
        "cp312-cp312-manylinux2010_x86_64.manylinux_2_12_x86_64",
        "cp312-cp312-manylinux_2_28_x86_64",
        "py2.py3-none-any",
        "py36-none-any",
        "py3-none-manylinux1_x86_64",
        "cp312-cp312-linux_x86_64",
    ],
)
def test_a_wheel_whose_tags_fit_keeps_its_version(folder, plan, tag):
    write_wheel(folder, "a", "1.0", (), tag)
    write_wheel(folder, "a", "2.0")
    assert plan({"a": "1.0"})[0] == {"a": "1.0"}


@pytest.mark.parametrize(
    "tag",
    [
        "cp312-cp312-macosx_10_9_universal2",
        "cp312-cp312-musllinux_1_1_x86_64",
        "cp312-cp312-manylinux_2_31_x86_64",
        "cp312-cp312-manylinux2014_aarch64",
        "cp312-cp312t-manylinux2014_x86_64",
        "cp313-abi3-manylinux2014_x86_64",
        "cp38-cp38-manylinux1_x86_64",
        "pp310-pypy310_pp73-manylinux2014_x86_64",
    ],
)
def test_a_wheel_whose_tags_do_not_fit_makes_it_move(folder, plan, tag):
    write_wheel(folder, "a", "1.0", (), tag)
    write_wheel(folder, "a", "2.0")
    pins, rows = plan({"a": "1.0"})
    assert pins == {"a": "2.0"} and rows["a"]["evidence"] == "no-wheel"


def host(name, architecture, libc, pins):
    application = {
        "name": "app",
        "findings": [],
        "environment": {"path": "/srv/app", "python": "3.11.2", "packages": describe_packages(pins)},
    }
    archive = {"source": "archive", "version": "3.12", "url": "http://x/y", "sha256": "0"}
    return PlannedHost(name, {"architecture": architecture, "libc": libc}, [application], [], [archive], [])


def test_a_fleet_of_several_platforms_has_a_lock_for_each_and_shares_equal_ones(folder, served, tmp_path):
    for tag in ("manylinux2014_x86_64", "manylinux_2_31_x86_64", "manylinux2014_aarch64"):
        write_wheel(folder, "fast", "1.0", (), f"cp312-cp312-{tag}")
    write_wheel(folder, "plain", "1.0")
    write_wheel(folder, "stuck", "1.0", (), "cp312-cp312-manylinux_2_28_x86_64")
    write_wheel(folder, "stuck", "2.0")
    hosts = []
    for architecture in ("x86_64", "aarch64"):
        for version in ("2.17", "2.28", "2.31", "2.36", "2.41"):
            libc = {"name": "glibc", "version": version}
            name = f"{architecture}-{version}"
            hosts.append(host(name, architecture, libc, {"fast": "1.0", "plain": "1.0", "stuck": "1.0"}))
            hosts.append(host(f"{name}-plain", architecture, libc, {"plain": "1.0"}))
    controller = Controller(served.url, tmp_path / "cache")
    planned = Planner("3.12", controller.locker, datetime.date(2026, 11, 30)).plan(hosts)
    locks = {}
    for name, part in planned.document["hosts"].items():
        locks[name] = part["applications"][0]["steps"][0]["lock"]
    assert len({lock for name, lock in locks.items() if name.endswith("plain")}) == 1
    assert len({locks[f"aarch64-{version}"] for version in ("2.17", "2.28", "2.31", "2.36", "2.41")}) == 1
    assert len({locks[f"x86_64-{version}"] for version in ("2.31", "2.36", "2.41")}) == 1
    assert len(set(locks.values())) == 5
    texts = {name: planned.locks[lock] for name, lock in locks.items()}
    assert "stuck==2.0" in texts["x86_64-2.17"] and "stuck==1.0" in texts["x86_64-2.28"]
    for name, tag in {
        "x86_64-2.17": "manylinux2014_x86_64",
        "x86_64-2.28": "manylinux2014_x86_64",
        "x86_64-2.41": "manylinux_2_31_x86_64",
        "aarch64-2.36": "manylinux2014_aarch64",
    }.items():
        assert f"fast-1.0-cp312-cp312-{tag}.whl" in texts[name]


@pytest.mark.parametrize("libc", [{"name": "musl", "version": "1.2.4"}, {"name": "glibc", "version": "2.12"}])
def test_a_host_for_which_no_wheels_are_planned_is_blocked_by_name(folder, served, tmp_path, libc):
    write_wheel(folder, "a", "1.0")
    controller = Controller(served.url, tmp_path / "cache")
    plan = Planner("3.12", controller.locker).plan([host("alpine", "x86_64", libc, {"a": "1.0"})])
    (row,) = plan.list_blocked()
    assert (row["host"], row["application"], row["key"]) == ("alpine", "app", "application-not-planned")
    assert re.search(f"{libc['name']} {libc['version']}.*glibc 2.17 or later", row["cause"])
