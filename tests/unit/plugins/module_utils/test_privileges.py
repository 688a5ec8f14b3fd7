# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an account may do after it was assumed, and whom a planted path would serve."""

import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    call_as_identity,
    find_controller,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import (
    UnsafePathError,
    open_directory,
    read_bytes,
    read_without_symlinks,
    resolve_trusted_path,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another account")
STRANGER = Identity("stranger", 65533, 65532, (65531, 65532), "/")


def describe_process():
    return [list(os.getresuid()), list(os.getresgid()), sorted(os.getgroups())]


@as_root
def test_an_account_that_is_assumed_has_its_own_rights_only():
    before = os.getgroups()
    os.setgroups([0, 4])
    try:
        found = call_as_identity(STRANGER, describe_process)
    finally:
        os.setgroups(before)
    assert found == [[65533] * 3, [65532] * 3, [65531, 65532]]


@as_root
def test_a_directory_that_everybody_can_write_is_controlled_by_nobody(tmp_path):
    (tmp_path / "open" / "app").mkdir(parents=True)
    assert find_controller(str(tmp_path / "open" / "app")).uid == 0
    os.chmod(str(tmp_path / "open"), 0o777)
    with pytest.raises(IdentityError, match="writable"):
        find_controller(str(tmp_path / "open" / "app"))


@as_root
def test_a_directory_below_two_accounts_is_controlled_by_nobody(tmp_path):
    (tmp_path / "one" / "two").mkdir(parents=True)
    os.chown(str(tmp_path / "one"), 65533, 65532)
    assert find_controller(str(tmp_path / "one" / "two")).uid == 65533
    os.chown(str(tmp_path / "one" / "two"), 65531, 65532)
    with pytest.raises(IdentityError, match="different users"):
        find_controller(str(tmp_path / "one" / "two"))


@as_root
def test_root_follows_its_own_links_only(tmp_path):
    (tmp_path / "secret").mkdir()
    os.symlink("secret", str(tmp_path / "link"))
    assert resolve_trusted_path(str(tmp_path / "link")) == str(tmp_path / "secret")
    os.lchown(str(tmp_path / "link"), 65533, 65532)
    with pytest.raises(UnsafePathError):
        resolve_trusted_path(str(tmp_path / "link"))


def test_a_directory_is_reached_through_no_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"content")
    os.symlink("real", str(tmp_path / "link"))
    assert read_without_symlinks(str(tmp_path / "real" / "file")) == b"content"
    with pytest.raises(OSError):
        open_directory(str(tmp_path / "link"))
    with pytest.raises(OSError):
        read_without_symlinks(str(tmp_path / "link" / "file"))


def test_no_more_is_read_than_asked_for(tmp_path):
    (tmp_path / "large").write_bytes(b"x" * 100)
    assert read_bytes(str(tmp_path / "large"), limit=10) == b"x" * 10
