# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks against real servers on this machine, and the arithmetic of downtime."""

import http.server
import os
import socket
import subprocess
import sys
import threading

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application import validated
from ansible_collections.oxzep7.python.plugins.module_utils._health._checks import evaluate, fetch
from ansible_collections.oxzep7.python.plugins.module_utils._health._probe import downtime
from ansible_collections.oxzep7.python.plugins.module_utils._health._processes import examine


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 302 if self.path == "/moved" else 503 if self.path == "/down" else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/health")
        self.end_headers()
        self.wfile.write(b'{"status": "fine"}')

    def log_message(self, *_arguments):
        pass


@pytest.fixture(scope="module")
def url():
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d" % server.server_address[1]
    server.shutdown()
    server.server_close()


def check(**options):
    application = validated({"name": "a", "environment": "/e", "checks": [dict(options, name="it")]})
    return application["checks"][0]


def verdict(**options):
    return evaluate(check(**options), None)


def test_http_judges_status_and_body(url):
    assert verdict(http={"url": url + "/health"})["passed"]
    assert verdict(http={"url": url + "/health", "body": '"status": "f'})["passed"]
    assert verdict(http={"url": url + "/down", "status": 503})["passed"]
    wrong = verdict(http={"url": url + "/down"})
    assert not wrong["passed"] and "answered 503, not 200" in wrong["evidence"]
    assert not verdict(http={"url": url + "/health", "body": "sick"})["passed"]


def test_redirects_are_judged_not_followed(url):
    assert fetch(url + "/moved", 5.0)[0] == 302
    assert verdict(http={"url": url + "/moved", "status": 302})["passed"]


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_nobody_there_is_a_failure_with_its_reason(url):
    port = closed_port()
    for failed in (verdict(http={"url": "http://127.0.0.1:%d/" % port}), verdict(tcp={"port": port})):
        assert not failed["passed"] and "refused" in failed["evidence"].lower()
    assert verdict(tcp={"port": int(url.rsplit(":", 1)[1])})["passed"]


def test_commands_are_judged_by_status_and_stopped_in_time():
    assert verdict(command={"cmd": "true"})["passed"]
    assert verdict(command={"cmd": ["sh", "-c", "exit 3"], "rc": 3})["passed"]
    assert "no such thing" in verdict(command={"cmd": "sh -c 'echo no such thing; exit 1'"})["evidence"]
    assert "stopped after" in verdict(command={"cmd": "sleep 60", "timeout": 0.2})["evidence"]
    assert "ended with 127" in verdict(command={"cmd": "/no/such/program"})["evidence"]


def test_processes_are_told_by_their_executable(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "print('up', flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        pidfile = tmp_path / "pid"
        pidfile.write_text(str(process.pid))
        assert examine([], [str(pidfile)], sys.executable, None)[0]
        passed, evidence = examine([], [str(pidfile)], "/usr/bin/true", None)
        assert not passed and str(process.pid) in evidence
        mapped = os.path.dirname(os.path.realpath("/proc/%d/exe" % process.pid))
        assert "still maps" in examine([], [str(pidfile)], None, mapped)[1]
        process.communicate(b"\n")
    assert examine([], [str(pidfile)], sys.executable, None) == (False, "no process of %s runs" % pidfile)


@pytest.mark.parametrize("seen, expected", [
    ([], 0),
    ([(0.0, 0.1, True), (0.2, 0.3, True)], 0),
    ([(0.0, 0.1, True), (0.2, 0.21, False), (0.3, 0.31, False), (0.4, 0.45, True)], 250),
    ([(0.0, 0.1, False), (0.2, 0.3, True), (1.0, 1.1, False), (1.2, 1.5, True)], 800),
    ([(0.0, 0.1, True), (0.5, 0.6, False)], 100),
])
def test_downtime_is_from_the_first_failure_to_the_next_answer(seen, expected):
    assert downtime(seen) == expected
