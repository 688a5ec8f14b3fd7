# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One application, as a plain process without systemd, and what builds its generations."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
import urllib.request

from tests.demo.machine import free_port
from tests.integration.conftest import lock_of, wheel

SERVICE = """#!/bin/sh
cd {home}
alive() {{ [ -s pid ] && grep -qs '^State:[[:space:]]*[^Z]' "/proc/$(cat pid)/status"; }}
case $1 in
start) alive && exit 0
    setsid venv/bin/python -m greeter {port} >>log 2>&1 </dev/null &
    echo $! >pid;;
stop) alive && kill "$(cat pid)"
    for i in $(seq 200); do alive || exit 0; sleep 0.05; done
    exit 1;;
status) alive;;
esac
"""
GREETER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"{text}")
    def log_message(self, *a): pass
if __name__ == "__main__":
    {before}
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


class Place:
    """An application that greets, in a scratch directory, and what builds its generations."""

    def __init__(self, root, interpreters):
        self.root = root
        self.interpreters = interpreters
        self.home = root / "home"
        self.wheels = root / "wheels"
        self.state = root / "state"
        for directory in (self.home, self.wheels, self.state / "locks"):
            directory.mkdir(parents=True)
        self.port = free_port()
        (self.home / "service").write_text(SERVICE.format(home=self.home, port=self.port))
        self.old = self.wheel("1.0", "old")
        subprocess.run([interpreters[0][1], "-m", "venv", self.home / "venv"], check=True)
        self.install(self.old)
        self.control("start")

    def wheel(self, version, text, before="pass", **files):
        path = wheel(self.wheels, "greeter", version, {"greeter.py": GREETER.format(text=text, before=before), **files})
        (self.state / "locks" / f"{self.identifier(path)}.txt").write_text(lock_of(path))
        return path

    def identifier(self, path):
        return hashlib.sha256(lock_of(path).encode()).hexdigest()

    def install(self, path):
        subprocess.run(
            [self.home / "venv" / "bin" / "python", "-m", "pip", "install", "-q", "--no-index", path], check=True
        )

    def control(self, verb):
        return subprocess.call(["sh", str(self.home / "service"), verb])

    def application(self, **options):
        command = ["sh", str(self.home / "service")]
        return {
            "name": "greeter",
            "environment": str(self.home / "venv"),
            "services": [
                {
                    "name": "greeter",
                    "start": [*command, "start"],
                    "stop": [*command, "stop"],
                    "status": [*command, "status"],
                    "pidfile": str(self.home / "pid"),
                }
            ],
            "checks": [{"name": "greets", "http": {"url": f"http://127.0.0.1:{self.port}/"}}],
            **options,
        }

    def build(self, path, **options):
        minor, interpreter = self.interpreters[1]
        return {
            "application": self.application(**options),
            "interpreter": interpreter,
            "version": minor,
            "lock": self.identifier(path),
            "wheels": str(self.wheels),
            "state_dir": str(self.state),
        }

    def promote(self, generation, **options):
        return {
            "application": self.application(),
            "generation": generation,
            "timeout": 10,
            "stability_window": 0.5,
            "state_dir": str(self.state),
            **options,
        }

    def record(self):
        return json.loads((self.state / "applications" / "greeter" / "state.json").read_text())

    def greeting(self):
        for _attempt in range(100):
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/").read().decode()
            except OSError:
                time.sleep(0.1)
        raise AssertionError("it does not answer")

    def left_open(self):
        return sorted(set(os.listdir(self.state / "applications" / "greeter")) - {"state.json"})


def generation_name(place, number=1):
    return f"{number}-py{place.interpreters[1][0]}"
