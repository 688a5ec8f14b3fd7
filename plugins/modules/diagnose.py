#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares two generations of an application."""

DOCUMENTATION = r"""
module: diagnose
short_description: Compare two generations of an application, and name the likely cause of a failure
version_added: 0.1.0
description:
  - Compares two generations of an application with the variables, working directory and umask of its service. For the
    live one, those of the running process are taken, and for the other one those that a start would have now.
  - Compares interpreter, build flags, C(sys.path), flags, environment variables, packages, libraries that extensions
    do not find, entry points, console scripts and their shebangs, C(.pth) files and what is loaded at the start, locale
    and encodings, TLS, and defaults such as the start method of multiprocessing or the recursion limit.
  - Runs commands in both as the application's user, without input, and compares exit status, output, warnings, time of
    the processor and memory. These are O(commands), or else the checks of O(application) that are commands, or else
    C(--help) of each console script.
  - Compares the logs of the services before and since the newest promotion, of the same length of time.
  - RV(lines) has what differs; what explains a failure comes first. Differences that each upgrade has are left out.
  - Nothing is changed. Values of environment variables are only shown where the name is known to hold no secret.
author: oxzep7.python contributors (@oxzep7)
options:
  before:
    description: >-
      Identifier of the first generation; by default the one that was live before the newest promotion.
    type: str
    default: ""
  after:
    description: >-
      Identifier of the second generation; by default the one of the newest promotion, also when that was undone.
    type: str
    default: ""
  commands:
    description: >-
      Commands to run in both, as lists or as strings that are split into words; no shell is involved. The first word
      can be the name of a program of the environment, and the live path stands for each generation in turn.
    type: list
    elements: raw
    default: []
  timeout:
    description: Seconds after which a command is killed.
    type: float
    default: 60.0
  log_seconds:
    description: Longest time in seconds before and since the promotion whose logs are compared.
    type: float
    default: 3600.0
  state_dir:
    description: Directory on the host with the records of its applications; mode V(0700).
    type: path
    default: /var/lib/oxzep7
extends_documentation_fragment:
  - oxzep7.python.application.checked
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: Does the same, as it changes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Why does the new generation not work?
  oxzep7.python.diagnose:
    application: {name: billing, environment: /srv/billing/venv, services: [{name: billing-web.service}]}

- name: Compare two generations by one command
  oxzep7.python.diagnose:
    application: {name: billing, environment: /srv/billing/venv}
    before: 0-py3.8
    after: 2-py3.10
    commands: [billing --self-test]
"""

RETURN = r"""
lines:
  description: What differs, as sentences; what explains a failure comes first. Empty when nothing differs.
  returned: success
  type: list
  elements: str
reason:
  description: The reason that nothing was compared; empty otherwise.
  returned: success
  type: str
before:
  description: C(id), C(path) and Python version of the first generation.
  returned: when it was compared
  type: dict
after:
  description: The same of the second generation.
  returned: when it was compared
  type: dict
origin:
  description: Where the environment variables are from.
  returned: when it was compared
  type: str
differences:
  description: >-
    Each difference with C(area), C(name), both values in C(before) and C(after), the C(culprit) that it is of, C(text)
    and C(rank).
  returned: when it was compared
  type: list
  elements: dict
facts:
  description: Name and both values of what is shown side by side, whether it differs or not.
  returned: when it was compared
  type: list
  elements: list
runs:
  description: Each command with its C(cause) of a failure, and exit status, output, time and memory on both sides.
  returned: when it was compared
  type: list
  elements: dict
log:
  description: >-
    Lines of logs that are C(new), C(gone) or come C(more often) since the promotion: C(kind), C(signature), C(example),
    and how often it came C(before) and C(after).
  returned: when it was compared
  type: list
  elements: dict
"""

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._checked import (
    build_checked_argument,
    parse_checked_application,
)
from ansible_collections.oxzep7.python.plugins.module_utils._diagnosis._diagnose import (
    NothingToCompareError,
    Request,
    diagnose,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import split_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import remove_stale_scratch
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "application": build_checked_argument(),
            "before": {"type": "str", "default": ""},
            "after": {"type": "str", "default": ""},
            "commands": {"type": "list", "elements": "raw", "default": []},
            "timeout": {"type": "float", "default": 60.0},
            "log_seconds": {"type": "float", "default": 3600.0},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        application = parse_checked_application(given["application"])
        commands = [split_command(command) for command in given["commands"]]
        request = Request(given["before"], given["after"], commands, given["timeout"], given["log_seconds"])
        remove_stale_scratch()
        result = diagnose(application, ApplicationState(given["state_dir"], application.name), request)
    except NothingToCompareError as error:
        module.exit_json(changed=False, lines=[], reason=str(error))
    except (CollectionError, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error))
    module.exit_json(changed=False, reason="", **result)


if __name__ == "__main__":
    main()
