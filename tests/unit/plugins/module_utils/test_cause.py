# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cause that the output of programs which do not start names; the programs run here."""

import os
import subprocess
import sys
import textwrap

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._cause import CAUSE_LENGTH, find_cause
from ansible_collections.oxzep7.python.tests.unit.plugins.module_utils.failing_programs import (
    PACKAGES,
    PROGRAMS,
    get_expected_texts,
    get_source,
)


@pytest.fixture
def folder(tmp_path):
    site = tmp_path / "lib" / "python3.9" / "site-packages"
    site.mkdir(parents=True)
    for name, text in PACKAGES.items():
        (site / name).write_text(text)
    return tmp_path


def run_program(command, folder):
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder / "lib/python3.9/site-packages"),
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False
    )
    return done.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_cause_of_a_python_program(folder, name):
    file = folder / "program.py"
    file.write_text(get_source(name))
    expected = get_expected_texts(name, str(file), str(folder / "lib/python3.9/site-packages"))
    output = run_program([sys.executable, str(file)], folder)
    found = find_cause(output)
    assert found is not None, output
    assert any(text in found for text in expected), (found, output)
    assert "\n" not in found


def test_cause_names_the_file_with_the_wrong_syntax(folder):
    (folder / "program.py").write_text("import broken\n")
    found = find_cause(run_program([sys.executable, str(folder / "program.py")], folder))
    assert str(folder / "lib/python3.9/site-packages/broken.py") + ", line 1)" in found


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-m", "no_such_module"], "No module named no_such_module"),
        (["/nowhere/program.py"], "can't open file '/nowhere/program.py'"),
    ],
)
def test_cause_of_an_interpreter_without_its_program(folder, arguments, expected):
    assert expected in find_cause(run_program([sys.executable, *arguments], folder))


def test_cause_of_an_interpreter_without_its_library(folder):
    environment = dict(os.environ, PYTHONHOME=str(folder / "nowhere"))
    done = subprocess.run(
        [sys.executable, "-c", "1"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        check=False,
    )
    assert find_cause(done.stdout).startswith("Fatal Python error: ")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("/nowhere/bin/gunicorn app", "/nowhere/bin/gunicorn"),
        ("no-such-command", "no-such-command"),
        ("exec /nowhere/python", "/nowhere/python"),
    ],
)
def test_cause_of_a_shell_without_its_program(folder, script, expected):
    assert expected in find_cause(run_program(["sh", "-c", script], folder))


def test_cause_of_a_missing_library(folder):
    # ld.so(8) opens what LD_PRELOAD names before it starts the program, and only says so when that fails.
    text = "/srv/x/bin/python: error while loading shared libraries: libssl.so.1.1: cannot open shared object file\n"
    assert find_cause("starting\n" + text) == text.partition(": ")[2].strip()


def test_exception_group():
    if sys.version_info < (3, 11):
        pytest.skip("no exception groups")
    code = "raise ExceptionGroup('all', [ValueError('one'), ImportError('two')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "all (2 sub-exceptions)" in find_cause(done.stderr)


# As systemd 252 and gunicorn 20.1 wrote it into the journal of a host.
JOURNALS = {
    "program missing": (
        """\
        web.service: Failed to locate executable /srv/x/venv/bin/gunicorn: No such file or directory
        web.service: Failed at step EXEC spawning /srv/x/venv/bin/gunicorn: No such file or directory
        Started web.service - web.
        web.service: Main process exited, code=exited, status=203/EXEC
        web.service: Failed with result 'exit-code'.
        """,
        "Failed at step EXEC spawning /srv/x/venv/bin/gunicorn: No such file or directory",
    ),
    "killed": (
        """\
        Started web.service - web.
        web.service: Main process exited, code=killed, status=9/KILL
        web.service: Failed with result 'signal'.
        """,
        "Main process exited, code=killed, status=9/KILL",
    ),
    "last words": (
        """\
        Started web.service - web.
        the licence has expired
        web.service: Main process exited, code=exited, status=4/NOPERMISSION
        web.service: Failed with result 'exit-code'.
        """,
        "the licence has expired (Main process exited, code=exited, status=4/NOPERMISSION)",
    ),
    "address in use": (
        """\
        [2026-11-30 02:51:16 +0000] [15632] [ERROR] Connection in use: ('127.0.0.1', 9193)
        [2026-11-30 02:51:16 +0000] [15632] [ERROR] Retrying in 1 second.
        [2026-11-30 02:51:19 +0000] [15632] [ERROR] Can't connect to ('127.0.0.1', 9193)
        """,
        "Connection in use: ('127.0.0.1', 9193)",
    ),
    "worker of gunicorn": (
        """\
        [2026-11-30 02:51:12 +0000] [15616] [ERROR] Exception in worker process
        Traceback (most recent call last):
          File "/srv/x/venv/lib/python3.9/site-packages/gunicorn/util.py", line 359, in import_app
            mod = importlib.import_module(module)
          File "/opt/oxzep7/interpreters/3.9.18/lib/python3.9/importlib/__init__.py", line 127, in import_module
            return _bootstrap._gcd_import(name[level:], package, level)
          File "<frozen importlib._bootstrap>", line 1030, in _gcd_import
          File "/srv/x/app/web.py", line 1, in <module>
            import nothing_here
        ModuleNotFoundError: No module named 'nothing_here'
        [2026-11-30 02:51:12 +0000] [15616] [INFO] Worker exiting (pid: 15616)
        Traceback (most recent call last):
          File "/srv/x/venv/lib/python3.9/site-packages/gunicorn/arbiter.py", line 202, in run
            self.manage_workers()
        gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>
        """,
        "ModuleNotFoundError: No module named 'nothing_here' (/srv/x/app/web.py, line 1)",
    ),
}


@pytest.mark.parametrize("name", JOURNALS)
def test_cause_in_a_journal(name):
    text, expected = JOURNALS[name]
    assert find_cause(textwrap.dedent(text)) == expected


@pytest.mark.parametrize("text", ["", "\n\n", "Started web.service - web.\n", "127.0.0.1 - - GET / 200\n"])
def test_nothing_is_named(text):
    assert find_cause(text) is None


def test_cause_is_bounded():
    found = find_cause('Traceback (most recent call last):\n  File "x.py", line 1\nValueError: %s\n' % ("x" * 10000))
    assert len(found) == CAUSE_LENGTH and found.endswith("…")
