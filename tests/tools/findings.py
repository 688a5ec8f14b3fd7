# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes ``docs/findings.md`` of the table of findings."""

from __future__ import annotations

from ansible_collections.oxzep7.python.plugins.module_utils._finding import KEYS, FindingKind

INTRODUCTION = """\
# Findings

A finding is `{key, severity, title, detail, blocking, remediation}`. Keys are stable across releases; the detail and
the remediation name the objects on the host. A finding that blocks stops the plan or the upgrade of what it concerns.
Preflight accepts the keys in `oxzep7_known_findings`.

This page is generated from `plugins/module_utils/_finding.py` by `make pages`.

| key | severity | meaning | what to do |
|---|---|---|---|
"""


def describe_severity(kind: FindingKind) -> str:
    """Return the severity of *kind*, whether it blocks, and its reduced level."""
    text = kind.severity + (", blocks" if kind.blocking else "")
    return f"{text}; {kind.reduced.severity} {kind.reduced.condition}" if kind.reduced else text


def render_page() -> str:
    """Return the text of the page."""
    rows = []
    for key, kind in sorted(KEYS.items()):
        rows.append(f"| `{key}` | {describe_severity(kind)} | {kind.meaning} | {kind.action} |\n")
    return INTRODUCTION + "".join(rows)
