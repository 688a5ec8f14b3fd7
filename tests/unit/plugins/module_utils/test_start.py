# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The start of an application beside the live one."""

import pathlib
import sys
import time

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._checked import (
    build_start_check,
    parse_checked_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._units import UnitStart, parse_unit_start
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _output, _start
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import RunningCommand
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import HostReader

LIVE, TRIAL = "/srv/app/venv", "/srv/app/venv.generations/.rehearsal-3.12"


def declare(**start):
    declared = {"name": "app", "environment": LIVE, "source": "/srv/app/code", "rehearse": {"start": start}}
    return parse_checked_declaration(declared)


def build(application, unit=None, environment=TRIAL):
    return _start.build_command(application, application.start, unit, environment, 4711)


def test_a_declared_command_gets_the_port_and_the_paths_of_the_trial():
    application = declare(
        command="gunicorn -b 127.0.0.1:{port} -c %s/etc/x.py %s.old/y app:app" % (LIVE, LIVE),
        port_variable="PORT",
        variables={"URL": "http://localhost:{port}", "LIBRARY": LIVE + "/lib:" + LIVE},
    )
    command = build(application)
    assert command.words == ["gunicorn", "-b", "127.0.0.1:4711", "-c", TRIAL + "/etc/x.py", LIVE + ".old/y", "app:app"]
    assert command.directory == "/srv/app/code"
    assert command.variables == {"PORT": "4711", "URL": "http://localhost:4711", "LIBRARY": TRIAL + "/lib:" + TRIAL}
    assert build(application, environment=LIVE).words[4] == LIVE + "/etc/x.py"


def test_a_relative_program_is_that_of_the_trial_too():
    application = declare(command=["../venv/bin/python", "-m", "app"], directory="/srv/app/code")
    assert build(application).words == [TRIAL + "/bin/python", "-m", "app"]


def test_a_unit_is_started_as_systemd_does():
    text = """[Service]
Environment=PORT=8000 "GREETING=good day" HOME=/srv
Environment=EMPTY=
EnvironmentFile=-/etc/default/app
WorkingDirectory=/srv/app/%p
ExecStartPre=/bin/true
ExecStart=/bin/false
ExecStart=
ExecStart=-/srv/app/venv/bin/gunicorn \\
  --bind 127.0.0.1:${PORT} --name '%i' $OPTIONS app:app $$x
"""
    start, files = parse_unit_start("web@one.service", [text])
    assert files == ["/etc/default/app"] and start.directory == "/srv/app/web"
    assert start.variables == {"PORT": "8000", "GREETING": "good day", "HOME": "/srv", "EMPTY": ""}
    unit = start._replace(variables=dict(start.variables, OPTIONS="--workers 2"))
    command = build(declare(service="web@one.service", port_variable="PORT"), unit)
    assert command.words == (
        [TRIAL + "/bin/gunicorn", "--bind", "127.0.0.1:4711", "--name", "one", "--workers", "2", "app:app", "$x"]
    )
    assert command.directory == "/srv/app/web" and command.variables["PORT"] == "4711"


def test_the_check_of_a_start_has_the_port_and_any_kind():
    start = declare(command="x", check={"http": {"url": "http://127.0.0.1:{port}/health"}}).start
    check = build_start_check("app", start, 4711)
    assert check["http"]["url"] == "http://127.0.0.1:4711/health" and check["http"]["status"] == 200
    assert build_start_check("app", declare(command="x").start, 4711)["tcp"]["port"] == 4711


@pytest.mark.parametrize(
    "start, words",
    [
        ({}, "one of the following is required"),
        ({"service": "web.service"}, "port_variable"),
        ({"command": "x", "service": "y", "port_variable": "P"}, "mutually exclusive"),
        ({"command": "x", "check": {"http": {"url": "x"}, "tcp": {"port": 1}}}, "mutually exclusive"),
        ({"command": "x", "check": {"smell": {}}}, "smell"),
        ({"command": "x", "check": {"http": {"url": "x", "body": "("}}}, "not a valid regular expression"),
        ({"command": "x", "directory": "code"}, "rehearse.start.directory"),
    ],
)
def test_wrong_declarations_are_named(start, words):
    with pytest.raises(ApplicationError, match=words):
        declare(**start)


def run_until(condition, *program, timeout=30.0):
    running = RunningCommand([sys.executable, "-c", "\n".join(program)], tail=1000)
    return running.wait_until(condition, timeout, 0.05, 0.2)


def test_a_command_is_stopped_when_the_condition_comes_true(tmp_path):
    mark = tmp_path / "mark"
    met, done = run_until(
        mark.exists, "import time", "open(%r, 'w').close()" % str(mark), "print('up')", "time.sleep(99)"
    )
    assert met and done.rc == 124


def test_a_command_that_ends_by_itself_tells_why():
    met, done = run_until(lambda: False, "raise ValueError('no')")
    assert not met and done.rc == 1 and "ValueError: no" in done.stderr


def test_nothing_of_a_stopped_command_is_left(tmp_path):
    mark = tmp_path / "pid"
    program = [
        "import os, signal, time",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "child = os.fork()",
        "if child: open(%r, 'w').write(str(child))" % str(mark),
        "while True: print('x' * 1000)",
    ]
    met, _done = run_until(lambda: mark.exists() and bool(mark.read_text()), *program)
    assert met
    # A signal is on its way for a moment.
    deadline = time.monotonic() + 30
    while is_alive(mark.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_alive(pid):
    try:
        return pathlib.Path("/proc", pid, "stat").read_text().split()[2] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_command_that_never_gets_there_is_stopped_in_time():
    met, done = run_until(lambda: False, "import time", "time.sleep(99)", timeout=0.2)
    assert not met and done.rc == 124 and "stopped after 0.2 seconds" in done.stderr
    met, done = RunningCommand(["/no/such/program"]).wait_until(lambda: True, 1.0, 0.1, 0.1)
    assert not met and done.rc == 127


def test_a_traceback_is_read_as_a_failed_import_is():
    text = """[INFO] Starting
Traceback (most recent call last):
  File "/x/site-packages/gunicorn/arbiter.py", line 589, in spawn_worker
    worker.init_process()
  File "/x/site-packages/flask/__init__.py", line 14, in <module>
    from jinja2 import escape
ModuleNotFoundError: No module named 'six.moves'
[INFO] Shutting down
"""
    failure = _output.parse_failure(text)
    assert failure["exception"] == "ModuleNotFoundError" and failure["missing"] == "six.moves"
    assert failure["frames"] == ["/x/site-packages/gunicorn/arbiter.py", "/x/site-packages/flask/__init__.py"]


def test_a_unit_is_read_with_its_files_and_without_a_command_is_none(tmp_path):
    assert _start.read_unit_start("web.service", [str(tmp_path)], HostReader()) is None
    (tmp_path / "web.service").write_text("[Service]\nExecStart=/bin/web\nEnvironmentFile=%s/web.env\n" % tmp_path)
    (tmp_path / "web.env").write_text('# A comment\nSECRET=x y\nPORT="1"\n')
    expected = UnitStart(["/bin/web"], {"SECRET": "x y", "PORT": "1"}, None)
    assert _start.read_unit_start("web", [str(tmp_path)], HostReader()) == expected
    assert parse_unit_start("web.service", ["[Unit]\nDescription=x\n"])[0] == UnitStart([], {}, None)
