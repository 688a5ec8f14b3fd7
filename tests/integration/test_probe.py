# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of environments with real packages of early 2021, which import on a newer Python and fail in use."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import parse_core_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _probe
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity

from tests.demo import machine
from tests.integration.conftest import write_wheel

# pypiserver carries a bottle, pip a six and a pkg_resources, and the packages below google share a namespace.
PINS = {
    "pypiserver": "1.4.2",
    "google-auth": "1.35.0",
    "google-api-core": "1.31.5",
    "celery": "5.0.5",
    "six": "1.15.0",
    "pip": "21.0.1",
    "setuptools": "65.5.0",
}


def uv(*words):
    subprocess.run([shutil.which("uv"), *words], check=True, stdout=subprocess.DEVNULL)


def make_environment(path, minor, *packages):
    python = machine.find_interpreters()[minor]
    uv("venv", "--quiet", "--no-project", "--python", str(python), str(path))
    uv("pip", "install", "--quiet", "--python", str(path / "bin" / "python"), *packages)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A live environment for Python 3.8, and the same packages on Python 3.12."""
    folder = tmp_path_factory.mktemp("real")
    make_environment(folder / "live", (3, 8), *(f"{name}=={version}" for name, version in PINS.items()))
    words = ["pip", "freeze", "--quiet", "--python", str(folder / "live" / "bin" / "python")]
    frozen = subprocess.run([shutil.which("uv"), *words], check=True, capture_output=True, text=True).stdout
    packages = [line for line in frozen.split() if not line.startswith("backports")]
    make_environment(folder / "new", (3, 12), "--no-deps", *packages)
    return folder


def probe(folder, mode="modules", only=None, **declared):
    application = parse_core_declaration({"name": "app", "environment": str(folder / "live"), **declared})
    request = _probe.ProbeRequest(mode, only)
    return _probe.probe_environment(application, str(folder / "new"), get_current_identity(), request)


@pytest.fixture(scope="module")
def found(real):
    return probe(real)


def test_a_vendored_copy_is_found_by_the_walk(found):
    failures = [failure for failure in found.failures.values() if failure["package"] == "pypiserver"]
    bottle = [failure for failure in failures if failure["file"].endswith("pypiserver/bottle.py")]
    assert [failure["exception"] for failure in bottle] == ["ImportError"]
    assert "cannot import name 'getargspec' from 'inspect'" in bottle[0]["text"] and "pypiserver" not in found.failures


def test_packages_below_a_namespace_are_imported_and_told_apart(found):
    auth = found.failures["google.auth"]
    assert (auth["package"], auth["missing"]) == ("google-auth", "six.moves")
    assert found.owners["google.api_core"] == "google-api-core" and "google" not in found.owners


def test_pip_is_a_package_that_must_work(found):
    assert {"python -m pip list", "python -m pip check"} <= set(found.failures)
    assert found.failures["python -m pip list"]["packages"] == ["pip"]
    assert "pip._internal.cli.main:main" in found.failures


def test_failures_alike_are_one(found):
    assert found.failures["google.auth"]["others"] > 10 and found.tried > 1000
    assert len(found.failures) < 40


def test_what_fails_in_both_or_was_not_tried_is_said(found):
    said = {row["reason"]: row for row in found.untried}
    assert "celery.__main__" in said["__main__ modules"]["names"] and said["tests"]["count"] > 5
    assert "billiard._win" in said["fail in both environments, or fail and are new"]["names"]
    assert not any(name.startswith("billiard") for name in found.failures)


def test_only_what_is_asked_for_is_tried_again(real):
    names = ["google.auth", "python -m pip list", "celery", "no.such.module"]
    again = probe(real, only=names)
    assert set(again.failures) == {"google.auth", "python -m pip list"} and again.gone == ["no.such.module"]


def test_a_proof_by_names_alone_does_not_walk(real):
    names = set(probe(real, "entry_points").failures)
    assert "google.auth" in names and not any(name.startswith("pypiserver.bottle") for name in names)


def test_the_live_environment_is_not_changed(real, found):
    assert found.tried
    newest = max(path.stat().st_mtime for path in (real / "live").rglob("*"))
    assert newest <= (real / "new" / "pyvenv.cfg").stat().st_mtime


@pytest.fixture
def made(tmp_path):
    """Environments with a package of which the new one gets other files: ``make(old, new)``."""

    def make(old, new):
        for name, minor, files in (("live", (3, 8), old), ("new", (3, 9), new)):
            wheels = tmp_path / ("wheels-" + name)
            wheels.mkdir()
            make_environment(tmp_path / name, minor, "--no-index", str(write_wheel(wheels, "pack", "1.0", files)))
        return tmp_path

    return make


def test_modules_that_end_or_block_their_process_fail_and_hide_nothing(made, monkeypatch):
    monkeypatch.setattr(_probe, "WALKED_LIMIT", 5.0)
    bad = {
        "exits": "import sys; sys.exit(0)\n",
        "dies": "import os; os._exit(0)\n",
        "hangs": "import threading; threading.Event().wait()\n",
        "prints": "while True: print('x' * 10000)\n",
        "forks": "import os; os.fork()\n",
        "bad": "import nothing_of_that_name\n",
    }
    names = [f"pack/{name}.py" for name in bad]
    old = {"pack/__init__.py": "", **dict.fromkeys(names, ""), "pack/always.py": "import os; os._exit(1)\n"}
    new = {**old, **{f"pack/{name}.py": text for name, text in bad.items()}}
    found = probe(made(old, new))
    assert set(found.failures) == {"pack.exits", "pack.dies", "pack.hangs", "pack.prints"}
    assert found.failures["pack.exits"]["exception"] == "SystemExit"
    said = {row["reason"]: row["names"] for row in found.untried}
    assert said["end or block their process in both environments"] == ["pack.always"]
    # What nobody installed was optional before, too.
    assert said["need a module that is not installed in the live environment either"] == ["pack.bad"]


def test_what_the_source_and_the_services_use_is_tried(made):
    old = {
        "pack/__init__.py": "def gone(): pass\ndef stays(): pass\n",
        "pack/work.py": "",
        "pack-1.0.dist-info/entry_points.txt": "[console_scripts]\npack-tool = pack:stays\npack-worker = pack:stays\n",
    }
    new = {
        **old,
        "pack/__init__.py": "def stays(): pass\n",
        "pack/work.py": "raise ValueError('never')\n",
        "pack-1.0.dist-info/entry_points.txt": "[console_scripts]\npack-tool = pack:stays\n",
    }
    folder = made(old, new)
    source = folder / "source"
    source.mkdir()
    (source / "app.py").write_text("from pack import gone, stays\n")
    (source / "broken.py").write_text("import pack.work\n")
    (source / "new.py").write_text("match = 1\nasync_ = match\nprint(f'{match=}')\n")
    (source / "task.py").write_text("open('task-was-run', 'w').close()\nmain()\n")
    bin_ = folder / "live" / "bin"
    service = {"stop": "true", "status": "true"}
    services = [
        {"name": "tool", "start": f"{bin_}/pack-tool --serve app:gone", **service},
        {"name": "worker", "start": f"{bin_}/pack-worker", **service},
    ]
    declared = {"source": str(source), "services": services}
    found = probe(folder, "entry_points", **declared)
    expected = {"pack:gone", "pack.work", "app", "app:gone", "broken", "bin/pack-worker"}
    assert set(found.failures) == expected and found.sources == {}
    assert {row["reason"] for row in found.untried} == {"act when they are imported"}
    assert set(probe(folder, "entry_points", tests=["true"], **declared).failures) == expected - {"app", "broken"}
    assert sorted(os.listdir(source)) == ["app.py", "broken.py", "new.py", "task.py"]
    again = probe(folder, only=["bin/pack-worker", "app", "pack:gone"], **declared)
    assert set(again.failures) == {"bin/pack-worker", "app", "pack:gone"} and again.gone == []
    shutil.copy(folder / "new" / "bin" / "pack-tool", folder / "new" / "bin" / "pack-worker")
    assert "bin/pack-worker" not in probe(folder, only=["bin/pack-worker"], **declared).failures
    assert pathlib.Path(folder, "live", "bin", "pack-worker").exists()
