# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The duration of a wave, from measurements of earlier runs, and from an assumption, which is named, without them."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence

# Of a step without measurements; the stability window is added.
ASSUMED_SECONDS = 300.0


@dataclasses.dataclass(frozen=True)
class WaveEstimate:
    """Seconds, and what they are based on."""

    seconds: float
    basis: str


def estimate_wave(
    hosts: Sequence[Sequence[str]], measured: Mapping[str, Sequence[float]], forks: int, window: float
) -> WaveEstimate:
    """What a wave takes of whose *hosts* each takes steps of the applications named.

    *measured* are seconds of a step by application; *forks* hosts work at once, each from its first step to its last;
    *window* is the stability window, in seconds.
    """
    every = [seconds for values in measured.values() for seconds in values]
    assumed = 0
    longest = 0.0
    for names in hosts:
        total = 0.0
        for name in names:
            own = measured.get(name) or every
            assumed += not own
            total += statistics.median(own) if own else ASSUMED_SECONDS + window
        longest = max(longest, total)
    steps = sum(map(len, hosts))
    rounds = math.ceil(len(hosts) / max(1, forks))
    nothing = f"nothing was measured yet; {ASSUMED_SECONDS + window:g} s a step are assumed"
    basis = nothing if assumed and assumed == steps else f"from {len(every)} measured steps"
    return WaveEstimate(longest * rounds, basis)
