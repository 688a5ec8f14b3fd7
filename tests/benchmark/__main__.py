# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs benchmarks: ``python -m tests.benchmark [NAME …]`` prints a line for each measure with its target."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.benchmark import backup, host_info, rollout, step
from tests.benchmark.measure import Measure
from tests.benchmark.plan import fleet as plan
from tests.benchmark.plan import scanner

BENCHMARKS: dict[str, Callable[[], list[Measure]]] = {
    "backup": backup.measure_backup,
    "host_info": host_info.measure_host_info,
    "plan": plan.measure_planning,
    "rollout": rollout.measure_rollout,
    "scanner": scanner.measure_scanner,
    "step": step.measure_step,
}


def main() -> None:
    """The command line."""
    chosen = sys.argv[1:] or sorted(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"benchmark: no {', '.join(unknown)}; there is {', '.join(sorted(BENCHMARKS))}")
    for name in chosen:
        for measure in BENCHMARKS[name]():
            print(measure.format_line(name), flush=True)


if __name__ == "__main__":
    main()
