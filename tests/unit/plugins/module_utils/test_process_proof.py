# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What shows which Python the processes of a service run: what they map, not how their executable is called."""

import contextlib
import os
import subprocess
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._host._python_use import (
    ProcessEntry,
    ProcessUse,
    PythonPlace,
    describe_environment,
    find_files_inside,
    find_named_paths,
    list_process_entries,
    parse_mapped_files,
    read_process_use,
    select_members,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._proof import (
    ProcessProof,
    judge_processes,
    summarize_proofs,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services.unit import UnitService

OLD = PythonPlace("/srv/app/venv.generations/0-py3.8", (1, 8), minor="3.8")
NEW = PythonPlace("/srv/app/venv.generations/1-py3.9", (1, 9), minor="3.9")
NOBODY = 1 << 30


def use(executable, program=None, library=None, minor=None, files=()):
    return ProcessUse(NOBODY, executable, program, library, minor, tuple(files))


PYTHON_OLD = use("/opt/3.8/bin/python3.8", (1, 8))
PYTHON_NEW = use("/opt/3.9/bin/python3.9", (1, 9))
PYTHON_OTHER = use("/usr/bin/python3.11", (1, 11))
SHELL = use("/usr/bin/dash", (1, 1))
UWSGI = use("/usr/bin/uwsgi-core", (1, 2), "/usr/lib/libpython3.9.so.1.0", "3.9")
UWSGI_OLD = use("/usr/bin/uwsgi-core", (1, 2), "/usr/lib/libpython3.8.so.1.0", "3.8")
UWSGI_HOME = UWSGI._replace(named=("/etc/uwsgi.ini", NEW.path))
UWSGI_NEW = UWSGI._replace(files=(NEW.path + "/lib/python3.9/site-packages/greenlet.so",))
COPIED = use(OLD.path + "/bin/python", (1, 77), files=[OLD.path + "/bin/python"])


@pytest.mark.parametrize(
    ("uses", "passed", "shown", "evidence"),
    [
        ([PYTHON_NEW], True, True, "1 of 1 processes of web: runs /opt/3.9/bin/python3.9"),
        ([SHELL, PYTHON_NEW, PYTHON_NEW], True, True, "2 of 3 processes of web"),
        ([PYTHON_NEW, PYTHON_OLD], False, False, "still runs /opt/3.8/bin/python3.8"),
        ([PYTHON_NEW, PYTHON_OTHER], True, True, "1 of 2 processes"),
        ([PYTHON_OTHER], False, False, "runs /usr/bin/python3.11, not"),
        ([PYTHON_OTHER._replace(library="/usr/lib/libpython3.11.so", minor="3.11")], False, False, "3.11, not"),
        ([SHELL], True, False, "not shown: none of the 1 processes of web visibly uses Python"),
        (
            [UWSGI],
            True,
            False,
            "not shown: process %d of web maps /usr/lib/libpython3.9.so.1.0 and nothing of" % NOBODY,
        ),
        ([UWSGI_NEW], True, True, "runs /usr/lib/libpython3.9.so.1.0 with 1 files of " + NEW.path),
        ([UWSGI_HOME], True, True, "libpython3.9.so.1.0 and was started with " + NEW.path),
        ([SHELL._replace(named=(NEW.path,))], True, False, "not shown: none of the 1 processes"),
        ([UWSGI_OLD], False, False, "maps /usr/lib/libpython3.8.so.1.0, and the environment is of Python 3.9"),
        ([UWSGI._replace(files=(OLD.path + "/lib/x.so",))], False, False, "still maps %s/lib/x.so" % OLD.path),
        ([COPIED], False, False, "still maps %s/bin/python" % OLD.path),
        ([PYTHON_NEW._replace(files=(OLD.path + "/lib/x.so (deleted)",))], False, False, "(deleted)"),
    ],
)
def test_proofs(uses, passed, shown, evidence):
    proof = judge_processes("web", uses, NEW, OLD)
    assert (proof.passed, proof.shown) == (passed, shown) and evidence in proof.evidence


def test_two_environments_of_one_interpreter_are_told_apart_by_their_files():
    old = OLD._replace(program=NEW.program, minor="3.9")
    assert judge_processes("web", [PYTHON_NEW], NEW, old).passed
    stale = PYTHON_NEW._replace(files=(old.path + "/lib/x.so",))
    assert "still maps" in judge_processes("web", [PYTHON_NEW, stale], NEW, old).evidence


def test_a_service_that_used_python_must_do_so_again():
    web, worker = UnitService("web.service"), UnitService("web.service", user="one")
    proofs = {web: ProcessProof(True, "yes", True, True), worker: ProcessProof(True, "not shown: none")}
    assert summarize_proofs(proofs, []) == (True, "yes; not shown: none")
    assert summarize_proofs(proofs, [web])[0]
    assert summarize_proofs(proofs, [worker]) == (
        False,
        "no process of web.service of one uses Python, as before",
    )


def test_paths_in_arguments_and_in_the_environment():
    arguments = ["uwsgi", "--virtualenv=/srv/a", "-H", "/srv/b", "relative/c", ""]
    variables = ["PATH=/bin", "VIRTUAL_ENV=/srv/d", "VIRTUAL_ENV_PROMPT=/srv/e"]
    assert find_named_paths(arguments, variables) == ("/srv/a", "/srv/b", "/srv/d")


def test_control_groups_are_compared_as_paths():
    one = "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service"
    two = "/user.slice/user-1001.slice/user@1001.service/app.slice/web.service"
    system = "/system.slice/web.service"
    groups = {1: one, 2: two, 3: system, 4: one + "/payload", 5: system + "-x", 6: "/"}
    entries = [ProcessEntry(pid, 0, frozenset([group])) for pid, group in groups.items()]
    assert select_members(entries, [one], []) == [1, 4]
    assert select_members(entries, [two], []) == [2]
    assert select_members(entries, [system], []) == [3]
    child = ProcessEntry(7, 3, frozenset(["/elsewhere"]))
    assert select_members([*entries, child], [system], [6, 99]) == [3, 6, 7]


def test_mapped_files_of_a_process_table():
    text = "\n".join(
        [
            "7f00-7f01 r--p 00000000 08:01 12 /usr/lib/a b.so",
            "7f01-7f02 r-xp 00001000 08:01 12 /usr/lib/a b.so",
            "7f02-7f03 rw-p 00000000 00:00 0 ",
            "7f03-7f04 rw-p 00000000 00:00 0 [heap]",
            "7f04-7f05 r--p 00000000 08:01 13 /usr/lib/c.so (deleted)",
        ]
    )
    assert parse_mapped_files(text) == ["/usr/lib/a b.so", "/usr/lib/c.so (deleted)"]


@contextlib.contextmanager
def running(python, program):
    """A process that has run *program*, and waits."""
    words = [python, "-c", program + "; print('up', flush=True); input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        yield process
        process.communicate(b"\n")


def make_environment(path):
    site = path / "lib" / ("python%d.%d" % sys.version_info[:2]) / "site-packages"
    site.mkdir(parents=True)
    (path / "bin").mkdir()
    (path / "bin" / "python").symlink_to(sys.executable)
    (path / "pyvenv.cfg").write_text("home = x\nversion = %d.%d.1\n" % sys.version_info[:2])
    return site


def test_files_of_an_environment_are_seen_whatever_its_path_is_called(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "srv").symlink_to("data")
    live = tmp_path / "srv" / "venv"
    site = make_environment(live)
    make_environment(tmp_path / "other")
    extension = site / "native.so"
    extension.write_bytes(b"a library")
    program = "import mmap; stream = open(%r, 'rb'); held = mmap.mmap(stream.fileno(), 0, prot=1)" % str(extension)
    place, other = describe_environment(str(live)), describe_environment(str(tmp_path / "other"))
    assert place.minor == "%d.%d" % sys.version_info[:2] and place.program == other.program
    with running(sys.executable, program) as process:
        seen = read_process_use(process.pid)
        assert find_files_inside(seen, place) == [os.path.realpath(str(extension))]
        assert find_files_inside(seen, other) == []
        assert seen.program == place.program and process.pid in {entry.pid for entry in list_process_entries()}
        proof = judge_processes("web", [seen], place, other)
        assert proof.shown and "with 1 files of %s" % live in proof.evidence
        assert "still maps" in judge_processes("web", [seen], other, place).evidence
        # Moved away, as an adoption does; the process keeps the files.
        (tmp_path / "data" / "venv").rename(tmp_path / "data" / "0-py3.8")
        moved = describe_environment(str(tmp_path / "srv" / "0-py3.8"))
        assert len(find_files_inside(read_process_use(process.pid), moved)) == 1
    assert read_process_use(process.pid) is None
