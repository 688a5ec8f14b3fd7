# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning without a network makes no attempt to reach one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import list_platform_tags

PROGRAM = """
import json, pathlib, sys
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _setup
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost
folder, work = sys.argv[1:]
given = {"target": "3.12", "plan_dir": work + "/plan", "cache_dir": work + "/cache", "advisories": None,
         "fix_advisories": False, "indexes": [], "find_links": [folder], "offline": True}
parts = _setup.build_tools(given)
pins = {"six": "1.15.0", "jinja2": "2.11.3", "markupsafe": "1.1.1"}
packages = []
for name, version in pins.items():
    packages.append({"name": name, "version": version, "editable": False, "direct_url": None})
environment = {"path": "/srv/x", "python": "3.9.18", "packages": packages}
system = {"architecture": "x86_64", "libc": {"name": "glibc", "version": "2.36"}}
archive = {"source": "archive", "url": "http://x/y", "sha256": "0"}
archives = [dict(archive, version=f"3.{minor}") for minor in range(9, 13)]
host = PlannedHost("h", system, [{"name": "x", "findings": [], "environment": environment}], [], archives, [])
plan = _setup.build_planner(given, parts).plan([host])
lock = pathlib.Path(work, "lock.txt")
lock.write_text(plan.locks[plan.document["hosts"]["h"]["applications"][0]["steps"][-1]["lock"]])
files = parts.store.fetch_lock(lock, "l")
print(json.dumps([entry["name"] for entry in files]))
"""


def download_wheels(what, folder, minor):
    """Put wheels of *what* for CPython *minor* into *folder*, if there are any."""
    words = ["--no-deps", "--only-binary", ":all:", "--python-version", minor, "--dest", str(folder)]
    for tag in list_platform_tags("x86_64", "2.36"):
        words += ["--platform", tag]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *words, *what], check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can cut the network of a process here")
def test_a_plan_and_its_wheels_come_from_a_folder_without_any_network(tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace, which would show an attempt, is not here")
    folder = tmp_path / "folder"
    folder.mkdir()
    for minor in ("3.9", "3.10", "3.11", "3.12"):
        for what in (
            ["six==1.15.0", "jinja2==2.11.3"],
            ["markupsafe==1.1.1"],
            ["markupsafe==2.1.1"],
            ["markupsafe==2.1.3"],
        ):
            download_wheels(what, folder, minor)
    log = tmp_path / "log"
    done = subprocess.run(
        [
            "unshare",
            "--net",
            "strace",
            "-f",
            "-qq",
            "-e",
            "trace=connect,sendto",
            "-o",
            str(log),
            sys.executable,
            "-c",
            PROGRAM,
            str(folder),
            str(tmp_path / "work"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert {re.split("-", name)[0].lower() for name in json.loads(done.stdout)} == {"six", "jinja2", "markupsafe"}
    attempts = [line for line in log.read_text().splitlines() if "AF_INET" in line]
    assert attempts == []
