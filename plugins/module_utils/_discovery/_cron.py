# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the jobs of cron, anacron and at (crontab(5), cron(8), anacrontab(5), at(1))."""

import os
import re
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import (
    PythonReference,
    make_reference,
    parse_python_variables,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import resolve_user_name
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import HostReader

CRONTAB_DIRECTORIES = ["/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs"]
CRON_PERIODS = ["hourly", "daily", "weekly", "monthly"]
AT_DIRECTORIES = ["/var/spool/cron/atjobs", "/var/spool/at", "/var/spool/atjobs"]
CRONTAB_LINE = re.compile(r"^(?:@\w+|(?:[^\s=]+\s+){4}[^\s=]+)\s+(.*)$")
ANACRONTAB_LINE = re.compile(r"^(?:\d+|@\w+)\s+\d+\s+(\S+)\s+(.*)$")
CRONTAB_ASSIGNMENT = re.compile(r"^\s*[\"']?[A-Za-z_][A-Za-z0-9_]*[\"']?\s*=")


class CronJob(NamedTuple):
    """A job of a crontab: the number of its line from 1, its user, its command, and the variables set before it."""

    line: int
    user: Optional[str]
    command: str
    variables: Dict[str, str]


def parse_crontab(text: str, with_user: bool) -> List[CronJob]:
    """The jobs in a crontab; *with_user*: the sixth field is a user, as in ``/etc/crontab``."""
    jobs: List[CronJob] = []
    variables: Dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if CRONTAB_ASSIGNMENT.match(stripped):
            name, _separator, value = stripped.partition("=")
            variables = dict(variables, **parse_python_variables("%s=%s" % (name.strip().strip("\"'"), value.strip())))
            continue
        match = CRONTAB_LINE.match(stripped)
        if not match:
            continue
        command, user = match.group(1), None
        if with_user:
            user, _separator, command = command.partition(" ") if " " in command else command.partition("\t")
        # The command's input follows a percent sign without a backslash.
        command = re.split(r"(?<!\\)%", command.strip(), maxsplit=1)[0].replace("\\%", "%")
        jobs.append(CronJob(number, user, command, variables))
    return jobs


def parse_anacrontab(text: str) -> List[Tuple[int, str, str]]:
    """Line number from 1, name and command of each job in an anacrontab."""
    jobs = []
    for number, line in enumerate(text.splitlines(), 1):
        match = ANACRONTAB_LINE.match(line.strip())
        if match:
            jobs.append((number, match.group(1), match.group(2)))
    return jobs


def parse_at_job(text: str) -> Tuple[Optional[str], List[str]]:
    """The working directory and the command lines of a job that at(1) spooled.

    The lines before them restore the environment of the user who submitted the job.
    """
    directory = re.search(r"^cd (\S+) \|\|", text, re.MULTILINE)
    end = re.search(r"^\}\s*$", text, re.MULTILINE)
    rest = text[end.end() :] if end else text
    delimiter = re.search(r"<<\s*'?([\w-]*marcinDELIMITER\w*)'?", rest)
    if delimiter:
        rest = rest[delimiter.end() :].split(delimiter.group(1))[0]
    commands = [line for line in rest.splitlines() if line.strip() and not line.startswith(("#", "cd "))]
    return directory.group(1) if directory else None, commands


def find_cron_references(reader: HostReader) -> List[PythonReference]:
    """A reference for each job that *reader* can read."""
    found: List[PythonReference] = []
    for directory in CRONTAB_DIRECTORIES:
        for user in reader.list_names(directory):
            found += _read_crontab(reader, "cron-user", os.path.join(directory, user), user, False)
    found += _read_crontab(reader, "cron-system", "/etc/crontab", None, True)
    for name in reader.list_names("/etc/cron.d"):
        if not name.startswith(".") and not name.endswith("~"):
            found += _read_crontab(reader, "cron.d", os.path.join("/etc/cron.d", name), None, True)
    for period in CRON_PERIODS:
        for path, name in _list_visible_files(reader, "/etc/cron." + period):
            found.append(make_reference("cron." + period, name, path, "root", path))
    for number, name, command in parse_anacrontab(reader.read_text("/etc/anacrontab") or ""):
        found.append(make_reference("anacron", name, "/etc/anacrontab", "root", command, number))
    for directory in AT_DIRECTORIES:
        for path, name in _list_visible_files(reader, directory):
            found.append(_read_at_job(reader, path, name))
    return found


def _list_visible_files(reader: HostReader, directory: str) -> List[Tuple[str, str]]:
    """Path and name of each entry of *directory* that is not hidden."""
    return [(os.path.join(directory, name), name) for name in reader.list_names(directory) if not name.startswith(".")]


def _read_crontab(
    reader: HostReader, kind: str, path: str, user: Optional[str], with_user: bool
) -> List[PythonReference]:
    found: List[PythonReference] = []
    if not os.path.isfile(path):
        return found
    for job in parse_crontab(reader.read_text(path) or "", with_user):
        name = "%s:%d" % (os.path.basename(path), job.line)
        found.append(make_reference(kind, name, path, job.user or user, job.command, job.line, variables=job.variables))
    return found


def _read_at_job(reader: HostReader, path: str, name: str) -> PythonReference:
    directory, commands = parse_at_job(reader.read_text(path) or "")
    try:
        user: Optional[str] = resolve_user_name(os.lstat(path).st_uid)
    except OSError:
        user = None
    return PythonReference("at", name, path, None, user, commands, directory, {}, [path])
