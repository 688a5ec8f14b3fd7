# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments that the genuine tools made, and what pip says of them: nothing in a fresh one is a finding."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

# What made the environment is in its name; these say what is special in the others.
FRESH = ("virtualenv16", "virtualenv20", "virtualenv", "venv", "copies", "old-pip", "uv", "pipx", "develop")
SETUP = 'from setuptools import setup\nsetup(name="Legacy-App", version="3.4.5", packages=["legacyapp"])\n'


def run(*words, **more):
    subprocess.run(
        [str(word) for word in words],
        check=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1", **more},
        stdout=subprocess.DEVNULL,
    )


def find_site(environment):
    return next((environment / "lib").glob("python3.*/site-packages"))


@pytest.fixture(scope="module")
def environments(tmp_path_factory, interpreters):
    folder = tmp_path_factory.mktemp("tools")
    python, tools = interpreters[0][1], folder / ".tools"
    for name, requirements in {
        "16": ["virtualenv==16.7.12"],
        "20": ["virtualenv==20.0.35"],
        "now": ["virtualenv", "pipx"],
    }.items():
        run("uv", "venv", "--quiet", "--python", interpreters[-1][1] if name == "now" else python, tools / name)
        run("uv", "pip", "install", "--quiet", "--python", tools / name / "bin" / "python", *requirements)
    run(tools / "16" / "bin" / "virtualenv", "-q", "-p", python, folder / "virtualenv16")
    run(tools / "20" / "bin" / "virtualenv", "-q", "-p", python, folder / "virtualenv20")
    run(tools / "now" / "bin" / "virtualenv", "-q", "-p", interpreters[-1][1], folder / "virtualenv")
    run(python, "-m", "venv", folder / "venv")
    run(python, "-m", "venv", "--copies", folder / "copies")
    run("uv", "venv", "--quiet", "--seed", "--python", interpreters[-1][1], folder / "uv")
    run("uv", "pip", "install", "--quiet", "--python", folder / "uv" / "bin" / "python", "jmespath==0.10.0")
    # Before 22.2, pip recorded scripts before it wrote the interpreter into their first lines.
    run(python, "-m", "venv", folder / "old-pip")
    run(folder / "old-pip" / "bin" / "pip", "-q", "install", "pip==20.3.4")
    run(folder / "old-pip" / "bin" / "pip", "-q", "install", "jmespath==0.10.0", "docutils==0.16")
    run(
        *(tools / "now" / "bin" / "pipx", "install", "-q", "--python", python, "pycowsay==0.0.0.2"),
        PIPX_HOME=str(folder / "pipx-home"),
        PIPX_BIN_DIR=str(folder / "pipx-bin"),
    )
    (folder / "pipx").symlink_to(folder / "pipx-home" / "venvs" / "pycowsay")
    source = tools / "legacy"
    (source / "legacyapp").mkdir(parents=True)
    (source / "legacyapp" / "__init__.py").touch()
    (source / "setup.py").write_text(SETUP)
    run(python, "-m", "venv", folder / "develop")
    pip = folder / "develop" / "bin" / "pip"
    run(pip, "-q", "install", "setuptools==58.0.4", "wheel", "pip==21.0.1")
    run(pip, "-q", "install", "-e", source)
    make_broken_environments(folder, python, tools)
    return folder


def make_broken_environments(folder, python, tools):
    """What a killed installer, and one that could not remove a file, leave."""
    run(python, "-m", "venv", folder / "leftover")
    pip = folder / "leftover" / "bin" / "pip"
    run(pip, "-q", "install", "markupsafe==2.0.1", "jinja2==2.9.6")
    shutil.copytree(find_site(folder / "leftover") / "Jinja2-2.9.6.dist-info", tools / "old.dist-info")
    run(pip, "-q", "install", "jinja2==2.11.3")
    shutil.copytree(tools / "old.dist-info", find_site(folder / "leftover") / "~inja2-2.9.6.dist-info")
    run(python, "-m", "venv", folder / "stale")
    pip, site = folder / "stale" / "bin" / "pip", find_site(folder / "stale")
    run(pip, "-q", "install", "urllib3==1.26.20", "idna==3.4", "jinja2==3.0.3", "markupsafe==2.0.1")
    (site / "idna-3.4.dist-info" / "by-hand").touch()
    run(pip, "-q", "uninstall", "-y", "idna")
    assert (site / "idna-3.4.dist-info").is_dir()
    (site / "urllib3-1.24.dist-info").mkdir()
    (site / "urllib3-1.24.dist-info" / "REQUESTED").touch()
    shutil.copytree(tools / "old.dist-info", site / "Jinja2-2.9.6.dist-info")


@pytest.fixture(scope="module")
def inventory(environments, tmp_path_factory, playbook_server):
    from tests.integration.conftest import ModuleRunner

    folder = tmp_path_factory.mktemp("run")
    found = ModuleRunner(folder, playbook_server)(
        "host_info", roots=[str(environments)], verify=True, detail=True, state_dir=str(folder / "state")
    )
    assert not found.get("failed"), found
    return {entry["path"]: entry for entry in found["inventory"]["environments"]}


def list_with_pip(environment):
    """The packages by the environment's own pip, or by uv where it has none."""
    python = environment / "bin" / "python"
    words = [python, "-m", "pip", "list", "--format", "json"]
    if not (environment / "bin" / "pip").exists():
        words = ["uv", "pip", "list", "--format", "json", "--python", python]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return {normalize_name(entry["name"]): entry["version"] for entry in json.loads(done.stdout)}


@pytest.mark.parametrize("name", [*FRESH, "leftover", "stale"])
def test_packages_are_those_that_pip_sees(environments, inventory, name):
    path = (environments / name).resolve()
    packages = inventory[str(path)]["packages"]
    expected = list_with_pip(path)
    if name == "stale":
        # pip before 23.1 takes the name of a directory for a package, which cannot be imported.
        expected.pop("idna", None)
    assert {entry["name"]: entry["version"] for entry in packages} == expected
    assert len({entry["name"] for entry in packages}) == len(packages)


@pytest.mark.parametrize("name", FRESH)
def test_a_fresh_environment_has_no_findings(environments, inventory, name):
    entry = inventory[str((environments / name).resolve())]
    assert entry["counts"] == {"unmanaged": 0, "missing": 0, "modified": 0}, entry
    assert entry["state"] == "live" and entry["stale_metadata"] == []


@pytest.mark.parametrize("name", ["virtualenv16", "copies", "venv"])
def test_a_copied_interpreter_has_the_base_that_python_names(environments, inventory, name):
    entry = inventory[str(environments / name)]
    code = "import sys, os; print(getattr(sys, 'real_prefix', sys.base_prefix))"
    prefix = subprocess.run(
        [environments / name / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert entry["interpreter"].startswith(os.path.realpath(prefix) + "/bin/python")


def test_what_an_installer_left_is_told_and_is_no_package(environments, inventory):
    (left,) = inventory[str(environments / "leftover")]["unmanaged"]
    assert left["kind"] == "leftover" and left["path"].endswith("/~inja2-2.9.6.dist-info/")
    stale = inventory[str(environments / "stale")]
    assert {entry["metadata"]: entry["reason"] for entry in stale["stale_metadata"]} == {
        "Jinja2-2.9.6.dist-info": "the installed files are those of Jinja2-3.0.3.dist-info",
        "idna-3.4.dist-info": "it describes no package",
        "urllib3-1.24.dist-info": "it describes no package",
    }
    assert stale["counts"] == {"unmanaged": 0, "missing": 0, "modified": 0}
