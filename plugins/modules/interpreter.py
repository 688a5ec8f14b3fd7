#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs one interpreter beside the others."""

DOCUMENTATION = r"""
module: interpreter
short_description: Have an interpreter on the host, beside the ones that are there
version_added: 0.1.0
description:
  - Installs an interpreter from an archive under O(directory), in a directory named after its full version, or checks one that exists.
  - An archive is unpacked only when its SHA-256 matches; members with absolute paths or V(..), links that lead outside and devices are refused.
  - The interpreter appears under its final name only after it ran on this host. Nothing that exists is modified.
author: oxzep7.python contributors (@oxzep7)
options:
  source:
    description: Where it comes from.
    type: str
    required: true
    choices: [archive, existing]
  version:
    description: The minor (V(3.9)) or exact (V(3.9.18)) version that it must be.
    type: str
    required: true
  url:
    description: URL from which the host fetches the archive.
    type: str
  path:
    description:
      - With O(source=archive), the archive's path on the controller; it is transferred only when the host lacks the interpreter.
      - With O(source=existing), the executable's path on the host.
    type: path
  sha256:
    description:
      - SHA-256 of the archive, hexadecimal, or where a file with it is; a URL, or with O(path) a path on the controller. Required with O(source=archive).
      - Such a file has the digest alone, or lines of digest and file name as C(sha256sum) writes them.
    type: str
  origin:
    description: What messages and the record call the archive. Set by the controller when it transfers one; O(url) or O(path) otherwise.
    type: str
  directory:
    description: Where interpreters are installed.
    type: path
    default: /opt/oxzep7/interpreters
extends_documentation_fragment:
  - oxzep7.python.attributes
  - oxzep7.python.attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Have Python 3.9 beside what is there
  oxzep7.python.interpreter:
    source: archive
    version: "3.9"
    url: "http://archives.example.org/oxzep7-3.9.18-linux-x86_64.tar.gz"
    sha256: "{{ sha256_of_the_archive }}"
"""

RETURN = r"""
version:
  description: Its full version; in check mode, before it is installed, what was asked for.
  returned: success
  type: str
path:
  description: Its executable.
  returned: success
  type: str
prefix:
  description: Its prefix.
  returned: success
  type: str
installed:
  description: Whether the host has it. V(false) only when neither O(url) nor O(path) says where to get it.
  returned: success
  type: bool
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import InterpreterError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import Wanted, ensure, expected_digest, find_installed


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "str", "required": True, "choices": ["archive", "existing"]},
            "version": {"type": "str", "required": True},
            "url": {"type": "str"},
            "path": {"type": "path"},
            "sha256": {"type": "str"},
            "origin": {"type": "str"},
            "directory": {"type": "path", "default": "/opt/oxzep7/interpreters"},
        },
        required_if=[("source", "archive", ["sha256"]), ("source", "existing", ["path"])],
        mutually_exclusive=[("url", "path")],
        supports_check_mode=True,
    )
    given = module.params
    archive = given["path"] if given["source"] == "archive" else None
    origin = given["origin"] or given["url"] or given["path"]
    wanted = Wanted(given["source"], given["version"], given["url"], archive, given["sha256"], given["path"], origin)
    changes = Changes()
    try:
        if wanted.sha256:
            wanted = wanted._replace(sha256=expected_digest(wanted.sha256, str(origin or "").rpartition("/")[2]))
        if given["source"] == "archive" and not given["url"] and not given["path"] and not find_installed(wanted, given["directory"]):
            module.exit_json(installed=False, version=given["version"], **changes.result())
        have = ensure(wanted, given["directory"], module.check_mode, changes)
    except (InterpreterError, OSError) as error:
        module.fail_json(msg="Python %s: %s" % (given["version"], error))
    module.exit_json(installed=True, version=have["version"], path=have["path"], prefix=have["prefix"], **changes.result())


if __name__ == "__main__":
    main()
