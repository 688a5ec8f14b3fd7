# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fault injection takes for a legal state of a disk after a power failure."""

from __future__ import annotations

import stat

from tests.faults import crash_states as model
from tests.faults.crash_states import Operation, Tree

FILE, DIRECTORY = stat.S_IFREG | 0o644, stat.S_IFDIR | 0o755


def make_disk():
    """A disk with the file ``file``, of inode 2, in its root."""
    disk = Tree()
    disk.apply(Operation(model.MAKE, inode=2, parent=1, name="file", mode=FILE))
    disk.apply(Operation(model.WRITE, inode=2, data=b"old"))
    return disk


def replace_file(*, synced, directory_synced=False):
    """The calls that replace the file by a new one of inode 3."""
    calls = [
        Operation(model.MAKE, inode=3, parent=1, name="new", mode=FILE),
        Operation(model.WRITE, inode=3, data=b"new!"),
        *([Operation(model.FSYNC, inode=3)] if synced else []),
        Operation(model.RENAME, inode=3, parent=1, name="file", old_parent=1, old_name="new"),
    ]
    return calls + ([Operation(model.FSYNC, inode=1)] if directory_synced else [])


def list_contents(calls, at_end=False):
    """The contents of ``file`` in all states, or in those after the last call."""
    found = set()
    for crash in model.list_crash_states(make_disk(), calls):
        if crash.ended or not at_end:
            number = crash.tree.find("/file")
            found.add(crash.tree.inodes[number].data if number else None)
    return found


def test_a_file_that_was_not_synced_may_be_empty_or_half_behind_its_rename():
    assert list_contents(replace_file(synced=False)) == {b"old", b"", b"new!", b"ne\0\0"}


def test_a_file_that_was_synced_is_old_or_new():
    assert list_contents(replace_file(synced=True)) == {b"old", b"new!"}


def test_a_name_is_durable_when_its_directory_was_synced():
    assert list_contents(replace_file(synced=True), at_end=True) == {b"old", b"new!"}
    assert list_contents(replace_file(synced=True, directory_synced=True), at_end=True) == {b"new!"}


def test_a_directory_may_lose_its_own_name():
    calls = [
        Operation(model.MAKE, inode=3, parent=1, name="above", mode=DIRECTORY),
        Operation(model.MAKE, inode=4, parent=3, name="file", mode=FILE),
        Operation(model.FSYNC, inode=3),
    ]
    ended = [crash for crash in model.list_crash_states(make_disk(), calls) if crash.ended]
    assert {crash.tree.find("/above/file") for crash in ended} == {4, None}
    calls.append(Operation(model.SYNC))
    ended = [crash for crash in model.list_crash_states(make_disk(), calls) if crash.ended]
    assert {crash.tree.find("/above/file") for crash in ended} == {4}


def test_names_of_one_directory_change_in_order_and_those_of_two_in_any():
    one = [Operation(model.MAKE, inode=3 + number, parent=1, name=str(number), mode=DIRECTORY) for number in range(2)]
    found = [(crash.tree.find("/0"), crash.tree.find("/1")) for crash in model.list_crash_states(make_disk(), one)]
    assert (None, 4) not in found and {(None, None), (3, None), (3, 4)} == set(found)
    two = [*one, Operation(model.SYNC)]
    two += [Operation(model.MAKE, inode=5 + number, parent=3 + number, name="x", mode=FILE) for number in range(2)]
    ended = [crash for crash in model.list_crash_states(make_disk(), two) if crash.ended]
    assert {(bool(crash.tree.find("/0/x")), bool(crash.tree.find("/1/x"))) for crash in ended} == {
        (False, False),
        (True, False),
        (False, True),
        (True, True),
    }
