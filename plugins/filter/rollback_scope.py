# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback is for."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: rollback_scope
short_description: The applications that a rollback is for, by host
version_added: 0.1.0
description:
  - Returns for each host those of its C(oxzep7_applications) that have one of the names, or all of them without names.
  - With a run, only those of which that run promoted something; with a wave, only those of its hosts.
  - Fails when that is none on any host, because nobody asks for a rollback of nothing.
author: oxzep7.python contributors (@oxzep7)
options:
  _input:
    description: The variables of all hosts, C(hostvars), with C(rollback_records) as M(oxzep7.python.recovery) returned it.
    type: dict
    required: true
  hosts:
    description: The hosts of the rollback.
    type: list
    elements: str
    required: true
  names:
    description: Names of applications.
    type: list
    elements: str
    required: true
  run:
    description: Identifier of a run.
    type: str
  wave:
    description: Number of a wave of the plan, from 1.
    type: int
  plan_dir:
    description: The plan directory.
    type: path
positional: hosts, names
"""

EXAMPLES = r"""
- name: Find what is meant
  ansible.builtin.set_fact:
    scope: "{{ hostvars | oxzep7.python.rollback_scope(ansible_play_hosts_all, ['billing']) }}"
"""

RETURN = r"""
_value:
  description: Lists of applications by host.
  type: dict
"""


def rollback_scope(hostvars: Mapping[str, Any], hosts: Sequence[str], names: Sequence[str], run: str = "", wave: int = 0,
                   plan_dir: str = "") -> dict[str, list[Mapping[str, Any]]]:
    """The applications called one of *names* (without names: all) of each of *hosts*. Raises AnsibleFilterError when there is none.

    With *run* those that it promoted; with *wave* those of the hosts that the plan in *plan_dir* has in it.
    """
    chosen = set(hosts) & set(hosts_of(wave, plan_dir)) if wave else set(hosts)
    scope = {host: [application for application in hostvars[host].get("oxzep7_applications") or []
                    if host in chosen and (not names or application["name"] in names) and (not run or run in _runs(hostvars[host], application["name"]))]
             for host in hosts}
    if not any(scope.values()):
        of_wave = f" in wave {wave} of the plan" if wave else ""
        raise AnsibleFilterError(f"run {run} promoted nothing of {', '.join(names) or 'any application'} on a host of this rollback{of_wave}; correct "
                                 "oxzep7_rollback_run, or --limit" if run else
                                 f"no host of this run{of_wave} declares {', '.join(names) or 'an application'}; correct oxzep7_rollback_applications"
                                 f"{', oxzep7_rollback_wave' if wave else ''}, or --limit")
    return scope


def _runs(facts: Mapping[str, Any], name: str) -> Sequence[str]:
    return ((facts.get("rollback_records") or {}).get("runs") or {}).get(name) or ()


def hosts_of(wave: int, plan_dir: str) -> list[str]:
    """The hosts of the wave called *wave*, from 1, in the plan that is in *plan_dir*. Raises AnsibleFilterError."""
    path = pathlib.Path(plan_dir).expanduser() / "plan.json"
    try:
        waves = json.loads(path.read_text(encoding="utf-8"))["waves"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"{path} has no waves ({type(error).__name__}: {error}); bring the plan that was rolled out") from None
    if not 0 < wave <= len(waves):
        raise AnsibleFilterError(f"{path} has {len(waves)} waves; there is no wave {wave}")
    return [str(host) for host in waves[wave - 1]]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Filters by name."""
        return {"rollback_scope": rollback_scope}
