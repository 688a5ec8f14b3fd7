# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the fleet keeps things, and the one way it runs commands."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import resource
import subprocess
from collections.abc import Iterator

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = pathlib.Path(os.environ.get("OXZEP7_FLEET_CACHE") or pathlib.Path.home() / ".cache" / "oxzep7-fleet")
# Number of this process's fleet; empty for the one of `make fleet-up`. Each of pytest's workers has a fleet of its own.
FLEET = os.environ.get("OXZEP7_FLEET") or os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
WORK = ROOT / ".fleet" / FLEET
ANSIBLE_CONF = HERE / "ansible.cfg"
CONTAINERS_CONF = WORK / "containers.conf"
STORAGE_CONF = WORK / "storage.conf"
INOTIFY_INSTANCES = pathlib.Path("/proc/sys/fs/inotify/max_user_instances")


class FleetError(Exception):
    """A part of the fleet that could not be made; the text says what to do."""


def get_podman_environment() -> dict[str, str]:
    """The environment variables that podman needs."""
    return {**os.environ, "CONTAINERS_CONF": str(CONTAINERS_CONF), "CONTAINERS_STORAGE_CONF": str(STORAGE_CONF)}


def run_checked(*command: str, input: str | None = None) -> str:
    """Standard output of *command*, which reads *input*. Raises FleetError with what it printed when it fails."""
    done = subprocess.run(
        command, check=False, text=True, capture_output=True, env=get_podman_environment(), input=input
    )
    if done.returncode != 0:
        raise FleetError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
        )
    return done.stdout


@contextlib.contextmanager
def hold_lock(name: str) -> Iterator[None]:
    """Keep other processes out of the block that makes *name* in the cache."""
    folder = CACHE / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def hash_inputs(*parts: object) -> str:
    """Twelve hexadecimal digits that change with any of *parts*; a path counts by its content."""
    state = hashlib.sha256()
    for part in parts:
        if isinstance(part, pathlib.Path):
            for path in sorted(part.rglob("*")) if part.is_dir() else [part]:
                if path.is_file() and "__pycache__" not in path.parts:
                    state.update(os.path.relpath(path, HERE).encode() + path.read_bytes())
        else:
            state.update(repr(part).encode())
    return state.hexdigest()[:12]


def prepare_podman() -> None:
    """Write podman's settings for this machine: its own limits, and a runtime that starts systemd here."""
    # Above its own hard limits podman cannot go; its helpers' limit for processes is lower than this process's.
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = 65536 if files == resource.RLIM_INFINITY else min(files, 65536)
    limits = [f"nofile={files}:{files}", "nproc=16384:16384"]
    WORK.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Real hosts can rename a directory; on overlayfs that needs redirect_dir.
    STORAGE_CONF.write_text(
        '[storage]\ndriver = "overlay"\n'
        'runroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n'
        '[storage.options.overlay]\nmountopt = "nodev,redirect_dir=on"\n',
        encoding="utf-8",
    )
    # Every systemd needs some instances; where the limit cannot be raised, fewer hosts start.
    with contextlib.suppress(OSError):
        allowed = int(INOTIFY_INSTANCES.read_text(encoding="ascii"))
        INOTIFY_INSTANCES.write_text(str(max(1024, allowed)), encoding="ascii")
    unified = "cgroup2fs" in run_checked("stat", "--file-system", "--format=%T", "/sys/fs/cgroup")
    runtime = "crun" if unified and _can_run("crun") else "runc"
    engine = f'[engine]\nruntime = "{runtime}"\ncgroup_manager = "cgroupfs"\n'
    CONTAINERS_CONF.write_text(f"[containers]\ndefault_ulimits = {json.dumps(limits)}\n{engine}", encoding="utf-8")


def _can_run(program: str) -> bool:
    try:
        run_checked(program, "--version")
    except (FleetError, FileNotFoundError):
        return False
    return True
