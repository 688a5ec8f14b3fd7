# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of the genuine supervisor as services of an application."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from tests.integration.place import GreeterSetup, name_generation

# setuptools has pkg_resources, which supervisor 4.2 imports.
RELEASE = ["supervisor==4.3.0", "setuptools<81"]
CONFIGURATION = """
[unix_http_server]
file={root}/supervisor.sock
[supervisord]
logfile={root}/supervisord.log
pidfile={root}/supervisord.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{root}/supervisor.sock
[program:greeter]
command={home}/wrapper {port}
directory={home}
stopasgroup=true
startretries=1
[program:part]
command={home}/venv/bin/python -c "import time; time.sleep(1000)"
process_name=%(process_num)d
numprocs=2
"""
# As old shops have it: a shell stays between supervisor and Python.
WRAPPER = '#!/bin/sh\nPYTHONUNBUFFERED=1 venv/bin/python -m greeter "$@"\n'


class SupervisedSetup(GreeterSetup):
    """The greeter as a program of supervisor, in a group with others."""

    def __init__(self, root, interpreters, folder):
        super().__init__(root, interpreters)
        self.control_service("stop")
        configuration = root / "supervisor.conf"
        configuration.write_text(CONFIGURATION.format(root=root, home=self.home, port=self.port))
        (self.home / "wrapper").write_text(WRAPPER)
        (self.home / "wrapper").chmod(0o755)
        self.socket = root / "supervisor.sock"
        self.control = [str(folder / "bin" / "supervisorctl"), "-c", str(configuration)]
        subprocess.run([folder / "bin" / "supervisord", "-c", configuration], check=True)
        self.wait_for_programs()

    def ask(self, *words):
        return subprocess.run([*self.control, *words], capture_output=True, text=True, check=False).stdout

    def wait_for_programs(self):
        for _attempt in range(200):
            if self.ask("status").count("RUNNING") == 3:
                return
            time.sleep(0.1)
        raise AssertionError(self.ask("status"))

    def shut_down(self):
        """End supervisor; it answers before it has ended, and breaks connections meanwhile."""
        self.ask("shutdown")
        for _attempt in range(600):
            if not self.socket.exists():
                return
            time.sleep(0.1)
        raise AssertionError(self.ask("status"))

    def list_pids(self):
        return [int(pid) for pid in self.ask("pid", "greeter", "part:0", "part:1").split()]

    def declare_application(self, **options):
        services = [
            {"supervisor": "greeter", "supervisorctl": self.control},
            {"name": "parts", "supervisor": "part:*", "supervisorctl": self.control},
        ]
        return super().declare_application(**{"services": services, **options})


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory, interpreters):
    """The environment of supervisor."""
    folder = tmp_path_factory.mktemp("supervisor") / "venv"
    subprocess.run(["uv", "venv", "--quiet", "--python", interpreters[1][1], folder], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", folder / "bin" / "python", *RELEASE], check=True)
    return folder


@pytest.fixture
def place(tmp_path, interpreters, supervisor):
    made = SupervisedSetup(tmp_path, interpreters, supervisor)
    yield made
    made.shut_down()


def test_programs_are_stopped_and_started_four_times(module, place):
    module("environment", **place.make_build_options(place.build_wheel("2.0", "new")))
    before = place.list_pids()
    results = module.run_four_times("promotion", **place.make_promotion_options(name_generation(place)))
    assert [result["outcome"] for result in results] == ["promoted", "promoted", "unchanged", "unchanged"]
    assert place.read_greeting() == "new" and not set(before) & set(place.list_pids())
    rows = {row["name"]: row for row in results[1]["checks"]}
    assert rows["greeter"]["passed"] and rows["parts"]["passed"]
    # The shell is not Python, its child is.
    new = os.path.realpath(place.interpreters[1][1])
    assert f"1 of 2 processes of greeter: runs {new}" in rows["processes"]["evidence"]
    assert f"2 of 2 processes of parts: runs {new}" in rows["processes"]["evidence"]


def test_a_program_that_does_not_start_is_undone(module, place):
    module("environment", **place.make_build_options(place.build_wheel("2.0", "new", before="raise SystemExit('no')")))
    result = module("promotion", **place.make_promotion_options(name_generation(place)))
    assert result["failed"] and result["outcome"] == "reverted", result
    assert "greeter: ERROR (spawn error)" in result["msg"]
    assert place.read_greeting() == "old" and place.ask("status").count("RUNNING") == 3


def test_the_cause_is_in_the_log_of_the_program(module, place):
    wheel = place.build_wheel("2.0", "new", before="import nothing_here")
    module("environment", **place.make_build_options(wheel))
    result = module("promotion", **place.make_promotion_options(name_generation(place)))
    assert result["outcome"] == "reverted", result
    assert result["cause"].startswith("ModuleNotFoundError: No module named 'nothing_here' (")
    assert result["record"]["cause"] == result["cause"] and result["cause"] in result["msg"]
    assert "Traceback" in result["log"]


def test_programs_that_are_not_there_or_do_not_run(module, place):
    healthy = module("health_check", application=place.declare_application())
    assert healthy["healthy"] and [check["kind"] for check in healthy["checks"]] == ["service", "service", "http"]
    place.ask("stop", "part:1")
    message = module.expect_failure("health_check", application=place.declare_application())
    assert "check 'parts' (service): not running: part:1 is STOPPED" in message
    place.ask("start", "part:1")
    module("environment", **place.make_build_options(place.build_wheel("2.0", "new")))
    options = place.make_promotion_options(name_generation(place))
    options["application"]["services"].append({"supervisor": "none", "supervisorctl": place.control})
    assert "no such service on this host: none" in module("promotion", **options)["msg"]
    place.shut_down()
    refused = module("promotion", **place.make_promotion_options(name_generation(place)))
    assert refused["failed"] and "supervisorctl" in refused["msg"] and "no such file" in refused["msg"]
