# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that declares an application."""

import textwrap
from typing import Any, List

from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._registry import list_check_kinds

# What each kind of check declares about itself is inserted at its place.
TEMPLATE = r"""
options:
  application:
    description: The application, as declared in C(oxzep7_applications). Keys that only other parts use are not accepted here.
    type: dict
    required: true
    suboptions:
      name:
        description: Its name; lower-case letters, digits, V(_), V(.) and V(-), at most 63 characters.
        type: str
        required: true
      environment:
        description: The path that its services use. It stays the path for ever; it becomes a symlink to the live generation.
        type: str
        required: true
      source:
        description: Directory of its source code; its tests run there.
        type: str
      user:
        description: The user it runs as. Default is the owner of its environment.
        type: str
      services:
        description: Its services, in the order in which they are started.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the systemd unit; or any name when commands are given.
            type: str
            required: true
          action:
            description: What a promotion does with it.
            type: str
            choices: [stop-start, restart, reload, none]
            default: stop-start
          start:
            description: Command that starts it, as a list or as a string that is split into words; no shell is involved.
            type: raw
          stop:
            description: Command that stops it.
            type: raw
          status:
            description: Command that ends with 0 when, and only when, it runs.
            type: raw
          pidfile:
            description: File with the process id of its main process, so that its processes can be examined.
            type: str
          user:
            description: Account whose own systemd runs the unit. Without it, the system's does.
            type: str
      checks:
        description: Its health checks. They must pass before a promotion and after it.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the check, for messages.
            type: str
            required: true
          # The kinds of checks.
      tests:
        description: Commands run in its source directory with the new generation first in E(PATH), before it is promoted.
        type: list
        elements: raw
        default: []
      tests_timeout:
        description: Seconds that each test command may take.
        type: float
        default: 900.0
      requirements:
        description: Files that name the packages that it needs for its own sake. Default is to tell that from what is installed.
        type: list
        elements: str
        default: []
      drain:
        description:
          - Commands that keep work away before its services are stopped, such as those that take the host out of a balancer.
          - They run as the account that promotes, when the promotion is open already; one that fails undoes it.
        type: list
        elements: raw
        default: []
      undrain:
        description: Commands that let work in again, when all checks pass; also after a promotion was undone.
        type: list
        elements: raw
        default: []
      carry:
        description:
          - What becomes of files that no package of the environment accounts for, and of changes made by hand to files of packages.
          - V(ask) refuses to plan while there are any. V(drop) leaves them behind; they stay in the old generation.
          - V(copy) takes such files along; a changed file as it is, which needs that its package stays at its version.
          - V(patch) takes such files along, and makes the changes again in the new version of the package.
        type: str
        choices: [ask, copy, patch, drop]
        default: ask
      goal:
        description:
          - What an upgrade is for. It changes defaults, and nothing else.
          - V(security) moves packages to versions in which what C(oxzep7_advisories) know is fixed, as C(oxzep7_fix_advisories) does for all.
          - V(performance) has a rehearsal time its benchmarks before and after.
          - V(compatibility) changes nothing.
        type: str
        choices: [security, performance, compatibility]
        default: compatibility
      criticality:
        description: How much depends on it; a term of the risk that a plan shows.
        type: str
        choices: [low, normal, high]
        default: normal
      benchmarks:
        description: Commands that a rehearsal times in the live environment and in the new one; they run as tests do.
        type: list
        elements: raw
        default: []
      backup:
        description: What its backups keep beside its environment and source.
        type: dict
        suboptions:
          paths:
            description: Files and directories, for the layer V(configuration).
            type: list
            elements: str
            default: []
          databases:
            description: Databases, for the layer V(databases); each is read through its own tool, so that it is of one moment.
            type: list
            elements: dict
            default: []
            suboptions:
              name:
                description: Name of its file in the backup. Default is that of the database.
                type: str
              sqlite:
                description: Path of a SQLite database; it is copied as the account that owns it.
                type: str
              postgresql:
                description: A PostgreSQL database, dumped by C(pg_dump) in its custom format.
                type: dict
                suboptions:
                  database:
                    description: Its name.
                    type: str
                    required: true
                  host:
                    description: Host or socket directory of the server.
                    type: str
                  port:
                    description: Port of the server.
                    type: int
                  user:
                    description: Role to connect as.
                    type: str
                  passfile:
                    description: File on the host with the password, as libpq reads it; C(account) must be able to.
                    type: str
                  account:
                    description: Account that dumps. Default is V(postgres) without C(host).
                    type: str
              mysql:
                description: A MariaDB or MySQL database, dumped in a single transaction.
                type: dict
                suboptions:
                  database:
                    description: Its name.
                    type: str
                    required: true
                  defaults_file:
                    description: File on the host with the options and the password of the client.
                    type: str
                  account:
                    description: Account that dumps. Default is the one that the module runs as.
                    type: str
              command:
                description: Anything else, by the operator's commands.
                type: dict
                suboptions:
                  dump:
                    description: Command whose standard output is kept.
                    type: raw
                    required: true
                  rows:
                    description: >-
                      Command that reads such output on its standard input and prints a line for each of its tables, name, tab and number of rows. A drill
                      runs it again.
                    type: raw
                  load:
                    description: Command that reads such output on its standard input and puts it back in place.
                    type: raw
                  account:
                    description: Account that the commands run as. Default is the application's.
                    type: str
          quiesce:
            description: Commands that hold the application still before it is read. They run as the account that makes the backup.
            type: list
            elements: raw
            default: []
          resume:
            description: Commands that let it go on, also after a backup that failed.
            type: list
            elements: raw
            default: []
      drill:
        description: What a drill proves beside what it always proves.
        type: dict
        suboptions:
          command:
            description: Command that must succeed with what is restored, as the application's user, in its source directory.
            type: raw
          timeout:
            description: Seconds that each command may take.
            type: float
            default: 300.0
          reads:
            description: State that the live version writes and the kept one must be able to read, because that is what breaks a rollback.
            type: list
            elements: dict
            default: []
            suboptions:
              pickle:
                description: File that the kept environment must be able to unpickle.
                type: str
              command:
                description: Command, run as C(drill.command) is.
                type: raw
"""


def document_kinds(kinds: List[Any], indentation: int) -> str:
    """The documentation of the options of all *kinds*, as YAML."""
    texts = []
    for kind in kinds:
        texts.append(kind.name + ":\n" + textwrap.indent(kind.documentation.lstrip("\n"), "  "))
    return textwrap.indent("".join(texts), " " * indentation)


def build_documentation() -> str:
    """The documentation of the option, as YAML."""
    return TEMPLATE.replace("          # The kinds of checks.\n", document_kinds(list_check_kinds(), 10))


class ModuleDocFragment:
    """The option that declares an application."""

    DOCUMENTATION = build_documentation()
