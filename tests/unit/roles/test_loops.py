# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles loop over names: Ansible shows and keeps the items of a loop, and declarations may have credentials.

Of a loop over an include, it shows the label only.
"""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

ROLES = pathlib.Path(__file__).resolve().parents[3] / "roles"
FILES = sorted(ROLES.glob("*/tasks/*.yml"))
# What operators declare with URLs or passwords in it.
DECLARATIONS = ("oxzep7_applications", "oxzep7_interpreters", "oxzep7_notifications", "oxzep7_gate", "oxzep7_indexes")
NAMES_ONLY = re.compile(r"oxzep7_chosen_names")


def list_loops(tasks):
    for task in tasks or []:
        for key in ("block", "rescue", "always"):
            yield from list_loops(task.get(key))
        labelled = "label" in (task.get("loop_control") or {})
        if labelled and any(key.rpartition(".")[2].startswith("include_") for key in task):
            continue
        for key, value in task.items():
            if key == "loop" or key.startswith("with_"):
                yield str(value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:]))
def test_no_loop_has_declarations_as_items(path):
    for text in list_loops(yaml.safe_load(path.read_text(encoding="utf-8"))):
        assert not any(name in NAMES_ONLY.sub("", text) for name in DECLARATIONS), text


def test_there_are_loops_to_check():
    loops = [text for path in FILES for text in list_loops(yaml.safe_load(path.read_text(encoding="utf-8")))]
    assert sum(bool(NAMES_ONLY.search(text)) for text in loops) >= 2


def list_looped_tasks(tasks):
    for task in tasks or []:
        for key in ("block", "rescue", "always"):
            yield from list_looped_tasks(task.get(key))
        if any(key == "loop" or key.startswith("with_") for key in task):
            yield task


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:]))
def test_no_task_is_named_by_its_own_loop(path):
    """The name is made before the loop begins: ansible-core 2.21 warns that its variable is undefined."""
    for task in list_looped_tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
        variable = (task.get("loop_control") or {}).get("loop_var", "item")
        assert not re.search(rf"\b{variable}\b", " ".join(re.findall(r"\{\{.*?\}\}", task["name"]))), task["name"]
