# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real environment of at least 450 MB, kept and put back, against tar with zstd, and against restic itself."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from tests.benchmark.measure import Measure
from tests.fleet.paths import CACHE, ROOT, FleetError

ROUNDS = 3
MINIMUM_SIZE = 450 << 20
PACKAGES = (
    "numpy==2.2.6",
    "scipy==1.15.3",
    "pandas==2.3.3",
    "pyarrow==22.0.0",
    "scikit-learn==1.7.2",
    "matplotlib==3.10.7",
    "sympy==1.14.0",
    "statsmodels==0.14.5",
    "babel==2.17.0",
    "notebook==7.4.7",
)
MEMORY = 200 << 20
# Runs one thing of the collection's in a process of its own, so that its memory is only that.
COLLECTION_PROGRAM = """
import json, sys
from ansible_collections.oxzep7.python.plugins.module_utils._backup import _check, _listing, _restore, _store
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._archive import ArchiveEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import BackupPart
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._restic import ResticEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._sealing import EncryptionSettings
what, engine, root, tree = sys.argv[1:]
engine = ArchiveEngine(EncryptionSettings()) if engine == "archive" else ResticEngine(engine, "secret", None)
known = [backup for _name, backup, _problem in _listing.list_backups(root, "app")]
if what == "keep":
    before = known[-1] if known and isinstance(engine, ArchiveEngine) else None
    about = {"run": "r", "generation": "g", "python": "3", "environment": tree}
    parts, in_full = [BackupPart("environment", tree)], isinstance(engine, ArchiveEngine)
    _store.make_backup(root, "app", parts, about, engine, in_full, before)
else:
    _check.check_backup(known[-1], "app", ["environment"], False, engine)
    _restore.restore_layer(known[-1], known[-1].layers["environment"], what, engine)
"""


def install_environment() -> pathlib.Path:
    """The environment, made once. Raises FleetError when it is too small."""
    folder = CACHE / "benchmark-environment"
    if not (folder / ".complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, folder], check=True)
        subprocess.run(
            ["uv", "pip", "install", "--quiet", "--python", folder / "bin" / "python", *PACKAGES], check=True
        )
        (folder / ".complete").touch()
    size = sum(path.lstat().st_size for path in folder.rglob("*"))
    if size < MINIMUM_SIZE:
        raise FleetError(f"{folder} has {size >> 20} MB, and {MINIMUM_SIZE >> 20} MB are wanted")
    return folder.resolve()


class BackupBench:
    """A scratch directory, and what is timed in it."""

    def __init__(self, scratch: pathlib.Path, tree: pathlib.Path) -> None:
        self.scratch = scratch
        self.tree = tree
        self.memory = 0

    def time_action(self, action: Callable[[], None]) -> float:
        """Seconds of *action*, with what was written before it on disk already."""
        os.sync()
        began = time.monotonic()
        action()
        return time.monotonic() - began

    def run_collection(self, what: str, engine: str, root: pathlib.Path) -> None:
        """Run the collection's code, and remember the memory of the largest of its processes, in bytes."""
        command = [sys.executable, "-c", COLLECTION_PROGRAM, what, engine, str(root), str(self.tree)]
        child = os.posix_spawn(
            command[0], command, {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}
        )
        _pid, status, usage = os.wait4(child, 0)
        if status:
            raise FleetError(f"{what} with {engine} ended with {status}")
        self.memory = max(self.memory, usage.ru_maxrss << 10)

    def run_shell(self, script: str, **variables: str) -> None:
        """Run *script*; every part of its pipes must succeed."""
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "TREE": str(self.tree), "AT": str(self.scratch), **variables},
        )


def _time_round(bench: BackupBench) -> dict[str, float]:
    """Seconds of everything, once."""
    at = bench.scratch
    restic = {"RESTIC_PASSWORD": "secret"}
    for name in ("one", "two"):
        bench.run_shell('restic init --quiet --repo "$AT/$NAME"', NAME=name, **restic)
    found = {
        "tar": bench.time_action(
            lambda: bench.run_shell('tar -cf - -C "$TREE" . | zstd -q -T0 >"$AT/archive" && sync "$AT/archive"')
        ),
        "keep": bench.time_action(lambda: bench.run_collection("keep", "archive", at / "backups")),
        "untar": bench.time_action(
            lambda: bench.run_shell(
                'mkdir "$AT/untarred" && zstd -dcq "$AT/archive" | tar -xf - -C "$AT/untarred" && sync'
            )
        ),
        "restore": bench.time_action(lambda: bench.run_collection(str(at / "restored"), "archive", at / "backups")),
        "hash": bench.time_action(lambda: bench.run_shell('find "$TREE" -type f -print0 | xargs -0 sha256sum')),
        "again": bench.time_action(lambda: bench.run_collection("keep", "archive", at / "backups")),
        "restic": bench.time_action(
            lambda: bench.run_shell('restic backup --quiet --repo "$AT/one" "$TREE"', **restic)
        ),
        "keep with restic": bench.time_action(lambda: bench.run_collection("keep", str(at / "two"), at / "of-restic")),
    }
    for path in at.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return found


def measure_backup() -> list[Measure]:
    """Four ratios, and the memory as a ratio of what is allowed."""
    tree = install_environment()
    with tempfile.TemporaryDirectory(prefix="oxzep7-benchmark-", dir=CACHE) as scratch:
        bench = BackupBench(pathlib.Path(scratch), tree)
        _time_round(bench)
        rounds = [_time_round(bench) for _number in range(ROUNDS)]
    print(json.dumps({"memory": bench.memory, "rounds": rounds}), file=sys.stderr)

    def of(name: str) -> tuple[float, ...]:
        return tuple(one[name] for one in rounds)

    return [
        Measure("archive", of("keep"), of("tar"), "tar | zstd -T0", 1.6),
        Measure("restore", of("restore"), of("untar"), "zstd -d | tar -x", 1.6),
        Measure("restic", of("keep with restic"), of("restic"), "restic backup", 1.15),
        Measure("unchanged", of("again"), of("hash"), "sha256sum of every file", 1.3),
        Measure("memory", (float(bench.memory),), (float(MEMORY),), "200 MiB", 1.0),
    ]
