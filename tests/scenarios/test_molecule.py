# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The molecule scenarios."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.fleet import fleet
from tests.fleet.paths import FLEET, ROOT

SCENARIOS = sorted(path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml"))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario):
    # Molecule links the inventory before the scenario has made its hosts, and refuses a link to nothing.
    fleet.WORK.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not fleet.INVENTORY.exists():
        fleet.INVENTORY.write_text("{}", encoding="utf-8")
    done = subprocess.run(
        ["molecule", "test", "--scenario-name", scenario],
        cwd=ROOT / "extensions",
        capture_output=True,
        text=True,
        check=False,
        timeout=2400,
        env={**os.environ, "OXZEP7_FLEET": FLEET, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    assert "Missing playbook" not in done.stderr and "no tests found" not in done.stderr
