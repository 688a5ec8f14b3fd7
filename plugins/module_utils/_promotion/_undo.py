# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way back: the text of ``undo.sh``. Data in, a POSIX shell script out."""

from typing import List, NamedTuple, Optional

from ansible_collections.oxzep7.python.plugins.module_utils._application import Service
from ansible_collections.oxzep7.python.plugins.module_utils._identity import Identity
from ansible_collections.oxzep7.python.plugins.module_utils._runner import join


class Return(NamedTuple):
    """What an undo needs to know. Paths are absolute; ``target`` is the live symlink's text.

    ``adopted`` is where the original environment moves at its adoption; ``timer`` is the unit of the
    dead man's timer, if systemd keeps it.
    """

    application: str
    directory: str
    live: str
    adopted: str
    target: str
    old: str
    new: str
    run: str
    written: str
    timer: Optional[str]


HEADER = """\
#!/bin/sh
# Puts application {application} back on generation {old} and its services with it.
# Written at {written} by run {run}, before the promotion of {new}. Run it as the user who wrote it;
# any number of times: once the promotion is committed or undone it does nothing.
set -u
directory={directory}
live={live}
original={original}
[ -e "$directory/state.next.json" ] || exit 0
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
    [ -e "$directory/state.next.json" ] || exit 0
fi
failed=0
owner() {{ {owner}"$@"; }}
"""

SWAP = """\
owner rm -f "$live.next"
if [ -d "$live" ] && [ ! -L "$live" ]; then
    [ ! -L "$original" ] || owner rm -f "$original" || exit 1
else
    owner rm -f "$live.undo" && owner ln -s {target} "$live.undo" && owner mv -fT "$live.undo" "$live" || exit 1
fi
sync {parent} 2>/dev/null || sync
"""

FOOTER = """\
mv -f "$directory/state.next.json" "$directory/state.undone.json" || exit 1
sync "$directory" 2>/dev/null || sync
[ "${{1-}}" = held ] || rm -f "$directory/lease" "$directory/deadline" "$directory/deadline.next"
{disarm}exit "$failed"
"""


def _stops(services: List[Service]) -> List[str]:
    running = [service for service in services if service.action in ("stop-start", "restart")][::-1]
    units = [service.name for service in running if service.is_unit()]
    lines = [join(["systemctl", "stop", "--"] + units)] if units else []
    return lines + [join(service.stop) for service in running if not service.is_unit()]


def _starts(services: List[Service]) -> List[str]:
    units = [service.name for service in services if service.is_unit() and service.action in ("stop-start", "restart")]
    lines = ["systemctl reset-failed -- %s 2>/dev/null" % join(units), join(["systemctl", "start", "--"] + units) + " || failed=1"] if units else []
    reloads = [service.name for service in services if service.is_unit() and service.action == "reload"]
    if reloads:
        lines.append(join(["systemctl", "reload-or-restart", "--"] + reloads) + " || failed=1")
    return lines + [join(service.start) + " || failed=1"
                    for service in services if not service.is_unit() and service.action != "none"]


def render(way: Return, services: List[Service], identity: Identity, drop: bool) -> str:
    """The script for *way*; with *drop*, the live path is changed as *identity* rather than as root."""
    quoted = {key: join([value]) for key, value in way._asdict().items() if value is not None}
    owner = "setpriv --reuid=%d --regid=%d --clear-groups -- " % (identity.uid, identity.gid) if drop else ""
    lines = [HEADER.format(owner=owner, original=quoted["adopted"], **{
        key: quoted[key] for key in ("application", "directory", "live", "old", "new", "run", "written")})]
    lines += [line + "\n" for line in _stops(services)]
    lines.append(SWAP.format(target=quoted["target"], parent=join([way.live.rpartition("/")[0] or "/"])))
    lines += [line + "\n" for line in _starts(services)]
    disarm = join(["systemctl", "stop", "--no-block", "--", way.timer]) + " 2>/dev/null\n" if way.timer else ""
    lines.append(FOOTER.format(disarm=disarm))
    return "".join(lines)
