# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make demo`` does what the README says."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# ansible_test.sh makes the environments of older cores; the newest is this one.
CORES = {"newest": pathlib.Path(sys.executable).parent, **{path.name: path / "bin" for path in ROOT.glob(".venv-*")}}


@pytest.mark.parametrize("core", sorted(CORES))
def test_demo_upgrades_two_hosts_and_one_goes_back(core):
    environment = {**os.environ, "PATH": f"{CORES[core]}:{CORES['newest']}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=environment,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("host")]
    assert {row[0] for row in rows if "promoted" in row} == {"host1", "host2", "host3"}
    assert [row[0] for row in rows if "reverted" in row] == ["host3"]
