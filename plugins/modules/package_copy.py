#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy installed packages that no index has."""

DOCUMENTATION = r"""
module: package_copy
short_description: Copy installed packages that no index has
version_added: 0.1.0
description:
  - Used by the roles of this collection.
  - Makes a wheel of a package that is installed in an application's environment, and stores it on the controller, where
    M(oxzep7.python.plan) finds it.
  - Nothing is built or run. A package with compiled code is not copied, because that code is for one Python; the result
    has the reason.
  - An editable package stays editable; its copy points to the same source.
  - A package is read as the account that owns the environment. Only its recorded files are copied.
author: oxzep7.python contributors (@oxzep7)
options:
  applications:
    description: Applications, as in the variable C(oxzep7_applications).
    type: list
    elements: dict
    required: true
  packages:
    description: Names of the packages to copy, by name of the application.
    type: dict
    required: true
  cache_dir:
    description: Directory on the controller for wheels.
    type: path
    default: ~/.cache/oxzep7
  directory:
    description: Directory on the host for the wheels. Set by the action plugin, which also removes it.
    type: path
extends_documentation_fragment:
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
    details: The wheels are stored in check mode, too, because a plan needs them. The host is never changed.
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Copy a package that was installed from a directory
  oxzep7.python.package_copy:
    applications: "{{ oxzep7_applications }}"
    packages:
      billing: [billing-common]
"""

RETURN = r"""
copies:
  description:
    - For each application and package the file name C(wheel), its C(sha256), C(version), C(requires),
      C(requires_python), and C(modified), the files whose content is not the recorded one.
    - For one that cannot be copied, the C(reason).
  returned: success
  type: dict
"""

import hashlib
import os
from typing import Any, Dict

from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import parse_core_application
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    call_as_identity,
    can_become,
    resolve_uid,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash
from ansible_collections.oxzep7.python.plugins.module_utils._packages._copy import (
    CopyError,
    gather_package_files,
    pack_wheel,
)


def copy_package(environment: str, name: str, directory: str) -> Dict[str, Any]:
    """Write the wheel of the package *name* of *environment* to *directory*; returns its row. Raises OSError."""
    owner = resolve_uid(os.stat(environment).st_uid)
    if not can_become(owner):
        return {"reason": "%s belongs to %s; run with become" % (environment, owner.name)}
    try:
        made = pack_wheel(call_as_identity(owner, gather_package_files, environment, name))
    except CopyError as error:
        return {"reason": str(error)}
    path = os.path.join(directory, made.wheel)
    write_atomically(path, made.data, 0o644)
    return {
        "wheel": made.wheel,
        "sha256": hashlib.sha256(made.data).hexdigest(),
        "version": made.version,
        "requires": made.requires,
        "requires_python": made.requires_python,
        "modified": made.modified,
    }


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(
        argument_spec={
            "applications": {"type": "list", "elements": "dict", "required": True},
            "packages": {"type": "dict", "required": True},
            "cache_dir": {"type": "path", "default": "~/.cache/oxzep7"},
            "directory": {"type": "path"},
        },
        supports_check_mode=True,
    )
    given = module.params
    copies: Dict[str, Dict[str, Any]] = {}
    declared = {entry.get("name"): entry for entry in given["applications"]}
    for application, names in sorted(given["packages"].items()):
        if application not in declared:
            module.fail_json(msg="%s is not in `applications`" % application)
        try:
            environment = os.path.realpath(parse_core_application(declared[application]).environment)
            target = given["directory"] or module.tmpdir
            copies[application] = {name: copy_package(environment, name, target) for name in sorted(names)}
        except (CollectionError, OSError, RuntimeError) as error:
            module.fail_json(msg="%s: %s" % (application, error))
    module.exit_json(changed=False, copies=copies)


if __name__ == "__main__":
    main()
