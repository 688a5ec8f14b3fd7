# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that says what an environment takes along."""


class ModuleDocFragment:
    """The option that says what an environment takes along."""

    DOCUMENTATION = r"""
options:
  cargo:
    description: What is taken along from the live environment that no lock accounts for, as the plan says.
    type: dict
    suboptions:
      policy:
        description: Whether files of packages that were changed by hand are taken as they are, or their changes made again.
        type: str
        choices: [copy, patch]
        required: true
      files:
        description: Files and directories in no package, as paths in the environment; a directory ends with V(/).
        type: list
        elements: str
        default: []
      changes:
        description: Files of packages that were changed.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Path in the environment.
            type: str
            required: true
          package:
            description: Package that it belongs to.
            type: str
            required: true
          version:
            description: Version of that package.
            type: str
          diff:
            description: Unified diff from the package's file to what it was changed to.
            type: str
"""
