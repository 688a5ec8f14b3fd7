# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who controls a directory, and what is created, changed and removed in one that others can write."""

import errno
import os
import shutil
import stat
import struct
import subprocess
import tempfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._backup._documents import (
    REPOSITORY_COMMANDS,
    write_repository_state,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import prepare_directory
from ansible_collections.oxzep7.python.plugins.module_utils._host import _accounts
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    IdentityError,
    call_as_identity,
    find_controller,
    find_entry_controller,
    parse_acl,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._directories import (
    change_entry,
    check_directory,
    describe_foreign_control,
    make_directory,
    open_parent,
    remove_tree,
    remove_tree_as,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._file_flags import (
    describe_file_flags,
    find_fixed_path,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import UnsafePathError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs several accounts")
NOBODY = 0xFFFFFFFF
GROUP = 64990
OWNER = Identity("64991", 64991, 64991, (64991, GROUP), "/")
MEMBER = Identity("64992", 64992, 64992, (64992, GROUP), "/")
STRANGER = Identity("64993", 64993, 64993, (64993,), "/")


@pytest.fixture
def root():
    """A directory of root that all accounts can enter, as pytest's are not."""
    path = tempfile.mkdtemp(dir="/var/tmp")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def accounts(monkeypatch):
    """The accounts of this file, which the host does not have."""
    known = {identity.uid: identity for identity in (OWNER, MEMBER, STRANGER)}
    resolve = _accounts.resolve_uid
    monkeypatch.setattr(_accounts, "resolve_uid", lambda uid: known.get(uid) or resolve(uid))


def make_shared(root, mode=0o2775, uid=0, gid=GROUP, name="app"):
    path = os.path.join(root, name)
    os.mkdir(path)
    os.chown(path, uid, gid)
    os.chmod(path, mode)
    return path


def make_acl(*entries):
    return b"\x02\x00\x00\x00" + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def list_mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@needs_root
def test_a_group_that_can_write_keeps_root_away(root):
    shared = make_shared(root)
    with pytest.raises(IdentityError) as caught:
        find_controller(shared)
    assert "%s belongs to root, but group %d can" % (shared, GROUP) in str(caught.value)
    assert "chmod g-w %s" % shared in str(caught.value)


@needs_root
def test_the_owner_of_what_is_changed_acts_where_its_group_can_write(root):
    shared = make_shared(root)
    os.mkdir(shared + "/venv")
    os.chown(shared + "/venv", OWNER.uid, OWNER.gid)
    assert find_entry_controller(shared + "/venv") == OWNER
    os.chown(shared + "/venv", STRANGER.uid, STRANGER.gid)
    with pytest.raises(IdentityError):
        find_entry_controller(shared + "/venv")


@needs_root
def test_a_group_above_what_root_owns_keeps_root_away(root):
    shared = make_shared(root)
    os.mkdir(shared + "/inner")
    os.mkdir(shared + "/inner/venv")
    os.chown(shared + "/inner/venv", OWNER.uid, OWNER.gid)
    with pytest.raises(IdentityError) as caught:
        find_entry_controller(shared + "/inner/venv")
    assert str(caught.value).startswith(shared + " belongs to root")


@needs_root
@pytest.mark.parametrize(
    ("mode", "uid", "gid", "expected"),
    [
        (0o755, 0, GROUP, 0),
        (0o775, 0, 0, 0),
        (0o3775, 0, GROUP, 0),
        (0o1777, 0, GROUP, 0),
        (0o2775, OWNER.uid, GROUP, OWNER.uid),
    ],
)
def test_who_controls_a_directory_by_its_mode(root, mode, uid, gid, expected):
    assert find_controller(make_shared(root, mode, uid, gid)).uid == expected


@needs_root
def test_an_account_in_the_acl_of_a_directory_counts(root):
    shared = make_shared(root, 0o755, gid=0)
    entries = [(1, 7, NOBODY), (2, 7, MEMBER.uid), (4, 5, NOBODY), (16, 7, NOBODY), (32, 5, NOBODY)]
    try:
        os.setxattr(shared, _accounts.ACL_ATTRIBUTE, make_acl(*entries))
    except OSError:
        pytest.skip("the file system has no ACLs")
    with pytest.raises(IdentityError) as caught:
        find_controller(shared)
    assert "setfacl -x u:%d %s" % (MEMBER.uid, shared) in str(caught.value)
    # The mask takes the permission away again.
    os.chmod(shared, 0o755)
    assert find_controller(shared).uid == 0


def test_the_mask_of_an_acl_limits_accounts_and_groups():
    entries = [(1, 7, NOBODY), (2, 7, 1), (4, 7, NOBODY), (8, 6, 2), (16, 5, NOBODY), (32, 7, NOBODY)]
    assert [granted for _tag, granted, _number in parse_acl(make_acl(*entries))] == [7, 5, 5, 4, 5, 7]
    with pytest.raises(ValueError):
        parse_acl(b"\x03\x00\x00\x00")


@needs_root
def test_the_directory_of_a_symlink_counts_as_much_as_its_target(root):
    own = make_shared(root, 0o755, OWNER.uid)
    os.mkdir(os.path.join(root, "real"))
    os.symlink(os.path.join(root, "real"), os.path.join(own, "link"))
    assert find_controller(os.path.join(root, "real")).uid == 0
    assert find_controller(os.path.join(own, "link")) == OWNER


@needs_root
def test_a_planted_symlink_gives_nothing_away(root):
    shared = make_shared(root)
    victim = os.path.join(root, "victim")
    os.mkdir(victim)
    call_as_identity(MEMBER, os.symlink, victim, shared + "/venv.generations")
    with pytest.raises(UnsafePathError):
        prepare_directory(shared + "/venv.generations", OWNER.uid, OWNER.gid)
    with pytest.raises(OSError):
        call_as_identity(OWNER, prepare_directory, shared + "/venv.generations", OWNER.uid, OWNER.gid)
    assert os.lstat(victim).st_uid == 0


@needs_root
def test_a_planted_directory_is_refused_with_its_owner(root):
    shared = make_shared(root, 0o1777)
    call_as_identity(STRANGER, os.mkdir, shared + "/venv.generations")
    with pytest.raises(UnsafePathError) as caught:
        prepare_directory(shared + "/venv.generations", OWNER.uid, OWNER.gid)
    assert "belongs to %d, not to %d" % (STRANGER.uid, OWNER.uid) in str(caught.value)
    assert os.lstat(shared + "/venv.generations").st_uid == STRANGER.uid


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027, 0o077])
def test_modes_do_not_depend_on_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        make_directory(str(tmp_path / "a" / "b" / "c"))
        make_directory(str(tmp_path / "private" / "inner"), 0o700)
    finally:
        os.umask(before)
    assert [list_mode(str(tmp_path / name)) for name in ("a", "a/b", "a/b/c")] == [0o755] * 3
    assert [list_mode(str(tmp_path / name)) for name in ("private", "private/inner")] == [0o700] * 2


def test_a_directory_is_made_once_and_then_left_alone(tmp_path):
    path = tmp_path / "a"
    path.mkdir()
    path.chmod(0o711)
    make_directory(str(path))
    make_directory(str(path))
    assert list_mode(str(path)) == 0o711
    (tmp_path / "file").write_text("")
    with pytest.raises(UnsafePathError):
        make_directory(str(tmp_path / "file"))


def test_a_link_of_this_account_may_lead_to_another_place(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    make_directory(str(tmp_path / "link"))
    make_directory(str(tmp_path / "link" / "inner"))
    assert (tmp_path / "disk" / "inner").is_dir()


@needs_root
def test_the_bit_of_a_shared_group_is_inherited(root):
    shared = make_shared(root)
    call_as_identity(OWNER, make_directory, shared + "/new")
    assert (os.lstat(shared + "/new").st_gid, list_mode(shared + "/new")) == (GROUP, 0o2755)


def test_a_tree_is_removed_and_what_its_links_lead_to_is_not(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("")
    tree = tmp_path / "tree"
    (tree / "inner").mkdir(parents=True)
    (tree / "inner" / "link").symlink_to(kept)
    (tree / "file").write_text("")
    os.mkfifo(str(tree / "pipe"))
    remove_tree(str(tree))
    assert not tree.exists() and (kept / "file").exists()
    remove_tree(str(tree))
    (tmp_path / "link").symlink_to(kept)
    remove_tree(str(tmp_path / "link"))
    assert (kept / "file").exists() and not os.path.lexists(str(tmp_path / "link"))


@needs_root
def test_what_root_left_in_a_tree_of_an_account_is_removed_too(root):
    tree = make_shared(root, 0o755, OWNER.uid)
    call_as_identity(OWNER, os.mkdir, tree + "/generation")
    os.mkdir(tree + "/generation/__pycache__")
    with open(tree + "/generation/__pycache__/x.pyc", "w"):
        pass
    remove_tree_as(OWNER, tree + "/generation")
    assert os.listdir(tree) == []


@needs_root
def test_another_file_system_in_a_tree_stays(root):
    tree = make_shared(root)
    os.mkdir(tree + "/mounted")
    if subprocess.call(["mount", "-t", "tmpfs", "none", tree + "/mounted"], stderr=subprocess.DEVNULL):
        pytest.skip("this machine mounts nothing")
    try:
        with open(tree + "/mounted/file", "w"):
            pass
        with pytest.raises(UnsafePathError) as caught:
            remove_tree(tree)
        assert caught.value.errno == errno.EXDEV and os.path.exists(tree + "/mounted/file")
    finally:
        subprocess.check_call(["umount", tree + "/mounted"])


def test_modes_and_groups_of_links_are_not_those_of_their_targets(tmp_path):
    (tmp_path / "target").write_text("")
    (tmp_path / "target").chmod(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with open_parent(str(tmp_path / "link")) as (parent, name):
        change_entry(parent, name, 0o666, os.getgid(), {})
    assert list_mode(str(tmp_path / "target")) == 0o600


@needs_root
def test_an_immutable_file_is_named_with_the_command(tmp_path):
    tree = tmp_path / "tree"
    (tree / "inner").mkdir(parents=True)
    fixed = tree / "inner" / "file"
    fixed.write_text("")
    if not shutil.which("chattr") or subprocess.call(["chattr", "+i", str(fixed)], stderr=subprocess.DEVNULL):
        pytest.skip("the file system has no such attribute")
    try:
        with pytest.raises(PermissionError) as caught:
            remove_tree(str(tree))
        assert "%s is immutable; run chattr -i %s" % (fixed, fixed) in str(caught.value)
        assert describe_file_flags(str(tree)) is None
    finally:
        subprocess.check_call(["chattr", "-i", str(fixed)])
    remove_tree(str(tree))
    assert not tree.exists()


@needs_root
def test_root_keeps_nothing_where_others_can_replace_it(root):
    assert describe_foreign_control(os.path.join(root, "not", "yet", "there")) is None
    assert "group %d" % GROUP in (describe_foreign_control(make_shared(root) + "/interpreters") or "")
    own = make_shared(root, 0o755, OWNER.uid, name="own")
    assert (describe_foreign_control(own) or "").startswith(OWNER.name + " can replace")


@needs_root
@pytest.mark.parametrize("attribute", ["i", "a"])
def test_a_swap_is_refused_where_an_attribute_forbids_it(tmp_path, attribute):
    fixed = tmp_path / "app"
    (fixed / "venv").mkdir(parents=True)
    if not shutil.which("chattr") or subprocess.call(["chattr", "+" + attribute, str(fixed)]):
        pytest.skip("the file system has no such attribute")
    try:
        with pytest.raises(PermissionError):
            os.rename(str(fixed / "venv"), str(fixed / "other"))
        found = find_fixed_path([str(fixed / "missing"), str(fixed / "venv"), str(fixed)])
        assert found is not None and found.endswith("run chattr -%s %s" % (attribute, fixed))
    finally:
        subprocess.check_call(["chattr", "-" + attribute, str(fixed)])
    assert find_fixed_path([str(fixed)]) is None


@needs_root
def test_git_does_not_run_in_a_repository_that_others_can_rearrange(root):
    source = make_shared(root)
    os.mkdir(os.path.join(root, "state"))
    missing = write_repository_state(source, os.path.join(root, "state"))["missing"]
    assert sorted(missing) == sorted(REPOSITORY_COMMANDS) and os.listdir(os.path.join(root, "state")) == []
    assert all("chmod g-w %s" % source in cause for cause in missing.values())


def plant_directory(path, elsewhere):
    os.mkdir(path)


def plant_symlink(path, elsewhere):
    os.symlink(elsewhere, path)


@needs_root
@pytest.mark.parametrize("plant", [plant_directory, plant_symlink])
def test_a_directory_of_another_account_is_refused(root, plant):
    place, elsewhere = make_shared(root, 0o1777), make_shared(root, 0o755, OWNER.uid, name="disk")
    path = place + "/venv.generations"
    check_directory(path, OWNER.uid)
    call_as_identity(STRANGER, plant, path, elsewhere)
    with pytest.raises(UnsafePathError):
        check_directory(path, OWNER.uid)
    remove_tree(path)
    call_as_identity(OWNER, plant, path, elsewhere)
    check_directory(path, OWNER.uid)


@needs_root
def test_a_file_in_place_of_a_directory_is_refused(root):
    with open(os.path.join(root, "file"), "w"):
        pass
    with pytest.raises(UnsafePathError):
        check_directory(os.path.join(root, "file"), 0)
