# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installers refuse what a lock does not name by its digest."""

import hashlib
import os
import shutil
import sys
import zipfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._generation._install import (
    EnvironmentOrder,
    create_environment,
    sync_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandError

NAME = "small-1.0-py3-none-any.whl"


def find_uv():
    beside = os.path.join(os.path.dirname(sys.executable), "uv")
    return beside if os.path.exists(beside) else shutil.which("uv")


def write_wheel(folder):
    contents = {
        "small.py": "VALUE = 1\n",
        "small-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n",
        "small-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents["small-1.0.dist-info/RECORD"] = "".join("%s,,\n" % name for name in contents)
    with zipfile.ZipFile(str(folder / NAME), "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return hashlib.sha256((folder / NAME).read_bytes()).hexdigest()


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_requirement_without_a_digest_is_refused(tmp_path, installer):
    uv = find_uv() if installer == "uv" else None
    if installer == "uv" and not uv:
        pytest.skip("this machine has no uv")
    digest = write_wheel(tmp_path)
    version = ".".join(str(number) for number in sys.version_info[:3])
    order = EnvironmentOrder(sys.executable, version, "", None, str(tmp_path), uv, "run")
    me, place, cache = get_current_identity(), str(tmp_path / "venv"), str(tmp_path / "cache")
    create_environment(order, place, cache, False, me)
    lock = tmp_path / "lock.txt"
    lock.write_text("small==1.0\n")
    with pytest.raises(CommandError):
        sync_environment(order, place, str(lock), cache, me)
    assert not list((tmp_path / "venv").glob("lib/*/site-packages/small.py"))
    lock.write_text("small==1.0 --hash=sha256:%s\n" % digest)
    sync_environment(order, place, str(lock), cache, me)
    assert list((tmp_path / "venv").glob("lib/*/site-packages/small.py"))
