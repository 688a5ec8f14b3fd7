# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hashes of files as RECORD has them (PEP 376, PEP 427)."""

import base64
import hashlib

HASH_ALGORITHMS = ("sha256", "sha384", "sha512")
# Bytes of a RECORD; the longest known one has five million.
RECORD_LIMIT = 32 << 20


def encode_record_digest(digest: bytes) -> str:
    """*digest* as RECORD writes it, without the name of the algorithm."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def compute_record_hash(data: bytes, algorithm: str) -> str:
    """The hash of *data* as RECORD writes it."""
    return "%s=%s" % (algorithm, encode_record_digest(hashlib.new(algorithm, data).digest()))
