# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans real applications of 2021 to Python 3.12, and imports the resulting environments.

``python -m tests.benchmark.plan.sets [--locks DIR] [NAME …]`` installs the origin of each set of pins, asks for five
locks, and prints a table: the pins as they are (frozen), everything upgraded, the pins as preferences, the nearest
versions without evidence, and ours, which is rehearsed at every step. Packages that cannot be installed on the origin
here (a header is missing) are left out of the set and named.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import datetime
import importlib.metadata
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import parse_core_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._generation._probe import ProbeRequest, probe_environment
from ansible_collections.oxzep7.python.plugins.module_utils._generation._targets import MODULES
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import (
    Identity,
    get_current_identity,
    resolve_user,
)
from ansible_collections.oxzep7.python.plugins.module_utils._packages import _installed, _lockfile
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name
from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import Minor, format_minor
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import WheelBuilder
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import Resolver, find_uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import DEFAULT_SOURCES
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._errors import MissingWheelsError, NoLockError
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_package_set
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._later_wheels import LaterWheels, build_fetcher
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._locking import StepLocker
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import classify_move
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._package_set import PackageSet
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._rehearsal import (
    LearnedConstraint,
    Rehearsal,
    TrialFailure,
    TrialOutcome,
    find_owner,
)

from tests.fleet.archives import pack_interpreter

LOCKS = pathlib.Path(__file__).resolve().parent / "locks"
WORK = pathlib.Path(os.environ.get("OXZEP7_BENCHMARK_DIR", "/var/tmp/oxzep7-benchmark"))
PLATFORM = "x86_64-manylinux_2_36"
TARGET: Minor = (3, 12)
# What the applications of that day took for granted of setuptools.
OLD_TOOLS = "setuptools<58\n"


@dataclasses.dataclass
class SetResult:
    """One line of the table; None where it was not measured."""

    name: str
    variant: str
    packages: int
    moved: int | None = None
    major: int | None = None
    added: int | None = None
    left: int | None = None
    built: int | None = None
    rounds: int | None = None
    trials: int | None = None
    failures: int | None = None
    note: str = ""

    def format_line(self) -> str:
        """The line, in columns."""
        values = [self.packages, self.moved, self.major, self.added, self.left, self.built, self.rounds, self.trials]
        values.append(self.failures)
        return (
            f"{self.name:<16}{self.variant:<13}"
            + "".join(f"{'-' if value is None else value:>9}" for value in values)
            + f"  {self.note}"
        )


def choose_identity() -> Identity:
    """Who runs what the sets bring."""
    return resolve_user("nobody") if os.geteuid() == 0 else get_current_identity()


def unpack_interpreter(minor: Minor) -> pathlib.Path:
    """The executable of *minor*, where every account can run it."""
    target = WORK / "interpreters" / format_minor(minor)
    if not target.exists():
        archive = pack_interpreter(format_minor(minor))
        if archive is None:
            raise SystemExit(f"benchmark: this machine has no Python {format_minor(minor)}, and none can be had")
        fresh = target.with_name(f".{target.name}")
        shutil.rmtree(fresh, ignore_errors=True)
        with tarfile.open(archive) as stream:
            stream.extractall(fresh, filter="tar")
        os.rename(next(fresh.iterdir()), target)
    return target / "bin" / "python3"


def run_isolated_uv(*words: str) -> subprocess.CompletedProcess[str]:
    """Run uv without anybody's configuration."""
    return subprocess.run(
        [find_uv(), *words, "--no-config", "--no-python-downloads"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


class OriginEnvironment:
    """The environment that a set of pins was, installed here; ``lacking`` are the pins that cannot be."""

    def __init__(self, name: str, pins: Mapping[str, str], minor: Minor) -> None:
        self.path = WORK / "origins" / name
        self.minor = minor
        self.lacking: list[str] = []
        # What cannot be imported there, as trials find it.
        self.failing: dict[str, str] = {}
        ready = self.path / "lacking.json"
        if not ready.exists():
            shutil.rmtree(self.path, ignore_errors=True)
            run_isolated_uv("venv", "--no-project", "--python", str(unpack_interpreter(minor)), str(self.path))
            ready.write_text(json.dumps(self._install_pins(pins)), encoding="utf-8")
        self.lacking = json.loads(ready.read_text(encoding="utf-8"))
        self.pins = {name: version for name, version in pins.items() if name not in self.lacking}

    def _install_pins(self, pins: Mapping[str, str]) -> list[str]:
        limits = self.path / "build-constraints.txt"
        limits.write_text(OLD_TOOLS, encoding="utf-8")
        common = [
            "pip",
            "install",
            "--quiet",
            "--python",
            str(self.path / "bin" / "python"),
            "--no-deps",
            "--build-constraints",
            str(limits),
        ]
        if run_isolated_uv(*common, *(f"{name}=={version}" for name, version in pins.items())).returncode == 0:
            return []
        lacking = [name for name in pins if run_isolated_uv(*common, f"{name}=={pins[name]}").returncode != 0]
        if not lacking:
            return []
        # pip takes source archives whose names uv refuses.
        run_isolated_uv(*common, "pip<24", "setuptools<58", "wheel")
        python = str(self.path / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
        limited = {**os.environ, "PIP_CONSTRAINT": str(limits)}
        still_lacking = []
        for name in lacking:
            done = subprocess.run([*pip, f"{name}=={pins[name]}"], capture_output=True, check=False, env=limited)
            if done.returncode != 0:
                still_lacking.append(name)
        helpers = [name for name in ("pip", "setuptools", "wheel") if name not in pins]
        run_isolated_uv("pip", "uninstall", "--quiet", "--python", python, *helpers)
        return still_lacking

    def read_packages(self) -> PackageSet:
        """What planning starts from."""
        found = []
        for entry in importlib.metadata.distributions(path=_installed.find_site_packages(str(self.path))):
            name = normalize_name(entry.metadata["Name"])
            requires = entry.requires or []
            found.append({"name": name, "version": entry.version, "requires": requires, "requested": True})
        return build_package_set({"packages": found}, set(), self.minor, "x86_64")


class LocalTrials:
    """Trials on this machine, in one environment for each set and Python."""

    def __init__(self, origin: OriginEnvironment, minor: Minor, built: pathlib.Path) -> None:
        self._origin = origin
        self.count = 0
        self.path = WORK / "attempts" / f"{origin.path.name}-{format_minor(minor)}"
        self._built = built
        declared = {"name": "benchmark", "environment": str(origin.path)}
        self._application = parse_core_declaration(declared)
        self._failing = origin.failing
        if not self.path.exists():
            run_isolated_uv("venv", "--no-project", "--python", str(unpack_interpreter(minor)), str(self.path))

    def run_trial(self, lock: str, only: Sequence[str] | None) -> TrialOutcome:
        """As `TrialRunner.run_trial`."""
        self.count += 1
        target = self.path / "lock.txt"
        target.write_text(lock, encoding="utf-8")
        done = run_isolated_uv(
            "pip",
            "sync",
            "--quiet",
            "--python",
            str(self.path / "bin" / "python"),
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--find-links",
            str(self._built),
            str(target),
        )
        if done.returncode != 0:
            return TrialOutcome({"(installation)": TrialFailure(done.stderr[-500:])}, {})
        request = ProbeRequest(MODULES, only, left_out=_lockfile.parse_left_out(lock))
        found = probe_environment(self._application, str(self.path), choose_identity(), request, failing=self._failing)
        failures = {}
        for name, failure in found.failures.items():
            # Whether what cannot be installed on the origin here worked there is not known.
            if find_owner(name.partition(":")[0], found.owners) not in self._origin.lacking:
                failures[name] = TrialFailure.from_result(failure, "import")
        return TrialOutcome(failures, found.owners, frozenset(found.gone))


class SetBench:
    """One set, in every variant."""

    def __init__(self, name: str, pins: Mapping[str, str], minor: Minor) -> None:
        cache = WORK / "cache"
        self.name = name
        self.origin = OriginEnvironment(name, pins, minor)
        self.index = PackageIndex(DEFAULT_SOURCES, cache)
        self.built = cache / "built"
        self.built.mkdir(parents=True, exist_ok=True)
        minors = [(3, number) for number in range(9, TARGET[1] + 1)]
        interpreters = {minor: [str(unpack_interpreter(minor))] for minor in minors}
        self.locker = StepLocker(
            Resolver(cache, find_uv(), index=self.index),
            self.index,
            WheelBuilder(cache, find_uv(), DEFAULT_SOURCES, interpreters),
        )
        self.later = LaterWheels(self.index, build_fetcher(DEFAULT_SOURCES), cache)
        self.learned: list[LearnedConstraint] = []

    def make_row(self, variant: str, after: Mapping[str, str] | None, **values: Any) -> SetResult:
        """The row of a lock, compared with the pins."""
        pins = self.origin.pins
        if after is None:
            return SetResult(self.name, variant, len(pins), **values)
        moved = [name for name, version in pins.items() if after.get(name, version) != version]
        moves = [classify_move(pins[name], after[name]) for name in moved]
        return SetResult(
            self.name,
            variant,
            len(pins),
            len(moves),
            moves.count("major"),
            len(set(after) - set(pins)),
            len(set(pins) - set(after)),
            **values,
        )

    def compile_lock(self, variant: str, lines: Sequence[str], *words: str, output: str = "") -> SetResult:
        """The row of what ``uv pip compile`` makes of *lines*, sources allowed."""
        source, target = WORK / f"{self.name}-{variant}.in", WORK / f"{self.name}-{variant}.txt"
        source.write_text("\n".join(lines) + "\n", encoding="utf-8")
        target.write_text(output, encoding="utf-8")
        done = run_isolated_uv(
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--no-annotate",
            "--python-version",
            format_minor(TARGET),
            "--python-platform",
            PLATFORM,
            *words,
            "--output-file",
            str(target),
            str(source),
        )
        if done.returncode != 0:
            return self.make_row(variant, None, note="no lock: " + " ".join(done.stderr.split())[:100])
        return self.make_row(variant, _lockfile.parse_pins(target.read_text(encoding="utf-8")))

    def run_variants(self) -> list[SetResult]:
        """Every row."""
        pins = self.origin.pins
        frozen = [f"{name}=={version}" for name, version in pins.items()]
        return [
            self.compile_lock("frozen", frozen, "--only-binary", ":all:"),
            self.compile_lock("upgrade-all", list(pins), "--upgrade"),
            self.compile_lock("preferences", list(pins), output="\n".join(frozen) + "\n"),
            self.lock_nearest(),
            self.rehearse_steps(),
        ]

    def lock_nearest(self) -> SetResult:
        """The nearest versions, step by step, without evidence."""
        packages = self.origin.read_packages()
        try:
            for minor in self._list_minors():
                found = self.locker.lock(packages, (), minor, PLATFORM)
                packages = found.after
        except (NoLockError, MissingWheelsError) as error:
            return self.make_row("nearest", None, note=str(error)[:160])
        failures = LocalTrials(self.origin, TARGET, self.built).run_trial(found.text, None).failures
        return self.make_row("nearest", packages.pins, built=len(found.built), failures=len(failures))

    def rehearse_steps(self) -> SetResult:
        """What a rehearsal of every step ends with."""
        packages, rounds, trials = self.origin.read_packages(), 0, 0
        try:
            for minor in self._list_minors():
                local = LocalTrials(self.origin, minor, self.built)
                today = datetime.datetime.now(datetime.timezone.utc).date()
                rehearsal = Rehearsal(
                    self.locker, self.index, local, "here", today, ahead=2, later=self.later.find_without
                )
                result = rehearsal.rehearse_step(packages, [entry.to_row() for entry in self.learned], minor, PLATFORM)
                self.learned += result.learned
                rounds += result.rounds
                trials += local.count
                packages = result.found.after
        except (NoLockError, MissingWheelsError) as error:
            return self.make_row("ours", None, rounds=rounds, trials=trials, note=str(error)[:160])
        worst = "; ".join(
            [f"{name}: {result.failures[name].normalize_text()[-100:]}" for name in list(result.failures)[:2]]
        )
        return self.make_row(
            "ours",
            packages.pins,
            built=len(result.found.built),
            rounds=rounds,
            trials=trials,
            failures=len(result.failures),
            note=worst,
        )

    def _list_minors(self) -> list[Minor]:
        return [(3, number) for number in range(self.origin.minor[1] + 1, TARGET[1] + 1)]


def load_sets(directory: pathlib.Path) -> dict[str, tuple[dict[str, str], Minor]]:
    """Pins and Python by name, of the folder *directory*."""
    found = {}
    for entry in json.loads((directory / "index.json").read_text(encoding="utf-8")):
        lines = (directory / f"{entry['name']}.txt").read_text(encoding="utf-8").splitlines()
        pins = {}
        for line in lines:
            name, separator, version = line.partition("==")
            if separator:
                pins[normalize_name(name)] = version
        major, minor = entry["python"].split(".")[:2]
        found[entry["name"]] = (pins, (int(major), int(minor)))
    return found


def measure_set(
    name: str, pins: Mapping[str, str], minor: Minor
) -> tuple[list[SetResult], list[LearnedConstraint], list[str]]:
    """Rows, what was learned, and what could not be installed, of one set."""
    bench = SetBench(name, pins, minor)
    return bench.run_variants(), bench.learned, bench.origin.lacking


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--locks", type=pathlib.Path, default=LOCKS)
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    chosen = {name: value for name, value in load_sets(given.locks).items() if not given.names or name in given.names}
    titles = ("packages", "moved", "major", "added", "left", "built", "rounds", "trials", "failures")
    print(f"{'set':<16}{'variant':<13}" + "".join(f"{title:>9}" for title in titles))
    rows: list[SetResult] = []
    for minor in sorted(
        {minor for _pins, minor in chosen.values()} | {(3, number) for number in range(8, TARGET[1] + 1)}
    ):
        unpack_interpreter(minor)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for results, learned, lacking in pool.map(lambda item: measure_set(item[0], *item[1]), chosen.items()):
            rows += results
            print("\n".join(row.format_line() for row in results), flush=True)
            for entry in learned:
                print(f"    {entry.requirement} from Python {entry.python[2:]} on: {entry.reason}"[:220])
            if lacking:
                print(f"    not installable on the origin here: {', '.join(lacking)}")
    ours = [row for row in rows if row.variant == "ours"]
    good = {row.name for row in ours if row.failures == 0}
    print(
        f"{len(good)} of {len(ours)} sets end with an environment whose imports fail nowhere they did not fail before"
    )
    for title, column in (("moves", "moved"), ("major-version moves", "major")):
        counts = {"upgrade-all": 0, "ours": 0}
        for row in rows:
            if row.variant in counts and row.name in good:
                counts[row.variant] += getattr(row, column) or 0
        ours_count, all_count = counts["ours"], counts["upgrade-all"]
        ratio = ours_count / max(all_count, 1)
        print(f"{title}: {ours_count} of the {all_count} of upgrade-all, ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
