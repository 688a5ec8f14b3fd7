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
  - Check that each service of the application runs and that each of its health checks passes, as a promotion does.
author: oxzep7.python contributors (@oxzep7)
options:
  timeout:
    description: Seconds within which all checks must pass; V(0) evaluates them once.
    type: float
    default: 0.0
extends_documentation_fragment:
  - oxzep7.python.application.checked
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
- name: Check that the application is healthy
  oxzep7.python.health_check:
    application:
      name: billing
      environment: /srv/billing/venv
      services: [{name: billing-web.service}]
      checks: [{name: port, tcp: {port: 8001}}]
"""

RETURN = r"""
healthy:
  description: Whether all services run and all checks pass.
  returned: always
  type: bool
checks:
  description: >-
    For each service and check, C(name), C(kind), C(passed), C(evidence), C(seconds) (its duration) and C(measured) (its
    measurements for a later comparison); for a service also C(final), whether nothing will start it again.
  returned: always
  type: list
  elements: dict
"""

import time

from ansible_collections.oxzep7.python.plugins.module_utils._declaration._checked import (
    build_checked_argument,
    parse_checked_application,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import run_health_checks
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import (
    POLL_SECONDS,
    describe_results,
    select_failures,
)
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={"application": build_checked_argument(), "timeout": {"type": "float", "default": 0.0}},
        supports_check_mode=True,
    )
    parameters = module.params
    deadline = time.monotonic() + parameters["timeout"]
    try:
        application = parse_checked_application(parameters["application"])
        results = run_health_checks(application, None, None)
        while select_failures(results) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            results = run_health_checks(application, None, None)
    except (CollectionError, OSError) as error:
        module.fail_json(msg="%s: %s" % (parameters["application"]["name"], error), healthy=False, checks=[])
    failures = select_failures(results)
    if failures:
        message = "%s is not healthy: %s" % (application.name, describe_results(failures))
        module.fail_json(msg=message, healthy=False, checks=results)
    module.exit_json(changed=False, healthy=True, checks=results)


if __name__ == "__main__":
    main()
