# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accounts that commands and file operations run as.

Root never runs an application's code, and never works inside a directory that an application's user can rearrange. It
becomes that user first, so that anything planted there gets that user's rights only.
"""

import grp
import json
import os
import pwd
import stat
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError


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


class HelperError(CollectionError, RuntimeError):
    """A function that failed in a helper process with another account; the text names the exception."""


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


def list_owners(path: str) -> List[Tuple[str, int]]:
    """Each real directory from ``/`` to *path* with its owner's user id. Raises OSError."""
    real = os.path.realpath(path)
    found: List[Tuple[str, int]] = []
    while True:
        found.append((real, os.lstat(real).st_uid))
        if real == os.path.dirname(real):
            return found[::-1]
        real = os.path.dirname(real)


def find_controller(path: str) -> Identity:
    """The account that can rearrange directory *path*: the only owner besides root of it and its parents, or root.

    Raises IdentityError when there are two unprivileged owners, or when one of the directories is world-writable
    without the sticky bit, because then no single account is safe to act as.
    """
    unprivileged: Dict[int, str] = {}
    for directory, uid in list_owners(path):
        mode = os.lstat(directory).st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise IdentityError("%s is writable for every user; change its mode before anything below it" % directory)
        if uid != 0:
            unprivileged.setdefault(uid, directory)
    if len(unprivileged) > 1:
        listed = ", ".join("%s (%s)" % (where, resolve_uid(uid).name) for uid, where in sorted(unprivileged.items()))
        raise IdentityError("%s is below directories of different users: %s" % (path, listed))
    return resolve_uid(next(iter(unprivileged))) if unprivileged else resolve_uid(0)


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
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            identity.drop_privileges()
            answer: Dict[str, Any] = {"result": function(*arguments)}
        except OSError as error:
            answer = {"errno": error.errno, "text": error.strerror, "path": error.filename}
        except BaseException as error:  # the child must always reply and end here
            answer = {"error": "%s: %s" % (type(error).__name__, error)}
        with os.fdopen(writer, "w") as stream:
            json.dump(answer, stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    reply = json.loads(text) if text else {"error": "the helper process died without a reply"}
    if "result" in reply:
        return reply["result"]
    if "errno" in reply:
        raise OSError(reply["errno"], reply["text"], reply["path"])
    raise HelperError(reply["error"])
