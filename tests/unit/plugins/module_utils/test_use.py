# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a process uses a directory: real processes, each with one kind of use."""

import os
import shutil
import subprocess
import sys
import venv

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._host import _use
from ansible_collections.oxzep7.python.plugins.module_utils._host._use import (
    describe_use,
    find_process_use,
    scan_tree,
)

WAIT = "import sys; print('ready', flush=True); sys.stdin.readline()"
MAP = (
    "import mmap, sys; f = open(sys.argv[1], 'rb'); held = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); "
    "f.close(); " + WAIT
)


# Other accounts than root cannot examine every process.
ACCOUNTS = None if os.geteuid() == 0 else [os.geteuid()]


class Running:
    """A process that waits until the block ends."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options
        )

    def __enter__(self):
        assert self.process.stdout.readline() == b"ready\n"
        return self.process.pid

    def __exit__(self, *_details):
        self.process.communicate(b"\n")


@pytest.fixture
def tree(tmp_path):
    """A directory reached through a symlink, with an environment in it."""
    real = tmp_path / "data" / "generations" / "1"
    venv.create(str(real), with_pip=False, symlinks=True)
    (real / "module.py").write_text("x = 1\n" * 1000)
    os.symlink(str(tmp_path / "data"), str(tmp_path / "srv"))
    return tmp_path / "srv" / "generations" / "1"


def test_an_unused_tree_is_not_in_use(tree):
    assert describe_use(str(tree), ACCOUNTS) is None


def find_use(pid, tree):
    return find_process_use(pid, scan_tree(str(tree)))


def test_a_job_of_its_interpreter_uses_it_without_mapping_any_of_its_files(tree):
    """The interpreter is a symlink, so that neither the program nor a mapped file lies in the tree."""
    with Running([tree / "bin" / "python", "-c", WAIT], cwd="/") as pid:
        assert not os.readlink("/proc/%d/exe" % pid).startswith(os.path.realpath(str(tree)))
        assert describe_use(str(tree), ACCOUNTS) == "process %d was started with %s" % (pid, tree / "bin" / "python")
        assert "was started with" in str(describe_use(os.path.realpath(str(tree)), ACCOUNTS))
    assert describe_use(str(tree), ACCOUNTS) is None


def test_a_job_that_was_started_by_a_relative_path_uses_it(tree):
    with Running(["bin/python", "-c", WAIT], cwd=str(tree.parent.parent / "generations" / "1")) as pid:
        assert str(find_use(pid, tree)).startswith("process %d " % pid)
    leaves = "import os; os.chdir('/'); " + WAIT
    variables = {"PWD": str(tree)}
    with Running(["bin/python", "-c", leaves], cwd=str(tree), env=variables) as pid:
        assert find_use(pid, tree) == "process %d was started with bin/python" % pid
    with Running(["bin/python", "-c", leaves], cwd=str(tree), env={}) as pid:
        assert "from a directory that is not known" in str(describe_use(str(tree), ACCOUNTS))


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "PYTHONPATH"])
def test_an_interpreter_elsewhere_that_imports_from_it_uses_it(tree, variable):
    value = "/nowhere:%s" % tree if variable == "PYTHONPATH" else str(tree)
    with Running([sys.executable, "-c", WAIT], env={variable: value}, cwd="/") as pid:
        assert describe_use(str(tree), ACCOUNTS) == "process %d has %s=%s" % (pid, variable, tree)


def test_a_copied_program_a_directory_and_files_count(tree, tmp_path):
    program = tree / "bin" / "sleeper"
    shutil.copy2("/bin/cat", str(program))
    with subprocess.Popen(["cat"], executable=str(program), stdin=subprocess.PIPE) as process:
        try:
            assert "runs" in find_use(process.pid, tree) or "maps" in find_use(process.pid, tree)
        finally:
            process.communicate()
    with Running([sys.executable, "-c", WAIT], cwd=str(tree / "bin")) as pid:
        assert find_use(pid, tree) == "process %d works in %s" % (pid, os.path.realpath(str(tree / "bin")))
    opens = "import sys; f = open(sys.stdin.readline().strip()); " + WAIT
    with subprocess.Popen(
        [sys.executable, "-c", opens], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    ) as process:
        process.stdin.write(str(tree / "module.py").encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"
        assert "has opened" in find_use(process.pid, tree)
        process.communicate(b"\n")


def test_a_mapped_file_is_seen_through_any_path(tree, tmp_path):
    other = tmp_path / "link"
    os.symlink(os.path.realpath(str(tree)), str(other))
    with Running([sys.executable, "-c", MAP, other / "module.py"], cwd="/") as pid:
        assert find_use(pid, tree).startswith("process %d still maps " % pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_a_bind_mount_hides_nothing(tree, tmp_path):
    """In a mount namespace of its own the file has a path that does not lie in the tree."""
    place = tmp_path / "mounted"
    place.mkdir()
    works = "import os; os.chdir(%r); " % str(place) + WAIT
    script = 'mount --bind "$1" "$2" && exec "$3" -c "$4"'
    words = [os.path.realpath(str(tree / "lib")), place, sys.executable, works]
    with Running(["unshare", "--mount", "sh", "-c", script, "sh"] + words, cwd="/") as pid:
        uses = find_use(pid, tree)
    assert uses == "process %d works in %s" % (pid, place)


def test_a_process_that_has_ended_and_was_not_collected_uses_nothing(tree):
    process = subprocess.Popen([str(tree / "bin" / "python"), "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    try:
        assert describe_use(str(tree), ACCOUNTS) is None
    finally:
        process.wait()


@pytest.mark.parametrize("pid, expected", [(1, None), (4242, "process 4242 cannot be examined")])
def test_what_cannot_be_examined_may_use_it_except_the_init_of_a_container(tree, monkeypatch, pid, expected):
    def refuse(_pid, _tree):
        raise PermissionError(13, "Permission denied", "/proc/%d/maps" % _pid)

    monkeypatch.setattr(_use, "find_process_use", refuse)
    monkeypatch.setattr(_use, "_list_process_ids", lambda: [pid])
    found = describe_use(str(tree))
    assert found == expected or str(found).startswith(str(expected))


def test_a_process_of_another_account_does_not_count_where_only_some_do(tree, monkeypatch):
    def refuse(_pid, _tree):
        raise PermissionError(13, "Permission denied", "/proc/%d/maps" % _pid)

    monkeypatch.setattr(_use, "find_process_use", refuse)
    monkeypatch.setattr(_use, "_list_process_ids", lambda: [os.getppid()])
    own = os.stat("/proc/%d" % os.getppid()).st_uid
    assert "cannot be examined" in describe_use(str(tree), [own])
    assert describe_use(str(tree), [own + 1]) is None


def test_hidden_processes_may_use_it(tree, monkeypatch):
    monkeypatch.setattr(_use, "_list_process_ids", list)
    monkeypatch.setattr(_use, "_read_proc_mounts", lambda: "rw,nosuid,hidepid=2")
    monkeypatch.setattr(_use, "_may_trace", lambda: False)
    assert describe_use(str(tree)) == "processes of other accounts are hidden (hidepid)"
    monkeypatch.setattr(_use, "_may_trace", lambda: True)
    assert describe_use(str(tree)) is None
    for harmless in ("rw,hidepid=0", "rw,hidepid=off", "rw"):
        monkeypatch.setattr(_use, "_read_proc_mounts", lambda options=harmless: options)
        monkeypatch.setattr(_use, "_may_trace", lambda: False)
        assert describe_use(str(tree)) is None


def test_a_volume_of_a_container_may_be_used_outside(tree, monkeypatch):
    monkeypatch.setattr(_use, "_list_process_ids", list)
    monkeypatch.setattr(_use, "INITIAL_PID_NAMESPACE", 0)
    elsewhere = os.stat(str(tree)).st_dev != os.stat("/").st_dev
    assert (describe_use(str(tree)) is not None) == elsewhere
    monkeypatch.setattr(_use.os, "stat", _stat_elsewhere(str(tree)))
    assert "processes outside cannot be seen" in str(describe_use(str(tree)))


def _stat_elsewhere(path):
    """As `os.stat`, with *path* on another device."""
    genuine = os.stat

    def stat(wanted, **options):
        found = genuine(wanted, **options)
        if wanted != path:
            return found
        values = list(found)
        values[2] += 1
        return os.stat_result(values)

    return stat


DEEP = """
import os, sys
for _level in range(30):
    os.makedirs("d" * 200, exist_ok=True)
    os.chdir("d" * 200)
held = open("file", "w")
"""


def test_a_path_that_is_longer_than_the_kernel_writes_down_is_compared_all_the_same(tree, tmp_path):
    with Running([sys.executable, "-c", DEEP + WAIT], cwd=str(tmp_path)) as pid:
        with pytest.raises(OSError):
            os.readlink("/proc/%d/cwd" % pid)
        assert find_use(pid, tree) is None
