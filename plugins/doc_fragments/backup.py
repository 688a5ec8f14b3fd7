# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that say where backups are, and what makes them."""


class ModuleDocFragment:
    """Where backups are; and ``engine``: what makes them."""

    DOCUMENTATION = r"""
options:
  backup_dir:
    description: Directory on the host with the backups of its applications; mode V(0700).
    type: path
    default: /var/lib/oxzep7/backups
"""

    ENGINE = r"""
options:
  engine:
    description:
      - V(archive) writes a tar archive for each layer into O(backup_dir) and needs nothing installed.
      - V(restic) makes a snapshot for each layer in O(repository), deduplicated and encrypted. The host needs restic 0.14 or later.
      - What a backup was made with is in its manifest; to read one of restic, O(repository) and its password are needed, whatever this says.
    type: str
    choices: [archive, restic]
    default: archive
  encryption:
    description: What encrypts archives for O(recipients); manifests, which name files, are not encrypted.
    type: str
    choices: [none, age, gpg]
    default: none
  recipients:
    description: Public keys of age, or key names of gpg; or absolute paths of files with them on the host.
    type: list
    elements: str
    default: []
  identity:
    description:
      - File on the host with age's private key, to read archives. gpg looks in the keyring of the account that the module runs as.
      - Without the key, archives are written and their digests compared, and that is all that can be proven.
    type: path
  repository:
    description: Repository of restic, as E(RESTIC_REPOSITORY) would have it.
    type: str
  repository_password:
    description: Its password.
    type: str
  repository_password_file:
    description: File on the host with its password.
    type: path
  repository_environment:
    description: More variables that restic reads, such as E(AWS_SECRET_ACCESS_KEY).
    type: dict
    default: {}
"""
