# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands, files and power of running test hosts, without SSH."""

from __future__ import annotations

import pathlib

from tests.fleet import images
from tests.fleet.paths import FLEET, run_checked


def name_container(host: str) -> str:
    """Name of the container of *host*. Hosts of several fleets have the same names in their inventories."""
    return f"fleet{FLEET}-{host}" if FLEET else host


def build_command(host: str, *command: str, user: str = "root") -> list[str]:
    """Words that run *command* on *host*, with this process's standard input."""
    return ["podman", "exec", "--interactive", "--user", user, name_container(host), *command]


def run_on_host(host: str, script: str, input: str = "") -> str:
    """Standard output of the shell *script*, run as root; it reads *input*. Raises FleetError."""
    return run_checked(*build_command(host, "sh", "-c", script), input=input)


def write_file(host: str, path: str, content: str, mode: str = "644") -> None:
    """Write *content* to *path*. Raises FleetError."""
    run_on_host(host, f"cat >{path} && chmod {mode} {path}", content)


def copy_to_host(source: pathlib.Path, host: str, path: str) -> None:
    """Copy a file or folder of this machine to *path*. Raises FleetError."""
    run_checked("podman", "cp", str(source), f"{name_container(host)}:{path}")


def copy_from_host(host: str, path: str, target: pathlib.Path) -> None:
    """Copy the file or folder *path* to this machine. Raises FleetError."""
    run_checked("podman", "cp", f"{name_container(host)}:{path}", str(target))


def cut_power(host: str) -> None:
    """Stop *host* without grace. Raises FleetError."""
    run_checked("podman", "kill", "--signal", "KILL", name_container(host))


def restore_power(host: str) -> None:
    """Start *host* again, and wait until it has booted. Raises FleetError."""
    run_checked("podman", "start", name_container(host))
    images.wait_for_boot(name_container(host))
