# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base of all action plugins: validates options as documented, fails in one shape, sends and fetches files.

Ansible imports an action plugin in the process from which it forks its workers. What is loaded here at import is loaded
once for a run, and not again for each task and host.
"""

from __future__ import annotations

import ast
import importlib
import os
import pathlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import yaml
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins import loader
from ansible.plugins.action import ActionBase
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import find_secrets, redact
from ansible_collections.oxzep7.python.plugins.module_utils._errors import CollectionError
from ansible_collections.oxzep7.python.plugins.module_utils._names import restrict_names

COLLECTION = "oxzep7.python"
PLUGINS = pathlib.Path(__file__).resolve().parent.parent
# Keys of a documented option that the validator of Ansible knows by the same name.
SHARED_KEYS = ("type", "elements", "required", "default", "aliases")
# Plugins that each task needs; on ansible-core 2.21 the filters alone take a tenth of a second to load.
PRELOADED = (
    ("filter_loader", ("ternary", "default")),
    ("test_loader", ("defined",)),
    ("connection_loader", ("ssh", "local")),
    ("shell_loader", ("sh",)),
    ("become_loader", ("sudo",)),
)


class ActionFailedError(CollectionError):
    """A failed task; ``values`` are returned beside the message."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text)
        self.values = values


def preload_plugins() -> None:
    """Load the filters and tests of Ansible, and the plugins for connections by SSH."""
    for kind, names in PRELOADED:
        for name in names:
            getattr(loader, kind).get(name, class_only=True)


def read_documentation(name: str) -> dict[str, Any]:
    """Return the documentation of the module *name*, its fragments included. Raises OSError, KeyError."""
    tree = ast.parse((PLUGINS / "modules" / f"{name}.py").read_text(encoding="utf-8"))
    texts = {}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
        ):
            texts[node.targets[0].id] = str(node.value.value)
    documentation = _load_yaml(texts["DOCUMENTATION"])
    documentation.setdefault("options", {})
    for fragment in documentation.get("extends_documentation_fragment") or []:
        for option, described in _read_fragment(fragment).get("options", {}).items():
            documentation["options"][option] = {**described, **documentation["options"].get(option, {})}
    return documentation


def _read_fragment(fragment: str) -> dict[str, Any]:
    """Return the documentation of *fragment*, such as ``oxzep7.python.backup.engine``."""
    name, _dot, part = fragment.removeprefix(f"{COLLECTION}.").partition(".")
    module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.doc_fragments.{name}")
    return _load_yaml(getattr(module.ModuleDocFragment, (part or "documentation").upper()))


def _load_yaml(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


def build_argument_spec(options: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Convert documented *options* to an argument spec."""
    spec = {}
    for name, described in options.items():
        entry = {key: described[key] for key in SHARED_KEYS if key in described}
        if "choices" in described:
            entry["choices"] = list(described["choices"])
        if "suboptions" in described:
            entry["options"] = build_argument_spec(described["suboptions"])
        spec[name] = entry
    return restrict_names(spec)


class CollectionAction(ActionBase):
    """An action whose options are those that the module of the same name documents.

    No result and no error has credentials of URLs.
    A subclass implements `perform`. Whatever of `CollectionError` and OSError it raises fails the task with its text.
    """

    _supports_check_mode = True

    # Rules between options, as keyword arguments of Ansible's validator; for suboptions by the option that has them.
    RULES: ClassVar[Mapping[str, Any]] = {}
    SUBOPTION_RULES: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    OPTIONS: ClassVar[dict[str, dict[str, Any]]]

    def __init_subclass__(cls) -> None:
        """Load the documented options once, when the action is imported."""
        super().__init_subclass__()
        cls.OPTIONS = build_argument_spec(read_documentation(cls.get_module_name())["options"])
        for option, rules in cls.SUBOPTION_RULES.items():
            cls.OPTIONS[option].update(rules)

    @classmethod
    def get_module_name(cls) -> str:
        """Return the name that the action and its module share."""
        return cls.__module__.rpartition(".")[2]

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Validate the options and perform the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        secrets = find_secrets(self._task.args)
        try:
            result.update(self.perform(self.validate_options(), task_vars))
        except ActionFailedError as error:
            result.update(error.values, failed=True, msg=str(error))
        except (CollectionError, OSError) as error:
            result.update(failed=True, msg=str(error))
        except Exception as error:
            text = str(redact(str(error), secrets))
            if text == str(error):
                raise
            raise AnsibleActionFail(text) from None
        result.setdefault("changed", False)
        shown: dict[str, Any] = redact(result, secrets)
        return shown

    def perform(self, given: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """Do what the task asks by its validated options *given*, and return the result."""
        raise NotImplementedError

    def list_arguments(self) -> dict[str, Any]:
        """Return the options that the task sets, as it sets them: paths are not expanded on the controller."""
        return {key: value for key, value in self._task.args.items() if value is not None}

    def validate_options(self) -> dict[str, Any]:
        """Return the options of the task with defaults and converted types. Raises AnsibleActionFail."""
        outcome = ArgumentSpecValidator(self.OPTIONS, **self.RULES).validate(self.list_arguments())
        if outcome.error_messages:
            raise AnsibleActionFail(
                f"{self.get_module_name()}: {'; '.join(outcome.error_messages)}", obj=self._task.args
            )
        validated: dict[str, Any] = outcome.validated_parameters
        return validated

    def run_module(self, arguments: Mapping[str, Any], task_vars: Any, name: str | None = None) -> dict[str, Any]:
        """Run the module of the same name, or the module *name* of this collection, on the host."""
        answer: dict[str, Any] = self._execute_module(
            f"{COLLECTION}.{name or self.get_module_name()}", module_args=dict(arguments), task_vars=task_vars
        )
        return answer

    def run_action(self, name: str, arguments: Mapping[str, Any], task_vars: Any) -> dict[str, Any]:
        """Run the action plugin *name*, by its full name, and return its result."""
        task = self._task.copy()
        task.action, task.args = name, dict(arguments)
        action = self._shared_loader_obj.action_loader.get(
            name,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        answer: dict[str, Any] = action.run(task_vars=task_vars)
        return answer

    @contextmanager
    def make_remote_directory(self) -> Iterator[str]:
        """Give a temporary directory on the host, and remove it afterwards."""
        directory = self._make_tmp_path()
        try:
            yield directory
        finally:
            self._remove_tmp_path(directory)

    def send_files(self, directory: str, files: Mapping[str, str | os.PathLike[str]]) -> dict[str, str]:
        """Send *files*, local paths by remote name, to *directory*; return the remote path of each."""
        targets = {name: self.join_remote(directory, name) for name in files}
        for name, source in files.items():
            self._transfer_file(str(source), targets[name])
        self._fixup_perms2([directory, *targets.values()])
        return targets

    def fetch_file(self, source: str, target: str | os.PathLike[str]) -> None:
        """Fetch the file *source* of the host to *target*."""
        self._connection.fetch_file(source, str(target))

    def join_remote(self, *parts: str) -> str:
        """Join *parts* to a path on the host."""
        path: str = self._connection._shell.join_path(*parts)
        return path


preload_plugins()
