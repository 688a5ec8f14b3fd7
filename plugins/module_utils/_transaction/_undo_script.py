# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of ``undo.sh``, the POSIX shell script that undoes an open promotion or restore."""

import os
from typing import List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application._services import render_starts, render_stops
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import join_command
from ansible_collections.oxzep7.python.plugins.module_utils._names import APPLICATION_NAME, RUN_ID
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import COMMAND_TIMEOUT, Service
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import get_token_name


class PromotionUndo(NamedTuple):
    """The facts for undoing a promotion. Paths are absolute; ``target`` is the text of the live symlink.

    ``adopted`` is the path to which the original environment moves at its adoption, ``prepared`` the text of the
    symlink that is exchanged with it; ``timer`` is the unit of the dead man's switch, if that is systemd.
    """

    application: str
    directory: str
    live: str
    adopted: str
    target: str
    prepared: str
    old: str
    new: str
    run: str
    written: str
    transaction: str
    timer: Optional[str]


class UndoDetails(NamedTuple):
    """The facts for every script: its application, what it puts ``back``, and the change it was written ``before``.

    ``transaction`` is the identifier of that change, ``places`` are the directories that it renames in.
    """

    application: str
    directory: str
    back: str
    before: str
    run: str
    written: str
    transaction: str
    places: Sequence[str]
    timer: Optional[str]


SCRIPT_HEADER = """\
#!/bin/sh
# Puts application {application} back on {back} and its services with it.
# Written at {written} by run {run}, before {before}. Run it as the user who wrote it;
# any number of times: once that is committed or undone it does nothing.
set -u
directory={directory}
transaction={transaction}
is_open() {{ grep -qsF "\\"transaction\\": \\"$transaction\\"" "$directory/state.next.json"; }}
is_open || exit 0
if [ "${{1-}}" != held ]; then
    exec 9>>"$directory/lease" || exit 1
    if command -v flock >/dev/null && ! flock -n 9; then
        until= holder= began=
        [ ! -e "$directory/deadline" ] || read -r until holder began <"$directory/deadline"
        read -r up _ </proc/uptime
        if [ -z "$until" ] || [ "${{up%.*}}" -lt "$until" ]; then
            echo "the promotion is still at work" >&2
            exit 75
        fi
        echo "the promotion has not been heard of in time; process $holder is killed" >&2
        now=$(sed 's/.*) //' "/proc/$holder/stat" 2>/dev/null | cut -d' ' -f20)
        [ -z "$now" ] || [ "$now" != "$began" ] || kill -KILL "$holder"
        flock -w 10 9 || exit 75
    fi
    [ "$directory/lease" -ef /proc/self/fd/9 ] || exit 75
    is_open || exit 0
fi
# Before a file system is mounted, its directories look empty.
for place in {places}; do
    if [ ! -e "$place/{token}" ]; then
        echo "$place is not the directory that was changed: {token} is not there. Mount its file system;" \\
            "if it is the right directory, create that file" >&2
        exit 75
    fi
done
failed=0
rm -f "$directory/undo.failures"
fail() {{
    failed=1
    echo "$1" >&2
    echo "$1" >>"$directory/undo.failures"
}}
# The journal says which acts were begun, and which of them are undone.
has_line() {{ grep -qsxF "$transaction $1" "$directory/acts"; }}
add_line() {{
    echo "$transaction $1" >>"$directory/acts" || exit 1
    sync "$directory/acts" 2>/dev/null || sync
}}
# A unit that ends takes its processes along, so what a command starts gets a scope of its own.
apart() {{
    if [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ] && systemd-run --scope --quiet true 2>/dev/null; then
        systemd-run --scope --quiet -- "$@"
    else
        "$@"
    fi
}}
"""

PROMOTION_PROOF = """\
live={live}
old={old}
if {{ [ ! -d "$live" ] || [ -L "$live" ]; }} && [ ! -d "$old" ]; then
    echo "there is no generation in $old; nothing was changed" >&2
    exit 1
fi
"""

SCRIPT_SWAP = """\
original={original}
back="$live.undo-$transaction"
owner() {{ {owner}"$@"; }}
owner rm -f "$live.next-$transaction"
if [ -d "$live" ] && [ ! -L "$live" ]; then
    [ "$(readlink "$original")" != {prepared} ] || owner rm -f "$original" || exit 1
else
    owner rm -f "$back" && owner ln -s {target} "$back" && owner mv -fT "$back" "$live" || exit 1
fi
sync {parent} 2>/dev/null || sync
"""

SCRIPT_FOOTER = """\
mv -f "$directory/state.next.json" "$directory/state.undone.json" || exit 1
sync "$directory" 2>/dev/null || sync
[ "${{1-}}" = held ] || rm -f "$directory/lease" "$directory/deadline" "$directory/deadline.next"
{disarm}exit "$failed"
"""


def format_setpriv(identity: Identity, drop: bool = True) -> str:
    """Return the prefix of a command that root runs as *identity*; empty without *drop*."""
    if not drop:
        return ""
    # Groups may allow what the script does; setpriv looks them up by a name, which not every account has.
    groups = "--clear-groups" if identity.name == str(identity.uid) else "--init-groups"
    return "setpriv --reuid=%d --regid=%d %s -- " % (identity.uid, identity.gid, groups)


def render_promotion_undo(
    way: PromotionUndo,
    services: List[Service],
    identity: Identity,
    drop: bool,
    timeout: float = COMMAND_TIMEOUT,
    last: Sequence[List[str]] = (),
) -> str:
    """Return the script that undoes the promotion *way*.

    With *drop*, it changes the live path as *identity* instead of root. A start or stop of a unit may take *timeout*
    seconds. The commands *last* run at the end.
    """
    parent = way.live.rpartition("/")[0] or "/"
    undo = UndoDetails(
        way.application,
        way.directory,
        "generation " + way.old,
        "the promotion of " + way.new,
        way.run,
        way.written,
        way.transaction,
        [parent],
        way.timer,
    )
    swap = SCRIPT_SWAP.format(
        original=join_command([way.adopted]),
        owner=format_setpriv(identity, drop),
        prepared=join_command([way.prepared]),
        target=join_command([way.target]),
        parent=join_command([parent]),
    )
    old = join_command([os.path.join(parent, way.target)])
    proof = PROMOTION_PROOF.format(live=join_command([way.live]), old=old)
    return render_undo_script(undo, services, swap, timeout, last, proof)


def render_undo_script(
    undo: UndoDetails,
    services: List[Service],
    body: str,
    timeout: float = COMMAND_TIMEOUT,
    last: Sequence[List[str]] = (),
    proof: str = "",
) -> str:
    """Return the script that stops *services*, runs *body* and starts them again; see `render_promotion_undo`.

    The lines *proof* end it before it stops anything if it cannot succeed.
    """
    lines = [
        SCRIPT_HEADER.format(
            back=undo.back,
            before=undo.before,
            written=undo.written,
            run=RUN_ID(undo.run),
            application=APPLICATION_NAME(undo.application),
            directory=join_command([undo.directory]),
            transaction=undo.transaction,
            places=join_command(list(undo.places)),
            token=get_token_name(undo.transaction),
        )
    ]
    lines.append(proof)
    lines += [line + "\n" for line in render_stops(services, timeout)]
    lines.append(body)
    lines += [line + "\n" for line in render_starts(services, timeout)]
    for command in last:
        told = join_command(["undrain: %s failed" % join_command(command)])
        lines.append("%s || fail %s\n" % (join_command(["timeout", "%g" % timeout] + command), told))
    disarm = (
        join_command(["systemctl", "stop", "--no-block", "--", undo.timer]) + " 2>/dev/null\n" if undo.timer else ""
    )
    lines.append(SCRIPT_FOOTER.format(disarm=disarm))
    return "".join(lines)
