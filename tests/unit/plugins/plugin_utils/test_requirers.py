# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who requires whom, by metadata as they were published."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._requirers import (
    find_held_extras,
    find_requirers,
)


def requirers(*lines, minor=(3, 11), extras=()):
    return set(find_requirers({"app": lines}, minor, "x86_64", {"app": frozenset(extras)}))


@pytest.mark.parametrize(
    "line, minor, expected",
    [
        ("six", (3, 11), True),
        ("six >= 1.0", (3, 11), True),
        ("six (>=1.0)", (3, 11), True),
        # As celery 5.0.5 and others published them.
        ("six (>dev)", (3, 11), True),
        ("six>dev", (3, 11), True),
        ("six>=1.0.*", (3, 11), True),
        ("six (>=0.1dev-r1234) ; python_version < '3.9'", (3, 11), False),
        ("six (>=0.1dev-r1234) ; python_version < '3.9'", (3, 8), True),
        ("six ; python_version < '3.9'", (3, 11), False),
        ("six ; platform_machine == 'aarch64'", (3, 11), False),
        ("six ; sys_platform == 'win32'", (3, 11), False),
        # What one patch of the minor requires is required: hosts have any.
        ("six ; python_full_version < '3.11.3'", (3, 11), True),
        ("six ; python_full_version >= '3.11.3'", (3, 11), True),
        ("six ; extra == 'fast'", (3, 11), False),
        ("six @ https://h/six-1.0-py3-none-any.whl", (3, 11), True),
        ("", (3, 11), False),
        (">=1", (3, 11), False),
    ],
)
def test_a_requirement_counts_where_it_holds(line, minor, expected):
    assert ("six" in requirers(line, minor=minor)) is expected


def test_extras_count_that_are_wanted_or_that_a_requirement_names():
    requires = {
        "app": ["queue[Fast]", "app[all] ; extra == 'everything'", "yaml ; extra == 'all'"],
        "queue": ["fast-json ; extra == 'fast'", "other ; extra == 'more'"],
    }
    assert find_requirers(requires, (3, 11), "x86_64") == {"queue": {"app"}, "fast-json": {"queue"}}
    assert find_requirers(requires, (3, 11), "x86_64", {"app": frozenset({"everything"})}) == {
        "queue": {"app"},
        "fast-json": {"queue"},
        "yaml": {"app"},
    }


def test_packages_that_require_each_other_end():
    assert find_requirers({"a": ["b[x]"], "b": ["a[y]"]}, (3, 11), "x86_64") == {"a": {"b"}, "b": {"a"}}


def test_an_extra_is_satisfied_by_the_versions_that_are_there():
    requires = {
        "psycopg": [
            "typing-extensions",
            "psycopg-binary==3.0.8 ; extra == 'binary' and implementation_name != 'pypy'",
            "psycopg-c==3.0.8 ; extra == 'c'",
            "typing-extensions ; extra == 'typed'",
            "tool ; extra == 'old' and python_version < '3.8'",
        ]
    }
    pins = {"psycopg": "3.0.8", "psycopg-binary": "3.0.8", "typing-extensions": "4.0"}

    def held(pins, declared=()):
        return find_held_extras(requires, pins, (3, 11), "x86_64", {"psycopg": declared})

    assert held(pins) == {"psycopg": frozenset({"binary"})}
    assert held({**pins, "psycopg-binary": "3.0.9"}) == {}
    assert held({**pins, "psycopg-binary": "2004d"}) == {}
    nested = {"boto3": ["botocore[crt]>=1 ; extra == 'crt'"], "botocore": ["awscrt ; extra == 'crt'"]}
    there = {"boto3": "1.0", "botocore": "1.0"}
    assert find_held_extras(nested, there, (3, 11), "x86_64", {}) == {}
    assert find_held_extras(nested, {**there, "awscrt": "1"}, (3, 11), "x86_64", {}) == {
        "boto3": frozenset({"crt"}),
        "botocore": frozenset({"crt"}),
    }
    # What is declared counts also where another version is installed, but not where nothing is.
    assert held({**pins, "psycopg-binary": "3.0.9"}, ("Binary", "c")) == {"psycopg": frozenset({"binary"})}
