# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what with a new environment."""

import os
import stat
import struct

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _likeness
from ansible_collections.oxzep7.python.plugins.module_utils._generation._likeness import (
    apply_access,
    create_with_access,
    read_environment_access,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import parse_acl


@pytest.fixture
def live(tmp_path):
    path = tmp_path / "venv"
    (path / "lib" / "python3.8" / "site-packages").mkdir(parents=True)
    (path / "pyvenv.cfg").write_text("version = 3.8.1\n")
    return path


def mode_of(path):
    return stat.S_IMODE(os.lstat(str(path)).st_mode)


def grown(live, path):
    """*path* after an installation by somebody with an umask of their own."""
    like = read_environment_access(str(live))
    create_with_access(like, str(path))
    site = path / "lib" / "python3.9" / "site-packages"
    site.mkdir(parents=True)
    for name, mode in (("module.py", 0o600), ("tool", 0o700), ("pyvenv.cfg", 0o666)):
        where = path / name if name == "pyvenv.cfg" else site / name
        where.write_text("")
        where.chmod(mode)
    (site / "link").symlink_to("/etc/passwd")
    apply_access(like, str(live), str(path))
    return site


@pytest.mark.parametrize(
    ("directory", "file", "program"),
    [(0o755, 0o644, 0o755), (0o750, 0o640, 0o750), (0o700, 0o600, 0o700), (0o2775, 0o664, 0o775)],
)
def test_modes_are_those_of_the_old_environment(live, tmp_path, directory, file, program):
    live.chmod(directory)
    (live / "pyvenv.cfg").chmod(file)
    before = mode_of("/etc/passwd")
    site = grown(live, tmp_path / "new")
    assert (mode_of(tmp_path / "new"), mode_of(site), mode_of(site / "module.py"), mode_of(site / "tool")) == (
        directory,
        directory,
        file,
        program,
    )
    assert mode_of("/etc/passwd") == before


def test_nothing_becomes_setuid(live, tmp_path):
    (live / "pyvenv.cfg").chmod(0o6755)
    site = grown(live, tmp_path / "new")
    assert mode_of(site / "module.py") == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give any group")
def test_the_group_is_that_of_the_old_environment(live, tmp_path):
    os.chown(str(live), -1, 12345)
    site = grown(live, tmp_path / "new")
    assert {os.lstat(str(path)).st_gid for path in (tmp_path / "new", site, site / "tool", site / "link")} == {12345}


def acl(*entries):
    """An extended attribute with an ACL (acl(5)): version 2, then tag, permissions and id of each entry."""
    return b"\x02\x00\x00\x00" + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_acls_are_those_of_the_old_environment(live, tmp_path):
    nobody = 0xFFFFFFFF
    directory = acl((1, 7, nobody), (2, 5, 4242), (4, 5, nobody), (16, 5, nobody), (32, 0, nobody))
    file = acl((1, 6, nobody), (2, 4, 4242), (4, 4, nobody), (16, 4, nobody), (32, 0, nobody))
    try:
        os.setxattr(str(live), _likeness.ACCESS, directory)
        os.setxattr(str(live), _likeness.INHERITED, directory)
        os.setxattr(str(live / "pyvenv.cfg"), _likeness.ACCESS, file)
    except OSError:
        pytest.skip("the file system for temporary files has no ACLs")
    site = grown(live, tmp_path / "new")
    for path in (tmp_path / "new", site):
        assert [os.getxattr(str(path), name) for name in (_likeness.ACCESS, _likeness.INHERITED)] == [
            directory,
            directory,
        ]
    assert os.getxattr(str(site / "module.py"), _likeness.ACCESS) == file


def test_labels_are_those_of_the_same_place(live, tmp_path, monkeypatch):
    attribute = "user.label"
    try:
        os.setxattr(str(live), attribute, b"root")
    except OSError:
        pytest.skip("the file system for temporary files has no attributes of users")
    (live / "bin").mkdir()
    os.setxattr(str(live / "bin"), attribute, b"programs")
    os.setxattr(str(live / "lib" / "python3.8"), attribute, b"library")
    (tmp_path / "enforce").touch()
    monkeypatch.setattr(_likeness, "SELINUX", str(tmp_path / "enforce"))
    monkeypatch.setattr(_likeness, "LABEL", attribute)
    new = tmp_path / "new"
    create_with_access(read_environment_access(str(live)), str(new))
    for name in ("bin/tool", "lib/python3.9/site-packages/x.py", "other"):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        (new / name).touch()
    apply_access(read_environment_access(str(live)), str(live), str(new))
    names = ("bin", "bin/tool", "lib/python3.9", "lib/python3.9/site-packages/x.py", "other")
    labels = [os.getxattr(str(new / name), attribute) for name in names]
    assert labels == [b"programs", b"programs", b"library", b"library", b"root"]


def test_nobody_else_can_write_while_an_environment_is_built(live, tmp_path):
    live.chmod(0o2775)
    (live / "pyvenv.cfg").chmod(0o666)
    like = read_environment_access(str(live))
    new = tmp_path / "new"
    create_with_access(like.without_writers(), str(new))
    (new / "inner").mkdir()
    (new / "inner" / "file").write_text("")
    apply_access(like.without_writers(), str(live), str(new))
    assert [mode_of(path) for path in (new, new / "inner", new / "inner" / "file")] == [0o2755, 0o2755, 0o644]
    apply_access(like, str(live), str(new))
    assert [mode_of(path) for path in (new, new / "inner", new / "inner" / "file")] == [0o2775, 0o2775, 0o666]


def test_an_acl_grants_no_writing_while_an_environment_is_built(live, tmp_path):
    nobody = 0xFFFFFFFF
    writing = acl((1, 7, nobody), (2, 7, 4242), (4, 5, nobody), (16, 7, nobody), (32, 5, nobody))
    try:
        os.setxattr(str(live), _likeness.ACCESS, writing)
        os.setxattr(str(live), _likeness.INHERITED, writing)
    except OSError:
        pytest.skip("the file system for temporary files has no ACLs")
    like = read_environment_access(str(live))
    new = tmp_path / "new"
    create_with_access(like.without_writers(), str(new))
    (new / "inner").mkdir(mode=0o777)
    apply_access(like.without_writers(), str(live), str(new))
    for path in (new, new / "inner"):
        entries = parse_acl(os.getxattr(str(path), _likeness.ACCESS))
        assert [tag for tag, granted, _number in entries if granted & 2] == [1]
    apply_access(like, str(live), str(new))
    for path in (new, new / "inner"):
        assert [os.getxattr(str(path), name) for name in (_likeness.ACCESS, _likeness.INHERITED)] == [writing, writing]
