# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks against real servers on this machine, and the arithmetic of downtime."""

import http.server
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._evaluation import (
    collect_measurements,
    evaluate_check,
    evaluate_checks,
    select_failures,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._probe import compute_downtime, compute_pause
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckContext
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._command import CommandCheck
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._freshness import parse_timestamp
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._http import resolve_json_pointer
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._http_client import (
    build_tls_context,
    fetch_response,
    get_certificate_days,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._port import list_listening_ports
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._signals import (
    InterruptedBySignalError,
    handle_signals,
    restore_signals,
)

BODIES = {"/text": b"not json", "/deep": b"[" * 100000}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 302 if self.path == "/moved" else 503 if self.path in ("/down", "/broken") else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/health")
        if self.path == "/slow":
            time.sleep(0.05)
        if self.path == "/broken":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ff\r\nthe rest never comes")
            return
        body = BODIES.get(self.path, b'{"status": "fine", "parts": [{"a/b": 1}, {"~": null}]}')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
    application = validate_declaration({"name": "a", "environment": "/e", "checks": [dict(options, name="it")]})
    return application["checks"][0]


def verdict(before=None, environment=None, **options):
    return evaluate_check(check(**options), CheckContext(None, environment, before))


def test_http_judges_status_and_body(url):
    assert verdict(http={"url": url + "/health"})["passed"]
    assert verdict(http={"url": url + "/health", "body": '"status": "f'})["passed"]
    assert verdict(http={"url": url + "/down", "status": 503})["passed"]
    wrong = verdict(http={"url": url + "/down"})
    assert not wrong["passed"] and "answered 503, not 200" in wrong["evidence"]
    assert not verdict(http={"url": url + "/health", "body": "sick"})["passed"]


def test_redirects_are_judged_not_followed(url):
    assert fetch_response(url + "/moved", 5.0)[0] == 302
    assert verdict(http={"url": url + "/moved", "status": 302})["passed"]


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_refused_connection_is_a_failure_with_its_reason(url):
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


def test_processes_are_recognised_by_their_executable(tmp_path):
    pidfile = tmp_path / "pid"
    with subprocess.Popen(
        [sys.executable, "-c", "print('up', flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"up\n"
        pidfile.write_text(str(process.pid))
        assert verdict(process={"pidfile": str(pidfile)})["passed"]
        assert verdict(process={"pidfile": str(pidfile), "interpreter": sys.executable})["passed"]
        other = verdict(process={"pidfile": str(pidfile), "interpreter": "/usr/bin/true"})
        assert not other["passed"]
        assert str(process.pid) in other["evidence"] or "/usr/bin/true" in other["evidence"]
        process.communicate(b"\n")
    ended = verdict(process={"pidfile": str(pidfile), "interpreter": sys.executable})
    assert (ended["passed"], ended["evidence"]) == (False, "no process of %s is running" % pidfile)
    with subprocess.Popen(["sleep", "60"]) as process:
        pidfile.write_text(str(process.pid))
        assert "none of the 1 processes" in verdict(process={"pidfile": str(pidfile)})["evidence"]
        process.kill()


@pytest.mark.parametrize(
    "seen, expected",
    [
        ([], 0),
        ([(0.0, 0.1, True), (0.2, 0.3, True)], 0),
        ([(0.0, 0.1, True), (0.2, 0.21, False), (0.3, 0.31, False), (0.4, 0.45, True)], 250),
        ([(0.0, 0.1, False), (0.2, 0.3, True), (1.0, 1.1, False), (1.2, 1.5, True)], 800),
        ([(0.0, 0.1, True), (0.5, 0.6, False)], 100),
    ],
)
def test_downtime_is_from_the_first_failure_to_the_next_answer(seen, expected):
    assert compute_downtime(seen) == expected


@pytest.mark.parametrize(
    "pointer, value", [("", {"a/b": [1, {"~": 2}]}), ("/a~1b", [1, {"~": 2}]), ("/a~1b/0", 1), ("/a~1b/1/~0", 2)]
)
def test_json_pointers_lead_to_values(pointer, value):
    assert resolve_json_pointer({"a/b": [1, {"~": 2}]}, pointer) == value


@pytest.mark.parametrize("pointer", ["a", "/x", "/a~1b/7", "/a~1b/x", "/a~1b/0/deep"])
def test_json_pointers_that_lead_nowhere_say_where_they_end(pointer):
    with pytest.raises(LookupError):
        resolve_json_pointer({"a/b": [1]}, pointer)


@pytest.mark.parametrize(
    "path, options, passed, words",
    [
        ("/", {"json_pointer": "/status"}, True, "200"),
        ("/", {"json_pointer": "/status", "json_value": "fine"}, True, "200"),
        ("/", {"json_pointer": "/parts/0/a~1b", "json_value": 1}, True, "200"),
        ("/", {"json_pointer": "/status", "json_value": "sick"}, False, 'has "fine" at /status, not "sick"'),
        ("/", {"json_pointer": "/gone"}, False, "no 'gone' in it"),
        ("/text", {"json_pointer": "/status"}, False, "is not JSON"),
        ("/deep", {"json_pointer": "/status"}, False, "is not JSON"),
        ("/broken", {}, False, "sent a malformed response: IncompleteRead"),
        ("/slow", {"latency": 0.01}, False, "not at most 0.01"),
        ("/slow", {"latency": 5.0}, True, "200"),
    ],
)
def test_http_judges_values_and_how_long_it_took(url, path, options, passed, words):
    found = verdict(http=dict(options, url=url + path))
    assert found["passed"] is passed and words in found["evidence"]


def test_a_duration_is_compared_with_the_one_before(url):
    before = verdict(http={"url": url + "/slow", "at_most": "1.5x"})
    assert before["passed"] and before["measured"]["seconds"] >= 0.05
    assert verdict(before=before["measured"], http={"url": url + "/slow", "at_most": "50x"})["passed"]
    slower = verdict(before={"seconds": 0.01}, http={"url": url + "/slow", "at_most": "1.5x"})
    assert not slower["passed"] and "0.010 before the promotion: more than 1.5x" in slower["evidence"]


def test_a_signal_during_a_check_ends_the_module_and_not_only_the_check(monkeypatch):
    def interrupt(*_arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(CommandCheck, "evaluate", interrupt)
    previous = handle_signals()
    try:
        with pytest.raises(InterruptedBySignalError):
            verdict(command={"cmd": "true"})
    finally:
        restore_signals(previous)


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.check_call(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            str(folder / "key"),
            "-out",
            str(folder / "certificate"),
            "-days",
            "10",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ],
        stderr=subprocess.DEVNULL,
    )
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(folder / "certificate"), str(folder / "key"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "https://localhost:%d/" % server.server_address[1], str(folder / "certificate")
    server.shutdown()
    server.server_close()


def test_a_certificate_must_be_trusted_and_good_for_a_while(secure):
    url, authority = secure
    assert not verdict(http={"url": url})["passed"]
    assert verdict(http={"url": url, "validate_certs": False})["passed"]
    assert verdict(http={"url": url, "ca_path": authority, "tls_days": 9})["passed"]
    ending = verdict(http={"url": url, "ca_path": authority, "tls_days": 30})
    assert not ending["passed"] and "days, not 30" in ending["evidence"]
    assert 9 < get_certificate_days(url, 5.0, build_tls_context({"url": url, "ca_path": authority})) <= 10
    assert (
        "is not known without validate_certs"
        in verdict(http={"url": url, "validate_certs": False, "tls_days": 1})["evidence"]
    )


def test_without_tls_there_is_no_certificate_and_no_authority_is_read(url):
    assert build_tls_context({"url": url}) is None and build_tls_context({"url": "HTTPS://x"}) is build_tls_context(
        {"url": "https://y"}
    )
    assert "it is not https" in verdict(http={"url": url + "/health", "tls_days": 1})["evidence"]


@pytest.mark.parametrize(("taken", "waits"), [(0.0, 0.02), (0.001, 0.02), (0.02, 0.1), (2.0, 0.25)])
def test_pauses_depend_on_the_duration_of_an_evaluation(taken, waits):
    assert compute_pause(taken, 0.02, 0.25, 5) == waits


def test_listening_ports_are_found(url):
    port = int(url.rsplit(":", 1)[1])
    assert port in list_listening_ports() and verdict(port={"port": port})["passed"]
    assert "no process listens" in verdict(port={"port": closed_port()})["evidence"]


def test_new_lines_of_a_log_are_searched(tmp_path):
    path = tmp_path / "log"
    path.write_text("ERROR of yesterday\n")
    options = {"path": str(path), "forbid": "ERROR"}
    first = verdict(log=options)
    assert first["passed"]
    path.open("a").write("fine\n")
    assert verdict(before=first["measured"], log=options)["passed"]
    waiting = verdict(before=first["measured"], log=dict(options, require="^ready$"))
    assert not waiting["passed"] and "no line that matches '^ready$'" in waiting["evidence"]
    path.open("a").write("ready\n")
    assert verdict(before=first["measured"], log=dict(options, require="^ready$"))["passed"]
    path.open("a").write("ERROR of today\n")
    assert "ERROR of today" in verdict(before=first["measured"], log=options)["evidence"]


def test_a_log_that_was_rotated_counts_from_its_beginning(tmp_path):
    path = tmp_path / "log"
    path.write_text("a long line before\n")
    first = verdict(log={"path": str(path), "forbid": "ERROR"})
    path.rename(tmp_path / "log.1")
    path.write_text("ERROR\n")
    assert not verdict(before=first["measured"], log={"path": str(path), "forbid": "ERROR"})["passed"]
    assert "No such file" in verdict(log={"path": str(tmp_path / "none"), "forbid": "x"})["evidence"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("0", 0),
        ("1700000000.5", 1700000000.5),
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01 00:01:00", 60),
        ("1970-01-01T01:01:00+01:00", 60),
        ("1969-12-31T23:01:00.123-0100", 60),
    ],
)
def test_timestamps_are_parsed(text, expected):
    assert parse_timestamp(text) == expected


def test_freshness_examines_a_file_or_a_command(tmp_path):
    path = tmp_path / "done"
    path.write_text("")
    assert verdict(freshness={"path": str(path), "seconds": 60})["passed"]
    os.utime(str(path), (1, 1))
    assert "seconds old, at most 60 are allowed" in verdict(freshness={"path": str(path), "seconds": 60})["evidence"]
    assert (
        verdict(freshness={"cmd": "date +%s", "seconds": 60})["passed"]
        and verdict(freshness={"cmd": "date -u +%FT%TZ", "seconds": 60})["passed"]
    )
    assert "neither a number" in verdict(freshness={"cmd": "echo never", "seconds": 60})["evidence"]
    assert "ended with 1" in verdict(freshness={"cmd": "false", "seconds": 60})["evidence"]


def test_python_runs_in_the_environment(tmp_path):
    (tmp_path / "bin").mkdir()
    os.symlink(sys.executable, str(tmp_path / "bin" / "python"))
    environment = str(tmp_path)
    assert verdict(
        environment=environment,
        python={"imports": ["json", "os.path"], "expression": "json.loads('1') == 1 and os.path"},
    )["passed"]
    assert "No module named 'nowhere'" in verdict(environment=environment, python={"imports": ["nowhere"]})["evidence"]
    assert "1 == 2 is not true" in verdict(environment=environment, python={"expression": "1 == 2"})["evidence"]
    assert "no environment" in verdict(python={"imports": ["json"]})["evidence"]


def test_checks_get_their_measurements_and_accepted_failures_do_not_count(tmp_path):
    path = tmp_path / "log"
    path.write_text("ERROR\n")
    checks = [check(log={"path": str(path), "forbid": "ERROR"}), dict(check(command={"cmd": "false"}), name="sick")]
    first = evaluate_checks(checks, CheckContext())
    assert [result["name"] for result in select_failures(first)] == ["sick"]
    again = evaluate_checks(checks, CheckContext(), collect_measurements(first))
    assert select_failures([dict(result, accepted=result["name"] == "sick") for result in again]) == []


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"log": {"path": "/x", "forbid": "("}}, "forbid"),
        ({"http": {"url": "http://x", "body": "["}}, "body"),
        ({"http": {"url": "http://x", "at_most": "fast"}}, "at_most"),
        ({"log": {"path": "/x"}}, "one of the following is required"),
        ({"freshness": {"seconds": 1}}, "one of the following is required"),
        ({"python": {}}, "one of the following is required"),
    ],
)
def test_invalid_checks_are_refused_with_their_option(options, expected):
    with pytest.raises(ApplicationError, match=expected):
        parse_application(
            validate_declaration({"name": "a", "environment": "/e", "checks": [dict(options, name="it")]})
        )
