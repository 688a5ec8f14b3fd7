# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate against host code that follows, or waits for, what was planted."""

import pytest

from tests.tools import file_access


def test_host_code_opens_and_changes_nothing_that_is_not_listed():
    assert file_access.check_folders() == []


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "open(os.path.join(environment, 'pyvenv.cfg'), 'rb')",
        "os.open(path, os.O_RDONLY)",
        "read_text(path)",
        "os.chown(path, 1, 1)",
        "os.chmod(name, mode, dir_fd=handle)",
        "os.makedirs(path, exist_ok=True)",
        "shutil.rmtree(path)",
    ],
)
def test_such_calls_are_found(source):
    assert [line for _name, line in file_access.find_calls(source)] == [1]


@pytest.mark.parametrize(
    "source",
    [
        "open('/proc/uptime')",
        "read_text('/proc/%d/stat' % pid)",
        "os.open(name, DIRECTORY_FLAGS, dir_fd=handle)",
        "os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)",
        "os.chown(name, 1, 1, dir_fd=handle, follow_symlinks=False)",
        "stream.open()",
    ],
)
def test_safe_calls_are_not(source):
    assert file_access.find_calls(source) == []
