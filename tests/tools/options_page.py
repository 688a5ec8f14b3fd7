# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes docs/options.md of the argument specification of role ``oxzep7``."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import yaml
from tests.tools.role_readmes import format_markup, list_sentences

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECIFICATION = ROOT / "roles" / "oxzep7" / "meta" / "argument_specs.yml"
HEAD = """# Options

Every variable of the collection, by subject, with its type and default. Set them in the inventory or as extra
variables. `oxzep7_target` is the only one without a default. The suboptions of lists and mappings are in
`ansible-doc -t role oxzep7.python.oxzep7`.
"""
TARGET = {
    "type": "str",
    "description": "Minor version to upgrade to, such as V(3.12) or V(newest-1). Quote it: YAML reads 3.10 as 3.1.",
}
# Each option belongs to one subject.
SUBJECTS = {
    "Applications and interpreters": "target applications only_applications skip_applications interpreters"
    " constraints become",
    "Inventory": "roots homes exclude time_budget verify download_originals advisories",
    "Plan and rehearsal": "indexes find_links offline builder rehearsal_hosts fix_advisories scan_wheels plan_id"
    " blocked tiers probe",
    "Directories": "state_dir interpreter_dir wheelhouse_dir plan_dir report_dir cache_dir ship_uv",
    "Promotion": "promote timeout stability_window accept_unhealthy service_timeout dead_man drain_tasks undrain_tasks"
    " keep_generations forget_original rollback_window",
    "Backups and drills": "backup backup_*  drill_backup",
    "Waves": "waves criticality canaries max_unavailable",
    "Budgets, gates and approvals": "budget max_failed max_failed_per_wave after_failure on_failure window soak gate"
    " approval approved_waves approval_file approval_timeout",
    "Preflight": "known_findings max_skew",
    "Hooks and notifications": "before_host_tasks after_host_tasks failed_host_tasks before_wave_tasks after_wave_tasks"
    " failed_wave_tasks notifications",
    "Rollback": "generation rollback_applications rollback_run rollback_wave rollback_backup rollback_layers"
    " rollback_databases",
    "Runs and records": "run_id record_run",
    "Diagnosis": "diagnose_*",
}


def read_options() -> dict[str, dict[str, Any]]:
    """The options of role ``oxzep7`` and ``oxzep7_target``, by name."""
    specifications = yaml.safe_load(SPECIFICATION.read_text(encoding="utf-8"))["argument_specs"]
    return {"oxzep7_target": TARGET, **specifications["main"]["options"]}


def list_subject(words: str, names: list[str]) -> list[str]:
    """The options of *names* that *words* select, in the order of *words*; a word may end with ``*``."""
    chosen: list[str] = []
    for word in words.split():
        prefix = f"oxzep7_{word.rstrip('*')}"
        for name in names:
            if name not in chosen and (name.startswith(prefix) if word.endswith("*") else name == prefix):
                chosen.append(name)
    return chosen


def format_default(option: Mapping[str, Any]) -> str:
    """The default of *option* as YAML in one line."""
    if "default" not in option:
        return "required" if option.get("required") else ""
    value = option["default"]
    if value in ("", [], {}):
        return "" if value == "" else f"`{json.dumps(value)}`"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def format_type(option: Mapping[str, Any]) -> str:
    """The type of *option*, of its elements, and its choices."""
    kind = f"{option.get('type', 'str')}"
    if option.get("elements"):
        kind += f" of {option['elements']}"
    if option.get("choices"):
        kind += ": " + ", ".join(f"`{choice}`" for choice in option["choices"])
    return kind


def format_option(name: str, option: Mapping[str, Any]) -> str:
    """The row of one option."""
    text = " ".join(map(format_markup, list_sentences(option.get("description", "")))).replace("|", "\\|")
    return f"| `{name}` | {format_type(option)} | {format_default(option)} | {text} |"


def format_page() -> str:
    """The whole page. Raises ValueError for an option that belongs to no subject."""
    options = read_options()
    left = set(options)
    lines = [HEAD]
    for subject, words in SUBJECTS.items():
        lines += [f"## {subject}", "", "| option | type | default | meaning |", "|---|---|---|---|"]
        for name in list_subject(words, list(options)):
            lines.append(format_option(name, options[name]))
            left.discard(name)
        lines.append("")
    if left:
        raise ValueError(f"name the subject of {', '.join(sorted(left))} in {pathlib.Path(__file__).name}")
    return "\n".join(lines)
