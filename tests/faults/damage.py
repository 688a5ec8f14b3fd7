# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damages backups of both engines at random: every damage is found before anything is changed."""

from __future__ import annotations

import os
import pathlib
import random
import shutil
import sys
import tempfile

from ansible_collections.oxzep7.python.plugins.module_utils._backup import _check, _restore, _store
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import BackupError, BackupPart
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._archive import ArchiveEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._engine import BackupEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._restic import ResticEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._sealing import EncryptionSettings

SEED = 20261124
CASES = 500
KINDS = ("flip", "truncate", "remove", "swap", "add")


def make_tree(root: pathlib.Path, chance: random.Random) -> pathlib.Path:
    """Something to keep: a few directories with a few files of random content."""
    for folder in ("bin", "lib/deep", "etc"):
        (root / folder).mkdir(parents=True)
        for number in range(4):
            (root / folder / f"file{number}").write_bytes(chance.randbytes(chance.randrange(1, 60000)))
    (root / "bin" / "link").symlink_to("../lib")
    return root


def list_files(*places: pathlib.Path) -> list[pathlib.Path]:
    """Every file below *places* that matters."""
    found: list[pathlib.Path] = []
    for place in places:
        found += [path for path in place.rglob("*") if path.is_file() and path.parent.name != "locks"]
    return sorted(found)


def damage_file(kind: str, victims: list[pathlib.Path], chance: random.Random) -> str:
    """Do one damage of *kind* to one of *victims*; returns what it was."""
    victim = chance.choice([path for path in victims if path.stat().st_size])
    data = bytearray(victim.read_bytes())
    victim.chmod(0o600)
    if kind == "flip":
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        victim.write_bytes(data)
        return f"bit in byte {place} of {victim.name}"
    if kind == "truncate":
        victim.write_bytes(data[: chance.randrange(len(data))])
    elif kind == "remove":
        victim.unlink()
    elif kind == "swap":
        other = chance.choice([path for path in victims if path.read_bytes() != bytes(data)])
        other.chmod(0o600)
        victim.write_bytes(other.read_bytes())
        other.write_bytes(data)
        return f"swap of {victim.name} and {other.name}"
    else:
        victim = victim.with_name(f"{chance.getrandbits(256):064x}")
        victim.write_bytes(data)
    return f"{kind} of {victim.name}"


def find_refusal(root: pathlib.Path, engine: BackupEngine, scratch: pathlib.Path) -> str | None:
    """Why the only backup in *root* is refused; None when it is restored."""
    try:
        backup = _check.find_backup(str(root), "app", _check.NEWEST)
        _check.check_backup(backup, "app", ["environment"], False, engine)
        _restore.restore_layer(backup, backup.layers["environment"], str(scratch / "restored"), engine)
        return None
    except BackupError as error:
        return None if (scratch / "restored").exists() else str(error)


def run_all(cases: int = CASES) -> tuple[int, int]:
    """Damages tried, and damages found."""
    chance = random.Random(SEED)
    missed = 0
    with tempfile.TemporaryDirectory(prefix="oxzep7-damage-") as directory:
        place = pathlib.Path(directory).resolve()
        source = make_tree(place / "tree", chance)
        for engine_name in ("archive", "restic"):
            whole, live = place / f"whole-{engine_name}", place / "live"
            engine: BackupEngine = (
                ArchiveEngine(EncryptionSettings())
                if engine_name == "archive"
                else ResticEngine(str(live / "repository"), "secret", None)
            )
            about = {"run": "r", "generation": "g", "python": "3", "environment": str(source)}
            live.mkdir()
            _store.make_backup(
                str(live / "backups"), "app", [BackupPart("environment", str(source))], about, engine, True
            )
            shutil.copytree(live, whole, symlinks=True)
            for number in range(cases // 2):
                said = damage_file(KINDS[number % len(KINDS)], list_files(live), chance)
                if find_refusal(live / "backups", engine, place) is None:
                    missed += 1
                    print(f"faults damage: {engine_name}: {said} was not found", file=sys.stderr, flush=True)
                    shutil.rmtree(place / "restored", ignore_errors=True)
                shutil.rmtree(live)
                shutil.copytree(whole, live, symlinks=True)
            # The undamaged backup is restored.
            if find_refusal(live / "backups", engine, place) is not None or not os.path.isdir(place / "restored"):
                missed += 1
                print(f"faults damage: {engine_name}: the undamaged backup is refused", file=sys.stderr, flush=True)
            shutil.rmtree(place / "restored", ignore_errors=True)
            shutil.rmtree(live)
    return cases, cases - missed
