# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tarball that operators install."""

from __future__ import annotations

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_tarball_installs_and_its_playbooks_parse(tmp_path):
    subprocess.run(
        ["ansible-galaxy", "collection", "build", "--output-path", tmp_path], cwd=ROOT, check=True, capture_output=True
    )
    (tarball,) = tmp_path.glob("oxzep7-python-*.tar.gz")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections")}
    subprocess.run(
        ["ansible-galaxy", "collection", "install", "--offline", "-p", tmp_path / "collections", tarball],
        check=True,
        env=environment,
        capture_output=True,
    )
    names = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
    for name in names:
        subprocess.run(
            ["ansible-playbook", "--syntax-check", "-i", "localhost,", f"oxzep7.python.{name}"],
            check=True,
            env=environment,
            capture_output=True,
            cwd=tmp_path,
        )
    members = subprocess.run(["tar", "-tzf", tarball], check=True, capture_output=True, text=True).stdout.splitlines()
    assert not [member for member in members if member.startswith((".venv", ".fleet", ".ci", "demo/"))]
    assert len(names) == 11
