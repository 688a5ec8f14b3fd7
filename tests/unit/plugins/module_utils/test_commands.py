# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands: what is held of their output, and what becomes of processes that they leave behind."""

import contextlib
import os
import resource
import signal
import stat
import sys
import time

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._services import start_after_swap
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._base import CheckContext
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks._command import CommandCheck
from ansible_collections.oxzep7.python.plugins.module_utils._host import _commands
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import (
    EVIDENCE_BYTES,
    LOG_BYTES,
    WHOLE_BYTES,
    RunningCommand,
    run_command,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services.commands import CommandService

# Prints N bytes in lines of 100, the last of which is "end".
PRINT = "import sys; [sys.stdout.write('x' * 99 + chr(10)) for _line in range({0} // 100)]; print('end')"
# Leaves a process behind that writes its identifier to a file, and prints a line when it is told to.
LEAVE = """
echo started
sh -c 'echo $$ >"$1.pid"; mv "$1.pid" "$1.ready"; while [ ! -e "$1.go" ]; do sleep 0.05; done
  echo later; echo done >"$1.done"; sleep 1000' sh "$1" &
while [ ! -e "$1.ready" ]; do sleep 0.05; done
"""


def printing(size):
    return [sys.executable, "-c", PRINT.format(size)]


def wait_for(path):
    for _attempt in range(600):
        if os.path.exists(path):
            return
        time.sleep(0.05)
    raise AssertionError("%s does not appear" % path)


@pytest.fixture
def left(tmp_path):
    """The words of a command that leaves a process behind, which is ended after the test."""
    yield ["sh", "-c", LEAVE, "sh", str(tmp_path / "left")]
    if (tmp_path / "left.ready").exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((tmp_path / "left.ready").read_text()), signal.SIGKILL)


@pytest.fixture(params=["with", "without"])
def process_handles(request, monkeypatch):
    """Each test with pidfd_open(2), where Python has it, and without."""
    if request.param == "without":
        monkeypatch.delattr(os, "pidfd_open", raising=False)


@pytest.mark.parametrize("size", [0, 5000, 300000])
def test_output_is_complete(process_handles, size):
    done = run_command(printing(size), 60)
    assert done.rc == 0 and len(done.stdout) == size + 4 and done.stdout.endswith("end\n") and done.dropped == 0


def test_of_evidence_the_end_is_kept(process_handles):
    done = run_command(printing(1000000), 60, tail=1000)
    assert done.rc == 0 and len(done.stdout) == 1000 and done.stdout.endswith("x\nend\n")
    assert done.dropped == 1000004 - 1000
    shown = done.to_dict()["stdout"]
    assert shown.startswith("[more than 999004 bytes of output came before this]\n") and shown.endswith("end\n")
    failing = run_command([sys.executable, "-c", PRINT.format(3 << 20) + "; sys.exit('cause')"], 60, tail=100)
    assert failing.rc == 1 and failing.stderr == "cause\n" and len(failing.stdout) == 100


def test_what_is_parsed_is_never_cut(process_handles):
    done = run_command(printing(WHOLE_BYTES + 100), 60)
    assert (done.rc, done.stdout) == (125, "") and "printed more than 64 MiB" in done.stderr
    lines = WHOLE_BYTES // 100
    done = run_command(printing(lines * 100), 60)
    assert done.rc == 0 and len(done.stdout) == lines * 100 + 4


def test_standard_error_is_bounded():
    words = [sys.executable, "-c", "import os; [os.write(2, b'y' * 65536) for _block in range(100)]"]
    assert len(run_command(words, 60).stderr) == EVIDENCE_BYTES


def test_a_check_that_prints_for_ever_needs_little_memory():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    verdict = CommandCheck().evaluate({"cmd": ["yes"], "rc": 0, "timeout": 1.0}, CheckContext())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert not verdict.passed and "stopped after 1 seconds" in verdict.evidence
    assert grown < 32 << 10, "%d KiB" % grown


def test_both_streams_are_read_at_once(process_handles):
    program = "import os; [os.write(1 + turn % 2, b'z' * 65536) for turn in range(40)]"
    done = run_command([sys.executable, "-c", program], 60)
    assert done.rc == 0 and len(done.stdout) == 20 * 65536


def test_input_and_descriptors(tmp_path):
    assert run_command(["cat"], 60, stdin="a" * 200000).stdout == "a" * 200000
    assert run_command(["cat"], 60).stdout == ""
    (tmp_path / "in").write_text("given")
    with open(str(tmp_path / "in"), "rb") as source, open(str(tmp_path / "out"), "wb") as target:
        done = run_command(["cat"], 60, source=source.fileno(), target=target.fileno())
    assert done == (["cat"], 0, "", "", 0) and (tmp_path / "out").read_text() == "given"
    assert run_command(["/nowhere"], 60).rc == 127 == run_command(["/nowhere"], 60, log=str(tmp_path / "log")).rc


def test_the_end_of_a_command_is_not_that_of_what_it_leaves_behind(process_handles, left, tmp_path):
    done = run_command(left, 60)
    assert (done.rc, done.stdout) == (0, "started\n")
    assert os.path.exists("/proc/%s" % (tmp_path / "left.ready").read_text().strip())


def test_a_command_that_is_stopped_takes_its_session_along(process_handles):
    done = run_command(["sh", "-c", "echo begun; sleep 1000 & wait"], 0.5)
    assert done.rc == 124 and done.stdout == "begun\n" and "stopped after 0.5 seconds" in done.stderr


def test_a_service_writes_to_a_file_that_is_there(left, tmp_path):
    log = tmp_path / "logs" / "app.log"
    service = CommandService("app", "restart", {"start": list(left), "stop": ["true"], "status": ["true"]})
    start_after_swap([service], log=str(log))
    assert log.read_text() == "started\n" and stat.S_IMODE(log.stat().st_mode) == 0o600
    pid = int((tmp_path / "left.ready").read_text())
    assert [os.readlink("/proc/%d/fd/%d" % (pid, number)) for number in (1, 2)] == [str(log)] * 2
    (tmp_path / "left.go").touch()
    wait_for(str(tmp_path / "left.done"))
    assert log.read_text() == "started\nlater\n"


def test_a_log_is_emptied_when_it_is_large(tmp_path):
    log = tmp_path / "log"
    log.write_text("x" * (LOG_BYTES - 1) + "\n")
    done = run_command(["sh", "-c", "echo one; echo two >&2; exit 3"], 60, log=str(log))
    assert (done.rc, done.stdout, done.stderr) == (3, "one\ntwo\n", "") and log.stat().st_size == LOG_BYTES + 8
    assert run_command(["echo", "three"], 60, log=str(log)).stdout == "three\n" == log.read_text()
    assert len(run_command(printing(3 << 20), 60, log=str(log)).stdout) == EVIDENCE_BYTES


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for path in (tmp_path / "file" / "log", tmp_path / "link"):
        assert run_command(["sh", "-c", "echo said; exit 4"], 60, log=str(path)) == (
            ["sh", "-c", "echo said; exit 4"],
            4,
            "",
            "",
            0,
        )
    assert not (tmp_path / "target").exists()


def test_no_command_leaves_an_open_file(tmp_path):
    def count():
        return len(os.listdir("/proc/self/fd"))

    run_command(["true"], 60)
    before = count()
    for options in ({}, {"stdin": "x"}, {"log": str(tmp_path / "log")}, {"tail": 10}):
        assert run_command(["true"], 60, **options).rc == 0
        assert run_command(["/nowhere"], 60, **options).rc == 127
    assert count() == before
    running = RunningCommand(["true"])
    assert running.wait(60).rc == 0 and count() == before and _commands.PIPE_BYTES >= _commands.READ_BYTES
