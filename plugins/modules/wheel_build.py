#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build wheels on a host that has the Python and a compiler."""

DOCUMENTATION = r"""
module: wheel_build
short_description: Build wheels of packages that are published without
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Builds each source once, in a scratch directory. If the module runs as root, an account that owns nothing builds.
  - The host needs the Python with its headers, the libraries that the sources compile against, and access to the
    package indexes for build requirements.
  - The action plugin sends the sources, and fetches the wheels into the cache of the controller, where
    M(oxzep7.python.plan) finds them.
author: oxzep7.python contributors (@oxzep7)
options:
  needs:
    description:
      - Wheels to build, each with C(name), C(version), C(python) and C(platform), as
        RV(oxzep7.python.plan#module:needs) lists them.
    type: list
    elements: dict
    required: true
  directory:
    description: Directory on the host with the sources and C(uv). Set by the action plugin.
    type: path
  words:
    description: Options of C(uv) for package indexes. Set by the action plugin.
    type: list
    elements: str
    default: []
  interpreter_dir:
    description: Directory on the host with interpreters. E(PATH) is searched, too.
    type: path
    default: /opt/oxzep7/interpreters
  cache_dir:
    description: Directory on the controller for wheels.
    type: path
    default: ~/.cache/oxzep7
extends_documentation_fragment:
  - oxzep7.python.sources
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details: A wheel in the cache of the controller is not built again.
"""

EXAMPLES = r"""
- name: Build wheels that the controller cannot build
  oxzep7.python.wheel_build:
    needs: "{{ plan_result.needs }}"
  delegate_to: builder1
  run_once: true
"""

RETURN = r"""
built:
  description: Wheels that were built, each with C(name), C(version), C(python), C(platform) and the file name C(wheel).
  returned: success
  type: list
  elements: dict
problems:
  description:
    - Wheels that were not built, each with C(name), C(version), C(python), C(platform) and the C(cause). The other ones
      are built all the same.
  returned: success
  type: list
  elements: dict
actions:
  description: Actions that were done, or would be in check mode.
  returned: success
  type: list
  elements: str
"""

import glob
import os
import re
import shutil
from typing import Any, Dict, List, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import (
    WheelBuildRequest,
    build_wheel,
)


def find_interpreters(python: str, directory: str) -> List[str]:
    """The paths of interpreters of the minor version *python*: below *directory*, the newest first, and in PATH."""
    installed = glob.glob(os.path.join(glob.escape(directory), python + ".*", "bin", "python" + python))
    installed.sort(key=lambda path: [int(part) for part in re.findall(r"\d+", path[len(directory) :])], reverse=True)
    other = shutil.which("python" + python)
    return installed + ([other] if other else [])


def build_with_first(interpreters: List[str], need: Dict[str, Any], directory: str, words: List[str]) -> str:
    """Build *need* with the first of *interpreters* that can; returns the name of the wheel.

    Raises CollectionError with the problem of the first, OSError.
    """
    problem: Optional[CollectionError] = None
    for interpreter in interpreters:
        order = WheelBuildRequest(
            os.path.join(directory, "uv"),
            interpreter,
            os.path.join(directory, need["source"]),
            words,
            need.get("days") or [],
        )
        try:
            return build_wheel(order, os.path.join(directory, "out-" + need["python"]))
        except CollectionError as error:
            problem = problem or error
    raise problem or CollectionError("there is no interpreter")


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
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
    built, problems = [], []
    for need in given["needs"]:
        label = "%s %s for Python %s" % (need["name"], need["version"], need["python"])
        if module.check_mode:
            changes.add("build %s" % label, label, None, "wheel")
            continue
        interpreters = find_interpreters(need["python"], given["interpreter_dir"])
        if not interpreters:
            where = (label, need["python"], given["interpreter_dir"])
            problems.append(dict(need, cause="%s: this host has no Python %s in %s or in PATH; install it" % where))
            continue
        try:
            wheel = build_with_first(interpreters, need, given["directory"], given["words"])
        except (CollectionError, OSError) as error:
            problems.append(dict(need, cause="%s could not be built on this host: %s" % (label, error)))
            continue
        changes.add("build %s" % label, label, None, "wheel")
        built.append(dict(need, wheel=wheel))
    module.exit_json(built=built, problems=problems, **changes.result())


if __name__ == "__main__":
    main()
