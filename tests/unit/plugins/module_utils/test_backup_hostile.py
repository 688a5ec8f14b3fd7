# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile archives: nothing is written that the manifest does not list, and nothing outside of the tree."""

import hashlib
import io
import os
import tarfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers import _entry
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._entry import ArchiveEntry, make_tar_header
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._extract import (
    DamagedArchiveError,
    RestoredTree,
    prove_entries,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._stream import StreamReader

ME, US = os.getuid(), os.getgid()
GOOD = b"good"


def of(path, kind=_entry.FILE, **more):
    content = {"size": len(GOOD), "sha256": hashlib.sha256(GOOD).hexdigest()} if kind == _entry.FILE else {}
    return ArchiveEntry(
        path, kind, 0o755 if kind == _entry.DIRECTORY else 0o640, ME, US, 10**18, **dict(content, **more)
    )


MANIFEST = [
    of("", _entry.DIRECTORY),
    of("a", _entry.DIRECTORY),
    of("a/file"),
    of("a/link", _entry.SYMLINK, target="file"),
    of("b", _entry.HARD_LINK, target="a/file"),
]


def member(name, kind=tarfile.REGTYPE, data=b"", **more):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def tar(members):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def described(root):
    found = []
    for folder, below, names in os.walk(str(root)):
        for name in below + names:
            path = os.path.join(folder, name)
            found.append((os.path.relpath(path, str(root)), os.lstat(path).st_mode))
    return sorted(found)


def restored(place, act):
    """Have *act* restore a tree in *place*, as a restore does."""
    (place / "tree").mkdir()
    handle = os.open(str(place / "tree"), os.O_RDONLY | os.O_DIRECTORY)
    try:
        tree = RestoredTree(handle, False)
        act(tree.make_entry)
        tree.finish_directories()
    finally:
        tree.close()
        os.close(handle)


HOSTILE = {
    "traversal": [member("srv/app/../../etc/passwd", data=GOOD)],
    "traversal without the place": [member("../outside", data=GOOD)],
    "absolute": [member("/etc/passwd", data=GOOD)],
    "not in the manifest": [member("srv/app/more", data=GOOD)],
    "symlink elsewhere": [member("srv/app/a/link", tarfile.SYMTYPE, linkname="/etc/passwd")],
    "symlink for a directory": [
        member("srv/app", tarfile.DIRTYPE),
        member("srv/app/a", tarfile.SYMTYPE, linkname="/tmp"),
    ],
    "symlink for a file": [member("srv/app/a/file", tarfile.SYMTYPE, linkname="/etc/passwd")],
    "hard link for a file": [member("srv/app/a/file", tarfile.LNKTYPE, linkname="/etc/passwd")],
    "character device": [member("srv/app/a/file", tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "block device": [member("srv/app/a/file", tarfile.BLKTYPE, devmajor=8, devminor=0)],
    "fifo": [member("srv/app/a/file", tarfile.FIFOTYPE)],
    "device that nobody kept": [member("srv/app/null", tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "directory for a file": [member("srv/app/a/file", tarfile.DIRTYPE)],
    "file for a directory": [member("srv/app/a", data=GOOD)],
    "other content": [member("srv/app/a/file", data=b"evil")],
    "less content": [member("srv/app/a/file", data=b"go")],
    "bomb": [member("srv/app/a/file", data=GOOD + bytes(1 << 22))],
    "nothing": [],
    "a directory": [member("srv/app/a", tarfile.DIRTYPE)],
    "odd encoding": [member("srv/app/a/f\udcffle", data=GOOD)],
    "control characters": [member("srv/app/a/file\n", data=GOOD)],
    "empty name": [member("", data=GOOD)],
    "dots": [member("srv/app/./a/./file/..", data=GOOD)],
    "long name": [member("srv/app/" + "x" * 5000, data=GOOD)],
}


@pytest.mark.parametrize("case", sorted(HOSTILE))
def test_what_an_archive_has_is_held_against_the_manifest(tmp_path, case):
    written = b""
    for one in MANIFEST[:2]:
        written += make_tar_header(one) + (GOOD + bytes(508) if one.kind == _entry.FILE else b"")
    written += tar(HOSTILE[case])
    stream = io.BytesIO(written)
    with pytest.raises(DamagedArchiveError):
        restored(tmp_path, lambda make: prove_entries(StreamReader(stream, lambda: None), MANIFEST, make))
    assert [name for name, _mode in described(tmp_path)] == ["tree", "tree/a"]


@pytest.mark.parametrize("content, whole", [(GOOD, True), (b"evil", False)])
def test_content_is_compared_behind_a_true_header(content, whole):
    headers = [make_tar_header(one) for one in MANIFEST[:3]]
    written = b"".join(headers) + content + bytes(508) + bytes(1024)
    stream = StreamReader(io.BytesIO(written), lambda: None)
    if whole:
        prove_entries(stream, MANIFEST[:3])
        return
    with pytest.raises(DamagedArchiveError, match="the content of a/file differs"):
        prove_entries(stream, MANIFEST[:3])
