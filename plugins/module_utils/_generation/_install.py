# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates environments and installs locks into them, from a directory of wheels, as the account that owns them."""

import os
import shutil
from typing import List, NamedTuple, Optional, Sequence

from ansible_collections.oxzep7.python.plugins.module_utils._generation._carry import Cargo
from ansible_collections.oxzep7.python.plugins.module_utils._generation._targets import MODULES
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import Identity, build_process_environment
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import require_success, run_command
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import make_directory
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import write_atomically

INSTALL_TIMEOUT = 1800.0
UV_TIMEOUT = 30.0
# Root and other accounts may have a stricter one, with which the application's user could not read what is installed.
PUBLIC_UMASK = 0o022


class EnvironmentOrder(NamedTuple):
    """The environment to build: interpreter, lock, directory of wheels, path of uv (None: pip is used), and run.

    The text of the lock is None in check mode on a host without the plan. ``tiers`` are names of packages in the order
    in which an operator wants them installed; ``cargo`` is carried over beside the lock; with ``drop`` vendor modules
    may be lost. ``probe`` is one of `PROBE_CHOICES`.
    """

    interpreter: str
    version: str
    lock_id: str
    lock: Optional[str]
    wheels: str
    uv: Optional[str]
    run: str
    tiers: Sequence[Sequence[str]] = ()
    cargo: Optional[Cargo] = None
    drop: bool = False
    probe: str = MODULES


def find_usable_uv(given: Optional[str]) -> Optional[str]:
    """The path of uv: *given*, or uv in the search path; None if it does not run here."""
    path = given or shutil.which("uv")
    return path if path and run_command([path, "--version"], UV_TIMEOUT).rc == 0 else None


def prepare_directory(directory: str, owner: int, group: int) -> None:
    """Create *directory* unless it exists, and set its owner. Raises OSError."""
    make_directory(directory, owner=(owner, group))


def write_lock(path: str, text: str) -> None:
    """Write *text* to the new file *path*. Raises OSError."""
    write_atomically(path, text.encode("utf-8"))


def _make_uv_command(cache: str) -> List[str]:
    return ["--no-config", "--offline", "--no-python-downloads", "--cache-dir", cache]


def _run_installer(command: List[str], builder: Identity) -> None:
    """Run *command* as *builder*; what it installs can be read by the account that proves it. Raises CommandError."""
    environment = build_process_environment(builder)
    require_success(
        "install", run_command(command, INSTALL_TIMEOUT, builder, environment=environment, umask=PUBLIC_UMASK)
    )


def create_environment(order: EnvironmentOrder, path: str, cache: str, shared_site: bool, builder: Identity) -> None:
    """Create the empty environment in the directory *path*; *shared_site* lets it see the interpreter's packages.

    Raises CommandError.
    """
    shared = ["--system-site-packages"] if shared_site else []
    if order.uv:
        command = (
            [order.uv, "venv"]
            + _make_uv_command(cache)
            + ["--no-project", "--allow-existing", "--python", order.interpreter]
            + shared
            + [path]
        )
    else:
        command = [order.interpreter, "-m", "venv"] + shared + [path]
    _run_installer(command, builder)


def sync_environment(order: EnvironmentOrder, path: str, lock: str, cache: str, builder: Identity) -> None:
    """Install the lock in the file *lock* into the environment *path*, with hashes required. Raises CommandError.

    uv removes packages that are not in the lock; pip cannot, so it is for empty environments.
    """
    python = os.path.join(path, "bin", "python")
    if order.uv:
        command = (
            [order.uv, "pip", "sync"]
            + _make_uv_command(cache)
            + [
                "--python",
                python,
                "--no-index",
                "--find-links",
                order.wheels,
                "--only-binary",
                ":all:",
                "--require-hashes",
                lock,
            ]
        )
    else:
        # The plan has considered upper bounds on Python of the packages in the lock.
        command = [
            python,
            "-m",
            "pip",
            "install",
            "--isolated",
            "--disable-pip-version-check",
            "--no-cache-dir",
            "--no-deps",
            "--no-index",
            "--ignore-requires-python",
            "--find-links",
            order.wheels,
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--requirement",
            lock,
        ]
    _run_installer(command, builder)
