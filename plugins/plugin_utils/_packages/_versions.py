# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions as environments have them, also those that are not valid any more (PEP 440), and their local labels."""

from __future__ import annotations

import contextlib
import functools
import re

# Without it planning fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.version import InvalidVersion, Version

NUMBERS = re.compile(r"\s*v?(\d+!)?(\d+(?:\.\d+)*)")
LAST_NUMBER = re.compile(r"[.\d]+$")


def is_valid_version(text: str) -> bool:
    """Whether *text* is a version that indexes and installers of today accept."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


@functools.lru_cache(maxsize=16384)
def parse_installed_version(text: str) -> Version:
    """The version *text*; of one that is not valid, such as ``2004d``, the release that its numbers say."""
    try:
        return Version(text)
    except InvalidVersion:
        match = NUMBERS.match(text)
        return Version((match[1] or "") + match[2] if match else "0")


def normalize_version(text: str) -> str:
    """*text* as resolvers write it, unless it is not valid."""
    return str(Version(text)) if is_valid_version(text) else text


def is_same_version(one: str | None, other: str | None) -> bool:
    """Whether *one* and *other* are the same version, whatever their spelling; None is the same as None alone."""
    if one is None or other is None or not (is_valid_version(one) and is_valid_version(other)):
        return one == other
    return Version(one) == Version(other)


def get_variant(version: Version) -> str:
    """What the local label of *version* says of a variant, such as ``cpu``, without the number at its end."""
    return LAST_NUMBER.sub("", version.local or "")
