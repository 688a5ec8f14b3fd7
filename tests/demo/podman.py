# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Six systemd hosts over SSH for the demonstration."""

from __future__ import annotations

import pathlib
import shutil

from tests.fleet import fleet, hosts
from tests.fleet.paths import ROOT

FAILING = "host6"


def start_demo_hosts() -> tuple[pathlib.Path, str, list[str]]:
    """Start the hosts; returns inventory, target and options of the run. Raises FleetError."""
    shutil.rmtree(ROOT / "demo", ignore_errors=True)
    (ROOT / "demo").mkdir(mode=0o700)
    fleet.start_fleet(fleet.DEFAULT_HOSTS)
    # A release that uses a name which Python 3.10 removed.
    hosts.run_on_host(
        FAILING,
        "echo 'from collections import Mapping as _Mapping' >> /srv/ledger/app/ledger/wsgi.py"
        " && systemctl restart ledger-web.service",
    )
    return fleet.INVENTORY, "3.11", ["-e", "oxzep7_stability_window=2", "-e", "oxzep7_timeout=20"]


def stop_demo_hosts() -> None:
    """Stop the hosts."""
    fleet.stop_fleet()
