# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dead man's switch: runs ``undo.sh`` when a change outlives its deadline or the host restarts."""

import contextlib
import glob
import hashlib
import os
import re
import subprocess
from typing import Iterator, List, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    DEFAULT_DIRECTORY,
    ApplicationState,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    join_command,
    require_success,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import make_directory
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import (
    read_text,
    remove_quietly,
    sync_directory,
    write_atomically,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._systemctl import is_systemd_running

UNIT_DIRECTORY = "/etc/systemd/system"
WANTS_DIRECTORY = "/etc/systemd/system/timers.target.wants"
# What undo.sh ends with while the module that promotes is alive, and while its directories are not mounted
# (EX_TEMPFAIL of sysexits.h).
RETRY_STATUS = 75
# A path that systemd takes as it is.
PLAIN_PATH = re.compile(r"^[A-Za-z0-9/_.+,:=@~-]+$")
# The timer also starts at boot. A unit that only Requires= its mounts would never be tried again if one of them failed.
TIMER_UNIT = """\
[Unit]
Description=Undo the change of application {name} if it dies
ConditionPathExists=!{undone}

[Timer]
OnActiveSec=1s
OnUnitInactiveSec={seconds}s
AccuracySec=1s

[Install]
WantedBy=timers.target
"""
SERVICE_UNIT = """\
[Unit]
Description=Undo the change of application {name} if it died
RequiresMountsFor={mounts}
After=local-fs.target
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh {undo}
KillMode=process
SuccessExitStatus={retry}
"""

CRON_DIRECTORY = "/etc/cron.d"
CRON_DAEMONS = ("cron", "crond", "cronie")
CRON_LINES = """\
# Puts application {name} back if its promotion dies. Removed when it ends.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
* * * * * root [ ! -e {undo} ] || /bin/sh {undo} >/dev/null 2>&1
@reboot root [ ! -e {undo} ] || /bin/sh {undo} >/dev/null 2>&1
"""


def detect_dead_man() -> str:
    """Return the kind of switch that this host has: ``systemd``, ``cron`` or ``process``.

    ``process`` is a waiting shell, which does not survive a restart.
    """
    if os.geteuid() != 0:
        return "process"
    if is_systemd_running():
        return "systemd"
    return "cron" if os.path.isdir(CRON_DIRECTORY) and _is_cron_running() else "process"


def _is_cron_running() -> bool:
    return any(name in CRON_DAEMONS for name in _list_program_names())


def _list_program_names() -> Iterator[str]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            yield (read_text("/proc/%s/comm" % entry) or "").strip()


def _cron_path(state: ApplicationState) -> str:
    # cron ignores files whose names have a dot.
    digest = hashlib.sha256(state.directory.encode("utf-8")).hexdigest()[:8]
    return os.path.join(CRON_DIRECTORY, "oxzep7-undo-%s-%s" % (state.name.replace(".", "_"), digest))


def get_timer_name(state: ApplicationState) -> str:
    """Return the name of the timer unit that guards the application of *state*."""
    return "oxzep7-undo@%s%s.timer" % (state.name, _make_suffix(state.root))


def find_timer(state: ApplicationState) -> Optional[str]:
    """Return the name of the timer of *state*, or None if the switch of this host is not systemd."""
    return get_timer_name(state) if detect_dead_man() == "systemd" else None


def _make_suffix(root: str) -> str:
    return "" if root == DEFAULT_DIRECTORY else "-" + hashlib.sha256(root.encode("utf-8")).hexdigest()[:8]


def quote_unit_word(text: str) -> str:
    """*text* as one word of a command of systemd (systemd.service(5), "Command lines")."""
    for special, plain in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        text = text.replace(special, plain)
    return '"%s"' % text


def render_units(state: ApplicationState, seconds: int, directories: Sequence[str]) -> List[str]:
    """The texts of the timer and of the service that guard the application of *state*.

    The service waits for the file systems of *directories*; those with unusual names are left to ``undo.sh``, which
    knows its directories.
    """
    mounts = [path for path in [state.directory] + sorted(directories) if PLAIN_PATH.match(path)]
    service = SERVICE_UNIT.format(
        name=state.name, mounts=" ".join(mounts), undo=quote_unit_word(state.undo_path), retry=RETRY_STATUS
    )
    undone = state.undone_path.replace("%", "%%")
    return [TIMER_UNIT.format(name=state.name, seconds=seconds, undone=undone), service]


def _list_unit_names(state: ApplicationState) -> List[str]:
    timer = get_timer_name(state)
    return [timer, timer[: -len("timer")] + "service"]


def _remove_former_boot_unit(root: str) -> None:
    """Remove the one unit for all applications by which earlier versions undid at boot, once none needs it.

    Raises OSError.
    """
    name = "oxzep7-undo%s.service" % _make_suffix(root)
    link = os.path.join(UNIT_DIRECTORY, "multi-user.target.wants", name)
    guarded = [path for path in glob.glob(os.path.join(root, "applications", "*", "undo.sh")) if _is_former(path)]
    if not guarded:
        remove_quietly(link)
        remove_quietly(os.path.join(UNIT_DIRECTORY, name))


def _is_former(path: str) -> bool:
    return "\ntransaction=" not in (read_text(path) or "")


def _arm_timer(state: ApplicationState, seconds: int, directories: Sequence[str]) -> None:
    """Write the units of *state*, and start its timer now and at boot. Raises OSError, CommandError."""
    _remove_former_boot_unit(state.root)
    disarm_dead_man(state)
    names = _list_unit_names(state)
    for name, text in zip(names, render_units(state, seconds, directories)):
        write_atomically(os.path.join(UNIT_DIRECTORY, name), text.encode("utf-8"), 0o644)
    make_directory(WANTS_DIRECTORY)
    link = os.path.join(WANTS_DIRECTORY, names[0])
    with contextlib.suppress(FileExistsError):
        os.symlink(os.path.join(UNIT_DIRECTORY, names[0]), link)
    sync_directory(WANTS_DIRECTORY)
    started = run_command(["systemctl", "start", "--", names[0]], 60)
    if started.rc != 0:
        # A systemd that knew these names, or that reads its directories only when asked to.
        require_success("reload systemd", run_command(["systemctl", "daemon-reload"], 60))
        started = run_command(["systemctl", "start", "--", names[0]], 60)
    require_success("arm the deadline", started)


def arm_dead_man(state: ApplicationState, token: str, seconds: int, directories: Sequence[str]) -> str:
    """Run ``undo.sh`` every *seconds* until disarmed; return the kind of switch. Raises OSError, CommandError.

    The script itself leaves a living module alone. *token* occurs in this transaction's ``undo.sh`` and in no other, so
    that a forgotten watcher of an older one cannot touch this one. cron runs it once a minute instead. At boot, systemd
    mounts the file systems of *directories* before.
    """
    how = detect_dead_man()
    if how == "systemd":
        _arm_timer(state, seconds, directories)
    elif how == "cron":
        write_atomically(
            _cron_path(state),
            CRON_LINES.format(name=state.name, undo=join_command([state.undo_path])).encode("utf-8"),
            0o644,
        )
    else:
        script = "while sleep %d; grep -qF %s %s 2>/dev/null; do /bin/sh %s; done" % (
            seconds,
            join_command([token]),
            join_command([state.undo_path]),
            join_command([state.undo_path]),
        )
        # It must outlive this module; AnsibleModule.run_command would wait for it.
        subprocess.Popen(  # pylint: disable=ansible-bad-function
            ["/bin/sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    return how


def disarm_dead_man(state: ApplicationState) -> None:
    """Remove the timer or the cron job. A waiting shell ends by itself when ``undo.sh`` is gone. Raises OSError."""
    how = detect_dead_man()
    if how == "systemd":
        names = _list_unit_names(state)
        # The holder of the lease knows that a script that still runs has nothing to do.
        run_command(["systemctl", "stop", "--"] + names, 60)
        run_command(["systemctl", "reset-failed", "--"] + names, 60)
        for path in [os.path.join(WANTS_DIRECTORY, names[0])] + [os.path.join(UNIT_DIRECTORY, name) for name in names]:
            remove_quietly(path)
    elif how == "cron":
        remove_quietly(_cron_path(state))
