# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pipes, devices and endless files where text is expected: no reader waits for them, and none follows them to the end.

An alarm ends a reader that waits, so that a defect is a failure and not a test that never ends.
"""

import os
import signal

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import read_configuration
from ansible_collections.oxzep7.python.plugins.module_utils._errors import BuildError
from ansible_collections.oxzep7.python.plugins.module_utils._generation._carry import Cargo, load_cargo
from ansible_collections.oxzep7.python.plugins.module_utils._health.checks import _log
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import UnsafePathError, read_whole_file
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import (
    MARKER_NAME,
    InterpreterError,
    read_marker,
)
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import ArchiveOrder, install_archive
from ansible_collections.oxzep7.python.plugins.module_utils._packages._copy import gather_package_files
from ansible_collections.oxzep7.python.plugins.module_utils._packages._installed import (
    list_installed_packages,
    list_top_level_modules,
)
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import read_pidfile

PATIENCE = 20


@pytest.fixture(autouse=True)
def alarm():
    def complain(_number, _frame):
        raise AssertionError("it waits for a file of somebody else")

    signal.signal(signal.SIGALRM, complain)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)


def plant_pipe(path):
    os.mkfifo(str(path))


def plant_device(path):
    path.symlink_to("/dev/zero")


def plant_endless_file(path):
    with open(str(path), "wb") as stream:
        stream.truncate(1 << 40)


HOSTILE = [plant_pipe, plant_device, plant_endless_file]


@pytest.fixture
def environment(tmp_path):
    path = tmp_path / "venv"
    info = path / "lib" / "python3.9" / "site-packages" / "x-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: x\nVersion: 1\n")
    (info / "RECORD").write_text("x.py,,\n")
    (info.parent / "x.py").write_text("")
    (path / "pyvenv.cfg").write_text("version = 3.9.1\n")
    return path


def replace_file(path, plant):
    path.unlink()
    plant(path)


@pytest.mark.parametrize("plant", [plant_pipe, plant_device])
def test_a_hostile_configuration_is_refused_by_name(environment, plant):
    replace_file(environment / "pyvenv.cfg", plant)
    with pytest.raises(BuildError) as caught:
        read_configuration(str(environment))
    assert "%s/pyvenv.cfg is not a regular file" % environment in str(caught.value)


def test_an_endless_configuration_has_no_values(environment):
    replace_file(environment / "pyvenv.cfg", plant_endless_file)
    assert read_configuration(str(environment)) == {}


@pytest.mark.parametrize("plant", HOSTILE)
@pytest.mark.parametrize("name", ["RECORD", "METADATA"])
def test_hostile_metadata_have_no_modules(environment, name, plant):
    assert list_top_level_modules(str(environment)) == ["x"]
    replace_file(environment / "lib" / "python3.9" / "site-packages" / "x-1.dist-info" / name, plant)
    assert list_top_level_modules(str(environment)) == []
    assert [package.name for package in list_installed_packages(str(environment))] == ["x"][: name == "RECORD"]


@pytest.mark.parametrize("plant", HOSTILE)
def test_a_package_with_a_hostile_file_is_not_copied(environment, plant):
    assert "error" not in gather_package_files(str(environment), "x")
    replace_file(environment / "lib" / "python3.9" / "site-packages" / "x.py", plant)
    assert "x.py is " in gather_package_files(str(environment), "x")["error"]


@pytest.mark.parametrize("plant", HOSTILE)
def test_a_hostile_pid_file_names_no_process(tmp_path, plant):
    pidfile = tmp_path / "pid"
    pidfile.write_text("4242\n")
    assert read_pidfile(str(pidfile)) == (4242,)
    replace_file(pidfile, plant)
    assert read_pidfile(str(pidfile)) == ()


@pytest.mark.parametrize("plant", [plant_pipe, plant_device])
def test_a_hostile_log_is_not_read(tmp_path, plant):
    plant(tmp_path / "log")
    with pytest.raises(UnsafePathError):
        _log._read_appended(str(tmp_path / "log"), 0, 0)


def test_a_log_behind_a_link_is_read(tmp_path):
    (tmp_path / "log-1").write_text("one\n")
    (tmp_path / "log").symlink_to(tmp_path / "log-1")
    assert _log._read_appended(str(tmp_path / "log"), 0, 0) == "one\n"


@pytest.mark.parametrize("plant", HOSTILE)
def test_a_hostile_marker_is_none(tmp_path, plant):
    plant(tmp_path / MARKER_NAME)
    try:
        assert read_marker(str(tmp_path)) == {}
    except InterpreterError as error:
        # The beginning of an endless file is not JSON.
        assert plant is plant_endless_file and "is not valid JSON" in str(error)


@pytest.mark.parametrize("plant", [plant_pipe, plant_device])
def test_a_hostile_archive_is_not_installed(tmp_path, plant):
    plant(tmp_path / "archive")
    order = ArchiveOrder("3.9", None, str(tmp_path / "archive"), "0" * 64, "the archive")
    with pytest.raises(InterpreterError) as caught:
        install_archive(order, str(tmp_path / "interpreters"))
    assert "not a regular file" in str(caught.value)
    assert os.listdir(str(tmp_path / "interpreters")) == [".lock"]


@pytest.mark.parametrize("plant", HOSTILE)
def test_a_hostile_change_is_not_carried(environment, tmp_path, plant):
    new = tmp_path / "new"
    site = new / "lib" / "python3.10" / "site-packages"
    site.mkdir(parents=True)
    (site / "x.py").write_text("as released\n")
    replace_file(environment / "lib" / "python3.9" / "site-packages" / "x.py", plant)
    change = {"path": "lib/python3.9/site-packages/x.py", "package": "x", "version": "1"}
    with pytest.raises(UnsafePathError):
        load_cargo(Cargo("copy", [], [change]), str(environment), "3.9", str(new), "3.10", {"x": "1"})
    assert (site / "x.py").read_text() == "as released\n"


def test_a_file_is_read_to_its_limit_or_not_at_all(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_whole_file(str(tmp_path / "file"), 5) == b"12345"
    with pytest.raises(UnsafePathError):
        read_whole_file(str(tmp_path / "file"), 4)
