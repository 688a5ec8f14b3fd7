# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option for files and changes that a new environment takes over."""


class ModuleDocFragment:
    """The option for files and changes that a new environment takes over."""

    DOCUMENTATION = r"""
options:
  cargo:
    description: Files and changes of the live environment to carry over beside the lock, as a plan lists them.
    type: dict
    suboptions:
      policy:
        description: V(copy) keeps changed files of packages as they are, V(patch) applies the changes again.
        type: str
        choices: [copy, patch]
        required: true
      files:
        description: Paths in the environment of files and directories outside every package; directories end with V(/).
        type: list
        elements: str
        default: []
      changes:
        description: Changed files of packages.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Path in the environment.
            type: str
            required: true
          package:
            description: Package of the file.
            type: str
            required: true
          version:
            description: Version of the package.
            type: str
          diff:
            description: Unified diff from the file of the package to the changed file.
            type: str
          digest:
            description:
              - Digest of the changed file to which the diff leads, as V(sha256:hex).
              - A build refuses the diff if the live file has another one.
            type: str
      removed:
        description: Files of packages that were removed. They are left out of the new environment.
        type: list
        elements: dict
        default: []
        suboptions:
          path:
            description: Path in the environment.
            type: str
            required: true
          package:
            description: Package of the file.
            type: str
            required: true
          version:
            description: Version of the package.
            type: str
"""
