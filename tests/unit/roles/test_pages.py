# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages that are written from code and specifications are current, and a change of their sources is noticed."""

from __future__ import annotations

import pytest

from tests.tools import pages


def test_generated_pages_are_current():
    assert pages.list_stale_pages(write=False) == [], "run make pages"


def test_content_is_replaced_between_its_marks():
    assert pages.insert_between("a\n<b>\nold\n<e>\nz", "<b>", "<e>", "new") == "a\n<b>\nnew\n<e>\nz"
    with pytest.raises(ValueError, match="<e>"):
        pages.insert_between("a <b> z", "<b>", "<e>", "new")
