# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Warnings in the output of playbooks: whoever runs one says which it expects, and why; any other is a failure."""

from __future__ import annotations

import re
from collections.abc import Mapping

MARK = re.compile(r"\[(?:DEPRECATION )?WARNING\]")
# What stands in a line of its own behind a warning, where standard output and error are one file.
END = re.compile(
    r"\s*$|(PLAY|TASK|HANDLER)\b|(ok|changed|skipping|included|fatal|failed|rescued|ignored): ?\[?|\[|\.\.\."
)
# Warnings that every run of a playbook on the hosts of the tests may print, with the reason of each.
COMMON = {
    "(target-end-of-life)": "the interpreters of the test hosts are older than what is supported",
    "(target-end-of-life-soon)": "the interpreters of the test hosts are older than what is supported",
}


def list_warnings(text: str) -> list[str]:
    """The warnings in *text*, what ansible-playbook printed, each on one line; releases before 2.19 break them."""
    found: list[str] = []
    inside = False
    for line in text.splitlines():
        start = MARK.search(line)
        if start:
            found.append(line[start.start() :].strip())
            inside = True
        elif inside and not END.match(line):
            found[-1] += f" {line.strip()}"
        else:
            inside = False
    return found


def find_unexpected_warnings(text: str, expected: Mapping[str, str]) -> list[str]:
    """The warnings in *text* that contain none of the texts of *expected*, which are given with their reasons."""
    # A line is broken behind a blank or a hyphen.
    wanted = ["".join(part.split()) for part in [*COMMON, *expected]]
    return [line for line in list_warnings(text) if not any(part in "".join(line.split()) for part in wanted)]


def check_warnings(text: str, expected: Mapping[str, str]) -> None:
    """Raise AssertionError for warnings in *text* that are not *expected*."""
    unexpected = find_unexpected_warnings(text, expected)
    assert not unexpected, "\n".join(["warnings that this run was not expected to print:", *unexpected])
