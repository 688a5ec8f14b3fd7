# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thousand hosts with 25 different environments, planned through four steps, against the bare calls of uv."""

from __future__ import annotations

import pathlib
import shutil
import tempfile
import time

from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import WheelBuilder
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    ResolutionRequest,
    ResolvedLock,
    Resolver,
    find_uv,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import DEFAULT_SOURCES
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._document import Plan
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import PlannedHost
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._plan import Planner
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._steps import collect_earlier_steps

from tests.benchmark.measure import Measure
from tests.benchmark.plan.sets import LOCKS, load_sets

HOSTS, UNIQUE, ROUNDS = 1000, 25, 3
FACTS = {"architecture": "x86_64", "libc": {"name": "glibc", "version": "2.36"}}
ARCHIVE = {"source": "archive", "url": "http://files.example.org/x.tar.gz", "sha256": "0" * 64}
SOURCES = [{**ARCHIVE, "version": f"3.{minor}"} for minor in range(9, 13)]


class RecordingResolver(Resolver):
    """Remembers the questions that it was asked."""

    def __init__(self, cache: pathlib.Path, index: PackageIndex) -> None:
        super().__init__(cache, find_uv(), index=index)
        self.questions: set[ResolutionRequest] = set()

    def lock(self, question: ResolutionRequest) -> ResolvedLock:
        """As `Resolver.lock`."""
        self.questions.add(question)
        return super().lock(question)

    def time_bare_resolver(self) -> float:
        """Seconds that uv takes for every question, one after the other."""
        started = time.perf_counter()
        for question in sorted(self.questions, key=lambda entry: entry.compute_digest()):
            self._run_uv_compile(question)
        return time.perf_counter() - started


def make_hosts(count: int) -> list[PlannedHost]:
    """*count* hosts with 25 different environments: the pins of one application, each time without another package."""
    pins, _minor = load_sets(LOCKS)["via"]
    names = sorted(pins)
    found = []
    for number in range(count):
        without = names[number % UNIQUE]
        common = {"requires": [], "requested": True, "editable": False, "direct_url": None}
        packages = [{**common, "name": name, "version": pins[name]} for name in pins if name != without]
        environment = {"path": "/srv/app/venv", "python": "3.8.18", "packages": packages}
        found.append(
            PlannedHost(
                f"host{number}", FACTS, [{"name": "app", "findings": [], "environment": environment}], [], SOURCES, []
            )
        )
    return found


def time_planning(
    cache: pathlib.Path, count: int, earlier: Plan | None = None
) -> tuple[float, Plan, RecordingResolver]:
    """Seconds, plan and resolver of planning *count* hosts; with *earlier*, as a second run finds it."""
    index = PackageIndex(DEFAULT_SOURCES, cache)
    resolver = RecordingResolver(cache, index)
    known = collect_earlier_steps(earlier.document, earlier.locks.get) if earlier else {}
    machines = make_hosts(count)
    started = time.perf_counter()
    made = Planner(
        "3.12", StepLocker(resolver, index, WheelBuilder(cache, find_uv(), DEFAULT_SOURCES)), earlier=known
    ).plan(machines)
    return time.perf_counter() - started, made, resolver


def measure_planning() -> list[Measure]:
    """The measures, each against its own baseline."""
    with tempfile.TemporaryDirectory(prefix="oxzep7-plan-benchmark-") as directory:
        cache = pathlib.Path(directory)
        _warm, made, recording = time_planning(cache, UNIQUE)
        many, few, bare, again = [], [], [], []
        for _round in range(ROUNDS):
            for count, seconds in ((HOSTS, many), (UNIQUE, few)):
                shutil.rmtree(cache / "resolutions")
                seconds.append(time_planning(cache, count)[0])
            bare.append(recording.time_bare_resolver())
            made = time_planning(cache, HOSTS)[1]
            again.append(time_planning(cache, HOSTS, made)[0])
    return [
        Measure(
            "uv",
            tuple(many),
            tuple(bare),
            f"the bare uv calls for {UNIQUE} environments and 4 steps, one after the other",
            1.3,
        ),
        Measure("hosts", tuple(many), tuple(few), f"{UNIQUE} hosts instead of {HOSTS}", 1.2),
        Measure("again", tuple(again), (2.0 + 0.005 * HOSTS,), f"2 seconds and 5 ms for each of {HOSTS} hosts", 1.0),
    ]
