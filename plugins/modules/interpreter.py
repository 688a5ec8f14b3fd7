#!/usr/bin/python
# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install or check one interpreter."""

DOCUMENTATION = r"""
module: interpreter
short_description: Install an interpreter beside the existing ones
version_added: 0.1.0
description:
  - Installs an interpreter under O(directory), in a directory named after its full version, or checks an existing one.
  - An archive is unpacked only if its SHA-256 matches. Members with absolute paths or V(..), links that lead outside,
    and devices are refused.
  - The interpreter gets its final name only after it ran on this host. Nothing that exists is modified.
author: oxzep7.python contributors (@oxzep7)
options:
  interpreter:
    description:
      - All options of the source in one dictionary, with O(source) and O(version), as a step of a plan has them.
      - Mutually exclusive with O(source).
    type: dict
  version:
    description: Minor (V(3.9)) or exact (V(3.9.18)) version. Required with O(source).
    type: str
  origin:
    description:
      - Name of the archive in messages and in the record. Default is O(url) or O(path).
      - Set by the action plugin when it sends an archive.
    type: str
  cache_dir:
    description: Directory on the controller for fetched archives.
    type: path
    default: ~/.cache/oxzep7
  offline:
    description: Whether C(uv) must not use a network.
    type: bool
    default: false
  entries:
    description:
      - Sources, as C(oxzep7_interpreters) has them. Plans have URLs without credentials; those of an equal URL here are
        used.
      - Read by the action plugin.
    type: list
    elements: dict
    default: []
  known:
    description:
      - Installed interpreters, as RV(oxzep7.python.preflight#module:interpreters) of M(oxzep7.python.preflight) lists
        them. One of these is used without running the module on the host.
      - Read by the action plugin.
    type: list
    elements: dict
    default: []
  directory:
    description: Directory for interpreters.
    type: path
    default: /opt/oxzep7/interpreters
extends_documentation_fragment:
  - oxzep7.python.interpreter_sources
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
- name: Install Python 3.9 beside the existing interpreters
  oxzep7.python.interpreter:
    source: archive
    version: "3.9"
    url: "http://archives.example.org/oxzep7-3.9.18-linux-x86_64.tar.gz"
    sha256: "{{ sha256_of_the_archive }}"

- name: Install the interpreter of a planned step
  oxzep7.python.interpreter:
    interpreter: "{{ step.interpreter }}"
    entries: "{{ oxzep7_interpreters }}"
"""

RETURN = r"""
version:
  description: Full version of the interpreter; in check mode, before it is installed, the requested version.
  returned: success
  type: str
path:
  description: Path of the executable.
  returned: success
  type: str
prefix:
  description: Prefix of the interpreter.
  returned: success
  type: str
architecture:
  description: Machine type of the host, as uname(2) names it.
  returned: success
  type: str
  sample: x86_64
installed:
  description: Whether the host has the interpreter. V(false) only if the controller must act first.
  returned: success
  type: bool
actions:
  description: Actions that were done, or would be in check mode.
  returned: success
  type: list
  elements: str
"""

import os

from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._source import InterpreterRequest
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._arguments import (
    INTERPRETER_ARGUMENTS,
    INTERPRETER_RULES,
    flatten_options,
)
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._registry import INTERPRETER_SOURCES
from ansible_collections.oxzep7.python.plugins.module_utils._module import CollectionModule, report_crash


@report_crash
def main() -> None:
    """Run the module."""
    module = CollectionModule(argument_spec=INTERPRETER_ARGUMENTS, supports_check_mode=True, **INTERPRETER_RULES)
    given = flatten_options(module.params)
    source, directory = INTERPRETER_SOURCES[given["source"]], given["directory"]
    changes = Changes()
    host = {"architecture": os.uname().machine}
    try:
        request = source.resolve_request(InterpreterRequest(given["version"], given))
        if source.needs_controller(request, directory):
            module.exit_json(installed=False, version=given["version"], **host, **changes.result())
        have = source.obtain_interpreter(request, directory, module.check_mode, changes)
    except (CollectionError, OSError) as error:
        module.fail_json(msg="Python %s: %s" % (given["version"], error))
    found = {key: have[key] for key in ("version", "path", "prefix")}
    module.exit_json(installed=True, **found, **host, **changes.result())


if __name__ == "__main__":
    main()
