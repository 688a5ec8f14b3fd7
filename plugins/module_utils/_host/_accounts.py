# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts that commands and file operations run as.

Root never runs an application's code, and never works inside a directory that an application's user can rearrange. It
becomes that user first, so that anything planted there gets that user's rights only.
"""

import errno
import grp
import os
import pwd
import shlex
import stat
import struct
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._host._children import call_in_child


class Identity(NamedTuple):
    """An account: name, user id, group id, supplementary group ids, home directory."""

    name: str
    uid: int
    gid: int
    groups: Tuple[int, ...]
    home: str

    def is_current(self) -> bool:
        """Whether this process runs as this account."""
        return self.uid == os.geteuid()

    def drop_privileges(self) -> None:
        """Become this account irrevocably: group list, group, user, in this order. Raises OSError."""
        if self.is_current():
            return
        os.setgroups(self.groups)
        os.setgid(self.gid)
        os.setuid(self.uid)


class IdentityError(CollectionError):
    """An account that does not exist, or a path whose owners do not allow a safe choice."""


def _build_identity(entry: Any) -> Identity:
    groups = {group.gr_gid for group in grp.getgrall() if entry.pw_name in group.gr_mem} | {entry.pw_gid}
    return Identity(entry.pw_name, entry.pw_uid, entry.pw_gid, tuple(sorted(groups)), entry.pw_dir)


def resolve_user(name: str) -> Identity:
    """The account called *name*. Raises IdentityError if it does not exist."""
    try:
        return _build_identity(pwd.getpwnam(name))
    except KeyError:
        raise IdentityError("user %r does not exist on this host" % name)


def resolve_user_name(uid: int) -> str:
    """The name of the account with user id *uid*, or the number if it has none; does not read its groups."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def resolve_uid(uid: int) -> Identity:
    """The account with user id *uid*; the number is its name if it has none."""
    try:
        return _build_identity(pwd.getpwuid(uid))
    except KeyError:
        return Identity(str(uid), uid, uid, (uid,), "/")


def get_current_identity() -> Identity:
    """The account of this process."""
    return resolve_uid(os.geteuid())


def can_become(identity: Identity) -> bool:
    """Whether this process may become *identity*."""
    return os.geteuid() == 0 or identity.is_current()


class Writer(NamedTuple):
    """Who may write in a directory besides its owner and root: ``kind`` is ``user`` or ``group``, with its number.

    The *name* is that of the account or group. *listed* writers are in the ACL of the directory, others in its mode.
    """

    kind: str
    number: int
    name: str
    listed: bool

    def includes(self, identity: Identity) -> bool:
        """Whether *identity* is this account, or in this group."""
        return identity.uid == self.number if self.kind == "user" else self.number in identity.groups + (identity.gid,)


class DirectoryControl(NamedTuple):
    """A directory that a path passes, the user id of its *owner*, and who else can rename and remove what is in it.

    *everybody* says that every account can.
    """

    path: str
    owner: int
    writers: Tuple[Writer, ...]
    everybody: bool


ACL_ATTRIBUTE = "system.posix_acl_access"
ACL_VERSION = 2
# Tags of entries of an ACL (linux/posix_acl_xattr.h).
ACL_USER, ACL_GROUP_OWNER, ACL_GROUP, ACL_MASK, ACL_OTHERS = 0x02, 0x04, 0x08, 0x10, 0x20
MAY_WRITE = 2
LINK_LIMIT = 40


def parse_acl(data: bytes) -> List[Tuple[int, int, int]]:
    """Tag, permissions and number of each entry of the ACL *data* (acl(5)), the permissions as its mask leaves them.

    Raises ValueError for another format.
    """
    if len(data) % 8 != 4 or struct.unpack("<I", data[:4])[0] != ACL_VERSION:
        raise ValueError("an ACL of an unknown format")
    entries = list(struct.iter_unpack("<HHI", data[4:]))
    mask = next((permissions for tag, permissions, _number in entries if tag == ACL_MASK), 7)
    limited = (ACL_USER, ACL_GROUP_OWNER, ACL_GROUP)
    return [(tag, granted & mask if tag in limited else granted, number) for tag, granted, number in entries]


def _read_acl(path: str) -> List[Tuple[int, int, int]]:
    """The ACL of the directory *path*, empty without one. Raises OSError."""
    try:
        return parse_acl(os.getxattr(path, ACL_ATTRIBUTE, follow_symlinks=False))
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return []
        raise


def _make_writer(kind: str, number: int, listed: bool) -> Writer:
    if kind == "user":
        return Writer(kind, number, resolve_user_name(number), listed)
    try:
        return Writer(kind, number, grp.getgrgid(number).gr_name, listed)
    except KeyError:
        return Writer(kind, number, str(number), listed)


def read_directory_control(path: str) -> DirectoryControl:
    """Who controls the entries of the directory *path*. Raises OSError.

    In a directory with the sticky bit only owners rename and remove; the owners of entries are theirs. Root and its
    group are trusted.
    """
    state = os.lstat(path)
    if state.st_mode & stat.S_ISVTX:
        return DirectoryControl(path, state.st_uid, (), False)
    entries = _read_acl(path) if state.st_mode & stat.S_IWGRP else []
    # With an ACL, the bits of the group in the mode are its mask.
    granted = [entry for entry in entries if entry[1] & MAY_WRITE]
    writers = []
    for tag, _permissions, number in granted:
        if tag == ACL_USER and number not in (0, state.st_uid):
            writers.append(_make_writer("user", number, True))
        elif tag == ACL_GROUP and number != 0:
            writers.append(_make_writer("group", number, True))
    owning = any(tag == ACL_GROUP_OWNER for tag, _permissions, _number in granted)
    if state.st_gid != 0 and (owning if entries else state.st_mode & stat.S_IWGRP):
        writers.insert(0, _make_writer("group", state.st_gid, False))
    return DirectoryControl(path, state.st_uid, tuple(writers), bool(state.st_mode & stat.S_IWOTH))


def list_controls(path: str) -> List[DirectoryControl]:
    """Each directory that decides where the directory *path* is: from ``/`` on, with those that its symlinks are in.

    Raises OSError.
    """
    waiting = [part for part in path.split("/") if part][::-1]
    done, links = "", 0
    found = {"/": read_directory_control("/")}
    while waiting:
        name = waiting.pop()
        if name == "..":
            done = os.path.dirname(done) if done else ""
            continue
        if name == ".":
            continue
        here = (done if done != "/" else "") + "/" + name
        if not stat.S_ISLNK(os.lstat(here).st_mode):
            done = here
            found.setdefault(here, read_directory_control(here))
            continue
        links += 1
        if links > LINK_LIMIT:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = os.readlink(here)
        if target.startswith("/"):
            done = ""
        waiting.extend([part for part in target.split("/") if part][::-1])
    return list(found.values())


def find_controller(path: str, resident: Optional[int] = None) -> Identity:
    """The account to act as in directory *path*: the only owner besides root of it and its parents, or root.

    Where groups or listed accounts may write in directories of root, what root did there could be redirected. Then it
    is the account with the user id *resident*, the owner of what is changed in *path*, if it is one of those that may
    write there. Raises IdentityError when no single account is safe to act as: with two unprivileged owners, a
    directory that every account can write, or writers of root's directories without such a resident.
    """
    controls = list_controls(path)
    for control in controls:
        if control.everybody:
            raise IdentityError(
                "%s is writable for every user; change its mode before anything below it" % control.path
            )
    unprivileged: Dict[int, str] = {}
    for control in controls:
        if control.owner != 0:
            unprivileged.setdefault(control.owner, control.path)
    if len(unprivileged) > 1:
        listed = ", ".join("%s (%s)" % (where, resolve_user_name(uid)) for uid, where in sorted(unprivileged.items()))
        raise IdentityError("%s is below directories of different users: %s" % (path, listed))
    if unprivileged:
        return resolve_uid(next(iter(unprivileged)))
    shared = [control for control in controls if control.writers]
    if not shared:
        return resolve_uid(0)
    if resident:
        account = resolve_uid(resident)
        last = read_directory_control(os.path.realpath(path))
        if any(writer.includes(account) for writer in last.writers):
            return account
    raise IdentityError(_describe_writers(shared[0]))


def find_entry_controller(path: str) -> Identity:
    """The account to act as on the entry *path* in its directory, as `find_controller` finds it.

    Raises IdentityError, OSError.
    """
    resident = os.lstat(path).st_uid if os.path.lexists(path) else None
    return find_controller(os.path.dirname(path), resident)


def _describe_writers(control: DirectoryControl) -> str:
    """Why root does nothing below the directory of *control*, and the command that changes that."""
    names, commands = [], []
    where = shlex.quote(control.path)
    for writer in control.writers:
        names.append(("group " if writer.kind == "group" else "") + writer.name)
        commands.append(
            "setfacl -x %s:%s %s" % (writer.kind[0], writer.name, where) if writer.listed else "chmod g-w %s" % where
        )
    return (
        "%s belongs to root, but %s can replace what is in it, so root does nothing below it; run %s, or give it to "
        "the account that owns what is below" % (control.path, " and ".join(names), " && ".join(commands))
    )


def build_process_environment(identity: Identity, path_first: Optional[str] = None) -> Dict[str, str]:
    """A minimal process environment for *identity*; *path_first* is the first directory in its PATH."""
    search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        "HOME": identity.home,
        "USER": identity.name,
        "LOGNAME": identity.name,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PATH": path_first + ":" + search if path_first else search,
    }


def call_as_identity(identity: Identity, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call *function* in a child process that runs as *identity*; return its result, which JSON must be able to hold.

    Raises the OSError of the function, or HelperError with the text of any other exception.
    """
    if identity.is_current():
        return function(*arguments)

    def call() -> Any:
        identity.drop_privileges()
        return function(*arguments)

    return call_in_child(call)
