# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compiling beside a proof, and stopping when that has ended."""

import inspect
import os
import subprocess
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _compile


@pytest.fixture
def packages(tmp_path):
    (tmp_path / "one" / "inner").mkdir(parents=True)
    for name in ("one/__init__.py", "one/inner/deep.py", "single.py"):
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "one" / "python2.py").write_text("print 'no'\n")
    (tmp_path / "one" / "data.txt").write_text("no code")
    return tmp_path


def compiled(packages, how, ended):
    """The modules that have bytecode after a run whose standard input had *ended* before, or ends after it."""
    reader, writer = os.pipe()
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        inspect.getsource(_compile),
        how,
        str(packages / "one"),
        str(packages / "single.py"),
    ]
    if ended:
        os.close(writer)
    try:
        subprocess.check_call(command, stdin=reader, timeout=60)
    finally:
        os.close(reader)
        if not ended:
            os.close(writer)
    return sorted(path.name.partition(".")[0] for path in packages.rglob("*.pyc"))


@pytest.mark.parametrize(
    "how, ended, expected",
    [
        ("inf", False, ["__init__", "deep", "single"]),
        ("inf", True, []),
        ("-1", False, []),
        ("all", True, ["__init__", "deep", "single"]),
    ],
)
def test_it_stops_when_it_is_told_to_or_others_need_the_time_and_everything_is_not_needed(
    packages, how, ended, expected
):
    assert compiled(packages, how, ended) == expected
