# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives that must be refused, and one that must not."""

import io
import os
import tarfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._archive import (
    UnsafeArchiveError,
    extract_archive,
)


def member(name, kind=tarfile.REGTYPE, link="", data=b"", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    info.size = len(data)
    info.mode = mode
    return info, data


def archive_of(path, members):
    with tarfile.open(str(path), "w:gz") as stream:
        for info, data in members:
            stream.addfile(info, io.BytesIO(data))
    return str(path)


HOSTILE = {
    "parent traversal": [member("../evil", data=b"x")],
    "traversal in the middle": [member("a/../../evil", data=b"x")],
    "absolute path": [member("/tmp/evil", data=b"x")],
    "absolute symlink": [member("link", tarfile.SYMTYPE, "/etc/passwd")],
    "symlink that climbs out": [member("a/link", tarfile.SYMTYPE, "../../etc")],
    "symlink to the parent": [member("link", tarfile.SYMTYPE, "..")],
    "write through a symlink": [
        member("d", tarfile.DIRTYPE),
        member("link", tarfile.SYMTYPE, "d"),
        member("link/evil", data=b"x"),
    ],
    "file over a symlink": [
        member("d", tarfile.DIRTYPE),
        member("link", tarfile.SYMTYPE, "d"),
        member("link", data=b"x"),
    ],
    "hard link outside": [member("link", tarfile.LNKTYPE, "../../etc/passwd")],
    "absolute hard link": [member("link", tarfile.LNKTYPE, "/etc/passwd")],
    "hard link to a symlink": [member("d"), member("s", tarfile.SYMTYPE, "d"), member("h", tarfile.LNKTYPE, "s")],
    "character device": [member("null", tarfile.CHRTYPE)],
    "block device": [member("disk", tarfile.BLKTYPE)],
    "fifo": [member("pipe", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("case", sorted(HOSTILE))
def test_hostile_members_are_refused_and_nothing_lands_outside(tmp_path, case):
    target = tmp_path / "in" / "target"
    target.mkdir(parents=True)
    with pytest.raises(UnsafeArchiveError) as caught:
        extract_archive(archive_of(tmp_path / "archive", HOSTILE[case]), str(target))
    assert "member" in str(caught.value)
    assert sorted(os.listdir(str(tmp_path))) == ["archive", "in"]
    assert os.listdir(str(tmp_path / "in")) == ["target"]


def test_interpreter_layout_is_unpacked_with_plain_modes(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    extract_archive(
        archive_of(
            tmp_path / "archive",
            [
                member("py/bin/python3.9", data=b"#!", mode=0o6755),
                member("py/bin/python3", tarfile.SYMTYPE, "python3.9"),
                member("py/lib/libpython3.9.so.1.0", data=b"so", mode=0o664),
                member("py/lib/libpython3.9.so", tarfile.LNKTYPE, "py/lib/libpython3.9.so.1.0"),
                member("./py/lib64", tarfile.SYMTYPE, "lib"),
                member("py/share", tarfile.DIRTYPE),
            ],
        ),
        str(target),
    )
    assert (target / "py/bin/python3.9").stat().st_mode & 0o7777 == 0o755
    assert (target / "py/lib/libpython3.9.so.1.0").stat().st_mode & 0o7777 == 0o644
    assert os.readlink(str(target / "py/bin/python3")) == "python3.9"
    assert (target / "py/lib/libpython3.9.so").read_bytes() == b"so"
    assert (target / "py/share").is_dir()


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.oxzep7.python.plugins.module_utils._interpreter._archive.MAXIMUM_BYTES", 1000
    )
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(UnsafeArchiveError):
        extract_archive(archive_of(tmp_path / "archive", [member("zeros", data=b"\0" * 1001)]), str(target))
