#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds wheels that nobody publishes, on a host that has the Python and a compiler."""

DOCUMENTATION = r"""
module: wheel_build
short_description: Build wheels that nobody publishes
version_added: 0.1.0
description:
  - Builds each source once, in a scratch directory, as an account that owns nothing. C(nobody) when the module runs as root.
  - The host needs the Python, with its headers, what the sources compile against, and access to the package indexes for what builds need.
  - The action plugin of this name sends the sources, and brings the wheels into the controller's cache, where M(oxzep7.python.plan) finds them.
author: oxzep7.python contributors (@oxzep7)
options:
  needs:
    description: What to build, as RV(oxzep7.python.plan#module:needs) says it; C(name), C(version), C(python) and C(platform).
    type: list
    elements: dict
    required: true
  directory:
    description: Directory on the host with the sources and C(uv); given by the action plugin.
    type: path
  words:
    description: Options for C(uv) that say where packages come from; given by the action plugin.
    type: list
    elements: str
    default: []
  interpreter_dir:
    description: Directory on the host with interpreters; E(PATH) is searched, too.
    type: path
    default: /opt/oxzep7/interpreters
  cache_dir:
    description: Directory on the controller that keeps wheels.
    type: path
    default: ~/.cache/oxzep7
extends_documentation_fragment:
  - oxzep7.python.sources
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: Says what would be built.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: What the controller has of earlier builds is not built again.
"""

EXAMPLES = r"""
- name: Build elsewhere what the controller cannot
  oxzep7.python.wheel_build:
    needs: "{{ plan_result.needs }}"
  delegate_to: builder1
  run_once: true
"""

RETURN = r"""
built:
  description: For each wheel its C(name), C(version), C(python), C(platform) and the file name C(wheel).
  returned: success
  type: list
  elements: dict
actions:
  description: What was built, or would be.
  returned: success
  type: list
  elements: str
"""

import glob
import os
import shutil
from typing import Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import (
    WheelBuildError,
    WheelBuildRequest,
    build_wheel,
)


def interpreter_for(python: str, directory: str) -> Optional[str]:
    """The path of an interpreter of the minor version *python*, below *directory* or in PATH; None without one."""
    installed = sorted(glob.glob(os.path.join(glob.escape(directory), python + ".*", "bin", "python" + python)))
    return installed[-1] if installed else shutil.which("python" + python)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "needs": {"type": "list", "elements": "dict", "required": True},
            "directory": {"type": "path"},
            "words": {"type": "list", "elements": "str", "default": []},
            "interpreter_dir": {"type": "path", "default": "/opt/oxzep7/interpreters"},
            "cache_dir": {"type": "path", "default": "~/.cache/oxzep7"},
            "indexes": {"type": "list", "elements": "raw", "default": []},
            "find_links": {"type": "list", "elements": "path", "default": []},
            "offline": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    given = module.params
    changes = Changes()
    built = []
    for need in given["needs"]:
        label = "%s %s for Python %s" % (need["name"], need["version"], need["python"])
        changes.add("build %s" % label, label, None, "wheel")
        if module.check_mode:
            continue
        interpreter = interpreter_for(need["python"], given["interpreter_dir"])
        if interpreter is None:
            module.fail_json(
                msg="%s: this host has no Python %s in %s or in PATH; install it"
                % (label, need["python"], given["interpreter_dir"])
            )
        order = WheelBuildRequest(
            os.path.join(given["directory"], "uv"),
            str(interpreter),
            os.path.join(given["directory"], need["source"]),
            given["words"],
        )
        try:
            wheel = build_wheel(order, os.path.join(given["directory"], "out-" + need["python"]))
        except (WheelBuildError, OSError) as error:
            module.fail_json(msg="%s could not be built on this host: %s" % (label, error))
        built.append(dict(need, wheel=wheel))
    module.exit_json(built=built, **changes.result())


if __name__ == "__main__":
    main()
