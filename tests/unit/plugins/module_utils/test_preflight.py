# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight: free space, and interpreters that are unobtainable. Host data are made up; the files are real."""

import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application import _journal
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._host._files import write_json
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import MARKER_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheelhouse import list_file_sizes
from ansible_collections.oxzep7.python.plugins.module_utils._preflight import (
    SpaceRequirement,
    check_free_space,
    check_interpreter,
    find_existing_parent,
    measure_free_space,
    measure_tree,
    select_installed_interpreters,
)


def row(**changed):
    whole = {
        "path": "/srv",
        "needed_bytes": 1 << 20,
        "free_bytes": 1 << 40,
        "needed_inodes": 10,
        "free_inodes": 1 << 20,
        "for": ["2 generations of x"],
        "applications": ["x"],
    }
    return dict(whole, **changed)


@pytest.mark.parametrize(
    "changed, keys",
    [
        ({}, []),
        ({"free_bytes": 200 << 20}, ["disk-space-short"]),
        ({"free_inodes": 2009}, ["inodes-short"]),
        ({"free_inodes": None}, []),
        ({"free_inodes": 2010}, []),
        ({"free_bytes": 0, "free_inodes": 0}, ["disk-space-short", "inodes-short"]),
    ],
)
def test_room_that_is_too_little_is_summary_in_numbers(changed, keys):
    found = list(check_free_space([row(**changed)]))
    assert [entry["key"] for entry in found] == keys and all(entry["blocking"] for entry in found)
    assert all(entry["applications"] == ["x"] for entry in found)
    assert all("2 generations of x" in entry["detail"] and "/srv has" in entry["detail"] for entry in found)


def test_needs_of_one_file_system_add_up(tmp_path):
    rows = measure_free_space(
        [
            SpaceRequirement(str(tmp_path / "not" / "there"), "a", 10, 1, ("x", "z")),
            SpaceRequirement(str(tmp_path), "b", 5, 2, ("x",)),
        ]
    )
    assert rows[0]["applications"] == ["x", "z"]
    assert len(rows) == 1 and (rows[0]["needed_bytes"], rows[0]["needed_inodes"], rows[0]["for"]) == (15, 3, ["a", "b"])
    assert (
        rows[0]["free_bytes"] > 0
        and find_existing_parent(str(tmp_path / "x" / "y")) == str(tmp_path)
        and find_existing_parent("/nowhere/at/all") == "/"
    )


def test_a_tree_is_measured(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_bytes(b"x" * 10000)
    os.symlink("/", str(tmp_path / "link"))
    size, files = measure_tree(str(tmp_path))
    assert size >= 10000 and files in (3, 4)


@pytest.mark.parametrize(
    "entry, problem",
    [
        ({"source": "existing", "version": "3.9", "path": "/nowhere/python3.9"}, "is not an executable file"),
        (
            {
                "source": "archive",
                "version": "3.9",
                "url": "http://127.0.0.1:1/x.tar.gz?token=hidden",
                "sha256": "0" * 64,
            },
            "cannot be downloaded from this host",
        ),
    ],
)
def test_interpreters_that_cannot_be_had(tmp_path, entry, problem):
    need, found = check_interpreter(entry, str(tmp_path), False)
    assert (
        need is None and found["key"] == "interpreter-unobtainable" and problem in found["detail"] and found["blocking"]
    )


def test_interpreters_that_can(tmp_path):
    assert check_interpreter({"source": "existing", "version": "3", "path": "/bin/sh"}, str(tmp_path), False) == (
        None,
        None,
    )
    need, found = check_interpreter({"source": "uv", "version": "3.9"}, str(tmp_path), False)
    assert found is None and need.path == str(tmp_path) and need.size > 100 << 20


def test_interpreters_and_wheels_that_are_there(tmp_path):
    (tmp_path / "3.9.18" / "bin").mkdir(parents=True)
    write_json(str(tmp_path / "3.9.18" / MARKER_NAME), {"version": "3.9.18", "sha256": "a" * 64, "source": "x"})
    (tmp_path / "3.9.18" / "bin" / "python3.9").touch()
    steps = [{"interpreter": {"source": "archive", "version": "3.9", "sha256": digest * 64}} for digest in "aab"]
    expected = {
        "source": "archive",
        "wanted": "3.9",
        "version": "3.9.18",
        "path": str(tmp_path / "3.9.18" / "bin" / "python3.9"),
        "prefix": str(tmp_path / "3.9.18"),
    }
    assert (
        select_installed_interpreters(steps[:2], str(tmp_path)) == [expected]
        and select_installed_interpreters(steps[2:], str(tmp_path)) == []
    )
    assert (
        select_installed_interpreters(
            [{"interpreter": {"source": "existing", "version": "3", "path": "/bin/sh"}}], str(tmp_path)
        )
        == []
    )
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(b"12345")
    (tmp_path / ".a-1.whl.77").touch()
    assert (
        list_file_sizes(str(tmp_path)) == {"a-1-py3-none-any.whl": 5} and list_file_sizes(str(tmp_path / "not")) == {}
    )


def test_what_a_host_wrote_down(tmp_path):
    state = ApplicationState(str(tmp_path), "x")
    state.write(
        {
            "schema": 1,
            "application": "x",
            "current": "1-py3.9",
            "generations": [{"id": "1-py3.9", "python": "3.9.1"}],
            "history": [{"run": "one", "event": "promoted"}, {"run": "two", "event": "reverted"}],
        }
    )
    state.append_event("one", "promoted", to="1-py3.9")
    state.append_event("two", "reverted")
    with open(str(tmp_path / "runs" / "two.jsonl"), "a") as stream:
        stream.write('{"time": "cut o')
    assert [entry["run"] for entry in _journal.list_runs(str(tmp_path))] == ["one", "two"]
    assert [event["event"] for event in _journal.read_events(str(tmp_path), "two")] == [
        "reverted"
    ] and _journal.read_events(str(tmp_path), "never") == []
    (summary,) = _journal.summarize_applications(str(tmp_path), "one")
    assert summary == {
        "name": "x",
        "current": "1-py3.9",
        "python": "3.9.1",
        "open": False,
        "history": [{"run": "one", "event": "promoted"}],
    }
    for name in ("", "../one", "/etc/passwd"):
        with pytest.raises(ValueError):
            _journal.read_events(str(tmp_path), name)
