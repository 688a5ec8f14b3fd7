# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads every place where cron, anacron and at keep jobs (crontab(5), cron(8), anacrontab(5), at(1))."""

import os
import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import (
    Reference,
    simple,
    variables_in,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import name_of
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import names_in, read_trusted

TABLES = ["/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs"]
PERIODS = ["hourly", "daily", "weekly", "monthly"]
AT = ["/var/spool/cron/atjobs", "/var/spool/at", "/var/spool/atjobs"]
TIMES = re.compile(r"^(?:@\w+|(?:[^\s=]+\s+){4}[^\s=]+)\s+(.*)$")
ANACRON = re.compile(r"^(?:\d+|@\w+)\s+\d+\s+(\S+)\s+(.*)$")
ASSIGNMENT = re.compile(r"^\s*[\"']?[A-Za-z_][A-Za-z0-9_]*[\"']?\s*=")


class Job(NamedTuple):
    """A line of a table: its number from 1, user, command, and the variables set before it."""

    line: int
    user: Optional[str]
    command: str
    variables: Dict[str, str]


def parse(text: str, with_user: bool) -> List[Job]:
    """The jobs in a crontab; *with_user*: the sixth field is a user, as in ``/etc/crontab``."""
    jobs: List[Job] = []
    variables: Dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if ASSIGNMENT.match(stripped):
            name, _separator, value = stripped.partition("=")
            variables = dict(variables, **variables_in("%s=%s" % (name.strip().strip("\"'"), value.strip())))
            continue
        match = TIMES.match(stripped)
        if not match:
            continue
        command, user = match.group(1), None
        if with_user:
            user, _separator, command = command.partition(" ") if " " in command else command.partition("\t")
        # A percent sign begins what the command reads; one with a backslash is itself.
        jobs.append(
            Job(number, user, re.split(r"(?<!\\)%", command.strip(), maxsplit=1)[0].replace("\\%", "%"), variables)
        )
    return jobs


def anacron_jobs(text: str) -> List[Tuple[int, str, str]]:
    """Line number from 1, name and command of each job in an anacrontab."""
    matches = ((number, ANACRON.match(line.strip())) for number, line in enumerate(text.splitlines(), 1))
    return [(number, match.group(1), match.group(2)) for number, match in matches if match]


def at_command(text: str) -> Tuple[Optional[str], List[str]]:
    """The working directory and the command lines of a job that at(1) spooled: what follows the environment that it restores."""
    directory = re.search(r"^cd (\S+) \|\|", text, re.MULTILINE)
    end = re.search(r"^\}\s*$", text, re.MULTILINE)
    rest = text[end.end() :] if end else text
    delimiter = re.search(r"<<\s*'?([\w-]*marcinDELIMITER\w*)'?", rest)
    if delimiter:
        rest = rest[delimiter.end() :].split(delimiter.group(1))[0]
    return (
        directory.group(1) if directory else None,
        [line for line in rest.splitlines() if line.strip() and not line.startswith(("#", "cd "))],
    )


def references() -> List[Reference]:
    """What every job refers to."""
    found: List[Reference] = []
    for directory in TABLES:
        for user in names_in(directory):
            found += _table("cron-user", os.path.join(directory, user), user, False)
    found += _table("cron-system", "/etc/crontab", None, True)
    for name in names_in("/etc/cron.d"):
        if not name.startswith(".") and not name.endswith("~"):
            found += _table("cron.d", os.path.join("/etc/cron.d", name), None, True)
    for period in PERIODS:
        directory = "/etc/cron." + period
        for name in names_in(directory):
            if not name.startswith("."):
                found.append(
                    simple("cron." + period, name, os.path.join(directory, name), "root", os.path.join(directory, name))
                )
    found += [
        simple("anacron", name, "/etc/anacrontab", "root", command, number)
        for number, name, command in anacron_jobs(read_trusted("/etc/anacrontab") or "")
    ]
    for directory in AT:
        found += [_at(os.path.join(directory, name), name) for name in names_in(directory) if not name.startswith(".")]
    return found


def _table(kind: str, path: str, user: Optional[str], with_user: bool) -> List[Reference]:
    if not os.path.isfile(path):
        return []
    return [
        simple(
            kind,
            "%s:%d" % (os.path.basename(path), job.line),
            path,
            job.user or user,
            job.command,
            job.line,
            variables=job.variables,
        )
        for job in parse(read_trusted(path) or "", with_user)
    ]


def _at(path: str, name: str) -> Reference:
    directory, commands = at_command(read_trusted(path) or "")
    try:
        user: Optional[str] = name_of(os.lstat(path).st_uid)
    except OSError:
        user = None
    return Reference("at", name, path, None, user, commands, directory, {}, [path])
