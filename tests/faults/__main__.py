# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs fault injections: ``python -m tests.faults [NAME …]``; fails when not every point survived."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.faults import backup, damage, power, promotion, restart, restore_again

FAULTS: dict[str, Callable[[], tuple[int, int]]] = {
    "backup": backup.run_all,
    "damage": damage.run_all,
    "power": power.run_all,
    "promotion": promotion.run_all,
    "restart": restart.run_all,
    "restore-again": restore_again.run_all,
}
"""Fault injections by name; each returns how many points it tried and how many of them were survived."""


def main() -> None:
    """The command line."""
    chosen = sys.argv[1:] or sorted(FAULTS)
    unknown = [name for name in chosen if name not in FAULTS]
    if unknown:
        sys.exit(f"faults: no {', '.join(unknown)}; there is {', '.join(sorted(FAULTS))}")
    lost = False
    for name in chosen:
        points, survived = FAULTS[name]()
        print(f"faults {name} {points} points, {survived} survived", flush=True)
        lost = lost or survived < points
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
