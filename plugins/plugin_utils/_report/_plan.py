# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for people: Markdown for a ticket, and one self-contained page."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import format_minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _matrix
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._matrix import render_html_table


def format_plan_markdown(document: Mapping[str, Any]) -> str:
    """The plan's *document* as Markdown."""
    lines = [f"# Plan {document['id']}: Python {document['target']}", ""]
    for entry in document["findings"]:
        lines += [f"**{entry['title']}**: {entry['detail']}; {entry['remediation']}", ""]
    if document.get("waves"):
        lines += [
            "Waves, one after the other:",
            "",
            *(f"{number}. {', '.join(wave)}" for number, wave in enumerate(document["waves"], 1)),
            "",
        ]
    for name, part in document["hosts"].items():
        lines += [f"## {name}", ""]
        for application in part["applications"]:
            note = document["notes"][name][application["name"]]
            lines += [f"### {application['name']}: {application['environment']}, Python {application['from']}", ""]
            lines += [
                *(_list_steps(application, document["phases"]) if application["steps"] else ["Nothing to do."]),
                "",
                *_format_note(note, application),
            ]
    return "\n".join(lines).rstrip() + "\n"


def _list_steps(application: Mapping[str, Any], phases: Mapping[str, str]) -> list[str]:
    lines = []
    for step in application["steps"]:
        source = step["interpreter"].get("url") or step["interpreter"].get("path") or step["interpreter"]["source"]
        phase = phases[format_minor(parse_version(step["to"])[0])]
        support = f"{phase}, end of life {step['end_of_life']}, newest patch {step['newest_patch']}"
        built = ""
        for key, title in (("built", "built"), ("copied", "copied"), ("kept", "installed files taken")):
            built += f", {title}: {', '.join(step[key])}" if step.get(key) else ""
        lines.append(
            f"- {step['from']} -> {step['to']} ({support}), {step['packages']} packages{built}, "
            f"interpreter from {source}"
        )
        for row in step["changes"]:
            change = f"{row['package']} {row['from'] or '(new)'} -> {row['to'] or '(gone)'}"
            lines.append(f"  - {change} ({row['move']}): {row['reason']}")
    return [*lines, *(f"- {line}" for line in _list_cargo(application))]


def _list_cargo(application: Mapping[str, Any]) -> list[str]:
    """What is taken along that no lock has."""
    taken = application.get("cargo")
    if not taken:
        return []
    how = "its changes are made again" if taken["policy"] == "patch" else "kept as it is"
    lines = [f"taken along: {name} (in no package)" for name in taken["files"]]
    for row in taken["changes"]:
        lines.append(f"taken along: {row['path']} (changed by hand, {row['package']} {row['version']}; {how})")
    return lines


def _format_note(note: Mapping[str, Any], application: Mapping[str, Any]) -> list[str]:
    if not application["steps"]:
        return []
    terms = ", ".join(f"{name} {term['count']} ({term['points']:g})" for name, term in note["risk"]["terms"].items())
    downtime = (
        f"the last promotion took {note['last_downtime_ms']} ms"
        if note["last_downtime_ms"] is not None
        else "its downtime is not known yet"
    )
    lines = [
        f"Risk {note['risk']['score']:g}: {terms or 'nothing counts'}.",
        "",
        f"Restarts: {note['restarts']} ({', '.join(note['services']) or 'no service is declared'}); {downtime}.",
        "",
        "It succeeded when:",
        "",
        *(f"- {line}" for line in note["success"]),
        "",
    ]
    if note["findings"]:
        lines += [
            "Findings:",
            "",
            *(f"- {entry['detail']} ({entry['key']}); {entry['remediation']}" for entry in note["findings"]),
            "",
        ]
    for row in note["python"]:
        parts = [("gone", row["removed"]), ("behaves otherwise", row["changed"]), ("new", row["new"])]
        told = [f"- {title}: {', '.join(names)}" for title, names in parts if names]
        if told:
            lines += [f"In Python {row['to']}, of what it imports:", "", *told, ""]
    return lines


def _format_python_row(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return row["to"], ", ".join(row["removed"]), "; ".join(row["changed"]), ", ".join(row["new"])


def render_plan_page(document: Mapping[str, Any], matrix: Mapping[str, Any]) -> str:
    """The plan's *document* and the *matrix* as one page that needs no network. What hosts say is escaped."""
    parts = []
    for entry in document["findings"]:
        parts.append(
            f"<p><strong>{html.escape(entry['title'])}</strong>: {html.escape(entry['detail'])}; "
            f"{html.escape(entry['remediation'])}</p>"
        )
    parts.append(
        render_html_table(
            "Waves",
            ("wave", "hosts"),
            [(number, ", ".join(wave)) for number, wave in enumerate(document.get("waves") or [], 1)],
        )
    )
    for name, part in document["hosts"].items():
        for application in part["applications"]:
            parts.append(_render_application(name, application, document))
    parts.append(_matrix.render_matrix_section(matrix))
    return _matrix.render_html_document(f"Plan {document['id']}: Python {document['target']}", "\n".join(parts))


def _render_application(host: str, application: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    note = document["notes"][host][application["name"]]
    parts = [
        f"<h2>{html.escape(host)}: {html.escape(application['name'])}</h2>",
        f"<p>{html.escape(application['environment'])}, Python {html.escape(application['from'])}</p>",
    ]
    rows = []
    for step in application["steps"]:
        for row in step["changes"]:
            rows.append(
                [
                    step["from"] + " -> " + step["to"],
                    row["package"],
                    row["from"] or "new",
                    row["to"] or "gone",
                    row["move"],
                    row["evidence"],
                    row["date"] or "",
                    row["reason"],
                ]
            )
    parts += [f"<p>{html.escape(line)}</p>" for line in _list_cargo(application)]
    parts.append(
        render_html_table("Changes", ("step", "package", "from", "to", "move", "evidence", "date", "reason"), rows)
    )
    parts.append(
        render_html_table(
            f"Risk {note['risk']['score']:g}",
            ("term", "count", "points"),
            [(name, term["count"], f"{term['points']:g}") for name, term in note["risk"]["terms"].items()],
        )
    )
    if note["findings"]:
        parts.append(
            render_html_table(
                "Findings",
                ("key", "detail", "next step"),
                [(row["key"], row["detail"], row["remediation"]) for row in note["findings"]],
            )
        )
    parts.append(
        render_html_table(
            "What changes in Python, of what it imports",
            ("to", "gone", "behaves otherwise", "new"),
            list(map(_format_python_row, note["python"])),
        )
    )
    return "\n".join(parts)
