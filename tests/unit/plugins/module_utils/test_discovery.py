# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading interpreters, libraries, processes, repositories and projects, and finding what uses them."""

import os
import struct
import subprocess
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _git, _interpreters, _projects, _running
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._finder import (
    PythonFinder,
    UsedPython,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._host_interpreters import find_named_pythons
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import (
    SharedLibraries,
    parse_linker_cache,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._ospackages import find_owning_packages
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._parallel import map_in_parallel
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import PythonReference
from ansible_collections.oxzep7.python.plugins.module_utils._host import _elf
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter import _ask


def elf(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        return _elf.read_elf(handle, versions=True)
    finally:
        os.close(handle)


def test_the_running_interpreter_is_read():
    found = elf(os.path.realpath(sys.executable))
    assert found.machine == os.uname().machine and not found.executable_stack
    assert any(name.startswith("libc.") for name in found.needed) and os.path.exists(found.interpreter)


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF\x02\x01" + b"\0" * 58, b"\x7fELF\x02\x01" + b"\xff" * 58]
)
def test_what_is_no_elf_file(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    assert elf(str(tmp_path / "x")) is None


def test_libraries_resolve_as_the_linker_does(tmp_path):
    libraries = SharedLibraries()
    assert os.path.isabs(libraries.find("libc.so.6", [], "/") or "")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libmine.so.1").write_text("")
    assert libraries.find("libmine.so.1", ["$ORIGIN/../lib"], str(tmp_path / "bin")) == str(
        tmp_path / "lib" / "libmine.so.1"
    )
    assert libraries.find("libmine.so.1", [], str(tmp_path)) is None


def test_linker_cache():
    strings = b"libx.so.1\0/lib/libx.so.1\0"
    offset = 48 + 24
    data = (
        b"glibc-ld.so.cache1.1"
        + struct.pack("=II", 1, len(strings))
        + b"\0" * 20
        + struct.pack("=iIIIQ", 1, offset, offset + 10, 0, 0)
        + strings
    )
    assert (
        parse_linker_cache(b"older" + data) == {"libx.so.1": ["/lib/libx.so.1"]} and parse_linker_cache(b"none") == {}
    )


@pytest.mark.parametrize(
    "data, names",
    [
        (struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0), ["cap_net_bind_service"]),
        (
            struct.pack("<IIIII", 0x02000001, 1 << 7 | 1 << 6, 0, 1 << 8, 0),
            ["cap_setgid", "cap_setuid", "cap_checkpoint_restore"],
        ),
        (b"", []),
        (b"\0\0", []),
    ],
)
def test_capabilities(data, names):
    assert _interpreters.decode_capabilities(data) == names


def test_a_script_called_python_is_no_interpreter(tmp_path):
    (tmp_path / "python3.9").write_text("#!/bin/sh\ntouch ran\n")
    (tmp_path / "python3.9").chmod(0o755)
    assert (
        _interpreters.describe_interpreter(
            _interpreters.InterpreterCandidate(str(tmp_path / "python3.9"), "walk"), SharedLibraries()
        )
        is None
    )


def test_the_running_interpreter_is_described_without_running_it(monkeypatch):
    def ran(path):
        raise AssertionError("%s was run" % path)

    monkeypatch.setattr(_interpreters, "query_interpreter", ran)
    path = os.path.realpath(sys.executable)
    found = _interpreters.describe_interpreter(_interpreters.InterpreterCandidate(path, "walk"), SharedLibraries())
    assert found["version"] == ".".join(str(part) for part in sys.version_info[:3])
    assert found["implementation"] == "CPython" and found["prefix"] == os.path.realpath(sys.base_prefix)


def test_one_entry_for_each_file_of_a_prefix(tmp_path):
    (tmp_path / "bin").mkdir()
    for name, mode in (("python3.9", 0o755), ("python3.8", 0o644), ("python3.9-config", 0o755), ("pypy3.9", 0o755)):
        (tmp_path / "bin" / name).write_text("")
        (tmp_path / "bin" / name).chmod(mode)
    os.link(str(tmp_path / "bin" / "python3.9"), str(tmp_path / "bin" / "python3"))
    os.symlink("python3.9", str(tmp_path / "bin" / "python"))
    assert _interpreters.find_prefix_interpreters(str(tmp_path)) == [
        str(tmp_path / "bin" / "pypy3.9"),
        str(tmp_path / "bin" / "python3.9"),
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a choice")
def test_nobody_runs_what_others_than_root_can_change(tmp_path):
    place = tmp_path / "bin"
    place.mkdir()
    program = place / "python3.9"
    program.write_text("")
    assert _ask.find_least_trusted_owner(str(program)).uid == 0
    place.chmod(0o777)
    assert _ask.find_least_trusted_owner(str(program)).uid == 65534
    place.chmod(0o755)
    os.chown(str(program), 12345, 12345)
    assert _ask.find_least_trusted_owner(str(program)).uid == 12345


def test_owners_are_asked_at_once_and_patterns_are_not():
    if not os.path.exists("/usr/bin/dpkg-query"):
        pytest.skip("no dpkg here")
    found = find_owning_packages(["/usr/bin/dpkg-query", "/usr/bin/*", "/no/such/file", os.path.realpath("/bin/sh")])
    assert found["/usr/bin/dpkg-query"] == "dpkg" and os.path.realpath("/bin/sh") in found and len(found) == 2


MAPS = """\
55d0-55d1 r-xp 00000000 08:01 1 /opt/py/bin/python3.9
7f00-7f01 r-xp 00000000 08:01 2 /opt/py/lib/libpython3.9.so.1.0 (deleted)
7f02-7f03 rw-p 00000000 00:00 0
7f04-7f05 rw-p 00000000 00:00 0 [stack]
55d1-55d2 r--p 00000000 08:01 1 /opt/py/bin/python3.9
"""


def test_mapped_files():
    assert _running.parse_mapped_files(MAPS) == ["/opt/py/bin/python3.9", "/opt/py/lib/libpython3.9.so.1.0 (deleted)"]


def test_listeners():
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
        "   1: 0100007F:1F42 0100007F:1F41 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n"
    )
    assert _running.parse_listening_sockets(table, False) == {"4711": "127.0.0.1:8001"}
    wide = "head\n   0: 00000000000000000000000000000000:1F41 x 0A x x x x x 4713\n"
    assert _running.parse_listening_sockets(wide, True) == {"4713": "[::]:8001"} or sys.byteorder != "little"


def test_processes_that_use_python_are_seen():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        seen = [process for process in _running.find_python_processes([]) if process.pid == child.pid]
    finally:
        child.kill()
        child.wait()
    assert [(process.executable, process.program, process.contained) for process in seen] == [
        (os.path.realpath(sys.executable), "-c", False)
    ]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_work_is_done_for_each_item_in_order(count):
    found = map_in_parallel(lambda item: [item, item * 2], list(range(50)), count)
    assert found == [[item, item * 2] for item in range(50)]


def test_a_process_that_dies_loses_its_items_only():
    def work(item):
        if item == 3:
            os._exit(9)
        return item

    answers = map_in_parallel(work, list(range(40)), 2)
    assert (
        answers[3] is None
        and all(answer in (None, item) for item, answer in enumerate(answers))
        and any(answer is not None for answer in answers)
    )


@pytest.mark.parametrize("version", [2, 4])
def test_repositories_are_read_without_git(tmp_path, version):
    def git(*words):
        subprocess.check_call(
            ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"] + list(words)
        )

    try:
        git("init", "--quiet")
    except OSError:
        pytest.skip("no git here")
    git("checkout", "--quiet", "-b", "trunk")
    (tmp_path / "dir").mkdir()
    for name in ("one.py", "dir/two.py", "dir/three.py"):
        tmp_path.joinpath(*name.split("/")).write_text("1\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    git("update-index", "--index-version", str(version))
    handle = os.open(str(tmp_path), os.O_RDONLY)
    try:
        clean = _git.describe_repository(handle)
        (tmp_path / "dir" / "two.py").write_text("2\n")
        (tmp_path / "one.py").unlink()
        dirty = _git.describe_repository(handle)
        git("pack-refs", "--all")
        packed = _git.describe_repository(handle)
    finally:
        os.close(handle)
    revision = subprocess.check_output(["git", "-C", str(tmp_path), "rev-parse", "HEAD"]).decode().strip()
    assert clean == {"revision": revision, "branch": "trunk", "dirty": False, "modified": []}
    assert (dirty["dirty"], sorted(dirty["modified"])) == (True, ["dir/two.py", "one.py"]) and packed[
        "revision"
    ] == revision


def test_a_repository_that_is_none(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/../../secret\n")
    (tmp_path / ".git" / "index").write_bytes(b"DIRC\0\0\0\2\xff\xff\xff\xff")
    handle = os.open(str(tmp_path), os.O_RDONLY)
    try:
        assert _git.describe_repository(handle) == {"revision": None, "branch": None, "dirty": None, "modified": []}
    finally:
        os.close(handle)


@pytest.mark.parametrize(
    "name, directory, kind",
    [
        ("requirements.txt", "/srv/app", "requirements"),
        ("requirements-dev.in", "/srv/app", "requirements"),
        ("prod.txt", "/srv/app/requirements", "requirements"),
        ("readme.txt", "/srv/app", None),
        ("pyproject.toml", "/srv/app", "pyproject"),
        ("poetry.lock", "/srv", "poetry.lock"),
        ("ci.yml", "/srv/.github/workflows", "github"),
        ("ci.yml", "/srv", None),
        ("config.yml", "/srv/.circleci", "circleci"),
        ("Dockerfile", "/srv", "dockerfile"),
        ("Dockerfile.prod", "/srv", "dockerfile"),
        ("app.dockerfile", "/srv", "dockerfile"),
        ("dev-constraints.txt", "/srv", "requirements"),
    ],
)
def test_files_of_projects(name, directory, kind):
    assert _projects.detect_project_file(name, directory) == kind


@pytest.mark.parametrize(
    "kind, text, expected",
    [
        (
            "dockerfile",
            "FROM python:3.8-slim\n# FROM python:2.7\nRUN apt install python3.9-dev\n",
            [(1, "3.8"), (3, "3.9")],
        ),
        ("dockerfile", "FROM registry.example.org/library/python:3.10.4 AS build\n", [(1, "3.10.4")]),
        ("github", "python-version: ['3.8', \"3.10\"]\n", [(1, "3.8"), (1, "3.10")]),
        ("github", "python-version:\n  - '3.8'\n  - 3.12\nother:\n  - 1.5\n", [(2, "3.8"), (3, "3.12")]),
        ("gitlab", "image: python:3.9\n", [(1, "3.9")]),
        ("jenkins", "docker { image 'python:3.7' }\n", [(1, "3.7")]),
        ("azure", "  versionSpec: '3.8'\n", [(1, "3.8")]),
        ("circleci", "- image: cimg/python:3.9.18\n", [(1, "3.9.18")]),
        ("tox", "envlist = py{38},py310,pypy39\n", [(1, "3.10")]),
        ("nox", "@nox.session(python=['3.8', '3.11'])\n", [(1, "3.8"), (1, "3.11")]),
        ("make", "\tpython3.8 -m venv x\n", [(1, "3.8")]),
        ("pre-commit", "  python: python3.8\n", [(1, "3.8")]),
        ("make", "all:\n\techo 3.8\n", []),
    ],
)
def test_references_of_pipelines(kind, text, expected):
    assert [(entry["line"], entry["version"]) for entry in _projects.find_version_references(kind, text)] == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ('[project]\nrequires-python = ">=3.8"\n', ">=3.8"),
        ("[options]\npython_requires = >=3.7\n", ">=3.7"),
        ("name = 'x'\n", None),
    ],
)
def test_requires(text, expected):
    assert _projects.parse_requires_python(text) == expected


@pytest.fixture
def finder(tmp_path):
    venv, live = tmp_path / "venv.generations" / "1-py3.8", tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (tmp_path / "py" / "bin").mkdir(parents=True)
    live.symlink_to(venv)
    interpreter = str(tmp_path / "py" / "bin" / "python3.8")
    for path in (interpreter, str(venv / "bin" / "gunicorn")):
        with open(path, "w") as stream:
            stream.write("")
    (venv / "bin" / "python").symlink_to(interpreter)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "by-line").write_text("#!%s/bin/python\n" % venv)
    (scripts / "wrapper").write_text("#!/bin/sh\nexec %s/by-line\n. %s/bin/activate\n" % (scripts, live))
    return PythonFinder(
        [{"path": str(venv), "kind": "venv", "interpreter": interpreter}],
        [{"path": interpreter, "resolved": interpreter, "prefix": str(tmp_path / "py")}],
        [],
        SharedLibraries(),
    )


def reference(command, directory=None, **variables):
    return PythonReference("service", "x", "/x", None, "root", [command], directory, variables, [])


@pytest.mark.parametrize(
    "command, directory, variables",
    [
        ("{0}/venv/bin/gunicorn app", None, {}),
        ("{0}/venv.generations/1-py3.8/bin/python -m app", None, {}),
        ("venv/bin/python -m app", "{0}", {}),
        ("cd {0} && exec venv/bin/python x", None, {}),
        ("/bin/sh -c 'true; {0}/venv/bin/python x'", None, {}),
        ("A=1 {0}/venv/bin/python x", None, {}),
        ("gunicorn app", None, {"PATH": "{0}/venv/bin:/usr/bin"}),
        ("{0}/scripts/by-line", None, {}),
        ("{0}/scripts/wrapper", None, {}),
        ("/bin/true", None, {"VIRTUAL_ENV": "{0}/venv"}),
    ],
)
def test_commands_lead_to_their_environment(finder, tmp_path, command, directory, variables):
    found = finder.find_by_reference(
        reference(
            command.format(tmp_path),
            directory.format(tmp_path) if directory else None,
            **{name: value.format(tmp_path) for name, value in variables.items()},
        )
    )
    assert found.environment == str(tmp_path / "venv.generations" / "1-py3.8")
    assert found.interpreter == str(tmp_path / "py" / "bin" / "python3.8")


def test_commands_lead_to_an_interpreter_or_nowhere(finder, tmp_path):
    path = str(tmp_path / "py" / "bin" / "python3.8")
    assert finder.find_by_reference(reference(path + " -m app")) == UsedPython(None, path)
    assert finder.find_by_reference(reference("/bin/true /nothing")) == UsedPython(None, None)
    assert finder.find_by_path(str(tmp_path / "py")) == UsedPython(None, path)


def test_pythons_named():
    assert find_named_pythons([reference("/opt/a/bin/python3.8 -m x /opt/b/bin/python"), reference("python3 x")]) == [
        "/opt/a/bin/python3.8",
        "/opt/b/bin/python",
    ]
