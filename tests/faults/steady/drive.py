# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the actions in standard input, a JSON list, on the host of "steady", and prints their results as JSON.

``["module", NAME, ARGUMENTS]`` runs a module (a fourth member adds to its process environment),
``["trace", POINT, ACTION, ARGUMENTS]`` a promotion under the tracer (or the module that a fifth member names),
``["wait", SECONDS]`` waits until no promotion is open,
``["undo", TIMES]`` runs undo.sh so many times, each time as if the one before had been killed before its last rename,
``["write", TEXT]`` and ``["read"]`` change and read the application's file and its two databases,
``["fingerprint", PATH]``, ``["list", PATH]`` and ``["forget", PATH]`` read or remove a tree,
``["spoil"]`` changes the live environment, ``["reset"]`` forgets every promotion,
``["look"]`` reads the state of the host without the collection's code.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from typing import Any

FAULTS = "/root/faults"
LIVE = "/srv/steady/venv"
DATA = "/srv/steady/data"
STATE = "/var/lib/oxzep7/applications/steady"
# What undo.sh ends with while another process holds the lease, and for how many seconds that is waited for.
AT_WORK, PATIENCE = 75, 60.0
UNITS = ("steady-web.service", "steady-worker.service")
WATCHED = ("/srv/steady", "/var/lib/oxzep7", "/etc/systemd", "/run/systemd", "/etc/cron.d")


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run *command*, whatever its status, with *more* in its environment."""
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{FAULTS}/lib", "PYTHONDONTWRITEBYTECODE": "1", **more},
    )


def command(name: str, arguments: dict[str, Any]) -> list[str]:
    """How the module *name* is run with *arguments*, as Ansible would; those that are null are left out."""
    given = {"state_dir": "/var/lib/oxzep7", "run_id": "faults", **arguments}
    with open("/root/arguments.json", "w", encoding="utf-8") as stream:
        json.dump({"ANSIBLE_MODULE_ARGS": {key: value for key, value in given.items() if value is not None}}, stream)
    return [
        "python3",
        f"{FAULTS}/lib/ansible_collections/oxzep7/python/plugins/modules/{name}.py",
        "/root/arguments.json",
    ]


def module(name: str, arguments: dict[str, Any], environment: dict[str, str] | None = None) -> dict[str, Any]:
    """What the module returned."""
    done = run(*command(name, arguments), **(environment or {}))
    try:
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))
    except (IndexError, ValueError):
        return {"failed": True, "msg": (done.stdout + done.stderr)[-1000:]}


def trace(point: int, action: str, arguments: dict[str, Any], name: str = "promotion") -> dict[str, Any]:
    """Status, counted calls, and what was printed."""
    done = run(
        "python3", f"{FAULTS}/tracer.py", str(point), action, "/root/trace", *WATCHED, "--", *command(name, arguments)
    )
    with open("/root/trace", encoding="utf-8") as stream:
        return {
            "status": done.returncode,
            "calls": stream.read().splitlines(),
            "said": (done.stdout + done.stderr)[-2000:],
        }


def wait(seconds: float) -> bool:
    """Whether no promotion was open any more before *seconds* had passed."""
    deadline = time.monotonic() + seconds
    while os.path.exists(STATE + "/state.next.json"):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def undo(times: int) -> bool:
    """Run undo.sh *times*; returns whether no promotion is open then."""
    for _time in range(times):
        if os.path.exists(STATE + "/state.undone.json"):
            os.rename(STATE + "/state.undone.json", STATE + "/state.next.json")
        deadline = time.monotonic() + PATIENCE
        while os.path.exists(STATE + "/undo.sh") and time.monotonic() < deadline:
            # The dead man may run it at the same time.
            if run("sh", STATE + "/undo.sh").returncode != AT_WORK:
                break
            time.sleep(0.1)
    return not os.path.exists(STATE + "/state.next.json")


def write(text: str) -> None:
    """Make *text* the content of a file, of a database that a command loads, and of a SQLite database."""
    os.makedirs(DATA, exist_ok=True)
    for name in ("file", "words"):
        with open(f"{DATA}/{name}", "w", encoding="utf-8") as stream:
            stream.write(text)
    with contextlib.closing(sqlite3.connect(f"{DATA}/db.sqlite3")) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS entry (text TEXT)")
        connection.execute("DELETE FROM entry")
        connection.execute("INSERT INTO entry VALUES (?)", (text,))
    run("chown", "-R", "steady:", DATA)


def read() -> list[str]:
    """Every text that `write` wrote and that is there now, each once."""
    found = set()
    for name in ("file", "words"):
        with open(f"{DATA}/{name}", encoding="utf-8") as stream:
            found.add(stream.read())
    with contextlib.closing(sqlite3.connect(f"{DATA}/db.sqlite3")) as connection:
        found.update(row[0] for row in connection.execute("SELECT text FROM entry"))
    return sorted(found)


def reset() -> None:
    """Put the application back to where nothing was ever promoted."""
    run("systemctl", "stop", *UNITS)
    if os.path.islink(LIVE):
        os.unlink(LIVE)
        os.rename(LIVE + ".generations/0-py3.8", LIVE)
    for directory in (STATE, "/var/lib/oxzep7/runs"):
        shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(STATE, 0o700)
    shutil.copy("/root/state.json", STATE + "/state.json")
    run("systemctl", "reset-failed", *UNITS)
    run("systemctl", "start", *UNITS)
    answer()


def answer() -> dict[str, Any]:
    """What the web service says, or why it says nothing within 5 seconds."""
    problem = "nothing"
    for _attempt in range(50):
        try:
            with urllib.request.urlopen("http://127.0.0.1:8003/", timeout=2) as stream:
                return dict(json.load(stream))
        except OSError as error:
            problem = str(error)
            time.sleep(0.1)
    return {"problem": problem}


def executable(unit: str) -> str:
    """What the main process of *unit* runs."""
    try:
        return os.readlink(
            f"/proc/{run('systemctl', 'show', '--property=MainPID', '--value', unit).stdout.strip()}/exe"
        )
    except OSError:
        return "nothing"


def look() -> dict[str, Any]:
    """What the host is like."""
    with open(STATE + "/state.json", encoding="utf-8") as stream:
        record = json.load(stream)
    current = next((entry for entry in record["generations"] if entry["id"] == record["current"]), None)
    timers = run("systemctl", "list-units", "--no-legend", "--plain", "oxzep7-undo*.timer")
    strange = []
    for pattern in (".next*", ".undo*", ".generations/.*"):
        strange += glob.glob(LIVE + pattern)
    for pattern in ("/srv/steady/.oxzep7-*", "/srv/steady/.restoring-*", DATA + "/.oxzep7-*", DATA + "/.restoring-*"):
        strange += glob.glob(pattern)
    strange += glob.glob("/etc/systemd/system/**/oxzep7-undo*", recursive=True)
    return {
        "live": os.readlink(LIVE) if os.path.islink(LIVE) else "directory" if os.path.isdir(LIVE) else "nothing",
        "current": record["current"],
        "recorded": current["target"] if current else None,
        "answer": answer(),
        "executables": [executable(unit) for unit in UNITS],
        "left": sorted(set(os.listdir(STATE)) - {"state.json"}),
        "timers": timers.stdout.split(),
        "strange": sorted(strange),
    }


def fingerprint(path: str) -> list[list[Any]]:
    """Every path below *path*, with its mode, owner, size and content; nothing where it is not there."""
    found = []
    for folder, below, names in os.walk(path):
        for name in below + names:
            where = os.path.join(folder, name)
            state = os.lstat(where)
            content = os.readlink(where) if os.path.islink(where) else ""
            if os.path.isfile(where) and not content:
                with open(where, "rb") as stream:
                    content = hashlib.sha256(stream.read()).hexdigest()
            found.append([os.path.relpath(where, path), state.st_mode, state.st_uid, state.st_gid, content])
    return sorted(found)


def spoil() -> list[list[Any]]:
    """Change the live environment, wherever it is, by hand; returns what it is then."""
    with open(LIVE + "/spoilt", "w", encoding="utf-8") as stream:
        stream.write("by hand")
    return fingerprint(LIVE)


def forget(path: str) -> None:
    """Remove the tree *path*, if it is there."""
    shutil.rmtree(path, ignore_errors=True)


def main() -> None:
    """Do what is asked."""
    actions = {
        "module": module,
        "trace": trace,
        "wait": wait,
        "undo": undo,
        "write": write,
        "read": read,
        "reset": reset,
        "look": look,
        "fingerprint": fingerprint,
        "forget": forget,
        "spoil": spoil,
        "list": lambda path: sorted(os.listdir(path)) if os.path.isdir(path) else [],
    }
    print(json.dumps([actions[name](*rest) for name, *rest in json.load(sys.stdin)]))


main()
