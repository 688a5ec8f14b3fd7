# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the README's three commands on two hosts of the demonstration, and writes their output into the README.

``python -m tests.tools.showcase`` takes about two minutes. Paths and long lines are shortened; nothing else is changed.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

from tests.demo import machine
from tests.tools.pages import insert_between

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
BEGIN = "<!-- showcase: python -m tests.tools.showcase -->"
END = "<!-- end of showcase -->"
HOSTS = "host1,host2"
WIDTH = 110
# Lines of a command's output at its beginning and at its end; those between are left out.
FIRST, LAST = 5, 12


def run_playbook(inventory: pathlib.Path, playbook: str, options: list[str]) -> list[str]:
    """The lines that *playbook* prints with the progress callback. Raises SystemExit when it fails."""
    done = subprocess.run(
        ["ansible-playbook", "-i", str(inventory), f"oxzep7.python.{playbook}", "--limit", HOSTS, *options],
        cwd=machine.SCRATCH,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={
            **os.environ,
            "ANSIBLE_STDOUT_CALLBACK": "oxzep7.python.progress",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
        },
    )
    if done.returncode != 0:
        sys.exit(f"showcase: {playbook} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout.splitlines()


def shorten_output(lines: list[str]) -> list[str]:
    """*lines* for a page: relative paths, a limited width, and the middle left out."""
    short = []
    for line in lines:
        text = line.replace(f"{machine.SCRATCH}/", "").replace(str(pathlib.Path.home()), "~")
        short.append(text if len(text) <= WIDTH else text[: WIDTH - 2] + " …")
    if len(short) > FIRST + LAST + 1:
        short[FIRST:-LAST] = ["…"]
    return short


def main() -> None:
    """Run the commands and write the README."""
    try:
        inventory, target, _options = machine.start_demo_hosts()
    except machine.DemoError as error:
        sys.exit(f"showcase: {error}")
    text = []
    try:
        for playbook in ("audit", "plan", "upgrade"):
            options = [] if playbook == "audit" else ["-e", f"oxzep7_target={target}"]
            command = " ".join(["ansible-playbook", "-i", "inventory", f"oxzep7.python.{playbook}", *options])
            text += [f"$ {command}", *shorten_output(run_playbook(inventory, playbook, options)), ""]
    finally:
        machine.stop_demo_hosts()
    content = "\n".join(["```text", *text[:-1], "```"])
    README.write_text(insert_between(README.read_text(encoding="utf-8"), BEGIN, END, content), encoding="utf-8")


if __name__ == "__main__":
    main()
