# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How archives are encrypted for recipients, and read again by who has the key: the commands of age and gpg. Data in, words out."""

from typing import List, NamedTuple, Optional, Tuple

AGE, GPG = "age", "gpg"
ENCRYPTION_SUFFIXES = {"": "", AGE: ".age", GPG: ".gpg"}


class EncryptionSettings(NamedTuple):
    """For whom archives are encrypted: empty, ``age`` or ``gpg``; public keys, names or files of them; and the file with age's private key, where it is here.

    gpg looks for private keys in the keyring of the account that reads.
    """

    how: str = ""
    recipients: Tuple[str, ...] = ()
    identity: Optional[str] = None


def make_encrypt_command(sealing: EncryptionSettings) -> List[str]:
    """The command that encrypts its standard input for the recipients of *sealing*."""
    if sealing.how == AGE:
        pairs = [("--recipients-file" if name.startswith("/") else "--recipient", name) for name in sealing.recipients]
        return ["age", "--encrypt"] + [word for pair in pairs for word in pair]
    # A recipient's key was chosen by the operator; nobody is there to be asked whether it is trusted.
    pairs = [("--recipient-file" if name.startswith("/") else "--recipient", name) for name in sealing.recipients]
    common = [
        "gpg",
        "--batch",
        "--quiet",
        "--no-tty",
        "--trust-model",
        "always",
        "--compress-algo",
        "none",
        "--encrypt",
    ]
    return common + [word for pair in pairs for word in pair]


def make_decrypt_command(encryption: str, identity: Optional[str], path: str) -> List[str]:
    """The command that prints what the file *path* was before *encryption*."""
    if encryption == AGE:
        return ["age", "--decrypt", "--identity", identity or "/nonexistent", "--", path]
    return ["gpg", "--batch", "--quiet", "--no-tty", "--decrypt", "--", path]


def render_decrypt_command(encryption: str) -> str:
    """The same for somebody at a shell, who knows where the key is."""
    return "age --decrypt --identity KEY " if encryption == AGE else "gpg --decrypt "
