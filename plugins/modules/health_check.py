#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates health checks."""

DOCUMENTATION = r"""
module: health_check
short_description: Evaluate the health checks of an application
version_added: 0.1.0
description:
  - Asks whether each service of the application runs and whether each of its checks passes, as a promotion does.
author: oxzep7.python contributors (@oxzep7)
options:
  timeout:
    description: Seconds within which everything must pass; V(0) asks once.
    type: float
    default: 0.0
extends_documentation_fragment:
  - oxzep7.python.application
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Is it healthy?
  oxzep7.python.health_check:
    application:
      name: billing
      environment: /srv/billing/venv
      services: [{name: billing-web.service}]
      checks: [{name: port, tcp: {port: 8001}}]
"""

RETURN = r"""
healthy:
  description: Whether everything passed.
  returned: always
  type: bool
checks:
  description: Each check's name, kind, verdict, evidence, duration in seconds, and what it measured.
  returned: always
  type: list
  elements: dict
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._application._services import ServiceError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._options import build_application_argument
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._parse import parse_application
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import run_health_checks
from ansible_collections.oxzep7.python.plugins.module_utils._health._checks import describe_results, select_failures
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import POLL_SECONDS


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"application": build_application_argument(), "timeout": {"type": "float", "default": 0.0}},
        supports_check_mode=True,
    )
    given = module.params
    deadline = time.monotonic() + given["timeout"]
    try:
        application = parse_application(given["application"])
        results = run_health_checks(application, None, None)
        while select_failures(results) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            results = run_health_checks(application, None, None)
    except (ApplicationError, IdentityError, ServiceError, OSError) as error:
        module.fail_json(msg="%s: %s" % (given["application"]["name"], error), healthy=False, checks=[])
    if select_failures(results):
        module.fail_json(
            msg="%s is not healthy: %s" % (application.name, describe_results(select_failures(results))),
            healthy=False,
            checks=results,
        )
    module.exit_json(changed=False, healthy=True, checks=results)


if __name__ == "__main__":
    main()
