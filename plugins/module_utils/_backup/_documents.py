# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Output of programs, kept as files: the state of the host, and the state of a git repository."""

import os
import shutil
from typing import Any, Dict, List

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    find_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import run_command

OUTPUT_TIMEOUT = 600.0
# For each file, the commands of which the first that the host has is run.
SYSTEM_COMMANDS: Dict[str, List[List[str]]] = {
    "packages.txt": [
        ["dpkg-query", "-W", "-f=${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n"],
        ["rpm", "-qa", "--qf", "%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{ARCH}\tinstalled\n"],
    ],
    "sysctl.txt": [["sysctl", "-a"]],
    "users.txt": [["getent", "passwd"]],
    "groups.txt": [["getent", "group"]],
    "selinux-booleans.txt": [["getsebool", "-a"]],
    "mounts.txt": [["findmnt", "--real", "--noheadings", "--raw"]],
    "kernel.txt": [["uname", "-a"]],
}
# The configuration of a repository may name programs. None of them is run, and git runs as the owner.
GIT_COMMAND = [
    "git",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "diff.external=",
    "--no-pager",
    "--no-optional-locks",
]
REPOSITORY_COMMANDS = {
    "all.bundle": ["bundle", "create", "--quiet", "-", "--all"],
    "changes.diff": ["diff", "--binary", "--no-ext-diff", "--no-textconv", "HEAD"],
    "untracked.txt": ["ls-files", "--others", "--exclude-standard"],
    "head.txt": ["log", "-1", "--format=%H %cI %D"],
}


def _write_output(command: List[str], path: str, **options: Any) -> str:
    """Write the output of *command* to the new file *path*; returns its failure, or an empty text. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        done = run_command(command, OUTPUT_TIMEOUT, target=handle, **options)
    finally:
        os.close(handle)
    return "" if done.rc == 0 else "%s ended with %d: %s" % (command[0], done.rc, done.last_lines(2))


def write_system_state(directory: str) -> Dict[str, Any]:
    """Write the state of the host into *directory*; returns ``missing``: files that failed, and the cause.

    Raises OSError.
    """
    missing = {}
    for name, commands in SYSTEM_COMMANDS.items():
        command = next((command for command in commands if shutil.which(command[0])), None)
        if command is None:
            missing[name] = "the host has no %s" % " or ".join(command[0] for command in commands)
            continue
        problem = _write_output(command, os.path.join(directory, name))
        # Some parameters of the kernel cannot be read at all; the others are written.
        if problem and name != "sysctl.txt":
            missing[name] = problem
    return {"missing": missing}


def is_git_repository(source: str) -> bool:
    """Whether the directory *source* is a git repository, and the host has git."""
    return os.path.lexists(os.path.join(source, ".git")) and shutil.which("git") is not None


def write_repository_state(source: str, directory: str) -> Dict[str, Any]:
    """Write the state of the repository *source* into *directory*: all commits, changes, and names of untracked files.

    Git runs as the account that controls *source*; where there is no such account, it does not run. Returns
    ``missing``: files that failed, and the cause. Raises OSError.
    """
    try:
        who: Identity = find_controller(source)
    except IdentityError as error:
        # The files of the repository are in a layer of their own.
        return {"missing": {name: str(error) for name in REPOSITORY_COMMANDS}}
    missing = {}
    for name, words in REPOSITORY_COMMANDS.items():
        problem = _write_output(GIT_COMMAND + words, os.path.join(directory, name), identity=who, cwd=source)
        if problem:
            # A repository without a commit has neither a bundle nor a difference.
            missing[name] = problem
    return {"missing": missing}
