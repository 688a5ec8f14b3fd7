# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of a large host against a bare walk, pip, uv and hashing; an audit of twenty hosts against setup."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from tests.benchmark.measure import Measure
from tests.fleet import archives, fleet
from tests.fleet.paths import CACHE, FleetError, hash_inputs, run_checked

ROUNDS = 5
ENVIRONMENTS = 30
FILES, PACKAGES = 400_000, 1_200
MINOR = "3.9"
REQUIREMENTS = [
    "celery==5.3.6",
    "cryptography==42.0.5",
    "flask==3.0.2",
    "gunicorn==21.2.0",
    "kubernetes==29.0.0",
    "lxml==5.1.0",
    "pandas==2.2.1",
    "psycopg2-binary==2.9.9",
    "pytest==8.1.1",
    "redis==5.0.3",
    "requests==2.31.0",
    "sqlalchemy==2.0.28",
    "stripe==8.6.0",
    "pygments==2.17.2",
]
HOSTS = 20
FORKS = "10"

# The time is the inventory's own: a module starts Ansible's libraries as well, a command its interpreter.
INVENTORY = """
import json, resource, sys
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _inventory
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._parallel import count_workers
request = _inventory.InventoryRequest([sys.argv[1]], False, [], 600, sys.argv[2] == "verify")
found = _inventory.take_inventory(request, [], "/nonexistent", "/nonexistent")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
peak += count_workers() * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
environments = found["environments"]
packages = sum(len(one["packages"]) for one in environments)
modified = sum(one["counts"]["modified"] or 0 for one in environments)
print(json.dumps([found["seconds"], len(environments), packages, peak * 1024, modified]))
"""

WALK = """
import os, sys, time
began, stack, files = time.monotonic(), [sys.argv[1]], 0
while stack:
    with os.scandir(stack.pop()) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)
            else:
                files += 1
print(time.monotonic() - began, files)
"""

HASH = """
import glob, hashlib, os, sys, time
began, count = time.monotonic(), 0
for record in glob.glob(sys.argv[1] + "/*/lib/python*/site-packages/*.dist-info/RECORD"):
    site = os.path.dirname(os.path.dirname(record))
    with open(record) as stream:
        for line in stream:
            path, digest, _length = line.rsplit(",", 2)
            if digest:
                with open(os.path.join(site, path), "rb") as content:
                    hashlib.sha256(content.read()).digest()
                count += 1
print(time.monotonic() - began, count)
"""


def make_environments() -> pathlib.Path:
    """A folder with the environments, made once: as many copies of one that has real packages, bytecode and all."""
    python = archives.find_packable_interpreter(MINOR)
    if python is None:
        raise FleetError(f"no Python {MINOR} on this machine to make environments from")
    folder = CACHE / "benchmark" / hash_inputs(REQUIREMENTS, ENVIRONMENTS, str(python)) / "srv"
    done = folder.parent / ".complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        first = folder / "environment0"
        run_checked(str(python), "-m", "venv", str(first))
        run_checked(
            "uv",
            "pip",
            "install",
            "--quiet",
            "--python",
            str(first / "bin" / "python"),
            "--compile-bytecode",
            "--link-mode",
            "copy",
            *REQUIREMENTS,
        )
        for number in range(1, ENVIRONMENTS):
            shutil.copytree(first, folder / f"environment{number}", symlinks=True)
        done.touch()
    return folder


def run_program(text: str, *arguments: str) -> str:
    """Standard output of the Python program *text*. Raises CalledProcessError."""
    return subprocess.run([sys.executable, "-c", text, *arguments], capture_output=True, text=True, check=True).stdout


def time_each_environment(folder: pathlib.Path, *command: str) -> float:
    """Seconds that *command* took in each environment, one after the other; ``{}`` stands for its Python."""
    began = time.monotonic()
    for environment in sorted(folder.iterdir()):
        subprocess.run(
            [word.format(environment / "bin" / "python") for word in command], capture_output=True, check=True
        )
    return time.monotonic() - began


def measure_host() -> list[Measure]:
    """The measures of one host with a warm cache."""
    folder = make_environments()
    ours, verified, walked, hashed, pip, uv = [], [], [], [], [], []
    files = int(run_program(WALK, str(folder)).split()[1])
    run_program(HASH, str(folder))
    _seconds, environments, packages, peak, modified = json.loads(run_program(INVENTORY, str(folder), "names"))
    print(f"benchmark host_info: {environments} environments, {packages} packages, {files} files", flush=True)
    if environments < ENVIRONMENTS or packages < PACKAGES or files < FILES:
        raise FleetError("the tree is smaller than the benchmark says")
    for _round in range(ROUNDS):
        walked.append(float(run_program(WALK, str(folder)).split()[0]))
        found = json.loads(run_program(INVENTORY, str(folder), "names"))
        ours.append(found[0])
        peak = max(peak, found[3])
        uv.append(time_each_environment(folder, "uv", "pip", "list", "--python", "{}"))
    for _round in range(2):
        pip.append(time_each_environment(folder, "{}", "-m", "pip", "list", "--disable-pip-version-check"))
        hashed.append(float(run_program(HASH, str(folder)).split()[0]))
        found = json.loads(run_program(INVENTORY, str(folder), "verify"))
        verified.append(found[0])
        peak, modified = max(peak, found[3]), found[4]
    if modified:
        raise FleetError(f"{modified} files of the tree were modified; remove {folder.parent} and run again")
    return [
        Measure("walk", tuple(ours), tuple(walked), "os.scandir over the same roots", 1.5),
        Measure("pip", tuple(ours), tuple(pip), "pip list in each environment", 1 / 20),
        Measure("uv", tuple(ours), tuple(uv), "uv pip list in each environment", 3.0),
        Measure("verify", tuple(verified), tuple(hashed), "sha256 over the same files", 1.5),
        Measure("memory", (float(peak),), (150e6,), "150 MB, all processes", 1.0),
    ]


def measure_fleet() -> list[Measure]:
    """The measure of twenty hosts over SSH."""
    fleet.start_fleet(["debian12:sqlite"] * HOSTS)
    try:
        with tempfile.TemporaryDirectory(prefix="oxzep7-benchmark-") as directory:
            environment = {**os.environ, "ANSIBLE_PIPELINING": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": FORKS}
            audit = ["ansible-playbook", "-i", str(fleet.INVENTORY), "oxzep7.python.audit"]
            setup = ["ansible", "-i", str(fleet.INVENTORY), "all", "--become", "-m", "ansible.builtin.setup"]
            times: dict[str, list[float]] = {"audit": [], "setup": []}
            for round_ in range(4):
                for name, command in (("setup", setup), ("audit", audit)):
                    began = time.monotonic()
                    subprocess.run(command, cwd=directory, env=environment, capture_output=True, check=True)
                    if round_:
                        times[name].append(time.monotonic() - began)
            return [
                Measure(
                    "fleet",
                    tuple(times["audit"]),
                    tuple(times["setup"]),
                    f"ansible -m setup on {HOSTS} hosts, {FORKS} forks",
                    1.5,
                )
            ]
    finally:
        fleet.stop_fleet()


def measure_host_info() -> list[Measure]:
    """One host, then twenty."""
    return [*measure_host(), *measure_fleet()]
