# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that declares an application."""

import textwrap
from typing import Any, List

from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._registry import DATABASES_DOCUMENTATION
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._registry import list_check_kinds
from ansible_collections.oxzep7.python.plugins.module_utils._services._registry import document_services

# What each kind of service, check or database declares about itself takes the place of its mark.
SERVICES_MARK = "          # The kinds of services.\n"
CHECKS_MARK = "          # The kinds of checks.\n"
DATABASES_MARK = "          # The databases.\n"
UNUSED_CHECKS = """\
      checks:
        description: Health checks. This module does not use them.
        type: list
        elements: dict
        default: []
"""
UNUSED_BACKUP = """\
      backup:
        description: Contents of backups. This module does not use them.
        type: dict
"""
TEMPLATE = r"""
options:
  application:
    description: The application, as declared in C(oxzep7_applications).
    type: dict
    required: true
    suboptions:
      name:
        description: Name of the application; lower-case letters, digits, V(_), V(.) and V(-), at most 63 characters.
        type: str
        required: true
      environment:
        description: >-
          Path of the environment, as the services use it. The path never changes; it becomes a symlink to the live
          generation.
        type: str
        required: true
      formerly:
        description: >-
          Old name of an application that was renamed. The next run, or C(oxzep7.python.recover), takes over the record
          that the host has under this name for the same C(environment).
        type: str
      source:
        description: Directory of the application's source code, in which its tests run.
        type: str
      user:
        description:
          - User that the application runs as. By default it is the owner of the environment, or, if that is root, the
            user of the declared systemd units.
          - Where those name none, or several, it must be set; V(root) allows code of the application to run as root.
        type: str
      services:
        description: Services of the application, in the order in which they are started.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: >-
              Name of the systemd unit, or any name without blanks and V(/) if C(start) or C(supervisor) is set.
              Required unless C(supervisor) is set.
            type: str
          action:
            description: >-
              How a promotion treats the service. V(stop-start) stops it before the environment is replaced and starts
              it afterwards. V(restart) and V(reload) act afterwards only. V(none) leaves it alone.
            type: str
            choices: [stop-start, restart, reload, none]
            default: stop-start
          # The kinds of services.
      checks:
        description: Health checks. They must pass before a promotion and after it.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the check, shown in messages.
            type: str
            required: true
          # The kinds of checks.
      tests:
        description: >-
          Commands that test a new generation before it is promoted. They run in C(source), with the
          generation first in E(PATH).
        type: list
        elements: raw
        default: []
      tests_timeout:
        description: Seconds that each test command may take.
        type: float
        default: 900.0
      requirements:
        description: >-
          Requirements files that name the packages which the application needs directly. By default these are derived
          from the installed packages.
        type: list
        elements: str
        default: []
      drain:
        description:
          - Commands that drain work before the services are stopped, such as taking the host out of a load balancer.
          - They run as the account that promotes, while the promotion is open. A failed command undoes the promotion.
        type: list
        elements: raw
        default: []
      undrain:
        description: Commands that admit work again after all checks passed, or after a promotion was undone.
        type: list
        elements: raw
        default: []
      target:
        description: >-
          Version that this application goes to instead of C(oxzep7_target), such as V(3.11), V(3.11.9) or V(newest-1).
          It may be lower or higher. Excludes C(stay).
        type: str
      stay:
        description:
          - Keeps the application at its version, for a reason and until a day. It is in the plan, and has no steps.
          - When the day is past, it still stays, and plans and audits have the finding C(stay-expired).
        type: dict
        suboptions:
          reason:
            description: Reason, which plans show.
            type: str
            required: true
          until:
            description: Last day, such as V(2027-03-31).
            type: str
            required: true
      carry:
        description:
          - Treatment of files that belong to no package of the environment, and of manually changed files of packages.
          - V(ask) blocks planning while such files exist. V(drop) leaves them in the old generation.
          - V(copy) copies such files. A changed file is copied as it is, if its package keeps its version.
          - V(patch) copies such files, and applies the changes to the new version of the package.
        type: str
        choices: [ask, copy, patch, drop]
        default: ask
      goal:
        description:
          - Purpose of upgrades. It only changes defaults.
          - V(security) moves packages to versions without the vulnerabilities of C(oxzep7_advisories), as
            C(oxzep7_fix_advisories) does for all applications.
          - V(performance) makes a rehearsal run the benchmarks in both environments.
          - V(compatibility) changes no default.
        type: str
        choices: [security, performance, compatibility]
        default: compatibility
      criticality:
        description: Importance of the application, which contributes to the risk that a plan shows.
        type: str
        choices: [low, normal, high]
        default: normal
      after:
        description: >-
          Names of applications of the same host on which this one depends. They are upgraded before it, and rolled
          back after it; without this, applications follow one another by C(criticality), low first, and then by name.
          When one of them is not on its target after its steps, no step of this application is taken in this run.
        type: list
        elements: str
        default: []
      benchmarks:
        description: >-
          Commands whose duration a rehearsal measures in the live environment and in the new one. They run as
          C(tests) do.
        type: list
        elements: raw
        default: []
      backup:
        description: Contents of backups besides the environment and the source.
        type: dict
        suboptions:
          paths:
            description: Files and directories of the layer V(configuration).
            type: list
            elements: str
            default: []
          # The databases.
          quiesce:
            description: >-
              Commands that quiesce the application before it is read. They run as the account that makes the backup.
            type: list
            elements: raw
            default: []
          resume:
            description: Commands that resume the application, also after a failed backup.
            type: list
            elements: raw
            default: []
      drill:
        description: Additional proofs of a drill.
        type: dict
        suboptions:
          command:
            description: >-
              Command that must succeed in the restored source directory with the restored environment. It runs as the
              application's user.
            type: raw
          timeout:
            description: Seconds that each command may take.
            type: float
            default: 300.0
          reads:
            description: >-
              Data that the live version writes and the restored version must be able to read, because a rollback fails
              otherwise.
            type: list
            elements: dict
            default: []
            suboptions:
              pickle:
                description: File that the restored environment must be able to unpickle.
                type: str
              command:
                description: Command, run as C(drill.command) is.
                type: raw
      rehearse:
        description: Additional proofs of a rehearsal.
        type: dict
        suboptions:
          start:
            description:
              - Start the application from the environment that a rehearsal tries, as the application's user, on a free
                port, until a check passes; it is stopped then. What fails there and not in the live environment counts
                as a failed import does.
              - The live application keeps running, so the command must bear a second one beside it.
            type: dict
            suboptions:
              command:
                description:
                  - Command to start, as a list or as a string that is split into words. C({port}) is replaced by the
                    port. Programs are searched in the environment first.
                  - Paths below C(environment) mean the environment that is tried.
                type: raw
              service:
                description: >-
                  Systemd unit of which C(ExecStart), C(WorkingDirectory), C(Environment) and C(EnvironmentFile) are
                  used in place of C(command). It requires C(port_variable).
                type: str
              port_variable:
                description: Environment variable that gets the port.
                type: str
              directory:
                description: Working directory. Default is that of C(service), else C(source).
                type: str
              variables:
                description: Environment variables. C({port}) is replaced by the port.
                type: dict
              check:
                description: >-
                  Check that must pass, of any kind of C(checks), without C(name). C({port}) is replaced by the port.
                  Default is that the port accepts connections.
                type: dict
              timeout:
                description: Seconds within which the check must pass.
                type: float
                default: 60.0
"""


def document_kinds(kinds: List[Any], indentation: int) -> str:
    """The documentation of the options of all *kinds*, as YAML."""
    texts = []
    for kind in kinds:
        texts.append(kind.name + ":\n" + textwrap.indent(kind.documentation.lstrip("\n"), "  "))
    return textwrap.indent("".join(texts), " " * indentation)


def build_documentation() -> str:
    """The documentation of the option, as YAML."""
    text = _insert_services(TEMPLATE).replace(CHECKS_MARK, document_kinds(list_check_kinds(), 10))
    return text.replace(DATABASES_MARK, textwrap.indent(DATABASES_DOCUMENTATION, " " * 10))


def _insert_services(text: str) -> str:
    return text.replace(SERVICES_MARK, textwrap.indent(document_services(), " " * 10))


def build_checked_documentation() -> str:
    """The documentation for modules that use checks, but no backups, as YAML."""
    start, end = TEMPLATE.index("      backup:\n"), TEMPLATE.index("      drill:\n")
    text = _insert_services(TEMPLATE[:start] + UNUSED_BACKUP + TEMPLATE[end:])
    return text.replace(CHECKS_MARK, document_kinds(list_check_kinds(), 10))


def build_core_documentation() -> str:
    """The documentation for modules that use neither checks nor backups, as YAML."""
    text = build_checked_documentation()
    start, end = text.index("      checks:\n"), text.index("      tests:\n")
    return text[:start] + UNUSED_CHECKS + text[end:]


class ModuleDocFragment:
    """The option that declares an application, completely or for modules that use only a part of it."""

    # An annotated assignment: ansible-test reads the text of plain ones without importing them.
    DOCUMENTATION: str = build_documentation()
    CHECKED: str = build_checked_documentation()
    CORE: str = build_core_documentation()
