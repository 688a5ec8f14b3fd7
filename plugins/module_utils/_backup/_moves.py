# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moves that put restored parts into place and keep the replaced ones, and the shell commands that undo them.

Services are stopped meanwhile.
"""

import os
from typing import Callable, List, NamedTuple, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, call_as_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import join_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import sync_directory
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import Place
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import format_setpriv

# A move was begun where its line in the journal says whether there was something to replace. What is live then goes
# beside, and the replaced part is live again.
PUT_BACK_SHELL = """\
there() { [ -e "$1" ] || [ -L "$1" ]; }
put_back() {
    # $1 number, $2 path, $3 beside, $4 before, $5 … the command that renames
    number=$1 path=$2 beside=$3 before=$4
    shift 4
    ! has_line "$number undone" || return 0
    if has_line "$number old"; then
        there "$before" || return 0
        ! there "$beside" || beside=$beside.found
    else
        has_line "$number new" && ! there "$beside" || return 0
    fi
    if there "$path"; then "$@" "$path" "$beside" || exit 1; fi
    if there "$before"; then "$@" "$before" "$path" || exit 1; fi
    sync
    add_line "$number undone"
}
"""


class Move(NamedTuple):
    """One exchange in a directory: ``beside`` replaces ``path``, which becomes ``before``.

    Where nothing ``replaces`` it, ``beside`` is only the name that what is at ``path`` gets when this is undone. The
    account ``who`` renames.
    """

    path: str
    beside: str
    replaces: bool
    before: str
    who: Identity


def list_places(moves: Sequence[Move]) -> List[Place]:
    """The directories in which *moves* are made, except those that lie in a part that is moved itself."""
    moved = [move.path for move in moves]
    places = {}
    for move in moves:
        directory = os.path.dirname(move.path)
        if not any((directory + "/").startswith(path + "/") for path in moved):
            places[directory] = Place(directory, move.who)
    return [places[directory] for directory in sorted(places)]


def _swap_paths(path: str, beside: str, replaces: bool, before: str, exists: bool) -> None:
    if exists:
        os.rename(path, before)
    if replaces:
        os.rename(beside, path)
    sync_directory(os.path.dirname(path))


def apply_moves(moves: Sequence[Move], note_act: Callable[[str], None]) -> None:
    """Make *moves*, in order; *note_act* writes each down before. Raises OSError."""
    for number, move in enumerate(moves):
        exists = os.path.lexists(move.path)
        note_act("%d %s" % (number, "old" if exists else "new"))
        call_as_identity(move.who, _swap_paths, move.path, move.beside, move.replaces, move.before, exists)


def render_undo_moves(moves: Sequence[Move]) -> str:
    """The part of ``undo.sh`` that undoes *moves*, the last one first, however many were made."""
    lines: List[str] = [PUT_BACK_SHELL] if moves else []
    for number, move in reversed(list(enumerate(moves))):
        words = ["put_back", str(number), move.path, move.beside, move.before]
        words += format_setpriv(move.who, not move.who.is_current()).split() + ["mv", "-fT"]
        lines.append(join_command(words) + "\n")
    return "".join(lines) + ("sync\n" if moves else "")
