# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of wheels that the account which builds cannot read."""

import os

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import list_hidden_folders


@pytest.mark.skipif(os.geteuid() != 0, reason="root builds as another account")
def test_a_folder_that_only_root_reads_is_named(tmp_path):
    hidden, open_folder = tmp_path / "hidden", tmp_path / "open"
    for folder in (hidden, open_folder):
        folder.mkdir()
    # Tests have a private directory.
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    hidden.chmod(0o700)
    (told,) = list_hidden_folders([str(hidden), str(open_folder)])
    assert told.startswith(f"{hidden} of oxzep7_find_links cannot be read by ") and "(Permission denied)" in told


def test_folders_that_can_be_read_are_not(tmp_path):
    assert list_hidden_folders(["/usr/lib"]) == []
