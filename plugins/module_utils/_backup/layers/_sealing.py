# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of age and gpg that encrypt archives for recipients, and decrypt them. Data in, words out."""

from typing import List, NamedTuple, Optional, Tuple

AGE, GPG = "age", "gpg"
ENCRYPTION_SUFFIXES = {"": "", AGE: ".age", GPG: ".gpg"}


class EncryptionSettings(NamedTuple):
    """The encryption of archives: empty, ``age`` or ``gpg``; public keys, their names or files; age's private key file.

    gpg finds private keys in the keyring of the account that reads.
    """

    how: str = ""
    recipients: Tuple[str, ...] = ()
    identity: Optional[str] = None


def make_encrypt_command(sealing: EncryptionSettings) -> List[str]:
    """The command that encrypts its standard input for the recipients of *sealing*."""
    if sealing.how == AGE:
        pairs = [("--recipients-file" if name.startswith("/") else "--recipient", name) for name in sealing.recipients]
        return ["age", "--encrypt"] + [word for pair in pairs for word in pair]
    # The operator chose the recipients' keys, so they are trusted without a question.
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
    """The command that prints the file *path* without its *encryption*."""
    if encryption == AGE:
        return ["age", "--decrypt", "--identity", identity or "/nonexistent", "--", path]
    return ["gpg", "--batch", "--quiet", "--no-tty", "--decrypt", "--", path]


def render_decrypt_command(encryption: str) -> str:
    """That command for an operator at a shell, who replaces KEY; the path is appended."""
    return "age --decrypt --identity KEY " if encryption == AGE else "gpg --decrypt "
