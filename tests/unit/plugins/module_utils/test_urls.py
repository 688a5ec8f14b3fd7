# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs lose their credentials."""

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._host._urls import redact_url


@pytest.mark.parametrize(
    "url, expected",
    [
        ("https://me:secret@example.org/x", "https://example.org/x"),
        ("https://me:se@cret@example.org/x", "https://example.org/x"),
        ("ssh://git@example.org/x.git", "ssh://example.org/x.git"),
        ("file:///src/a@b", "file:///src/a@b"),
        ("/src/linked", "/src/linked"),
        ("https://me:secret@[broken/x", "https://[broken/x"),
    ],
)
def test_credentials_are_left_out(url, expected):
    assert redact_url(url) == expected
