# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Examples in the README and the guides: accepted by the collection's own specifications, naming what exists."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import validate_declaration
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._nearest import select_limits

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
OPTIONS = yaml.safe_load((ROOT / "roles" / "oxzep7" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))[
    "argument_specs"
]["main"]["options"]


def blocks(language):
    return [
        pytest.param(text, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, (kind, text) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
        if kind == language
    ]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_yaml_examples_are_accepted(text):
    example = yaml.safe_load(text)
    if isinstance(example, list) and "requirement" in example[0]:
        assert select_limits(example, (3, 99))
        return
    if isinstance(example, list):
        (task,) = example
        (name,) = (key for key in task if key.startswith("oxzep7.python."))
        assert (ROOT / "plugins" / "modules" / f"{name.rpartition('.')[2]}.py").exists()
        return
    if "checks" in example or "services" in example:
        example = {"oxzep7_applications": [{"name": "example", "environment": "/srv/example/venv", **example}]}
    result = ArgumentSpecValidator(OPTIONS).validate(example)
    assert result.error_messages == []
    for application in example.get("oxzep7_applications", []):
        validate_declaration(application)


@pytest.mark.parametrize("text", blocks("console"))
def test_commands_name_what_exists(text):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in text.splitlines():
        words = line.split()
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE)
        if words[0] == "ansible-playbook":
            (playbook,) = (word for word in words if word.startswith("oxzep7.python."))
            assert (ROOT / "playbooks" / f"{playbook.rpartition('.')[2]}.yml").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_and_options_exist(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target
    # What a rollout leaves for the jobs after it.
    rollout = (ROOT / "roles" / "rollout" / "tasks" / "main.yml").read_text(encoding="utf-8")
    statistics = re.findall(r"oxzep7_[a-z_]+", rollout.split("set_stats")[1].split("run_once")[0])
    for option in set(re.findall(r"\boxzep7_[a-z_]+", text)):
        assert option in OPTIONS or option == "oxzep7_target" or option in statistics, option
