# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which writes reach the disk: contents before names, names before anything that relies on them."""

import os
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import DIRECTORY_RECORD_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    make_private_directory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._sqlite import copy_with_mode
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import parse_application
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _build
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import EnvironmentOrder
from ansible_collections.oxzep7.python.plugins.module_utils._host import _files
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._promotion import _swap
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import Journal


@pytest.fixture
def calls(watch_calls):
    """The calls that make something durable, or change a name, which are made all the same."""
    return watch_calls("fsync", "rename", "mkdir", "symlink", "sync")


def test_a_file_is_on_disk_before_its_name_and_its_name_before_the_return(tmp_path, calls):
    path = str(tmp_path / "file")
    _files.write_atomically(path, b"new")
    (fsync, temporary), *rest = calls
    assert fsync == "fsync" and os.path.dirname(temporary) == str(tmp_path) and temporary != path
    assert rest == [("rename", path), ("fsync", str(tmp_path))]


def test_a_commit_is_on_disk_when_it_returns(tmp_path, calls):
    state = ApplicationState(str(tmp_path), "billing")
    state.open_promotion(state.read())
    del calls[:]
    state.commit()
    assert calls == [("rename", state.path), ("fsync", state.directory)]


def test_an_act_is_on_disk_before_it_is_done(tmp_path, calls):
    state = ApplicationState(str(tmp_path), "billing")
    make_private_directory(state.directory)
    del calls[:]
    Journal(state).note_act("move 0")
    assert calls == [("fsync", state.acts_path), ("fsync", state.directory)]


def test_a_private_directory_is_on_disk_with_all_its_parents(tmp_path, calls):
    make_private_directory(str(tmp_path / "a" / "b"))
    first, second = str(tmp_path / "a"), str(tmp_path / "a" / "b")
    assert calls == [("mkdir", first), ("fsync", str(tmp_path)), ("mkdir", second), ("fsync", first)]


def test_a_copy_of_a_database_is_on_disk_with_its_name(tmp_path, calls):
    with open(str(tmp_path / "dump"), "wb+") as dump:
        copy_with_mode(dump.fileno(), str(tmp_path / "live"), str(tmp_path / "copy"))
    assert calls == [("fsync", str(tmp_path / "copy")), ("fsync", str(tmp_path))]


def test_both_directories_of_an_adoption_are_on_disk(tmp_path, calls):
    live, original = tmp_path / "venv", tmp_path / "venv.generations" / "0"
    live.mkdir()
    original.parent.mkdir()
    del calls[:]
    _swap.adopt_environment(str(live), str(original), "venv.generations/1")
    assert calls[-2:] == [("fsync", str(original.parent)), ("fsync", str(tmp_path))]


def test_the_directory_of_a_symlink_that_was_pointed_elsewhere_is_on_disk(tmp_path, calls):
    live = tmp_path / "venv"
    os.symlink("old", str(live))
    del calls[:]
    _swap.repoint_symlink(str(live), "new", "x")
    assert calls == [("symlink", str(live) + ".next-x"), ("rename", str(live)), ("fsync", str(tmp_path))]


def test_a_generation_is_on_disk_before_it_counts_as_complete(tmp_path, calls, monkeypatch):
    live = tmp_path / "venv"
    live.mkdir()
    (live / "pyvenv.cfg").write_text("version = 3.8.20\n")
    user = get_current_identity().name
    application = parse_application({"name": "x", "environment": str(live), "user": user})
    state = ApplicationState(str(tmp_path / "state"), "x")

    def install(_place, generation):
        # What installs is proven elsewhere; here it only has to be over before everything is synced.
        os.makedirs(generation["path"])
        calls.append(("built", ""))

    monkeypatch.setattr(_build, "_build_environment", install)
    order = EnvironmentOrder(sys.executable, "3.9.1", "a" * 64, "", str(tmp_path), None, "run")
    _build.build_generation(application, state, order, False, Changes(), {})
    after = calls[calls.index(("built", "")) :]
    generation = application.generation_path("1-py3.9")
    assert after[1] == ("sync", "everything")
    assert [call for call in after if call[0] == "rename"] == [
        ("rename", os.path.join(generation, DIRECTORY_RECORD_NAME)),
        ("rename", state.path),
    ]


def test_a_process_that_ends_while_its_files_are_read_is_like_one_that_is_gone(monkeypatch):
    class Vanishing:
        def __enter__(self):
            return self

        def __exit__(self, *arguments):
            return None

        def read(self):
            raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr("builtins.open", lambda *arguments, **options: Vanishing())
    assert _files.read_text("/proc/1/comm") is None
