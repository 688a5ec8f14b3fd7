# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plants files that try to be run, to have others read, or to stop the inventory. Runs on the host, as root."""

import os
import pathlib
import subprocess

HOSTILE = pathlib.Path("/srv/hostile")
OUTSIDE = pathlib.Path("/outside")
SCRIPT = '#!/bin/sh\ntouch /tmp/executed\necho \'["3.9.1", "CPython", "/", "linux"]\'\n'


def outline_environment(path):
    """Make the minimum of an environment; returns its site-packages."""
    site = path / "lib" / "python3.9" / "site-packages"
    site.mkdir(parents=True)
    (path / "bin").mkdir()
    (path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.9.1\n")
    return site


def write_trap(path):
    """Write a program that leaves a trace if it is run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCRIPT)
    path.chmod(0o755)


def write_outside_files():
    """Write files outside the roots, which must not be read."""
    site = outline_environment(OUTSIDE / "venv")
    (site / "secret-1.0.dist-info").mkdir()
    (site / "secret-1.0.dist-info" / "METADATA").write_text("Name: outside-secret\nVersion: 1.0\n")
    (OUTSIDE / "secret").write_text("Name: outside-secret\nVersion: 1.0\n")
    (OUTSIDE / "requirements.txt").write_text("outside-secret==1.0\n")


def main():
    """Plant the files, and start a process that replaces a directory by a symlink and back without end."""
    write_outside_files()
    HOSTILE.mkdir()
    write_trap(HOSTILE / "evil" / "bin" / "python3.9")
    (HOSTILE / "evil" / "lib" / "python3.9").mkdir(parents=True)
    outline_environment(HOSTILE / "runs")
    for name in ("python", "python3", "pip", "git"):
        write_trap(HOSTILE / "runs" / "bin" / name)
    site = outline_environment(HOSTILE / "odd")
    for name, make in (("fifo", os.mkfifo), ("zero", lambda path: os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5)))):
        for entry in ("METADATA", "RECORD", "INSTALLER", "direct_url.json"):
            info = site / f"{name}_{entry.partition('.')[0].lower()}-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Name: {name}-{entry.partition('.')[0].lower()}\nVersion: 1.0\n")
            if (info / entry).exists():
                (info / entry).unlink()
            make(str(info / entry))
        make(str(site / f"{name}.pth"))
        make(str(site / f"{name}.so"))
        make(str(HOSTILE / "odd" / "bin" / name))
        make(str(HOSTILE / f"requirements-{name}.txt"))
        (HOSTILE / f"env-{name}").mkdir()
        make(str(HOSTILE / f"env-{name}" / "pyvenv.cfg"))
    info = site / "sparse-1.0.dist-info"
    info.mkdir()
    with (info / "METADATA").open("w") as stream:
        stream.write("Name: sparse\nVersion: 1.0\n")
        stream.truncate(10 << 30)
    for link, name in ((site / "linked-1.0.dist-info", "METADATA"), (site / "linked-2.0.dist-info", "RECORD")):
        link.mkdir()
        (link / name).symlink_to(OUTSIDE / "secret")
    (HOSTILE / "requirements.txt").symlink_to(OUTSIDE / "requirements.txt")
    for place in (HOSTILE / "root", site / "root", HOSTILE / "odd" / "share", site / "dir-1.0.dist-info"):
        place.symlink_to(
            "/"
            if place.name != "dir-1.0.dist-info"
            else OUTSIDE / "venv/lib/python3.9/site-packages/secret-1.0.dist-info"
        )
    (HOSTILE / "to-outside").symlink_to(OUTSIDE / "venv")
    (HOSTILE / "loop").symlink_to(".")
    strange = os.fsencode(str(HOSTILE)) + b"/new\nline \xff\xfe"
    os.mkdir(strange)
    with open(strange + b"/pyvenv.cfg", "wb") as stream:
        stream.write(b"home = /usr/bin\nversion = 3.9.1\n")
    deep = HOSTILE / "deep"
    subprocess.run(
        ["sh", "-c", f"mkdir {deep} && cd {deep} && for i in $(seq 600); do mkdir d && cd d || exit 1; done"],
        check=True,
    )
    repository = HOSTILE / "repository"
    (repository / ".git").mkdir(parents=True)
    (repository / ".git" / "HEAD").write_text("ref: ../../../outside/secret\n")
    (repository / ".git" / "config").write_text("[core]\n\tfsmonitor = touch /tmp/executed\n")
    os.mkfifo(str(repository / ".git" / "index"))
    outline_environment(HOSTILE / "swapped" / "venv")
    swap = f"cd {HOSTILE}/swapped; while :; do mv venv aside; ln -s {OUTSIDE}/venv venv; rm venv; mv aside venv; done"
    subprocess.Popen(
        ["setsid", "sh", "-c", swap], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


if __name__ == "__main__":
    main()
