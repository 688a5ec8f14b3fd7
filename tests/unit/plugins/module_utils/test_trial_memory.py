# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What trials remember: for how long, for which live environment, and when nothing is."""

import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import parse_core_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _memory


@pytest.fixture
def place(tmp_path):
    """An application with a source, and the state of its host."""
    (tmp_path / "venv" / "lib" / "python3.8" / "site-packages").mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / "app").mkdir()
    declared = {"name": "app", "environment": str(tmp_path / "venv"), "source": str(tmp_path / "app")}
    return parse_core_declaration(declared), ApplicationState(str(tmp_path / "state"), "app")


def open_memory(place, run="one"):
    return _memory.TrialMemory(place[0], place[1], run)


def test_what_fails_counts_for_its_run_and_while_nothing_is_installed(place, tmp_path):
    memory = open_memory(place)
    memory.failing["broken"] = "fails"
    memory.save()
    assert open_memory(place).failing == {"broken": "fails"} and open_memory(place, "two").failing == {}
    (tmp_path / "venv" / "lib" / "python3.8" / "site-packages" / "more").mkdir()
    assert open_memory(place).failing == {}


def test_a_lock_that_passed_counts_for_a_day_in_every_run(place, monkeypatch):
    memory = open_memory(place)
    memory.note_passed("key", {"tried": 3})
    memory.note_passed(None, {"tried": 4})
    memory.save()
    again = open_memory(place, "two")
    assert again.find_passed("key") == {"tried": 3} and again.find_passed("other") is again.find_passed(None) is None
    now = _memory.time.time()
    for later, passed in ((_memory.PASSED_AGE - 60, True), (_memory.PASSED_AGE + 60, False), (-3600, False)):
        monkeypatch.setattr(_memory.time, "time", lambda later=later: now + later)
        assert bool(again.find_passed("key")) is passed


def test_a_damaged_file_is_no_memory_and_the_newest_entries_stay(place):
    memory = open_memory(place)
    for number in range(_memory.MAX_PASSED + 5):
        memory.note_passed(str(number), {"tried": number})
    memory.save()
    kept = open_memory(place)
    assert kept.find_passed("0") is None and kept.find_passed(str(_memory.MAX_PASSED + 4))
    path = os.path.join(place[1].directory, _memory.MEMORY_FILE)
    with open(path, "w") as stream:
        stream.write("{")
    assert open_memory(place).find_passed(str(_memory.MAX_PASSED + 4)) is None


def test_a_source_is_told_apart_by_its_files_and_not_by_bytecode(place, tmp_path, monkeypatch):
    application, source = place[0], tmp_path / "app"
    seen = [_memory.digest_source(application)]
    (source / "a.py").write_text("x = 1\n")
    seen.append(_memory.digest_source(application))
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "a.pyc").write_text("")
    assert _memory.digest_source(application) == seen[-1]
    (source / "a.py").write_text("x = 10\n")
    seen.append(_memory.digest_source(application))
    (source / "data").mkdir()
    (source / "data" / "b.json").symlink_to("/etc/passwd")
    seen.append(_memory.digest_source(application))
    assert len(set(seen)) == len(seen) and None not in seen
    monkeypatch.setattr(_memory, "MAX_SOURCE_ENTRIES", 3)
    assert _memory.digest_source(application) is None
