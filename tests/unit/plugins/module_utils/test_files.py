# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes that survive a crash."""

import errno
import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._host import _files


def test_a_failed_write_keeps_the_old_content_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "file"
    _files.write_atomically(str(path), b"old")

    def fails(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError):
        _files.write_atomically(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(str(tmp_path)) == ["file"]


def test_modes_are_exact_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        _files.write_atomically(str(tmp_path / "file"), b"", 0o644)
    finally:
        os.umask(before)
    assert os.stat(str(tmp_path / "file")).st_mode & 0o777 == 0o644


def test_absence_is_no_error(tmp_path):
    assert _files.read_text(str(tmp_path / "no")) is None
    assert _files.read_json(str(tmp_path / "no" / "where")) is None
    assert _files.remove_quietly(str(tmp_path / "no")) is False


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "; free space, or choose another place"),
        (errno.EDQUOT, "; a quota is used up, which quota -s shows: raise it, remove files, or choose another place"),
        (errno.EIO, ""),
    ],
)
def test_a_full_file_system_and_a_quota_have_their_own_advice(code, advice):
    assert _files.describe_lack_of_space(OSError(code, os.strerror(code), "/x"), "place") == advice
    assert (
        _files.describe_lack_of_space(ValueError("uv: %s (os error %d)" % (os.strerror(code), code)), "place") == advice
    )
