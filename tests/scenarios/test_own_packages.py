# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application with packages that no index has wheels of: one is built on a builder host, two are copied."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RequiredWheel, WheelBuilder
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import DEFAULT_SOURCES

from tests.fleet import fleet
from tests.fleet.archives import pack_interpreter
from tests.fleet.hosts import copy_from_host, copy_to_host, run_on_host
from tests.scenarios.conftest import PlaybookController

LEVENSHTEIN = ("python-levenshtein", "0.12.2")
TOOLS = (("setuptools", "68.0.0"), ("wheel", "0.41.0"))
PLATFORM = "x86_64-manylinux_2_36"
BASE = f"http://{fleet.SUBNET[1]}:{fleet.PORT}"
PYTHON = "/opt/old/bin/python3.8"
SETUP = (
    "from setuptools import setup\n"
    "setup(name={name!r}, version={version!r}, py_modules=[{module!r}], install_requires={requires!r})\n"
)
OPTIONS = {
    "oxzep7_target": "3.9",
    "oxzep7_constraints": [],
    "oxzep7_stability_window": 0,
    "oxzep7_builder": "host2",
    "oxzep7_indexes": [f"{BASE}/simple"],
    "oxzep7_applications": [
        {
            "name": "tiny",
            "environment": "/srv/tiny/venv",
            "source": "/srv/tiny/src",
            "user": "tiny",
            "tests": ["python -c 'import tiny, vendored, Levenshtein'"],
        }
    ],
}


def project(host, folder, name, version, module, text, requires=()):
    setup = SETUP.format(name=name, version=version, module=module, requires=list(requires))
    run_on_host(
        host,
        f"mkdir -p {folder} && cat > {folder}/setup.py <<'EOF'\n{setup}EOF\ncat > {folder}/{module}.py "
        f"<<'EOF'\n{text}EOF",
    )


def publish(mirror, name, version):
    """Have the wheel of that version in the index."""
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
            "--dest",
            str(mirror / name),
            f"{name}=={version}",
        ],
        check=True,
    )


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """The application's host, a builder host, and an index that knows little; then an upgrade."""
    folder = tmp_path_factory.mktemp("own")
    fleet.start_fleet(["debian12", "debian12+gcc,libc6-dev"])
    mirror = fleet.WORK / "archives" / "simple"
    for name, version in TOOLS:
        publish(mirror, name, version)
    (mirror / LEVENSHTEIN[0]).mkdir()
    source = PackageIndex(DEFAULT_SOURCES, folder).find_release(*LEVENSHTEIN, (3, 9), PLATFORM).source
    WheelBuilder(folder, "uv", DEFAULT_SOURCES).fetch_source(
        RequiredWheel(*LEVENSHTEIN, source, (3, 9), PLATFORM), mirror / LEVENSHTEIN[0]
    )
    interpreters = json.loads(fleet.INVENTORY.read_text())["all"]["vars"]["oxzep7_interpreters"]
    new = next(entry for entry in interpreters if entry["version"] == "3.9")
    for host in ("host1", "host2"):
        copy_to_host(pack_interpreter("3.8"), host, "/var/tmp/old.tar.gz")
        run_on_host(host, "mkdir /opt/old && tar -C /opt/old --strip-components 1 -xzf /var/tmp/old.tar.gz")
    copy_to_host(mirror, "host2", "/var/tmp/simple")
    run_on_host(
        "host2",
        f"{PYTHON} -m venv /var/tmp/build && /var/tmp/build/bin/pip install -q --no-index /var/tmp/simple/*/*.whl && "
        "/var/tmp/build/bin/pip wheel -q --no-deps --no-index --no-build-isolation -w /var/tmp/wheels "
        "/var/tmp/simple/*/*.tar.gz",
    )
    copy_from_host("host2", "/var/tmp/wheels", folder / "wheels")
    copy_to_host(folder / "wheels", "host1", "/var/tmp/wheels")
    run_on_host(
        "host1",
        "useradd --system --create-home --home-dir /srv/tiny --shell /usr/sbin/nologin tiny && chmod 755 /srv/tiny",
    )
    project(
        "host1",
        "/srv/tiny/src",
        "tiny-app",
        "0.3",
        "tiny",
        "import Levenshtein, vendored\nVALUE = 1\n",
        ["python-levenshtein", "vendored"],
    )
    project("host1", "/srv/tiny/vendor", "vendored", "2.0+acme.1", "vendored", "VALUE = 'of acme'\n")
    run_on_host(
        "host1",
        f"chown -R tiny: /srv/tiny && cd /srv/tiny && runuser -u tiny -- sh -c '{PYTHON} -m venv venv"
        " && venv/bin/pip install -q --no-index --no-deps "
        "--no-build-isolation /var/tmp/wheels/*.whl ./vendor && venv/bin/pip install -q --no-index --no-deps "
        "--no-build-isolation -e src'",
    )
    for package in json.loads(
        run_on_host("host1", "/srv/tiny/venv/bin/pip list --disable-pip-version-check --format json")
    ):
        if package["name"] in ("pip", "setuptools"):
            publish(mirror, package["name"], package["version"])
    # What builds is the operator's choice; here it gets the Python that the plan needs as an archive.
    subprocess.run(
        [
            "ansible",
            "-i",
            str(fleet.INVENTORY),
            "host2",
            "--become",
            "-m",
            "oxzep7.python.interpreter",
            "-a",
            json.dumps(new),
        ],
        check=True,
        capture_output=True,
    )
    controller = PlaybookController(folder)
    options = {**OPTIONS, "oxzep7_cache_dir": str(folder / "cache")}
    checked = controller("plan", "--check", "--limit", "host1", **options)
    yield controller, checked, controller("upgrade", "--limit", "host1", **options)
    fleet.stop_fleet()


def test_nothing_moves_and_the_plan_says_what_was_built_and_copied(own):
    controller, _checked, done = own
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    plan = json.loads((controller.folder / "oxzep7" / "plan" / "plan.json").read_text())
    (step,) = plan["hosts"]["host1"]["applications"][0]["steps"]
    assert step["built"] == ["python-levenshtein"] and step["copied"] == ["tiny-app", "vendored"]
    assert {row["package"]: row["to"] for row in step["changes"] if row["to"]} == {}
    keys = [entry["key"] for entry in plan["notes"]["host1"]["tiny"]["findings"]]
    assert keys.count("package-copied") == 2


def test_a_check_plans_as_well(own):
    _controller, checked, _done = own
    assert checked.returncode == 0, checked.stdout[-5000:] + checked.stderr[-2000:]


def test_everything_works_on_the_new_python_and_what_was_editable_is(own):
    _controller, _checked, _done = own
    said = run_on_host(
        "host1",
        "cd / && runuser -u tiny -- /srv/tiny/venv/bin/python -c 'import sys, tiny, vendored, Levenshtein; "
        'print(sys.version_info[:2], tiny.__file__, vendored.VALUE, Levenshtein.distance("a", "b"))\'',
    )
    assert said.strip() == "(3, 9) /srv/tiny/src/tiny.py of acme 1"
    installed = run_on_host(
        "host1",
        "cd /srv/tiny/venv/lib/python3.9/site-packages && ls -d *.dist-info"
        " && cat tiny_app-0.3.dist-info/direct_url.json",
    )
    assert "vendored-2.0+acme.1.dist-info" in installed
    assert json.loads(installed.splitlines()[-1]) == {"dir_info": {"editable": True}, "url": "file:///srv/tiny/src"}


def test_a_second_run_changes_nothing(own):
    controller, _checked, _done = own
    done = controller("upgrade", "--limit", "host1", **OPTIONS, oxzep7_cache_dir=str(controller.folder / "cache"))
    assert done.returncode == 0 and "changed=0" in done.stdout, done.stdout[-3000:]
