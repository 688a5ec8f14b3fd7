# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Platforms and the tags of wheels that run on them."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Sequence

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor

# Without it the planner fails with a message before this is used.
with contextlib.suppress(ImportError):
    from packaging.tags import Tag, compatible_tags, cpython_tags
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename
    from packaging.version import InvalidVersion


LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


PLATFORM_PATTERN = re.compile(r"^(.+)-manylinux_2_(\d+)$")


def list_platform_tags(architecture: str, libc_version: str) -> list[str]:
    """The wheel platform tags that a host with this glibc accepts, newest first (PEP 600). Raises ValueError."""
    match = re.match(r"^2\.(\d+)", libc_version)
    if not match:
        raise ValueError(f"{libc_version!r} is not a glibc version")
    tags = []
    for minor in range(int(match[1]), 4, -1):
        tags.append(f"manylinux_2_{minor}_{architecture}")
        if minor in LEGACY_MANYLINUX:
            tags.append(f"{LEGACY_MANYLINUX[minor]}_{architecture}")
    return [*tags, f"linux_{architecture}"]


def list_wheel_tags(minor: Minor, platforms: Sequence[str]) -> list[Tag]:
    """The tags of wheels that CPython *minor* accepts on a host with these *platforms*, the best first."""
    interpreter = f"cp{minor[0]}{minor[1]}"
    return [
        *cpython_tags(minor, [interpreter + ("m" if minor < (3, 8) else ""), "abi3", "none"], list(platforms)),
        *compatible_tags(minor, interpreter, list(platforms)),
    ]


@functools.lru_cache(maxsize=64)
def _rank_tags(minor: Minor, platform: str) -> dict[Tag, int]:
    match = PLATFORM_PATTERN.match(platform)
    if not match:
        raise ValueError(f"{platform!r} is not a platform")
    ranks: dict[Tag, int] = {}
    for tag in list_wheel_tags(minor, list_platform_tags(match[1], f"2.{match[2]}")):
        ranks.setdefault(tag, len(ranks))
    return ranks


@functools.lru_cache(maxsize=64)
def get_supported_tags(minor: Minor, platform: str) -> frozenset[Tag]:
    """The tags of wheels that CPython *minor* accepts on *platform*, in uv's writing (``x86_64-manylinux_2_36``)."""
    return frozenset(_rank_tags(minor, platform))


def rank_wheel(file_name: str, minor: Minor, platform: str) -> int | None:
    """How well the wheel *file_name* fits CPython *minor* on *platform*, 0 for the best; None if it does not."""
    ranks = _rank_tags(minor, platform)
    try:
        tags = parse_wheel_filename(file_name)[3]
    except (InvalidWheelFilename, InvalidVersion):
        return None
    return min((ranks[tag] for tag in tags if tag in ranks), default=None)
