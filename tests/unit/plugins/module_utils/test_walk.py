# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking directories, and reading files in them."""

import os
import pathlib
import tempfile
import threading
import time

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _survey
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._environments import EnvironmentOptions
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import (
    DirectoryWalker,
    WalkLimits,
    find_mount_point,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host import _untrusted as _reading

FOREVER = time.monotonic() + 1e6


def limits(exclude=(), mounts=None, deadline=FOREVER):
    return WalkLimits({str(path) for path in exclude}, mounts or {}, deadline)


def survey(*roots, **bounds):
    found = limits(**bounds)
    return _survey.survey_roots(
        [str(root) for root in roots], found, EnvironmentOptions(False, SharedLibraries(), found.mounts, found.deadline)
    )


def environment(path):
    path.mkdir(parents=True)
    (path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.9.1\n")
    return str(path)


def paths(found):
    return [entry["path"] for entry in found.environments]


def test_environments_are_found_and_nested_ones_too(tmp_path):
    first, second = environment(tmp_path / "a" / "venv"), environment(tmp_path / "b" / ".venv")
    inner = environment(tmp_path / "a" / "venv" / "inner")
    found = survey(tmp_path)
    assert paths(found) == [first, inner, second]
    assert [entry["nested_in"] for entry in found.environments] == [None, first, None]


def test_symlinks_and_loops_are_not_followed(tmp_path):
    environment(tmp_path / "outside" / "venv")
    (tmp_path / "d").mkdir()
    for name, target in (("up", ".."), ("root", "/"), ("venv", str(tmp_path / "outside" / "venv"))):
        os.symlink(target, str(tmp_path / "d" / name))
    assert paths(survey(tmp_path / "d")) == []


def test_what_is_excluded_is_not_entered_and_said(tmp_path):
    environment(tmp_path / "skip" / "venv")
    kept = environment(tmp_path / "keep" / "venv")
    found = survey(tmp_path, exclude=[tmp_path / "skip"])
    assert paths(found) == [kept]
    assert found.not_seen == [{"path": str(tmp_path / "skip"), "reason": "excluded"}]


@pytest.mark.parametrize(
    "kind, reason", [("nfs4", "network file system (nfs4)"), ("proc", "pseudo file system (proc)")]
)
def test_network_and_pseudo_file_systems_are_not_entered(tmp_path, kind, reason):
    environment(tmp_path / "mnt" / "venv")
    found = survey(tmp_path, mounts={"/": "ext4", str(tmp_path / "mnt"): kind})
    assert paths(found) == [] and found.not_seen == [{"path": str(tmp_path / "mnt"), "reason": reason}]


def test_a_local_mount_is_entered_and_named(tmp_path):
    environment(tmp_path / "mnt" / "venv")
    found = survey(tmp_path, mounts={"/": "ext4", str(tmp_path / "mnt"): "xfs"})
    assert [entry["mount"] for entry in found.environments] == [str(tmp_path / "mnt")]


def test_mount_of():
    assert find_mount_point("/srv/data/venv", {"/": "ext4", "/srv/data": "xfs", "/srv/dat": "xfs"}) == "/srv/data"
    assert find_mount_point("/srv/other", {}) == "/"


def test_roots_inside_each_other_count_once(tmp_path):
    found = environment(tmp_path / "a" / "venv")
    assert paths(survey(tmp_path, tmp_path / "a")) == [found]


def test_a_used_up_time_budget_is_said(tmp_path):
    environment(tmp_path / "venv")
    found = survey(tmp_path, deadline=time.monotonic() - 1)
    assert paths(found) == [] and found.not_seen == [{"path": str(tmp_path), "reason": "time budget used up"}]


def test_caches_are_not_entered(tmp_path):
    environment(tmp_path / "cache" / "builds" / "venv")
    (tmp_path / "cache" / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")
    found = survey(tmp_path)
    assert paths(found) == [] and found.not_seen[0]["reason"] == "cache, marked by CACHEDIR.TAG"


def test_depth_is_bounded(tmp_path):
    path = tmp_path
    for _level in range(210):
        path = path / "d"
    path.mkdir(parents=True)
    assert [entry["reason"] for entry in survey(tmp_path).not_seen] == ["more than 200 directories deep"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_errors_are_named(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    assert survey(tmp_path).not_seen == [{"path": str(closed), "reason": "Permission denied"}]


def test_a_directory_that_is_swapped_for_a_symlink_leads_nowhere(tmp_path):
    environment(tmp_path / "outside" / "venv")
    (tmp_path / "root" / "place" / "venv").mkdir(parents=True)
    place, aside = str(tmp_path / "root" / "place"), str(tmp_path / "root" / "aside")
    running = threading.Event()
    running.set()

    def swap():
        while running.is_set():
            os.rename(place, aside)
            os.symlink(str(tmp_path / "outside"), place)
            os.unlink(place)
            os.rename(aside, place)

    thread = threading.Thread(target=swap)
    thread.start()
    visited = []
    try:
        for _round in range(300):
            DirectoryWalker(
                limits(),
                lambda handle, path, directories, others: (
                    visited.append(os.readlink("/proc/self/fd/%d" % handle)) or directories
                ),
            ).walk(str(tmp_path / "root"))
    finally:
        running.clear()
        thread.join()
    assert visited and not [path for path in visited if path.startswith(str(tmp_path / "outside"))]


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(str(tmp_path / "fifo"))
    (tmp_path / "file").write_text("text")
    os.symlink("file", str(tmp_path / "link"))
    for name in ("fifo", "link", "nothing"):
        assert _reading.read_text_file(str(tmp_path / name)) is None
    assert _reading.read_bytes(str(tmp_path / "file"), limit=2) == b"te"


def test_a_large_sparse_file_is_read_up_to_the_limit(tmp_path):
    with open(str(tmp_path / "large"), "wb") as stream:
        stream.truncate(10 << 30)
    assert len(_reading.read_bytes(str(tmp_path / "large"))) == _reading.READ_LIMIT


def test_paths_through_symlinks_are_refused_or_resolved(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("text")
    os.symlink("real", str(tmp_path / "link"))
    with pytest.raises(OSError):
        _reading.read_without_symlinks(str(tmp_path / "link" / "file"))
    assert _reading.resolve_trusted_path(str(tmp_path / "link" / ".." / "link" / "file")) == str(
        tmp_path / "real" / "file"
    )
    assert _reading.read_trusted_text(str(tmp_path / "link" / "file")) == "text"
    os.symlink("loop", str(tmp_path / "loop"))
    with pytest.raises(_reading.UnsafePathError):
        _reading.resolve_trusted_path(str(tmp_path / "loop"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root refuses other users' symlinks")
def test_root_follows_no_symlink_of_a_user(tmp_path):
    (tmp_path / "real").write_text("text")
    os.symlink("real", str(tmp_path / "link"))
    os.lchown(str(tmp_path / "link"), 65534, 65534)
    assert _reading.read_trusted_text(str(tmp_path / "link")) is None


def test_what_cannot_be_printed_is_escaped():
    assert _reading.make_printable({"a\udcff": ["b\udcfe", 1, None, "é\n"]}) == {"a\\xff": ["b\\xfe", 1, None, "é\n"]}


@pytest.fixture
def entered():
    """A directory that other accounts can enter; those of pytest are private."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


def test_a_reader_tells_what_it_could_not_read_and_nothing_else(entered):
    closed, secret = entered / "closed", entered / "secret"
    closed.mkdir()
    secret.write_text("x")
    os.symlink("/dev/null", str(entered / "masked.service"))
    os.symlink("gone", str(entered / "broken.service"))
    closed.chmod(0)
    secret.chmod(0)
    reader, root = _reading.HostReader(), os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        assert reader.list_names(str(closed)) == [] and reader.list_names(str(closed)) == []
        assert reader.read_text(str(secret)) is None
        for name in ("masked.service", "broken.service", "gone", "secret/below"):
            assert reader.read_text(str(entered / name)) is None and reader.list_names(str(entered / name)) == []
    finally:
        if root:
            os.seteuid(0)
        closed.chmod(0o700)
    assert reader.not_seen == [
        {"path": str(closed), "reason": "Permission denied"},
        {"path": str(secret), "reason": "Permission denied"},
    ]
