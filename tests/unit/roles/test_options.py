# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options are declared once: defaults, specifications, modules and documentation agree."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible_collections.oxzep7.python.plugins.doc_fragments.application import ModuleDocFragment
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import build_application_options
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._registry import INTERPRETER_SOURCES
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._documentation import document_entries
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._registry import get_controller_source

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROLES = sorted(path.parent.parent.name for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", ROLES)
def test_defaults_equal_the_specification(role):
    defaults = ROOT / "roles" / role / "defaults" / "main.yml"
    options = load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    declared = {name: option["default"] for name, option in options.items() if "default" in option}
    assert (load(defaults) if defaults.exists() else {}) == declared


def specification(options, keyword):
    """Types, choices and defaults only, so that a documentation and a specification can be compared."""
    found = {}
    for name, option in options.items():
        found[name] = {key: option[key] for key in ("type", "elements", "choices") if key in option}
        found[name].update(required=option.get("required", False), default=option.get("default"))
        if keyword in option:
            found[name]["options"] = specification(option[keyword], keyword)
    return found


def test_role_modules_and_documentation_declare_an_application_alike():
    expected = specification(build_application_options(), "options")
    role = load(ROOT / "roles" / "oxzep7" / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert specification(role["oxzep7_applications"]["options"], "options") == expected
    fragment = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)
    assert specification(fragment["options"]["application"]["suboptions"], "suboptions") == expected


def descriptions(options, keyword):
    """The description of each option, with the options below it."""
    found = {}
    for name, option in options.items():
        found[name] = [option["description"], descriptions(option.get(keyword, {}), keyword)]
    return found


def constraints(options):
    """What an option says about those below it, by its name."""
    found = {}
    for name, option in options.items():
        if "options" in option:
            rules = {key: option[key] for key in option if key.startswith(("mutually_", "required_"))}
            found[name] = [rules, constraints(option["options"])]
    return found


def test_the_role_describes_an_application_as_modules_do():
    # `make pages` writes it.
    role = load(ROOT / "roles" / "oxzep7" / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    declared = role["oxzep7_applications"]["options"]
    fragment = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]["application"]["suboptions"]
    assert descriptions(declared, "options") == descriptions(fragment, "suboptions")
    assert constraints(declared) == constraints(build_application_options())


def test_the_role_describes_interpreters_as_their_sources_do():
    # `make pages` writes it.
    role = load(ROOT / "roles" / "oxzep7" / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert role["oxzep7_interpreters"] == document_entries()


@pytest.mark.parametrize("source", INTERPRETER_SOURCES.values(), ids=INTERPRETER_SOURCES)
def test_each_interpreter_source_documents_its_options(source):
    documented = yaml.safe_load(source.documentation)["options"]
    assert specification(documented, "suboptions") == specification(source.options, "options")
    assert source.name in get_controller_source(source.name).__class__.__module__


def test_every_module_is_in_the_action_group():
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    assert load(ROOT / "meta" / "runtime.yml")["action_groups"]["all"] == modules


def test_requirements_are_the_same_everywhere():
    assert (ROOT / "requirements.txt").read_text() == (ROOT / "meta" / "ee-requirements.txt").read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.name)
def test_playbooks_set_no_variables_that_beat_the_inventory(path):
    for play in load(path):
        assert "vars" not in play and "vars_prompt" not in play
