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
  - With O(source=uv) the archive is that of a managed Python of C(uv), which the controller fetches and C(uv) verifies; a host needs no network for it.
  - With O(source=package) the packages of the operating system are installed by M(ansible.builtin.package), and what they bring is checked.
  - An archive is unpacked only when its SHA-256 matches; members with absolute paths or V(..), links that lead outside and devices are refused.
  - The interpreter appears under its final name only after it ran on this host. Nothing that exists is modified.
author: oxzep7.python contributors (@oxzep7)
options:
  source:
    description: Where it comes from.
    type: str
    required: true
    choices: [archive, existing, uv, package]
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
      - With O(source=existing) and O(source=package), the executable's path on the host.
    type: path
  sha256:
    description:
      - SHA-256 of the archive, hexadecimal, or where a file with it is; a URL, or with O(path) a path on the controller. Required with O(source=archive).
      - Such a file has the digest alone, or lines of digest and file name as C(sha256sum) writes them.
    type: str
  origin:
    description: What messages and the record call the archive. Set by the controller when it transfers one; O(url) or O(path) otherwise.
    type: str
  signature:
    description:
      - Detached signature of the archive, a URL or a path on the controller. It is proven on the controller, for this SHA-256, once.
      - O(key) says of which kind it is.
    type: str
  key:
    description:
      - Path on the controller of the public key that must have signed the archive.
      - An OpenPGP key in text form, checked by C(gpg); one of C(minisign); or a PEM key as C(cosign) makes them, whose signatures are those that
        C(cosign sign-blob --output-signature) writes, checked by C(openssl).
    type: path
  mirror:
    description: With O(source=uv), where C(uv) fetches archives in place of their publisher; C(file://) is allowed.
    type: str
  downloads:
    description: With O(source=uv), URL or path on the controller of a list of archives in C(uv)'s own format, in place of the one that C(uv) has.
    type: str
  packages:
    description: With O(source=package), names of the packages.
    type: list
    elements: str
  cache_dir:
    description: Directory on the controller for archives that it fetched.
    type: path
    default: ~/.cache/oxzep7
  offline:
    description: Whether C(uv) must not ask any network.
    type: bool
    default: false
  known:
    description:
      - What M(oxzep7.python.preflight) saw in O(directory), as its RV(oxzep7.python.preflight#module:interpreters); one of these is not asked for again.
      - Read by the action plugin.
    type: list
    elements: dict
    default: []
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
architecture:
  description: The host's architecture, as uname(2) calls it.
  returned: success
  type: str
  sample: x86_64
installed:
  description: Whether the host has it. V(false) only when the module was not told where to get it.
  returned: success
  type: bool
actions:
  description: What was done, or would be.
  returned: success
  type: list
  elements: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import InterpreterError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import (
    InterpreterRequest,
    ensure_interpreter,
    find_archive_interpreter,
    find_uv_interpreter,
    resolve_digest,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "str", "required": True, "choices": ["archive", "existing", "uv", "package"]},
            "version": {"type": "str", "required": True},
            "url": {"type": "str"},
            "path": {"type": "path"},
            "sha256": {"type": "str"},
            "origin": {"type": "str"},
            "signature": {"type": "str"},
            "key": {"type": "path", "no_log": False},
            "mirror": {"type": "str"},
            "downloads": {"type": "str"},
            "packages": {"type": "list", "elements": "str"},
            "cache_dir": {"type": "path", "default": "~/.cache/oxzep7"},
            "offline": {"type": "bool", "default": False},
            "known": {"type": "list", "elements": "dict", "default": []},
            "directory": {"type": "path", "default": "/opt/oxzep7/interpreters"},
        },
        required_if=[
            ("source", "archive", ["sha256"]),
            ("source", "existing", ["path"]),
            ("source", "package", ["path", "packages"]),
        ],
        required_by={"signature": ["key"], "key": ["signature"]},
        mutually_exclusive=[("url", "path")],
        supports_check_mode=True,
    )
    given = module.params
    archive = given["path"] if given["source"] == "archive" else None
    origin = given["origin"] or given["url"] or given["path"]
    wanted = InterpreterRequest(
        given["source"], given["version"], given["url"], archive, given["sha256"], given["path"], origin
    )
    changes = Changes()
    try:
        if wanted.sha256:
            wanted = wanted._replace(sha256=resolve_digest(wanted.sha256, str(origin or "").rpartition("/")[2]))
        absent = {
            "archive": not given["url"]
            and not given["path"]
            and not find_archive_interpreter(wanted, given["directory"]),
            "uv": not find_uv_interpreter(wanted, given["directory"]),
            "package": not os.path.exists(given["path"] or ""),
        }
        if absent.get(given["source"]):
            module.exit_json(
                installed=False, version=given["version"], architecture=os.uname().machine, **changes.result()
            )
        have = ensure_interpreter(wanted, given["directory"], module.check_mode, changes)
    except (InterpreterError, OSError) as error:
        module.fail_json(msg="Python %s: %s" % (given["version"], error))
    module.exit_json(
        installed=True,
        architecture=os.uname().machine,
        version=have["version"],
        path=have["path"],
        prefix=have["prefix"],
        **changes.result(),
    )


if __name__ == "__main__":
    main()
