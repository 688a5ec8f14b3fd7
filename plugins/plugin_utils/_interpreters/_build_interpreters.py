# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interpreters of the hosts, on this controller: what is built with them fits the hosts."""

from __future__ import annotations

import json
import pathlib
import platform as this_platform
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact_text
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import IdentityError
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import get_scratch_root
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import (
    find_build_account,
    find_closed_directory,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._registry import get_controller_source
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    InterpreterWish,
    ManagedLister,
    UnpackPlace,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor


def choose_unpack_directory(cache: pathlib.Path) -> pathlib.Path:
    """Where interpreters are unpacked: in *cache*, or where the account that builds can run them if it cannot there."""
    own = cache / "interpreters-here"
    try:
        closed = find_closed_directory(str(own / "archive"), find_build_account())
    except IdentityError:
        closed = None
    return pathlib.Path(get_scratch_root()) / own.name if closed else own


class BuildInterpreters:
    """Provides the interpreters of *entries* of oxzep7_interpreters, unpacked once below *place*."""

    def __init__(self, entries: Sequence[Mapping[str, Any]], place: UnpackPlace, managed: ManagedLister) -> None:
        self._entries = list(
            {json.dumps(dict(entry), sort_keys=True, default=str): entry for entry in entries}.values()
        )
        self._place = place
        self._managed = managed

    def provide(self, minor: Minor) -> tuple[list[str], list[str]]:
        """Paths of the interpreters of *minor* that could be had, in the order of the entries, and the problems."""
        paths: list[str] = []
        problems = []
        wish = InterpreterWish(minor, None, this_platform.machine(), {}, (), self._managed)
        for entry in self._entries:
            try:
                source = get_controller_source(entry["source"])
                chosen = source.choose_interpreter(entry, wish)
                path = source.provide_here(chosen, self._place) if chosen else None
            except (CollectionError, OSError, ValueError) as error:
                problems.append(f"the interpreter of source {entry.get('source')}: {redact_text(str(error))}")
                continue
            if path and path not in paths:
                paths.append(path)
        return paths, problems
