# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that were installed for an extra of another keep the bounds that it sets."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import (
    build_package_set,
    collect_declared_extras,
)

from .world import Made, World

PLATFORM = "x86_64-manylinux_2_36"
OLD = range(6, 10)


def psycopg(version, wheels=range(6, 20)):
    return Made(wheels, requires=(f"psycopg-binary=={version} ; extra == 'binary'", "typing"))


def plan(packages, pins, declared=None):
    rows = []
    for name, version in pins.items():
        requires = list(packages[name][version].requires)
        rows.append({"name": name, "version": version, "requires": requires, "requested": True})
    start = build_package_set({"packages": rows}, set(), (3, 8), "x86_64", extras=declared)
    return World(packages).locker().lock(start, (), (3, 12), PLATFORM).after


TYPING = {"1.0": Made()}
PINS = {"psycopg": "3.0.8", "psycopg-binary": "3.0.8", "typing": "1.0"}


def test_what_was_installed_for_an_extra_moves_with_its_package():
    packages = {
        "psycopg": {"3.0.8": psycopg("3.0.8", OLD), "3.1": psycopg("3.1")},
        "psycopg-binary": {version: Made() for version in ("3.0.8", "3.1")},
        "typing": TYPING,
    }
    after = plan(packages, PINS)
    assert after.pins == {**PINS, "psycopg": "3.1", "psycopg-binary": "3.1"}
    assert after.required_by["psycopg-binary"] == {"psycopg"} and after.extras == {"psycopg": {"binary"}}


def test_neither_moves_where_neither_has_to():
    packages = {
        "psycopg": {version: psycopg(version) for version in ("3.0.8", "3.1")},
        "psycopg-binary": {version: Made() for version in ("3.0.8", "3.1")},
        "typing": TYPING,
    }
    assert plan(packages, PINS).pins == PINS


@pytest.mark.parametrize("declared, expected", [({}, "3.0.7"), ({"psycopg": ["binary"]}, "3.0.8")])
def test_a_declared_extra_counts_though_another_version_is_installed(declared, expected):
    packages = {
        "psycopg": {"3.0.8": psycopg("3.0.8")},
        "psycopg-binary": {version: Made() for version in ("3.0.7", "3.0.8")},
        "typing": TYPING,
    }
    assert plan(packages, {**PINS, "psycopg-binary": "3.0.7"}, declared).pins["psycopg-binary"] == expected


def test_an_extra_of_which_nothing_is_installed_brings_nothing():
    packages = {"psycopg": {"3.0.8": psycopg("3.0.8")}, "psycopg-binary": {"3.0.8": Made()}, "typing": TYPING}
    pins = {"psycopg": "3.0.8", "typing": "1.0"}
    assert plan(packages, pins, {"psycopg": ["binary"]}).pins == pins


def test_an_extra_that_another_package_names_is_held():
    packages = {
        "app": {"1.0": Made(requires=("queue[redis]",))},
        "queue": {"1.0": Made(OLD, requires=("redis<2 ; extra == 'redis'",)), "2.0": Made()},
        "redis": {"1.0": Made(), "2.0": Made()},
    }
    after = plan(packages, {"app": "1.0", "queue": "1.0", "redis": "1.0"})
    assert after.pins == {"app": "1.0", "queue": "2.0", "redis": "1.0"}


def test_extras_come_from_requirements_files_and_from_records_of_tools():
    assert collect_declared_extras(
        {"requested_extras": {"httpie": ["socks"]}}, {"extras": {"httpie": ["http2"], "uvicorn": ["standard"]}}
    ) == {"httpie": ["http2", "socks"], "uvicorn": ["standard"]}
    assert collect_declared_extras(None, None) == {} and collect_declared_extras({}, {"required": []}) == {}
