# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moves that put restored parts into place and keep the replaced ones, and the shell commands that undo them.

Services are stopped meanwhile.
"""

import os
from typing import List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, call_as_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import join_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import format_setpriv

EXISTS_SHELL = """\
there() { [ -e "$1" ] || [ -L "$1" ]; }
"""
# The live part goes back beside, if it came from there; then the replaced one is live again.
MOVE_BACK_SHELL = """\
if there {path} && ! there {beside} && {came}; then {who}mv -fT {path} {beside} || exit 1; fi
if there {before}; then {who}mv -fT {before} {path} || exit 1; fi
"""


class Move(NamedTuple):
    """One exchange in a directory: ``beside`` (None: nothing) replaces ``path``, which becomes ``before``.

    ``who`` is the account that renames.
    """

    path: str
    beside: Optional[str]
    before: str
    who: Identity


def _swap_paths(path: str, beside: Optional[str], before: str) -> None:
    if os.path.lexists(path):
        os.rename(path, before)
    if beside is not None:
        os.rename(beside, path)
    sync_directory(os.path.dirname(path))


def apply_moves(moves: Sequence[Move]) -> None:
    """Make *moves*, in order. Raises OSError."""
    for move in moves:
        call_as_identity(move.who, _swap_paths, move.path, move.beside, move.before)


def render_undo_moves(moves: Sequence[Move]) -> str:
    """The part of ``undo.sh`` that undoes *moves*, the last one first, however many were made."""
    lines: List[str] = [EXISTS_SHELL] if moves else []
    for move in reversed(moves):
        lines.append(
            MOVE_BACK_SHELL.format(
                path=join_command([move.path]),
                beside=join_command([move.beside or move.path]),
                before=join_command([move.before]),
                came="true" if move.beside else "false",
                who=format_setpriv(move.who, not move.who.is_current()),
            )
        )
    return "".join(lines) + ("sync\n" if moves else "")
