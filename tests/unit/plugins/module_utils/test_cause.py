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

# Source of the program, and what the cause must be; {file} is its path, {package} that of a module it imports.
PROGRAMS = {
    "missing module": ("import nothing_here", "ModuleNotFoundError: No module named 'nothing_here' ({file}, line 1)"),
    "missing name": (
        "from inspect import getnothing",
        "ImportError: cannot import name 'getnothing'",
    ),
    "missing attribute": (
        "import collections\ncollections.Nothing",
        "AttributeError: module 'collections' has no attribute 'Nothing' ({file}, line 2)",
    ),
    "in a package": ("import package", "ModuleNotFoundError: No module named 'gone' ({package}, line 2)"),
    "in the standard library": ("import json\njson.loads('{')", "({file}, line 2)"),
    "keyword": ("open(nothing=1)", "TypeError: "),
    "syntax": ("x = 1\nprint 'x'\n", "SyntaxError: "),
    "syntax in a package": ("import broken", "SyntaxError: "),
    "indentation": ("if 1:\nx = 1\n", "IndentationError: expected an indented block"),
    "no message": ("raise ValueError", "ValueError ({file}, line 1)"),
    "message of several lines": ("raise ValueError('first\\nsecond')", "ValueError: first ({file}, line 1)"),
    "own exception": (
        "class Gone(Exception):\n    pass\n\n\nraise Gone('no region')",
        "__main__.Gone: no region ({file}, line 5)|Gone: no region ({file}, line 5)",
    ),
    "while another was handled": (
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise KeyError('x')",
        "KeyError: 'x' ({file}, line 4)",
    ),
    "raised from another": (
        "try:\n    import nothing_here\nexcept ImportError as error:\n    raise RuntimeError('no settings') from error",
        "RuntimeError: no settings ({file}, line 4); caused by ModuleNotFoundError: No module named 'nothing_here' "
        "({file}, line 2)",
    ),
    "recursion": ("def f():\n    return f()\n\n\nf()", "RecursionError: maximum recursion depth exceeded"),
    "in a thread": (
        "import threading\n\n\ndef work():\n    raise OSError(5, 'disk')\n\n\nthread = threading.Thread(target=work)\n"
        "thread.start()\nthread.join()",
        "OSError: [Errno 5] disk ({file}, line 5)",
    ),
    "logged": (
        "import logging\nlogging.basicConfig(format='%(asctime)s %(levelname)s %(message)s')\ntry:\n    {{}}['a']\n"
        "except KeyError:\n    logging.exception('no start')\n    raise SystemExit(1)",
        "KeyError: 'a' ({file}, line 4)",
    ),
    "each line with a prefix": (
        "import sys, traceback\ntry:\n    [][1]\nexcept IndexError:\n"
        "    for line in traceback.format_exc().splitlines():\n        print('host app[12]: ' + line, file=sys.stderr)",
        "IndexError: list index out of range ({file}, line 3)",
    ),
    "stopped by the keyboard afterwards": (
        "import traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    traceback.print_exc()\n"
        "raise KeyboardInterrupt",
        "ZeroDivisionError: division by zero ({file}, line 3)",
    ),
    "address in use": (
        "import socket\nfirst = socket.socket()\nfirst.bind(('127.0.0.1', 0))\nfirst.listen(1)\n"
        "socket.socket().bind(first.getsockname())",
        "OSError: [Errno 98] Address already in use ({file}, line 5)",
    ),
    "no permission": ("open('/proc/1/nothing/x')", "({file}, line 1)"),
    "assertion": ("assert False, 'settings'", "AssertionError: settings ({file}, line 1)"),
    "argument": (
        "import argparse\nparser = argparse.ArgumentParser(prog='web')\nparser.parse_args(['--no-such'])",
        "web: error: unrecognized arguments: --no-such",
    ),
    "deprecated call": (
        "import warnings\nwarnings.simplefilter('error')\nwarnings.warn('old')",
        "UserWarning: old ({file}",
    ),
    "encoding": ("'\\xe4'.encode('ascii')", "UnicodeEncodeError: 'ascii' codec can't encode character"),
    "exit with a message": ("raise SystemExit('web: error: no settings')", "web: error: no settings"),
    "logged error": (
        "import sys\nsys.stderr.write('loading\\nCRITICAL:root:no database\\nbye\\n')\nsys.exit(3)",
        "CRITICAL:root:no database",
    ),
}


@pytest.fixture
def folder(tmp_path):
    site = tmp_path / "lib" / "python3.9" / "site-packages"
    site.mkdir(parents=True)
    (site / "package.py").write_text("import os\nimport gone\n")
    (site / "broken.py").write_text("print 'x'\n")
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
    source, expected = PROGRAMS[name]
    file = folder / "program.py"
    file.write_text(source.replace("{{}}", "{}"))
    names = {"file": str(file), "package": str(folder / "lib/python3.9/site-packages/package.py")}
    output = run_program([sys.executable, str(file)], folder)
    found = find_cause(output)
    assert found is not None, output
    assert any(text.format(**names) in found for text in expected.split("|")), (found, output)
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
