# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a benchmark yields."""

from __future__ import annotations

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Measure:
    """Seconds of ours and of the named baseline, round by round, and the ratio of their medians that is aimed at."""

    name: str
    ours: tuple[float, ...]
    baseline: tuple[float, ...]
    baseline_name: str
    target: float

    def ratio(self) -> float:
        """Median of ours over median of the baseline."""
        return statistics.median(self.ours) / statistics.median(self.baseline)

    def format_line(self, benchmark: str) -> str:
        """The line that is printed."""
        verdict = "ok" if self.ratio() <= self.target else "over"
        return (
            f"benchmark {benchmark}/{self.name} ratio {self.ratio():.3g} target {self.target:.3g} {verdict} "
            f"(baseline: {self.baseline_name}; medians of {len(self.ours)})"
        )
