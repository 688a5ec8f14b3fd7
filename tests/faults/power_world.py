# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small application without systemd at a fixed path, on whatever file system is mounted there, and its look.

Modules run in this process, by their own ``main``. Everything is in the ``world`` of a scratch directory; beside that
is ``run``, which a restart of a host empties.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib
import io
import json
import os
import pathlib
import shutil
import sqlite3
import stat
import subprocess
import sys
import zipfile
from typing import Any

from ansible.module_utils import basic
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import DIRECTORY_RECORD_NAME

NAME = "powered"
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x00020000, 0x1000, 0x4000, 0x40000
LIBC = ctypes.CDLL(None, use_errno=True)
INTERPRETER = pathlib.Path(sys.executable).resolve()
MODULES = ("backup", "backup_info", "environment", "plan_delivery", "promotion", "recovery", "restore", "run_info")
# What the state directory of an application may hold when nothing is at work.
AT_REST = {"state.json", "backups.json"}
SYNC_WRAPPER = """#!/bin/sh
[ $# -eq 0 ] || exec {real} "$@"
mkdir {world}/.sync 2>/dev/null
exit 0
"""


class ModuleFailedError(Exception):
    """A module that failed; the text is its message."""


def call_libc(name: str, *arguments: Any) -> None:
    """One call of the C library. Raises OSError."""
    if getattr(LIBC, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def enter_mount_namespace() -> None:
    """Have a mount namespace of this process's own. Raises OSError."""
    call_libc("unshare", CLONE_NEWNS)
    call_libc("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def mount_memory(place: str) -> None:
    """Mount an empty file system over the directory *place*. Raises OSError."""
    call_libc("mount", b"tmpfs", os.fsencode(place), b"tmpfs", 0, b"mode=755")


def bind_file(source: str, place: str) -> None:
    """Mount the file *source* over the file *place*. Raises OSError."""
    call_libc("mount", os.fsencode(source), os.fsencode(place), None, MS_BIND, None)


def load_modules() -> None:
    """Import the modules, so that processes which are forked have them."""
    for name in MODULES:
        importlib.import_module(f"ansible_collections.oxzep7.python.plugins.modules.{name}")


def run_module(name: str, **options: Any) -> dict[str, Any]:
    """The result of the module *name*."""
    module = importlib.import_module(f"ansible_collections.oxzep7.python.plugins.modules.{name}")
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        module.main()
    return dict(json.loads(said.getvalue().strip().splitlines()[-1]))


def require_success(result: dict[str, Any]) -> dict[str, Any]:
    """*result* of a module that did not fail. Raises ModuleFailedError."""
    if result.get("failed"):
        raise ModuleFailedError(f"a module failed: {result.get('msg')}")
    return result


def fingerprint(place: str | pathlib.Path) -> str:
    """A digest of names, modes, owners and contents below *place*; a word where there is no tree.

    The record that a generation has of itself is left out: it changes before the generation does.
    """
    if not os.path.isdir(place):
        return "file" if os.path.lexists(place) else "nothing"
    found = hashlib.sha256()
    for folder, below, names in os.walk(place):
        below.sort()
        for name in sorted(below + names):
            if DIRECTORY_RECORD_NAME in name:
                continue
            path = os.path.join(folder, name)
            state = os.lstat(path)
            content, mode = b"", state.st_mode
            if stat.S_ISLNK(mode):
                content, mode = os.fsencode(os.readlink(path)), 0
            elif stat.S_ISREG(mode):
                with open(path, "rb") as stream:
                    content = stream.read()
            found.update(repr((path[len(str(place)) :], mode, state.st_uid, hashlib.sha256(content).digest())).encode())
    return found.hexdigest()[:16]


class World:
    """The application below *scratch*."""

    def __init__(self, scratch: pathlib.Path) -> None:
        self.scratch = scratch
        self.root = scratch / "world"
        self.run = scratch / "run"
        self.home = self.root / "srv"
        self.live = self.home / "venv"
        self.source = self.home / "source"
        self.settings = self.home / "etc" / "app.conf"
        self.database = self.home / "db.sqlite3"
        self.state = self.root / "state"
        self.own_state = self.state / "applications" / NAME
        self.backups = self.root / "backups"
        self.wheels = scratch / "wheels"

    def prepare_scratch(self) -> list[str]:
        """Make the directories outside the world, and three wheels; returns the locks of these."""
        for place in (self.root, self.run, self.wheels):
            place.mkdir()
        shutil.copy2(shutil.which("sync") or "/usr/bin/sync", self.scratch / "real-sync")
        wrapper = self.scratch / "sync"
        wrapper.write_text(SYNC_WRAPPER.format(real=self.scratch / "real-sync", world=self.root))
        wrapper.chmod(0o755)
        return [self._write_wheel(version) for version in ("1.0", "2.0", "3.0")]

    def _write_wheel(self, version: str) -> str:
        path = self.wheels / f"{NAME}-{version}-py3-none-any.whl"
        info = f"{NAME}-{version}.dist-info"
        contents = {
            f"{NAME}/__init__.py": f"VERSION = '{version}'\n" * 200,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        contents[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*contents, f"{info}/RECORD"])
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return f"{NAME}=={version} \\\n    --hash=sha256:{digest}\n"

    def boot(self) -> None:
        """Start the service, if there is an environment, as a host does that starts."""
        if self.live.is_dir():
            subprocess.run(self._command("start"), check=True)

    def _command(self, verb: str) -> list[str]:
        word = {
            "start": f"readlink -f {self.live} > {self.run}/started",
            "stop": f"rm -f {self.run}/started",
            "status": f"test -s {self.run}/started",
        }[verb]
        return ["sh", "-c", word]

    def declare(self, *checks: dict[str, Any]) -> dict[str, Any]:
        """The declaration of the application."""
        service = {"name": NAME, **{verb: self._command(verb) for verb in ("start", "stop", "status")}}
        return {
            "name": NAME,
            "environment": str(self.live),
            "source": str(self.source),
            # Its marker belongs to no package, and an upgrade may lose it.
            "carry": "drop",
            "user": "root",
            "services": [service],
            "checks": list(checks),
            "backup": {"paths": [str(self.settings)], "databases": [{"sqlite": str(self.database)}]},
        }

    def call(self, module: str, *checks: dict[str, Any], **options: Any) -> dict[str, Any]:
        """The result of *module* on the application, with *checks* and *options*."""
        return run_module(
            module, **{"application": self.declare(*checks), "state_dir": str(self.state), "run_id": "power", **options}
        )

    def build(self, lock: str) -> dict[str, Any]:
        """Build a generation for the text *lock*."""
        return self.call(
            "environment",
            interpreter=str(INTERPRETER),
            version=".".join(map(str, sys.version_info[:3])),
            lock=hashlib.sha256(lock.encode()).hexdigest(),
            wheels=str(self.wheels),
            uv=str(pathlib.Path(sys.executable).with_name("uv")),
        )

    def promote(self, generation: str, *checks: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Promote *generation*."""
        return self.call(
            "promotion",
            *checks,
            generation=generation,
            timeout=0,
            stability_window=0,
            dead_man_interval=1,
            backup_dir=str(self.backups),
            **options,
        )

    def back_up(self) -> dict[str, Any]:
        """Make a backup, and remove the one before it."""
        return self.call("backup", backup_dir=str(self.backups), keep_last=1, run_id="manual")

    def restore(self, *checks: dict[str, Any]) -> dict[str, Any]:
        """Put the newest backup in place of everything."""
        return self.call(
            "restore",
            *checks,
            backup_dir=str(self.backups),
            replace=True,
            databases="in_place",
            timeout=0,
            stability_window=0,
        )

    def list_backups(self) -> list[str]:
        """Names of the backups that count. Raises ModuleFailedError for a damaged one."""
        answer = run_module(
            "backup_info", application=NAME, prove=True, backup_dir=str(self.backups), state_dir=str(self.state)
        )
        rows = require_success(answer)["backups"]
        for row in rows:
            if row["damage"]:
                raise ModuleFailedError(f"backup {row['backup']} counts and is damaged: {row['damage']}")
        return [row["backup"] for row in rows]

    def create(self, locks: list[str]) -> None:
        """Make the application, an environment that nothing has ever promoted, and locks in its state directory."""
        self.source.mkdir(parents=True)
        self.settings.parent.mkdir()
        for number in range(3):
            (self.source / f"part{number}.py").write_text(f"PART = {number}\n" * 100)
        self.settings.write_text("colour = green\n")
        uv = pathlib.Path(sys.executable).with_name("uv")
        words = [uv, "venv", "--quiet", "--offline", "--no-config", "--python", INTERPRETER, self.live]
        subprocess.run([*words, "--cache-dir", self.scratch / "cache"], check=True)
        (self.live / "marker").write_text("original\n" * 100)
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.execute("CREATE TABLE numbers (value INTEGER)")
            connection.executemany("INSERT INTO numbers VALUES (?)", [(number,) for number in range(50)])
            connection.commit()
        self.state.mkdir(mode=0o700)
        (self.state / "locks").mkdir(mode=0o700)
        for lock in locks:
            (self.state / "locks" / f"{hashlib.sha256(lock.encode()).hexdigest()}.txt").write_text(lock)

    def spoil(self) -> None:
        """Change everything that a backup has."""
        (self.live / "marker").write_text("spoilt by hand\n" * 50)
        (self.source / "part1.py").write_text("SPOILT = True\n")
        (self.source / "strange.py").write_text("STRANGE = True\n")
        self.settings.write_text("colour = red\n")
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.execute("DELETE FROM numbers WHERE value > 10")
            connection.commit()

    def look(self) -> dict[str, str]:
        """What an application sees: each of its parts, as a word or a digest."""
        return {
            "environment": fingerprint(self.live),
            "source": fingerprint(self.source),
            "settings": self.settings.read_text() if self.settings.exists() else "nothing",
            "database": self._read_rows(),
        }

    def _read_rows(self) -> str:
        if not self.database.exists():
            return "nothing"
        # Other connections would make a journal.
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            try:
                return str(connection.execute("SELECT count(*), sum(value) FROM numbers").fetchone())
            except sqlite3.DatabaseError as error:
                return f"damaged: {error}"

    def read_record(self) -> dict[str, Any]:
        """The record of the application, without the collection's code; an empty one without a file."""
        path = self.own_state / "state.json"
        return dict(json.loads(path.read_text())) if path.exists() else {"history": [], "generations": []}

    def look_at_generations(self) -> dict[str, str]:
        """The trees of all generations that are recorded as complete."""
        found = {}
        for entry in self.read_record()["generations"]:
            if entry.get("complete"):
                found[entry["id"]] = fingerprint(entry["path"])
        return found

    def list_results(self) -> dict[str, Any]:
        """What a change that has ended must leave, whatever dies afterwards."""
        plan = self.state / "plan.json"
        return {
            **self.look(),
            "generations": sorted(self.look_at_generations()),
            "backups": self.list_backups() if self.backups.exists() else [],
            "plan": plan.read_text() if plan.exists() else "nothing",
            "events": [entry["event"] for entry in self.read_record()["history"]],
        }

    def list_leftovers(self) -> list[str]:
        """Files that only a process at work may have."""
        found = sorted(set(os.listdir(self.own_state)) - AT_REST) if self.own_state.exists() else []
        found += [str(path) for path in self.home.glob("*") if ".next" in path.name or ".undo" in path.name]
        return found
