# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dry_start, run for real: an application is started beside the live one from the environment of a trial."""

from __future__ import annotations

import os
import pathlib
import pwd
import re
import subprocess

import pytest
import yaml

from tests.integration.conftest import ROOT, make_lock, write_wheel

SERVER = """
import http.server, sys
import plugin
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = plugin.NAME.encode()
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
        self.wfile.write(answer)
port = int(sys.argv[sys.argv.index("--port") + 1])
print("serving with", sys.prefix, flush=True)
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def read_example():
    """The application of the example in the documentation."""
    text = (ROOT / "docs" / "plan-and-rehearse.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- example: dry start -->\n```yaml\n(.*?)```", text, re.DOTALL)
    return yaml.safe_load(found[1])["oxzep7_applications"][0]


@pytest.fixture
def tried(module, tmp_path, interpreters):
    """Tries a version of a package whose use fails when the server runs; returns the result of its start."""
    source, environment, packages = (tmp_path / name for name in ("app", "venv", "packages"))
    source.mkdir()
    packages.mkdir()
    (source / "billing.py").write_text(SERVER)
    old = write_wheel(packages, "plugin", "1.0", {"plugin.py": "NAME = 'old'\n"})
    subprocess.run([interpreters[0][1], "-m", "venv", str(environment)], check=True)
    subprocess.run([environment / "bin" / "python", "-m", "pip", "install", "-q", "--no-index", old], check=True)
    declared = {
        **read_example(),
        "environment": str(environment),
        "source": str(source),
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "tests": ["true"],
    }
    state = {"version": interpreters[1][0] + ".0", "state_dir": str(tmp_path / "state")}

    def run(text, **start):
        application = {**declared, "rehearse": {"start": {**declared["rehearse"]["start"], **start}}}
        new = write_wheel(packages, "plugin", "2.0", {"plugin.py": text})
        trial = module(
            "environment",
            state="trial",
            application=application,
            interpreter=interpreters[1][1],
            lock=make_lock(new),
            wheels=str(packages),
            probe="entry_points",
            **state,
        )
        assert not trial.get("failed"), trial
        results = [module("dry_start", check=check, application=application, **state) for check in (True, False)]
        assert not any(result.get("failed") or result["changed"] for result in results), results
        assert results[0]["failures"] == {}
        assert not find_servers(tmp_path)
        return results[1]

    return run


def find_servers(folder):
    """Processes of Pythons below *folder*."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                directory = os.readlink(entry / "cwd")
            except OSError:
                continue
            if b"billing" in words and directory.startswith(str(folder)):
                found.append(words)
    return found


def test_the_documented_example_starts_beside_the_live_application(tried):
    result = tried("NAME = 'new'\n")
    assert result["failures"] == {} and result["untried"] == []


def test_a_start_that_fails_is_told_with_its_traceback(tried):
    (failure,) = tried("def __getattr__(name):\n    import gone.module\n", timeout=5)["failures"].values()
    assert "No module named 'gone'" in failure["text"] and failure["missing"] == "gone"
    assert failure["frames"][-1].endswith("plugin.py")


def test_a_start_that_fails_before_too_is_no_failure(tried):
    result = tried("NAME = 'new'\n", command="python -c 'raise SystemExit(3)'")
    assert result["failures"] == {}
    assert "ended with 3" in result["untried"][0]["reason"] and result["untried"][0]["count"] == 1


def test_without_a_trial_there_is_nothing_to_start(module, tmp_path, interpreters):
    application = {
        "name": "app",
        "environment": str(tmp_path),
        "user": "root",
        "rehearse": {"start": {"command": "true"}},
    }
    options = {"version": interpreters[1][0] + ".0", "state_dir": str(tmp_path / "state")}
    message = module("dry_start", application=application, **options)["msg"]
    assert "is not the environment of a trial; try a lock first" in message
    assert (
        "declare `rehearse.start`" in module("dry_start", application={**application, "rehearse": {}}, **options)["msg"]
    )
