#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start an application from the environment of a trial."""

DOCUMENTATION = r"""
module: dry_start
short_description: Start an application from the environment of a trial
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - M(oxzep7.python.rehearse) runs it after a trial with M(oxzep7.python.environment).
  - Starts the application as O(application.rehearse.start) says, in the scratch environment of the trial, beside the
    live application and on a free port, waits for the check and stops it.
  - If the check does not pass, the same is done in the live environment. A start that fails there, too, is no failure.
author: oxzep7.python contributors (@oxzep7)
options:
  version:
    description: Version of the interpreter of the trial.
    type: str
    required: true
extends_documentation_fragment:
  - oxzep7.python.application.checked
  - oxzep7.python.host
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: Nothing is started.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: The application is started each time, and nothing of it is left.
"""

EXAMPLES = r"""
- name: Start the application from the environment of the last trial on Python 3.12
  oxzep7.python.dry_start:
    application:
      name: billing
      environment: /srv/billing/venv
      source: /srv/billing/app
      rehearse:
        start:
          command: gunicorn --bind 127.0.0.1:{port} billing.wsgi
          check:
            http:
              url: http://127.0.0.1:{port}/health
    version: 3.12.1
"""

RETURN = r"""
failures:
  description:
    - The start, by the command or the service, if it fails and did not before.
    - It has C(text), C(exception), C(frames) and C(missing), the module that was not found.
  returned: success
  type: dict
untried:
  description: A start that fails in the live environment, too, with C(reason), C(count) and C(names).
  returned: success
  type: list
  elements: dict
"""

import functools

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._checked import (
    build_checked_argument,
    build_start_check,
    parse_checked_application,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError, CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._start import find_new_start_failure
from ansible_collections.oxzep7.python.plugins.module_utils._generation._trial import find_trial
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "application": build_checked_argument(),
            "version": {"type": "str", "required": True},
            "state_dir": {"type": "path", "default": "/var/lib/oxzep7"},
            "run_id": {"type": "str", "default": "manual"},
        },
        supports_check_mode=True,
    )
    given = module.params
    if module.check_mode:
        module.exit_json(changed=False, failures={}, untried=[])
    try:
        application = parse_checked_application(given["application"])
        state = ApplicationState(given["state_dir"], application.name)
        start = application.start
        if start is None:
            raise BuildError("declare `rehearse.start`")
        check = functools.partial(build_start_check, application.name, start)
        with state.hold_lease(given["run_id"]):
            path, user = find_trial(application, given["version"])
            failures, untried = find_new_start_failure(application, start, path, user, check)
    except (CollectionError, ValueError, OSError) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error))
    module.exit_json(changed=False, failures=failures, untried=untried)


if __name__ == "__main__":
    main()
