# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions and modules do what they document: options, returns, and the list of modules for people."""

from __future__ import annotations

import ast
import importlib

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.plugin_utils import _action

ACTIONS = sorted(path.stem for path in (_action.PLUGINS / "action").glob("*.py"))
MODULES = sorted(path.stem for path in (_action.PLUGINS / "modules").glob("*.py"))
FOR_PEOPLE = {
    "backup",
    "backup_info",
    "diagnose",
    "drill",
    "environment",
    "health_check",
    "host_info",
    "interpreter",
    "plan",
    "plan_diff",
    "promotion",
    "recovery",
    "restore",
    "run_info",
    "source_info",
    "status_info",
}
TEXTS = {name: (_action.PLUGINS / "modules" / f"{name}.py").read_text() for name in MODULES}
WITH_CODE = [name for name, text in TEXTS.items() if "def main(" in text]
# What Ansible itself returns for a task, and evidence of a failure.
COMMON_RETURNS = {"changed", "diff", "failed", "msg"}


class CapturedError(BaseException):
    """Ends a module when it has given its argument spec."""


def load_action(name):
    return importlib.import_module(f"ansible_collections.oxzep7.python.plugins.action.{name}").ActionModule


def read_argument_spec(name, monkeypatch):
    captured = {}

    def capture(argument_spec, **rules):
        captured.update(argument_spec)
        raise CapturedError

    module = importlib.import_module(f"ansible_collections.oxzep7.python.plugins.modules.{name}")
    monkeypatch.setattr(module, "CollectionModule", capture)
    with pytest.raises(CapturedError):
        module.main()
    return captured


def normalize_spec(options):
    """Options as documentation can tell them: without rules between them and what is kept out of logs."""
    spec = {}
    for name, entry in options.items():
        row = {key: entry[key] for key in _action.SHARED_KEYS if key in entry and entry[key] not in (None, False)}
        row.setdefault("type", "str")
        row["choices"] = sorted(entry.get("choices") or [])
        row["options"] = normalize_spec(entry.get("options") or {})
        spec[name] = row
    return spec


def read_tree(kind, name):
    return ast.parse((_action.PLUGINS / kind / f"{name}.py").read_text(encoding="utf-8"))


def list_constant_keys(call):
    found = {keyword.arg for keyword in call.keywords if keyword.arg}
    for argument in call.args:
        if isinstance(argument, ast.Dict):
            found |= list_dict_keys(argument)
    return found


def list_dict_keys(node):
    return {key.value for key in node.keys if isinstance(key, ast.Constant)}


def list_returned_keys(tree):
    """The keys that an action or module returns, as far as the source spells them."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "perform":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Dict):
                    found |= list_dict_keys(inner.value)
                elif (
                    isinstance(inner, ast.Return)
                    and isinstance(inner.value, ast.Call)
                    and is_named(inner.value, "dict")
                ):
                    found |= list_constant_keys(inner.value)
        if isinstance(node, ast.Call) and (is_named(node, "exit_json", "ActionFailedError") or is_result_update(node)):
            found |= list_constant_keys(node)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Subscript) and is_result(target.value) and isinstance(target.slice, ast.Constant):
                found.add(target.slice.value)
            if is_result(target) and isinstance(node.value, ast.Dict):
                found |= list_dict_keys(node.value)
    return found - COMMON_RETURNS


def is_named(call, *names):
    return getattr(call.func, "attr", getattr(call.func, "id", "")) in names


def is_result(node):
    return isinstance(node, ast.Name) and node.id == "result"


def is_result_update(call):
    return is_named(call, "update") and is_result(call.func.value)


def read_documented_returns(name):
    for node in read_tree("modules", name).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "RETURN":
            return set(yaml.safe_load(node.value.value) or {})
    return set()


def create_action(name, **arguments):
    action = object.__new__(load_action(name))
    action._task = type("Task", (), {"args": arguments})()
    return action


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_take_their_options_from_the_documentation(name):
    action = load_action(name)
    assert issubclass(action, _action.CollectionAction)
    assert not {"run", "validate_options"} & set(vars(action))
    assert set(action.OPTIONS) == set(_action.read_documentation(name)["options"])
    assert "validate_argument_spec" not in (_action.PLUGINS / "action" / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WITH_CODE)
def test_options_of_a_module_are_those_of_its_documentation(name, monkeypatch):
    documented = _action.build_argument_spec(_action.read_documentation(name)["options"])
    assert normalize_spec(read_argument_spec(name, monkeypatch)) == normalize_spec(documented)


def test_every_module_does_something():
    assert set(MODULES) == {*ACTIONS, *WITH_CODE}


@pytest.mark.parametrize("kind,name", [("action", name) for name in ACTIONS] + [("modules", name) for name in MODULES])
def test_what_is_returned_is_documented(kind, name):
    assert list_returned_keys(read_tree(kind, name)) - read_documented_returns(name) == set()


@pytest.mark.parametrize("name", MODULES)
def test_modules_that_only_roles_use_say_so_first(name):
    description = _action.read_documentation(name)["description"]
    said = [line == "Used by the roles of this collection." for line in description]
    assert said == [name not in FOR_PEOPLE, *[False] * (len(said) - 1)]


def test_unknown_options_are_refused():
    with pytest.raises(AnsibleActionFail, match="plan_diff: .*colour"):
        create_action("plan_diff", before="a", after="b", colour="red").validate_options()


def test_missing_options_are_refused():
    with pytest.raises(AnsibleActionFail, match="missing required arguments: after"):
        create_action("plan_diff", before="a").validate_options()


def test_rules_within_options_hold():
    with pytest.raises(AnsibleActionFail, match="url"):
        create_action("notify", event="failed", run_id="r", text="t", channels=[{"kind": "slack"}]).validate_options()


def test_unset_options_have_their_defaults():
    given = create_action("wave_gate", run_id="r", wave={}, closed=None).validate_options()
    assert (given["closed"], given["soak"], given["rows"]) == ("", 0.0, [])


@pytest.mark.parametrize(
    "error,expected",
    [
        (CollectionError("no plan"), {"failed": True, "changed": False, "msg": "no plan"}),
        (OSError("no disk"), {"failed": True, "changed": False, "msg": "no disk"}),
        (
            _action.ActionFailedError("no plan", steps=2),
            {"failed": True, "changed": False, "msg": "no plan", "steps": 2},
        ),
    ],
)
def test_failures_have_one_shape(monkeypatch, error, expected):
    def fail(given, task_vars):
        raise error

    action = create_action("plan_diff", before="a", after="b")
    monkeypatch.setattr(_action.ActionBase, "run", lambda self, tmp, task_vars: {})
    monkeypatch.setattr(action, "perform", fail, raising=False)
    assert action.run(None, {}) == expected


def test_no_result_has_credentials_of_urls(monkeypatch):
    url = "https://me:Planted7password@h/x?token=Planted7token"
    action = create_action("plan_diff", before=url, after="b")
    monkeypatch.setattr(_action.ActionBase, "run", lambda self, tmp, task_vars: {"invocation": {"before": url}})

    def run(perform):
        monkeypatch.setattr(action, "perform", perform, raising=False)
        return action.run(None, {})

    def fail(given, task_vars):
        raise OSError(f"{url} gave no answer to Planted7password")

    def fail_with_values(given, task_vars):
        raise _action.ActionFailedError(url, asked=[{"url": url, url: 1}])

    def fail_unexpectedly(given, task_vars):
        raise RuntimeError(f"unknown url type: {url}")

    shown = "https://h/x?token=***"
    assert run(lambda given, task_vars: {"found": given["before"]})["found"] == shown
    assert run(fail)["msg"] == f"{shown} gave no answer to ***"
    assert run(fail_with_values)["asked"] == [{"url": shown, shown: 1}]
    assert "Planted7" not in str([run(perform) for perform in (fail, fail_with_values)])
    with pytest.raises(AnsibleActionFail) as caught:
        run(fail_unexpectedly)
    assert "Planted7" not in str(caught.value) and "unknown url type" in str(caught.value)


def test_names_are_refused_by_actions_too():
    for name in ("run_id", "plan_id"):
        options = {"run_id": "r", "wave": {}} if name == "run_id" else {"target": "3.12", "plan_dir": "p"}
        action = create_action("wave_gate" if name == "run_id" else "plan", **{**options, name: "../x"})
        with pytest.raises(AnsibleActionFail, match=r"cannot be '\.\./x'; use "):
            action.validate_options()
