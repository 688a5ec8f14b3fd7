# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scratch directories: who can reach them, and which of them are removed. Processes and locks are real."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._host import _scratch
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity, resolve_user
from ansible_collections.oxzep7.python.plugins.module_utils._host._scratch import (
    create_scratch,
    get_scratch_root,
    remove_stale_scratch,
)

HOLD = """
import sys
from ansible_collections.oxzep7.python.plugins.module_utils._host import _scratch
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
_scratch._find_root = lambda: sys.argv[1]
with _scratch.create_scratch(get_current_identity()) as place:
    print(place, flush=True)
    sys.stdin.read()
"""
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another account")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The directory of all scratch directories, which does not exist yet."""
    place = tmp_path / "cache" / "oxzep7"
    monkeypatch.setattr(_scratch, "_find_root", lambda: str(place))
    return place


@pytest.fixture
def holder(root):
    """A process that holds a scratch directory, and the path of that."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        universal_newlines=True,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
    ) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def mode(path):
    return stat.S_IMODE(os.lstat(str(path)).st_mode)


def test_a_directory_lives_as_long_as_its_block(root):
    old = os.umask(0o077)
    try:
        with create_scratch(get_current_identity(), lambda place: open(place + "/given", "w").close()) as place:
            assert os.listdir(place) == ["given"] and mode(place) == 0o700
            assert mode(root) == mode(os.path.dirname(place)) == 0o711
            assert os.lstat(os.path.dirname(place)).st_uid == os.lstat(str(root)).st_uid == os.geteuid()
            remove_stale_scratch()
            assert os.path.isdir(place)
    finally:
        os.umask(old)
    assert os.listdir(str(root)) == []


def test_of_a_dead_process_nothing_stays(root, holder):
    process, place = holder
    remove_stale_scratch()
    assert os.path.isdir(place), "its process lives"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert os.path.isdir(place)
    remove_stale_scratch()
    assert os.listdir(str(root)) == []


def test_what_is_of_unknown_origin_stays_and_prevents_nothing(root):
    with create_scratch(get_current_identity()):
        pass
    (root / "of-nobody").mkdir()
    (root / "a-file").touch()
    (root / "link.lock").symlink_to(root / "a-file")
    (root / "directory.lock").mkdir()
    (root / "11111111.lock").mkdir()
    (root / "22222222.lock").symlink_to(root / "a-file")
    (root / "poetry.lock").touch()
    (root / "poetry").mkdir()
    remove_stale_scratch()
    with create_scratch(get_current_identity()):
        pass
    assert sorted(os.listdir(str(root))) == [
        "11111111.lock",
        "22222222.lock",
        "a-file",
        "directory.lock",
        "link.lock",
        "of-nobody",
        "poetry",
        "poetry.lock",
    ]


def test_a_lock_without_a_directory_goes(root):
    root.mkdir(parents=True)
    (root / "00000000.lock").touch()
    remove_stale_scratch()
    assert os.listdir(str(root)) == []


def test_a_lock_that_another_process_takes_and_removes_is_not_used(root, monkeypatch):
    genuine, taken = fcntl.flock, []

    def take_away_first(handle, operation):
        if not taken:
            taken.append(os.listdir(str(root))[0])
            os.unlink(str(root / taken[0]))
        genuine(handle, operation)

    monkeypatch.setattr(fcntl, "flock", take_away_first)
    with create_scratch(get_current_identity()) as place:
        assert os.path.basename(os.path.dirname(place)) + ".lock" in os.listdir(str(root))
        assert taken[0] not in os.listdir(str(root))


def test_a_tree_of_any_depth_is_removed(root):
    with create_scratch(get_current_identity()) as place:
        handle = os.open(place, os.O_RDONLY)
        for _level in range(3000):
            os.mkdir("d", dir_fd=handle)
            below = os.open("d", os.O_RDONLY, dir_fd=handle)
            os.close(handle)
            handle = below
        os.close(handle)
    assert os.listdir(str(root)) == []


@AS_ROOT
def test_an_account_reaches_its_own_directory_and_changes_nothing_else(monkeypatch):
    nobody = resolve_user("nobody")
    script = (
        'touch "$1/mine" && ! mv "$1" "$1.moved" 2>/dev/null && ! touch "$1/../x" 2>/dev/null && ! ls "$1/../.." 2>&1'
    )
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o711)
        monkeypatch.setattr(_scratch, "_find_root", lambda: parent + "/root")
        with create_scratch(nobody, lambda place: open(place + "/given", "w").close()) as place:
            done = subprocess.run(
                ["setpriv", "--reuid=%d" % nobody.uid, "--clear-groups", "sh", "-c", script, "sh", place]
            )
            assert done.returncode == 0 and sorted(os.listdir(place)) == ["given", "mine"]
            assert {os.lstat(os.path.join(place, name)).st_uid for name in (".", "given", "mine")} == {nobody.uid}


@AS_ROOT
def test_a_directory_that_another_account_made_is_not_used(root):
    root.mkdir(parents=True)
    os.chown(str(root), 65534, 65534)
    (root / "00000000.lock").touch()
    remove_stale_scratch()
    assert os.listdir(str(root)) == ["00000000.lock"]
    with pytest.raises(OSError, match="not a directory of this account"), create_scratch(get_current_identity()):
        pass


def test_an_account_without_a_home_works_in_a_directory_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(_scratch, "_find_root", lambda: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "00000000.lock").touch()
    remove_stale_scratch()
    with create_scratch(get_current_identity()) as place:
        (private,) = [name for name in os.listdir(str(tmp_path)) if name.startswith("oxzep7-")]
        assert place.startswith(str(tmp_path / private) + "/") and mode(tmp_path / private) == 0o700
        assert get_scratch_root() == str(tmp_path)
    assert os.listdir(str(tmp_path)) == ["00000000.lock"]


def test_the_place_of_an_account_is_in_its_home_if_it_has_one(tmp_path, monkeypatch):
    here = get_current_identity()._replace(home=str(tmp_path))
    monkeypatch.setattr(_scratch, "get_current_identity", lambda: here)
    monkeypatch.setattr(_scratch, "ROOT_DIRECTORY", None)
    if os.geteuid() == 0:
        os.chown(str(tmp_path), 65534, 65534)
        monkeypatch.setattr(os, "geteuid", lambda: 65534)
    assert get_scratch_root() == str(tmp_path / ".cache" / "oxzep7")
    for home in ("/", "/nowhere"):
        monkeypatch.setattr(_scratch, "get_current_identity", lambda: here._replace(home=home))  # noqa: B023
        assert get_scratch_root() == tempfile.gettempdir()


def test_the_place_is_one_that_only_this_account_can_write_to():
    parent = "/var/cache" if os.geteuid() == 0 else get_current_identity().home
    assert get_scratch_root().startswith(parent + "/")
