# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the standard library's changes is what its sources give."""

from __future__ import annotations

import json

import pytest

from tests.tools.stdlib import __main__ as table
from tests.tools.stdlib import interpreters


def test_the_table_is_what_its_sources_give():
    assert table.build_table() == table.TARGET.read_text(encoding="utf-8"), "run python -m tests.tools.stdlib"


def test_what_is_kept_of_interpreters_is_what_they_say():
    recorded = json.loads(interpreters.RECORDED.read_text(encoding="utf-8"))
    found = interpreters.compare_interpreters()
    same = {minor: pair for minor, pair in found.items() if recorded.get(minor, {}).get("versions") == pair["versions"]}
    if not same:
        pytest.skip("this machine has none of the pairs of interpreters that were asked")
    for minor, pair in same.items():
        # Names that a platform may lack are no reason to fail; a removed name is removed everywhere.
        assert set(recorded[minor]["names"]) == set(pair["names"]), minor
        assert recorded[minor]["parameters"] == pair["parameters"], minor
