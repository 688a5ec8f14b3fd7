# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wheel is taken from a place where whoever built it may have put anything."""

import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult
from ansible_collections.oxzep7.python.plugins.module_utils._packages import _wheel_build as _building

SECRET = b"of root"


@pytest.fixture(name="scratch")
def scratch_fixture(tmp_path):
    """What a build leaves, and a file of root's beside it."""
    (tmp_path / "scratch" / "out").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a-1-py3-none-any.whl").write_bytes(SECRET)
    return tmp_path.resolve() / "scratch"


def _taken(scratch):
    target = scratch.parent / "target"
    try:
        _building._collect_wheel(str(scratch / "out"), str(target))
    finally:
        found = [path.read_bytes() for path in target.iterdir()] if target.exists() else []
    return found


def test_the_wheel_is_copied(scratch):
    """The plain case."""
    (scratch / "out" / "a-1-py3-none-any.whl").write_bytes(b"wheel")
    assert _taken(scratch) == [b"wheel"]


def test_a_symlink_for_the_wheel_is_refused(scratch):
    """A link to what only root may read."""
    os.symlink("../../secret/a-1-py3-none-any.whl", scratch / "out" / "a-1-py3-none-any.whl")
    with pytest.raises(OSError, match="not a regular file"):
        _taken(scratch)
    assert not (scratch.parent / "target").exists()


def test_a_symlink_for_the_folder_is_refused(scratch):
    """A link in place of the folder of results."""
    (scratch / "out").rmdir()
    os.symlink("../secret", scratch / "out")
    with pytest.raises(OSError):
        _taken(scratch)
    assert not (scratch.parent / "target").exists()


def test_a_symlink_for_the_scratch_directory_is_refused(scratch):
    """Who owns a directory in a sticky one may put a link in its place."""
    (scratch.parent / "secret").rename(scratch.parent / "out")
    (scratch / "out").rmdir()
    scratch.rmdir()
    os.symlink(str(scratch.parent), scratch)
    with pytest.raises(OSError):
        _taken(scratch)
    assert not (scratch.parent / "target").exists()


def test_a_pipe_is_refused_without_waiting(scratch):
    """It would be read for ever."""
    os.mkfifo(scratch / "out" / "a-1-py3-none-any.whl")
    with pytest.raises(OSError, match="not a regular file"):
        _taken(scratch)


@pytest.mark.parametrize(
    "output, expected",
    [
        (
            "/usr/bin/ld: proto/base.o: in function `f':\nproto/base.c:9: undefined reference to `PyFoo'\n"
            "collect2: error: ld returned 1 exit status\n*** error linking uWSGI ***\n",
            "proto/base.c:9: undefined reference to `PyFoo'; *** error linking uWSGI ***",
        ),
        ("a.c:1:2: error: no member named 'x'\nerror: command 'gcc' failed\n",
         "a.c:1:2: error: no member named 'x'; error: command 'gcc' failed"),
        ("configuring\nno success\n", "configuring; no success"),
    ],
)  # fmt: skip
def test_the_summary_of_a_failed_build_has_the_errors_themselves(output, expected):
    remarks = "error: Failed to build `x`\n  cause: The build backend returned an error\nhint: see above\n"
    assert _building.summarize_build_failure(CommandResult(["uv"], 1, output, remarks)) == expected
