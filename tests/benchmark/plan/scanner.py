# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scanner: precision and recall on the labelled corpus, and its time on wheels against parsing alone.

The wheels are those of the forty most frequent packages of the pin sets; its finds in them are printed, too.
"""

from __future__ import annotations

import ast
import collections
import pathlib
import subprocess
import sys
import time
import warnings
import zipfile

from ansible_collections.oxzep7.python.plugins.module_utils._source._scan import scan_source
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _stdlib_changes

from tests.benchmark.measure import Measure
from tests.benchmark.plan.sets import LOCKS, WORK, load_sets
from tests.unit.plugins.plugin_utils.scanner.corpus import Score, read_corpus, score_snippets

COUNT, ROUNDS = 40, 3
CURRENT, TARGET = (3, 8), (3, 12)


def download_newest_wheels() -> list[pathlib.Path]:
    """The newest wheels for the target of the packages that most sets have; those that have one."""
    counted = collections.Counter(name for pins, _minor in load_sets(LOCKS).values() for name in pins)
    names = [name for name, _count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]
    directory = WORK / "wheels"
    directory.mkdir(parents=True, exist_ok=True)
    for name in names[:COUNT]:
        if not list(directory.glob(f"{name.replace('-', '*')}-*.whl")):
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--no-deps",
                    "--only-binary",
                    ":all:",
                    "--python-version",
                    "3.12",
                    "--dest",
                    str(directory),
                    name,
                ],
                check=False,
                capture_output=True,
            )
    return sorted(directory.glob("*.whl"))


def read_python_files() -> list[tuple[str, str]]:
    """Name and text of every Python file of the wheels."""
    found = []
    for wheel in download_newest_wheels():
        package = wheel.name.partition("-")[0]
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(".py"):
                    found.append((f"{package}: {name}", archive.read(name).decode("utf-8", "replace")))
    return found


def scan_sources(sources: list[tuple[str, str]]) -> list[str]:
    """What the scan finds in *sources* on the way from 3.8 to 3.12."""
    watch = WatchedNames(_stdlib_changes.list_watched_names(CURRENT, TARGET))
    found = []
    for name, text in sources:
        for entry in _stdlib_changes.find_broken_uses(scan_source(text, watch).uses, CURRENT, TARGET):
            found.append(f"{name}:{entry.line}: {_stdlib_changes.describe_broken_use(entry)}")
    return found


def score_corpus() -> dict[str, Score]:
    """The score of the part of the corpus that the scanner was made with, and of the part that was held out."""
    parts = {"made with": False, "held out": True}
    known = read_corpus()
    return {
        title: score_snippets(snippet for snippet in known if snippet.held_out is held) for title, held in parts.items()
    }


def measure_scanner() -> list[Measure]:
    """The measure, and the findings on standard error."""
    for title, score in score_corpus().items():
        found = f"precision {score.precision:.3f}, recall {score.recall:.3f}"
        print(f"{title}: {score.count} snippets, {found}", file=sys.stderr)
    sources = read_python_files()
    lines = sum(text.count("\n") for _name, text in sources)
    watch = WatchedNames(_stdlib_changes.list_watched_names(CURRENT, TARGET))
    ours, parsing = [], []
    warnings.simplefilter("ignore")
    for _round in range(ROUNDS):
        started = time.perf_counter()
        for _name, text in sources:
            scan_source(text, watch)
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        for _name, text in sources:
            try:
                ast.parse(text)
            except SyntaxError:
                continue
        parsing.append(time.perf_counter() - started)
    print("\n".join([f"{len(sources)} files, {lines} lines", *scan_sources(sources)]), file=sys.stderr)
    return [Measure("parse", tuple(ours), tuple(parsing), "ast.parse of the same files", 1 / 0.6)]
