# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases of ansible-core, each in an environment of its own, made once by what is required of them."""

from __future__ import annotations

import fcntl
import hashlib
import pathlib
import subprocess
import sys

from tests.fleet.paths import CACHE

ROOT = pathlib.Path(__file__).resolve().parents[2]
NEWEST = "2.21"
OLDER_RELEASES = ("2.16", "2.18", "2.19", "2.20")
# What each of them supports on the controller, as the support matrix in ansible-core's documentation says.
SUPPORTED_PYTHONS = {
    "2.16": ((3, 10), (3, 12)),
    "2.18": ((3, 11), (3, 13)),
    "2.19": ((3, 11), (3, 13)),
    "2.20": ((3, 12), (3, 14)),
}


def can_run_release(release):
    """Whether this Python can run *release*."""
    first, last = SUPPORTED_PYTHONS[release]
    return first <= sys.version_info[:2] <= last


def install_core(release):
    """The directory with the programs of *release*."""
    if release == NEWEST:
        return pathlib.Path(sys.executable).parent
    recipe = hashlib.sha256((release + sys.version + (ROOT / "requirements.txt").read_text()).encode()).hexdigest()[:12]
    folder = CACHE / "cores" / f"{release}-{recipe}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".ready").exists():
            subprocess.run(["uv", "venv", "--quiet", "--clear", "--python", sys._base_executable, folder], check=True)
            subprocess.run(
                [
                    "uv",
                    "pip",
                    "install",
                    "--quiet",
                    "--python",
                    folder / "bin" / "python",
                    f"ansible-core=={release}.*",
                    "-r",
                    ROOT / "requirements.txt",
                ],
                check=True,
            )
            (folder / ".ready").touch()
    return folder / "bin"
