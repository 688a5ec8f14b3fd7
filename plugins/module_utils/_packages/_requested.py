# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extras with which packages were asked for: by requirements files, and by the records of pipx and uv."""

import json
import re
from typing import Any, Dict, List, Optional, Set

from ansible_collections.oxzep7.python.plugins.module_utils._packages._names import normalize_name

REQUIREMENT_EXTRAS = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*\[([^\]]*)\]")
# An entry of the list ``requirements`` in uv-receipt.toml.
RECEIPT_ENTRY = re.compile(r'\{[^{}]*\bname\s*=\s*"([^"]+)"[^{}]*\bextras\s*=\s*\[([^\]]*)\][^{}]*\}')
PIPX_RECORD = "pipx_metadata.json"
UV_RECORD = "uv-receipt.toml"


def _collect_extras(found: Dict[str, Set[str]], name: str, extras: str) -> None:
    named = {normalize_name(extra.strip(" '\"\n")) for extra in extras.split(",")} - {""}
    if named:
        found.setdefault(normalize_name(name), set()).update(named)


def parse_requirement_extras(text: str) -> Dict[str, List[str]]:
    """The extras by normalized package name that the requirements file *text* names."""
    found: Dict[str, Set[str]] = {}
    for line in text.splitlines():
        match = REQUIREMENT_EXTRAS.match(line)
        if match:
            _collect_extras(found, match.group(1), match.group(2))
    return {name: sorted(extras) for name, extras in found.items()}


def parse_recorded_extras(pipx: Optional[str], uv: Optional[str]) -> Dict[str, List[str]]:
    """The same of the texts of ``pipx_metadata.json`` and ``uv-receipt.toml``; None for one that is not there."""
    found: Dict[str, Set[str]] = {}
    for name, extras in RECEIPT_ENTRY.findall(uv or ""):
        _collect_extras(found, name, extras)
    for line in _list_pipx_requirements(pipx or ""):
        match = REQUIREMENT_EXTRAS.match(line)
        if match:
            _collect_extras(found, match.group(1), match.group(2))
    return {name: sorted(extras) for name, extras in found.items()}


def _list_pipx_requirements(text: str) -> List[str]:
    try:
        record: Any = json.loads(text)
        injected = record.get("injected_packages") or {}
        entries = [record.get("main_package") or {}] + list(injected.values())
        return [str(entry.get("package_or_url") or "") for entry in entries]
    except (ValueError, AttributeError):
        return []
