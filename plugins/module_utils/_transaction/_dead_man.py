# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dead man's switch: runs ``undo.sh`` when a promotion outlives its deadline or the host restarts."""

import hashlib
import os
import subprocess
from typing import Iterator, Optional

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
# What undo.sh ends with while the module that promotes is alive (EX_TEMPFAIL of sysexits.h).
STILL_RUNNING_STATUS = 75
BOOT_UNIT = """\
[Unit]
Description=Undo promotions that were open when this host stopped
ConditionPathExistsGlob={root}/applications/*/undo.sh
After=local-fs.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for undo in {root}/applications/*/undo.sh; do /bin/sh "$undo"; done'

[Install]
WantedBy=multi-user.target
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
    """Return the name of the transient timer unit that guards the application of *state*."""
    return "oxzep7-undo-%s.timer" % state.name


def find_timer(state: ApplicationState) -> Optional[str]:
    """Return the name of the timer of *state*, or None if the switch of this host is not systemd."""
    return get_timer_name(state) if detect_dead_man() == "systemd" else None


def _boot_unit(root: str) -> str:
    suffix = "" if root == DEFAULT_DIRECTORY else "-" + hashlib.sha256(root.encode("utf-8")).hexdigest()[:8]
    return "oxzep7-undo%s.service" % suffix


def _guard_boot(root: str) -> None:
    name = _boot_unit(root)
    path = os.path.join(UNIT_DIRECTORY, name)
    text = BOOT_UNIT.format(root=root)
    wants = os.path.join(UNIT_DIRECTORY, "multi-user.target.wants")
    if read_text(path) == text and os.path.islink(os.path.join(wants, name)):
        return
    write_atomically(path, text.encode("utf-8"), 0o644)
    make_directory(wants)
    if not os.path.islink(os.path.join(wants, name)):
        os.symlink(path, os.path.join(wants, name))
        sync_directory(wants)
    require_success("reload systemd", run_command(["systemctl", "daemon-reload"], 60))


def arm_dead_man(state: ApplicationState, token: str, seconds: int) -> str:
    """Run ``undo.sh`` every *seconds* until disarmed; return the kind of switch. Raises OSError, CommandError.

    The script itself leaves a living module alone. *token* occurs in this promotion's ``undo.sh`` and in no other, so
    that a forgotten watcher of an older promotion cannot touch this one. cron runs it once a minute instead.
    """
    how = detect_dead_man()
    if how == "systemd":
        _guard_boot(state.root)
        unit = get_timer_name(state)[: -len(".timer")]
        disarm_dead_man(state)
        require_success(
            "arm the deadline",
            run_command(
                [
                    "systemd-run",
                    "--quiet",
                    "--unit=" + unit,
                    "--on-active=%d" % seconds,
                    "--on-unit-active=%d" % seconds,
                    "--timer-property=AccuracySec=1s",
                    "--property=SuccessExitStatus=%d" % STILL_RUNNING_STATUS,
                    "/bin/sh",
                    state.undo_path,
                ],
                60,
            ),
        )
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
    """Remove the timer or the cron job. A waiting shell ends by itself when ``undo.sh`` is gone."""
    how = detect_dead_man()
    if how == "systemd":
        timer = get_timer_name(state)
        service = timer[: -len("timer")] + "service"
        # The holder of the lease knows that a script that still runs has nothing to do.
        run_command(["systemctl", "stop", "--", timer, service], 60)
        run_command(["systemctl", "reset-failed", "--", service], 60)
    elif how == "cron":
        remove_quietly(_cron_path(state))
