# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What checks of installed packages complain of, where a lock leaves packages out."""

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._generation._consistency import (
    list_inconsistencies,
    parse_complaints,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult

PIP = (
    "requests 2.34.2 requires certifi, which is not installed.\n"
    "httpx 0.27.0 requires sniffio, which is not installed.\n",
    "",
)
UV = (
    "",
    "Using Python 3.11.7 environment at: v1\nChecked 7 packages in 0.39ms\nFound 2 incompatibilities\n"
    "The package `httpx` requires `sniffio`, but it's not installed\n"
    "The package `requests` requires `certifi>=2023.5.7`, but it's not installed\n",
)


def result(output, rc=1):
    return CommandResult(["pip", "check"], rc, *output)


@pytest.mark.parametrize("output", [PIP, UV])
def test_only_what_is_left_out_may_be_missing(output):
    assert list_inconsistencies(result(output), ["certifi", "sniffio"]) == []
    assert len(list_inconsistencies(result(output), [])) == 2
    (line,) = list_inconsistencies(result(output), ["certifi"])
    assert "sniffio" in line


def test_a_version_that_does_not_fit_is_told_whatever_is_left_out():
    line = "The package `requests` requires `idna<4,>=2.5`, but `5.0` is installed"
    assert list_inconsistencies(result(("", UV[1] + line)), ["certifi", "sniffio", "idna"]) == [line]


def test_a_check_that_ends_badly_without_a_word_is_no_proof():
    assert list_inconsistencies(result(("", "")), ["certifi"]) == ["the check ended with 1"]
    assert list_inconsistencies(result(PIP, rc=0), []) == []


BEFORE = """old 1.0 requires gone, which is not installed.
requests 2.25 has requirement idna<3,>=2.5, but you have idna 3.1.
"""
NOW = """requests 2.31 has requirement idna<3.5,>=2.5, but you have idna 4.0.
old 1.1 requires gone, which is not installed.
"""


def test_what_did_not_fit_before_is_no_failure():
    assert list_inconsistencies(result((NOW, "")), [], result((BEFORE, ""))) == []
    new = "requests 2.31 has requirement chardet<5, but you have chardet 6.0."
    assert list_inconsistencies(result((NOW + new, "")), [], result((BEFORE, ""))) == [new]
    wrong = "old 1.1 has requirement gone<2, but you have gone 3."
    assert list_inconsistencies(result((wrong, "")), [], result((BEFORE, ""))) == [wrong]
    assert list_inconsistencies(result((NOW, "")), [], result((BEFORE, ""), rc=0)) == NOW.splitlines()


def test_complaints_name_packages_in_every_form():
    lines = [
        "Zope.Interface 5.3 requires setuptools, which is not installed.",
        "a 1.0 is not supported on this platform",
        "The package `B_c==1.0` requires Python >=3.13, but `3.12.1` is installed",
        "The package `b` requires `D.e[x]>=2`, but `1.0` is installed",
        "Traceback (most recent call last):",
    ]
    assert [tuple(found)[:2] for found in parse_complaints(result(("\n".join(lines), "")))] == [
        ("zope-interface", "setuptools"),
        ("a", ""),
        ("b-c", ""),
        ("b", "d-e"),
        ("", ""),
    ]
