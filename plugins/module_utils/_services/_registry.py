# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All kinds of services. Imports are static, because Ansible sends only files to hosts that are imported by name."""

from typing import Any, Dict, List, Tuple, Type

from ansible_collections.oxzep7.python.plugins.module_utils._names import SERVICE_NAME
from ansible_collections.oxzep7.python.plugins.module_utils._services._service import ACTIONS, STOP_START, Service
from ansible_collections.oxzep7.python.plugins.module_utils._services.commands import CommandService
from ansible_collections.oxzep7.python.plugins.module_utils._services.supervisor import SupervisorService
from ansible_collections.oxzep7.python.plugins.module_utils._services.unit import UnitService

# In the order of the documentation. The last one has no selector and takes what no other one does.
SERVICE_KINDS: Tuple[Type[Service], ...] = (CommandService, SupervisorService, UnitService)


def parse_service(entry: Dict[str, Any]) -> Service:
    """The service that the validated *entry* of `services` declares. Raises ValueError."""
    for kind in SERVICE_KINDS:
        if kind.selector is None or entry.get(kind.selector) is not None:
            return kind.from_entry(entry)
    raise ValueError("service %s is of no kind" % entry.get("name"))


def get_service_name(entry: Dict[str, Any]) -> str:
    """The name of the service that *entry* of `services` declares."""
    names = [entry.get(kind.selector) for kind in SERVICE_KINDS if kind.names_itself and kind.selector]
    return str(entry.get("name") or next(name for name in names if name))


def _list_exclusions() -> List[List[str]]:
    """Pairs of options that cannot be declared together: a kind's selector, and each option of other kinds only."""
    pairs: List[List[str]] = []
    for kind in SERVICE_KINDS:
        others = sorted({name for other in SERVICE_KINDS for name in other.options} - set(kind.options))
        for name in others:
            pair = sorted([name, kind.selector or name])
            pairs += [pair] if kind.selector is not None and pair not in pairs else []
    return pairs


def _list_requirements() -> Dict[str, List[str]]:
    """The selector that each option of a single kind needs."""
    needed: Dict[str, List[str]] = {}
    for kind in SERVICE_KINDS:
        others = {name for other in SERVICE_KINDS if other is not kind for name in other.options}
        if kind.selector is not None:
            own = set(kind.options) - others - {kind.selector}
            needed.update((name, [kind.selector]) for name in sorted(own))
    return needed


def build_services_option() -> Dict[str, Any]:
    """The option with the services of an application."""
    options: Dict[str, Any] = {
        "name": {"type": SERVICE_NAME},
        "action": {"type": "str", "choices": ACTIONS, "default": STOP_START},
    }
    together = []
    for kind in SERVICE_KINDS:
        options.update(kind.options)
        together += [list(names) for names in kind.required_together]
    return {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": options,
        "required_one_of": [["name"] + [kind.selector for kind in SERVICE_KINDS if kind.names_itself]],
        "required_together": together,
        "mutually_exclusive": _list_exclusions(),
        "required_by": _list_requirements(),
    }


def document_services() -> str:
    """The documentation of the options that kinds of services declare, as YAML; shared ones once."""
    texts: Dict[str, str] = {}
    for kind in SERVICE_KINDS:
        for name, text in split_documentation(kind.documentation).items():
            texts.setdefault(name, text)
    return "".join(texts.values())


def split_documentation(text: str) -> Dict[str, str]:
    """The YAML of each option in *text* by its name."""
    found: Dict[str, str] = {}
    name = ""
    for line in text.strip("\n").splitlines():
        if not line.startswith(" "):
            name = line.partition(":")[0]
        found[name] = found.get(name, "") + line + "\n"
    return found
