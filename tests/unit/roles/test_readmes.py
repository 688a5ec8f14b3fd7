# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README of each role equals its argument specs."""

from __future__ import annotations

import pytest

from tests.tools.role_readmes import ROOT, find_playbooks, render_readmes

READMES = render_readmes()


def test_every_role_has_argument_specs():
    assert {path.parent for path in READMES} == set((ROOT / "roles").iterdir())


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_a_readme_equals_the_specification(path):
    assert path.read_text(encoding="utf-8") == READMES[path], "run make pages"


def test_playbooks_are_found_through_other_roles():
    found = find_playbooks()
    assert found["step"] == ["rehearse", "upgrade"] or found["step"] == ["rehearse", "rollback", "upgrade"]
    assert "audit" in found["oxzep7"] and found["drill"] == ["drill"]
