# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dead man's switch: runs ``undo.sh`` when a promotion outlives its deadline or the host restarts."""

import hashlib
import os
import subprocess

from ansible_collections.oxzep7.python.plugins.module_utils._files import read_text, sync_directory, write_atomically
from ansible_collections.oxzep7.python.plugins.module_utils._runner import join, must, run
from ansible_collections.oxzep7.python.plugins.module_utils._services import systemd_runs
from ansible_collections.oxzep7.python.plugins.module_utils._state import DEFAULT_DIRECTORY, ApplicationState

UNITS = "/etc/systemd/system"
RETRY_SECONDS = 30
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


def kind() -> str:
    """``systemd`` where it can be used, ``process`` (a waiting shell; does not survive a restart) elsewhere."""
    return "systemd" if systemd_runs() and os.geteuid() == 0 else "process"


def timer_of(state: ApplicationState) -> str:
    """Name of the transient timer unit that guards the application of *state*."""
    return "oxzep7-undo-%s.timer" % state.name


def _boot_unit(root: str) -> str:
    suffix = "" if root == DEFAULT_DIRECTORY else "-" + hashlib.sha256(root.encode("utf-8")).hexdigest()[:8]
    return "oxzep7-undo%s.service" % suffix


def _guard_boot(root: str) -> None:
    name = _boot_unit(root)
    path = os.path.join(UNITS, name)
    text = BOOT_UNIT.format(root=root)
    wants = os.path.join(UNITS, "multi-user.target.wants")
    if read_text(path) == text and os.path.islink(os.path.join(wants, name)):
        return
    write_atomically(path, text.encode("utf-8"), 0o644)
    os.makedirs(wants, exist_ok=True)
    if not os.path.islink(os.path.join(wants, name)):
        os.symlink(path, os.path.join(wants, name))
        sync_directory(wants)
    must("reload systemd", run(["systemctl", "daemon-reload"], 60))


def arm(state: ApplicationState, token: str, seconds: int) -> str:
    """Let ``undo.sh`` run after *seconds* unless disarmed; returns `kind`. Raises OSError, CommandError.

    *token* occurs in this promotion's ``undo.sh`` and in no other, so that a forgotten watcher of an
    older promotion cannot touch this one.
    """
    if kind() == "systemd":
        _guard_boot(state.root)
        unit = timer_of(state)[:-len(".timer")]
        disarm(state)
        must("arm the deadline", run(
            ["systemd-run", "--quiet", "--unit=" + unit, "--on-active=%d" % seconds,
             "--on-unit-active=%d" % RETRY_SECONDS, "--timer-property=AccuracySec=1s",
             "/bin/sh", state.undo_path], 60))
        return "systemd"
    script = "sleep %d; while grep -qF %s %s 2>/dev/null; do /bin/sh %s && exit; sleep %d; done" % (
        seconds, join([token]), join([state.undo_path]), join([state.undo_path]), RETRY_SECONDS)
    # It has to outlive this module, which AnsibleModule.run_command would wait for.
    subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,  # pylint: disable=ansible-bad-function
                     stderr=subprocess.DEVNULL, cwd="/", start_new_session=True)
    return "process"


def disarm(state: ApplicationState) -> None:
    """Take the deadline away. A waiting shell is left to find nothing to do."""
    if kind() == "systemd":
        run(["systemctl", "stop", "--", timer_of(state)], 60)
