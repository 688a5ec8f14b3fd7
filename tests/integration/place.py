# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One application, as a plain process without systemd, and what builds its generations."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import subprocess
import time
import urllib.request

from tests.demo.machine import find_free_port
from tests.integration.conftest import make_lock, write_wheel

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


class GreeterSetup:
    """An application that greets, in a scratch directory, and what builds its generations."""

    def __init__(self, root, interpreters):
        self.root = root
        self.interpreters = interpreters
        self.home = root / "home"
        self.wheels = root / "wheels"
        self.state = root / "state"
        for directory in (self.home, self.wheels, self.state / "locks"):
            directory.mkdir(parents=True)
        self.port = find_free_port()
        (self.home / "service").write_text(SERVICE.format(home=self.home, port=self.port))
        self.old = self.build_wheel("1.0", "old")
        subprocess.run([interpreters[0][1], "-m", "venv", self.home / "venv"], check=True)
        self.install_wheel(self.old)
        self.control_service("start")

    def build_wheel(self, version, text, before="pass", **files):
        path = write_wheel(
            self.wheels, "greeter", version, {"greeter.py": GREETER.format(text=text, before=before), **files}
        )
        (self.state / "locks" / f"{self.identify_lock(path)}.txt").write_text(make_lock(path))
        return path

    def identify_lock(self, path):
        return hashlib.sha256(make_lock(path).encode()).hexdigest()

    def install_wheel(self, path):
        subprocess.run(
            [self.home / "venv" / "bin" / "python", "-m", "pip", "install", "-q", "--no-index", path], check=True
        )

    def control_service(self, verb):
        return subprocess.call(["sh", str(self.home / "service"), verb])

    def declare_application(self, **options):
        command = ["sh", str(self.home / "service")]
        return {
            "name": "greeter",
            "environment": str(self.home / "venv"),
            "user": pwd.getpwuid(os.geteuid()).pw_name,
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

    def make_build_options(self, path, **options):
        minor, interpreter = self.interpreters[1]
        return {
            "application": self.declare_application(**options),
            "interpreter": interpreter,
            "version": minor,
            "lock": self.identify_lock(path),
            "wheels": str(self.wheels),
            "state_dir": str(self.state),
        }

    def make_promotion_options(self, generation, **options):
        return {
            "application": self.declare_application(),
            "generation": generation,
            "timeout": 10,
            "stability_window": 0.5,
            "state_dir": str(self.state),
            **options,
        }

    def read_state(self):
        return json.loads((self.state / "applications" / "greeter" / "state.json").read_text())

    def read_greeting(self):
        for _attempt in range(100):
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/").read().decode()
            except OSError:
                time.sleep(0.1)
        raise AssertionError("it does not answer")

    def list_open_files(self):
        return sorted(set(os.listdir(self.state / "applications" / "greeter")) - {"state.json"})


def name_generation(place, number=1):
    return f"{number}-py{place.interpreters[1][0]}"
