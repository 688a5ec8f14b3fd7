# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook, with ``-vvv`` and in check mode: no credential of a URL is in what it prints, stores or runs."""

from __future__ import annotations

import base64
import gzip
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from tests.fleet.archives import hash_archive, pack_interpreter
from tests.integration.place import GreeterSetup

ROOT = pathlib.Path(__file__).resolve().parents[2]
# In each URL option another one, so that a leak names its source.
PLANTED = "Planted7"
NAMES = (
    "archive-password",
    "archive-token",
    "sha256-password",
    "sha256-token",
    "index-password",
    "gate-password",
    "gate-token",
    "gate-header",
    "hook-path",
    "hook-token",
    "hook-secret",
    "check-token",
    "direct-url",
    "remote",
    "requirement",
    "mirror-password",
    "repository-password",
)
SECRETS = {name: f"{PLANTED}{name}" for name in NAMES}
SETTINGS = {
    "ANSIBLE_PIPELINING": "1",
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_LOCALHOST_WARNING": "0",
    "UV_INDEX_OWN_USERNAME": "me",
    "UV_INDEX_OWN_PASSWORD": SECRETS["index-password"],
}


class ProtectedServer:
    """Serves files to whoever has the credentials, and answers everybody else with 401."""

    def __init__(self, files):
        self.served, self.hooks = set(), []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path, _mark, query = self.path.partition("?")
                wanted, data = files.get(path, ("", None))
                given = base64.b64decode((self.headers["Authorization"] or "").partition(" ")[2]).decode()
                status = 404 if data is None else 200 if wanted in (given, query) or not wanted else 401
                if status == 200 and wanted:
                    server.served.add(path)
                data = data if status == 200 else b"no"
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Content-Type", "text/html")
                if status == 401:
                    self.send_header("WWW-Authenticate", "Basic realm=x")
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            do_HEAD = do_GET

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                server.hooks.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_words):
                pass

        server = self
        self.files = files
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def make_url(self, path, user="", query=""):
        return f"http://{user}127.0.0.1:{self.port}{path}{query}"


class ProcessWatch:
    """Looks at the words of all processes until it is stopped."""

    def __init__(self):
        self.found = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self):
        while not self._stop.wait(0.1):
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words = path.read_bytes()
                except OSError:
                    continue
                if PLANTED.encode() in words:
                    self.found.add(words.decode("utf-8", "replace"))

    def stop(self):
        self._stop.set()
        self._thread.join()
        return self.found


class World:
    """One host, this machine, with a secret in every option that is a URL, and in what an inventory reads."""

    def __init__(self, root, interpreters):
        self.root = root
        self.place = GreeterSetup(root, interpreters)
        minor = interpreters[1][0]
        archive = pack_interpreter(minor)
        if archive is None:
            pytest.skip(f"no Python {minor} to pack")
        self.archive_path, self.new = archive, minor
        wheel = self.place.old
        page = f'<a href="/files/{wheel.name}">{wheel.name}</a>'.encode()
        me = "me:" + SECRETS["index-password"]
        digest = f"{hash_archive(archive)}  python.tar.gz\n".encode()
        self.server = ProtectedServer(
            {
                "/python.tar.gz": ("me:" + SECRETS["archive-password"], archive.read_bytes()),
                "/sha256": ("me:" + SECRETS["sha256-password"], digest),
                "/simple/greeter/": (me, page),
                f"/files/{wheel.name}": (me, wheel.read_bytes()),
                "/alerts": ("me:" + SECRETS["gate-password"], b'{"quiet": true}'),
            }
        )
        self._plant_data()
        self.inventory = root / "inventory.json"
        self.inventory.write_text(json.dumps({"all": {"hosts": {"host1": self._declare_host()}}}), encoding="utf-8")

    def _plant_data(self):
        """What an inventory reads on a host."""
        source = self.place.home / "app"
        (source / ".git").mkdir(parents=True)
        (source / ".git" / "config").write_text(
            f'[remote "origin"]\n\turl = https://me:{SECRETS["remote"]}@git.example.org/app.git\n'
        )
        (source / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        (source / "requirements.txt").write_text(
            f"--extra-index-url https://me:{SECRETS['requirement']}@index.example.org/simple\ngreeter==1.0\n"
        )
        (info,) = (self.place.home / "venv").glob("lib/*/site-packages/greeter-1.0.dist-info")
        (info / "direct_url.json").write_text(
            json.dumps({"url": f"https://me:{SECRETS['direct-url']}@git.example.org/greeter.whl", "archive_info": {}})
        )

    def _declare_host(self):
        make_url, home = self.server.make_url, self.place.home
        check = f"http://127.0.0.1:{self.place.port}/?token={SECRETS['check-token']}"
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "oxzep7_become": False,
            "oxzep7_target": self.new,
            "oxzep7_state_dir": str(self.root / "host"),
            "oxzep7_interpreter_dir": str(self.root / "interpreters"),
            "oxzep7_wheelhouse_dir": str(self.root / "wheelhouse"),
            "oxzep7_backup_dir": str(self.root / "backups"),
            "oxzep7_cache_dir": str(self.root / "cache"),
            "oxzep7_roots": [str(home)],
            "oxzep7_homes": False,
            "oxzep7_stability_window": 0.5,
            "oxzep7_timeout": 15,
            "oxzep7_applications": [
                self.place.declare_application(
                    source=str(home / "app"),
                    requirements=[str(home / "app" / "requirements.txt")],
                    checks=[{"name": "greets", "http": {"url": check}}],
                    # The direct URL that is planted is a file that the package did not record.
                    carry="drop",
                )
            ],
            "oxzep7_interpreters": [
                {
                    "source": "archive",
                    "version": self.new,
                    "url": make_url(
                        "/python.tar.gz",
                        f"me:{SECRETS['archive-password']}@",
                        f"?token={SECRETS['archive-token']}",
                    ),
                    "sha256": make_url(
                        "/sha256", f"me:{SECRETS['sha256-password']}@", f"?sig={SECRETS['sha256-token']}"
                    ),
                },
                {"source": "uv", "mirror": make_url("/mirror", f"me:{SECRETS['mirror-password']}@")},
            ],
            "oxzep7_indexes": [{"name": "own", "url": make_url("/simple")}],
            "oxzep7_gate": {
                "url": make_url("/alerts", f"me:{SECRETS['gate-password']}@", f"?api_key={SECRETS['gate-token']}"),
                "headers": {"X-Api-Key": SECRETS["gate-header"]},
                "expression": "quiet",
            },
            "oxzep7_notifications": [
                {
                    "kind": "webhook",
                    "url": make_url(f"/services/{SECRETS['hook-path']}", "", f"?token={SECRETS['hook-token']}"),
                    "secret": SECRETS["hook-secret"],
                }
            ],
            "oxzep7_backup_repository": f"rest:https://me:{SECRETS['repository-password']}@backup.example.org/r",
        }

    def declare_sick(self):
        """The application with a check that fails."""
        declared = self._declare_host()["oxzep7_applications"]
        declared[0]["checks"][0]["http"]["status"] = 500
        return declared

    def run(self, playbook, *options):
        """Run *playbook*; returns its exit status and what it printed."""
        watch = ProcessWatch()
        words = ["-vvv", "--diff", "-i", str(self.inventory), f"oxzep7.python.{playbook}", *options]
        try:
            done = subprocess.run(
                ["ansible-playbook", *words],
                cwd=self.root,
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **SETTINGS},
            )
        finally:
            seen = watch.stop()
        printed = done.stdout + done.stderr
        assert list_leaks(printed) == [], playbook
        assert seen == set(), playbook
        return done.returncode, printed

    def list_files_with_secrets(self):
        """Every file that the runs left behind and that has a secret, except copies of the application's own files."""
        found = []
        for name in ("host", "oxzep7", "cache", "interpreters", "wheelhouse", "backups"):
            for path in sorted((self.root / name).rglob("*")):
                if not path.is_file() or path.is_symlink() or ".tar" in path.name:
                    continue
                data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
                if PLANTED.encode() in data:
                    found.append(str(path.relative_to(self.root)))
        return found


def list_leaks(text):
    """The lines of *text* with a secret, as it is written or decoded, shortened."""
    found = []
    for line in text.splitlines():
        at = line.find(PLANTED)
        if at >= 0:
            found.append(line[max(0, at - 200) : at + 100])
    return found


@pytest.fixture
def world(tmp_path, interpreters):
    made = World(tmp_path, interpreters)
    yield made
    made.place.control_service("stop")
    made.server.http.shutdown()
    made.server.http.server_close()


def test_no_playbook_shows_stores_or_passes_on_credentials(world):
    runs = [
        ("audit", ()),
        ("plan", ("--check",)),
        ("plan", ()),
        ("rehearse", ()),
        ("upgrade", ("--check",)),
        ("upgrade", ("-e", "oxzep7_run_id=first")),
        ("backup", ()),
        ("drill", ()),
        ("diagnose", ()),
        ("status", ()),
        ("record", ("-e", "oxzep7_record_run=first")),
        ("rollback", ("--check",)),
        ("rollback", ()),
        ("recover", ()),
    ]
    assert {playbook for playbook, _options in runs} == {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    for playbook, options in runs:
        began = time.monotonic()
        status, printed = world.run(playbook, *options)
        assert status == 0, printed[-4000:]
        print(playbook, options, f"{time.monotonic() - began:.0f} s")
        assert world.list_files_with_secrets() == [], playbook
        if (playbook, options) == runs[5]:
            assert world.place.read_greeting() == "old" and "promoted" in printed
            assert list((world.root / "interpreters").glob(f"{world.new}*")) != []
    assert world.server.hooks != []
    # The credentials were used, and not only left out.
    assert world.server.served == {path for path, (wanted, _data) in world.server.files.items() if wanted}
    # What a failure tells has none either.
    (world.root / "sick.json").write_text(json.dumps({"oxzep7_applications": world.declare_sick()}), encoding="utf-8")
    status, printed = world.run("upgrade", "-e", "@sick.json")
    assert status != 0 and "answered 200, not 500" in printed
    assert world.list_files_with_secrets() == []
