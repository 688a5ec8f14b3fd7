# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of wheels that the account which builds cannot read."""

import os
import pathlib
import tempfile

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import list_hidden_folders


@pytest.fixture
def folder():
    # The directories of tests are private.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="root builds as another account")
def test_a_folder_that_only_root_reads_is_named(folder):
    for name, mode in (("hidden", 0o700), ("open", 0o755)):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
    (told,) = list_hidden_folders([str(folder / "hidden"), str(folder / "open")])
    assert told.startswith(f"{folder}/hidden of oxzep7_find_links cannot be read by ")
    assert "(Permission denied)" in told


def test_folders_that_can_be_read_are_not(tmp_path):
    assert list_hidden_folders(["/usr/lib"]) == []
