# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""package_copy on this machine: copies of packages that pip and uv installed work on the next Python."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import find_uv

SETUP = """from setuptools import setup
setup(name={name!r}, version="1.{number}", packages=[{module!r}], scripts=["tool-{number}"], install_requires=[],
      entry_points={{"console_scripts": ["command-{number} = {module}:main"]}},
      data_files=[("share/{module}", ["settings.cfg"])])
"""


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout


@pytest.fixture
def environments(tmp_path, interpreters):
    """An environment with a package from a directory and an editable one, and an empty one of the next Python."""
    for number, name in enumerate(("plain-one", "edit-two")):
        source = tmp_path / name
        module = name.replace("-", "_")
        (source / module).mkdir(parents=True)
        (source / module / "__init__.py").write_text(
            "import sys\n\ndef main():\n    print('command', sys.version_info[:2])\n"
        )
        (source / f"tool-{number}").write_text("#!/usr/bin/env python\nimport sys\nprint('tool', sys.prefix)\n")
        (source / "settings.cfg").write_text("a = 1\n")
        (source / "setup.py").write_text(SETUP.format(name=name, module=module, number=number))
    found = []
    for number, (_minor, path) in enumerate(interpreters[:2]):
        run(find_uv(), "venv", "--no-project", "--python", path, tmp_path / f"venv{number}")
        found.append(tmp_path / f"venv{number}")
    run(
        find_uv(),
        "pip",
        "install",
        "--python",
        found[0] / "bin" / "python",
        tmp_path / "plain-one",
        "--editable",
        tmp_path / "edit-two",
    )
    return found


def test_copies_work_on_the_next_python_and_are_copied_again_byte_for_byte(module, environments, tmp_path):
    old, new = environments
    names = ["edit-two", "plain-one"]
    options = {"packages": {"app": [*names, "missing"]}, "cache_dir": str(tmp_path / "cache")}
    applications = [{"name": "app", "environment": str(old)}]
    results = [module("package_copy", check=check, applications=applications, **options) for check in (True, False)]
    assert results[0]["copies"] == results[1]["copies"] and not any(result["changed"] for result in results)
    rows = results[1]["copies"]["app"]
    assert "is not in" in rows["missing"]["reason"]
    run(
        find_uv(),
        "pip",
        "install",
        "--python",
        new / "bin" / "python",
        "--no-index",
        "--find-links",
        tmp_path / "cache" / "built",
        *names,
    )
    assert run(new / "bin" / "command-0") == run(new / "bin" / "command-1") != run(old / "bin" / "command-0")
    assert run(new / "bin" / "tool-0").split() == ["tool", str(new)]
    assert (new / "share" / "plain_one" / "settings.cfg").read_text() == "a = 1\n"
    (tmp_path / "edit-two" / "edit_two" / "__init__.py").write_text("def main():\n    print('edited')\n")
    assert run(new / "bin" / "command-1") == "edited\n"
    again = module("package_copy", applications=[{"name": "app", "environment": str(new)}], **options)["copies"]["app"]
    assert again == {**rows, "missing": again["missing"]}


def test_an_application_that_nobody_declared_is_named(module, environments, tmp_path):
    message = module.expect_failure(
        "package_copy",
        applications=[{"name": "app", "environment": str(environments[0])}],
        packages={"other": ["x"]},
        cache_dir=str(tmp_path / "cache"),
    )
    assert message == "other is not in `applications`"
