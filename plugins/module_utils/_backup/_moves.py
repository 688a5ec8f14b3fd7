# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moves that put what was restored into its place and keep what was there; and the shell that takes them back. Services are down meanwhile."""

import os
from typing import List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, act_as
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import join
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import as_account

THERE = """\
there() { [ -e "$1" ] || [ -L "$1" ]; }
"""
# What is live goes back beside, if it came from there; then what was there before is live again.
BACK = """\
if there {path} && ! there {beside} && {came}; then {who}mv -fT {path} {beside} || exit 1; fi
if there {before}; then {who}mv -fT {before} {path} || exit 1; fi
"""


class Move(NamedTuple):
    """One move, all in one directory: ``path`` is what lives, ``beside`` what shall (None: nothing does), ``before`` what lived; ``who`` can rename there."""

    path: str
    beside: Optional[str]
    before: str
    who: Identity


def _rename(path: str, beside: Optional[str], before: str) -> None:
    if os.path.lexists(path):
        os.rename(path, before)
    if beside is not None:
        os.rename(beside, path)
    sync_directory(os.path.dirname(path))


def move_all(moves: Sequence[Move]) -> None:
    """Do *moves*, in order. Raises OSError."""
    for move in moves:
        act_as(move.who, _rename, move.path, move.beside, move.before)


def taken_back(moves: Sequence[Move]) -> str:
    """The part of ``undo.sh`` that takes *moves* back, the last one first, however far they came."""
    lines: List[str] = [THERE] if moves else []
    for move in reversed(moves):
        lines.append(
            BACK.format(
                path=join([move.path]),
                beside=join([move.beside or move.path]),
                before=join([move.before]),
                came="true" if move.beside else "false",
                who=as_account(move.who, not move.who.is_current()),
            )
        )
    return "".join(lines) + ("sync\n" if moves else "")
