# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application in a directory that a group shares, and a root with a strict umask: three accounts, real modules."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile

import pytest

from tests.integration.conftest import make_lock, write_wheel

# Accounts of every Debian; the interpreter is one that all of them can run.
OWNER, USER, MEMBER = "games", "daemon", "nobody"
PYTHON = "/usr/bin/python3"
UV = shutil.which("uv")
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not UV, reason="needs several accounts, and uv")


class SharedHost:
    """Below a directory that all accounts can enter: an application of `OWNER`, wheels and the state directory."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.home, self.wheels, self.state = root / "app", root / "wheels", root / "state"
        for directory in (self.home, self.wheels, self.state / "locks"):
            directory.mkdir(parents=True)
        self.account = pwd.getpwnam(OWNER)
        wheel = write_wheel(self.wheels, "greeter", "1.0", {"greeter.py": "TEXT = 'hello'\n"})
        lock = make_lock(wheel)
        self.lock = hashlib.sha256(lock.encode()).hexdigest()
        (self.state / "locks" / f"{self.lock}.txt").write_text(lock)
        self.version = subprocess.run(
            [PYTHON, "-c", "import platform; print(platform.python_version())"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        subprocess.run([UV, "venv", "--quiet", "--python", PYTHON, self.home / "venv"], check=True)
        subprocess.run(["chown", "-R", f"{OWNER}:", self.home / "venv"], check=True)

    def share_home(self):
        """Give the directory around the environment to root and the owner's group, as deployment guides do."""
        os.chown(self.home, 0, self.account.pw_gid)
        self.home.chmod(0o2775)

    def run_as_member(self, *command):
        """Run *command* as another account in the owner's group."""
        member = pwd.getpwnam(MEMBER)
        subprocess.run(command, user=member.pw_uid, group=self.account.pw_gid, extra_groups=[], check=True)

    def make_options(self, **options):
        return {
            "application": {"name": "greeter", "environment": str(self.home / "venv"), "user": USER},
            "state_dir": str(self.state),
            **options,
        }

    def make_build_options(self):
        return self.make_options(
            interpreter=PYTHON, version=self.version, lock=self.lock, wheels=str(self.wheels), uv=UV
        )

    def list_entries(self):
        return [self.home / "venv.generations", *sorted((self.home / "venv.generations").rglob("*"))]


@pytest.fixture
def host():
    root = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp"))
    root.chmod(0o755)
    yield SharedHost(root)
    shutil.rmtree(root)


def run_module(name, options, umask):
    """The result of module *name*, which Ansible runs with *umask*."""
    words = ["ansible", "localhost", "--connection=local", "--module-name", f"oxzep7.python.{name}", "--args"]
    python = ["--extra-vars", json.dumps({"ansible_python_interpreter": sys.executable})]
    done = subprocess.run(
        [*words, json.dumps(options), *python],
        capture_output=True,
        text=True,
        umask=umask,
        env={**os.environ, "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1", "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.oneline"},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("umask", [0o027, 0o077])
def test_the_user_can_read_what_a_root_with_a_strict_umask_builds(host, umask):
    rc, output = run_module("environment", host.make_build_options(), umask)
    assert rc == 0, output
    entries = host.list_entries()
    assert len(entries) > 10
    for path in entries:
        state = path.lstat()
        if not stat.S_ISLNK(state.st_mode):
            wanted = 0o755 if path.is_dir() else 0o644
            assert stat.S_IMODE(state.st_mode) & wanted == wanted, path
            assert not state.st_mode & 0o022, path


def test_the_owner_acts_in_a_directory_that_its_group_shares(host, module):
    host.share_home()
    built = module("environment", **host.make_build_options())
    assert not built.get("failed"), built
    assert {path.lstat().st_uid for path in host.list_entries()} == {host.account.pw_uid}
    options = host.make_options(generation=built["generation"], timeout=10, stability_window=0.1)
    promoted = module("promotion", **options)
    assert promoted["outcome"] == "promoted", promoted
    assert (host.home / "venv").is_symlink() and (host.home / "venv").lstat().st_uid == host.account.pw_uid
    assert os.readlink(host.home / "venv") == f"venv.generations/{built['generation']}"
    assert (host.home / "venv.generations").stat().st_uid == host.account.pw_uid


def test_root_gives_nothing_away_through_a_planted_link(host, module):
    host.share_home()
    victim = host.root / "victim"
    victim.mkdir()
    (victim / "file").write_text("")
    host.run_as_member("ln", "-s", victim, host.home / "venv.generations")
    message = module.expect_failure("environment", **host.make_build_options())
    assert f"it is a symlink of {MEMBER}, which is not followed" in message
    assert (victim.stat().st_uid, sorted(os.listdir(victim))) == (0, ["file"])


def test_root_does_nothing_below_a_directory_that_a_group_shares(host, module):
    host.share_home()
    subprocess.run(["chown", "-R", "root:root", host.home / "venv"], check=True)
    message = module.expect_failure("environment", **host.make_build_options())
    assert f"group {OWNER} can replace what is in it" in message and f"chmod g-w {host.home}" in message
    assert sorted(os.listdir(host.home)) == ["venv"]
    host.home.chmod(0o755)
    assert not module("environment", **host.make_build_options()).get("failed")
