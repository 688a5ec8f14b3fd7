# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan for people: Markdown for a ticket, and one self-contained page."""

from __future__ import annotations

import collections
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.oxzep7.python.plugins.plugin_utils._lifecycle import format_minor, parse_version
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _plan_groups
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._matrix import (
    render_html_document,
    render_html_table,
    render_matrix_section,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._plan_groups import EnvironmentGroup
from ansible_collections.oxzep7.python.plugins.plugin_utils._report._plan_picture import draw_plan
from ansible_collections.oxzep7.python.plugins.plugin_utils._wording import compress_names

CHANGE_COLUMNS = ("step", "package", "from", "to", "move", "evidence", "date", "reason")
# Names and ranges of one wave; plan.json has all.
MAXIMUM_WAVE = 40
# Findings of one environment; plan.json has all.
MAXIMUM_FINDINGS = 60


def _build_title(document: Mapping[str, Any]) -> str:
    return f"Plan {document['id']}: Python {document['target']}"


def format_plan_markdown(document: Mapping[str, Any]) -> str:
    """The plan's *document* as Markdown."""
    groups = _plan_groups.group_environments(document)
    lines = [f"# {_build_title(document)}", ""]
    for entry in document["findings"]:
        lines += [f"**{entry['title']}**: {entry['detail']}; {entry['remediation']}", ""]
    rows = [row.values for row in _plan_groups.summarize_steps(document, groups)]
    if rows:
        lines += ["## Steps", "", *_format_markdown_table(_plan_groups.COLUMNS, rows), ""]
    blocked = _plan_groups.list_blocked(document)
    if blocked:
        lines += ["## What blocks", "", *_format_markdown_table(_plan_groups.BLOCKED_COLUMNS, blocked), ""]
    unknown = _plan_groups.describe_unknown(document)
    if unknown:
        lines += [f"Unknown, because there is no inventory: {unknown}.", ""]
    stays = _plan_groups.list_stays(document)
    if stays:
        lines += [*(f"- {line}" for line in stays), ""]
    idle = _plan_groups.list_idle(document)
    if idle:
        lines += [f"Nothing to do: {idle}.", ""]
    if document.get("waves"):
        lines += ["## Waves", "", "One after the other:", "", *_list_waves(document), ""]
    for group in groups:
        lines += _format_group(group, document)
    return "\n".join(lines).rstrip() + "\n"


def _list_waves(document: Mapping[str, Any]) -> list[str]:
    return [f"{number}. {compress_names(wave, MAXIMUM_WAVE)}" for number, wave in enumerate(document["waves"], 1)]


def _format_markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [_format_markdown_row(titles), "|" + "---|" * len(titles)]
    return lines + [_format_markdown_row(row) for row in rows]


def _format_markdown_row(values: Sequence[str]) -> str:
    cells = [" ".join(value.split()).replace("\\", "\\\\").replace("|", "\\|") for value in values]
    return "| " + " | ".join(cells) + " |"


def _format_group(group: EnvironmentGroup, document: Mapping[str, Any]) -> list[str]:
    lines = [f"## {group.number}. {group.names}, Python {group.python}", ""]
    lines += [f"- {name}: {path} on {hosts}" for name, path, hosts in group.list_places()]
    lines.append("")
    for number, step in enumerate(group.steps):
        lines.append(f"- {_describe_step(group, number, document)}")
        for row in step["changes"]:
            change = f"{row['package']} {row['from'] or '(new)'} -> {row['to'] or '(gone)'}"
            lines.append(f"  - {change} ({row['move']}): {row['reason']}")
        lines += [f"  - {line}" for line in _list_proof(group, number, document)]
    lines += [f"- {line}" for line in _list_cargo(group)]
    lines += [
        "",
        _plan_groups.describe_risk(group),
        "",
        _plan_groups.describe_downtime(group),
        "",
        "It succeeded when:",
        "",
        *(f"- {line}" for line in _plan_groups.list_success_criteria(group)),
        "",
    ]
    findings = _list_findings(group)
    if findings:
        lines += ["Findings:", "", *(f"- {detail} ({key}){on}; {remedy}" for key, detail, remedy, on in findings), ""]
    for version, gone, other in _plan_groups.list_python_changes(group):
        parts = [("gone, and used", gone), ("behaves otherwise", other)]
        told = [f"- {title}: {', '.join(names)}" for title, names in parts if names]
        lines += [f"In Python {version}, of what it imports:", "", *told, ""]
    return lines


def _describe_step(group: EnvironmentGroup, number: int, document: Mapping[str, Any]) -> str:
    step = group.steps[number]
    phase = document["phases"][format_minor(parse_version(step["to"])[0])]
    support = f"{phase}, end of life {step['end_of_life']}, newest patch {step['newest_patch']}"
    built = ""
    for key, title in (("built", "built"), ("copied", "copied"), ("kept", "installed files taken")):
        built += f", {title}: {', '.join(step[key])}" if step.get(key) else ""
    sources = ", ".join(group.list_sources(number))
    return f"{step['from']} -> {step['to']} ({support}), {step['packages']} packages{built}, interpreter from {sources}"


def _list_proof(group: EnvironmentGroup, number: int, document: Mapping[str, Any]) -> list[str]:
    """What is proven of the step *number*, and what is in doubt."""
    proof = group.find_proof(document, number)
    python = format_minor(parse_version(group.steps[number]["to"])[0])
    doubt = _plan_groups.describe_doubt(proof, python)
    return [f"proof: {_plan_groups.describe_proof(proof)}"] + ([doubt] if doubt else [])


def _list_cargo(group: EnvironmentGroup) -> list[str]:
    """What is taken along, or not, that no lock has."""
    words = {"copy": "kept as it is", "patch": "carried to the new version", "drop": "not taken along"}
    lines = []
    for line, policy, members in group.list_local_changes():
        lines.append(f"changed by hand: {line}; {words[policy]}{_plan_groups.describe_members(members, group)}")
    return lines


def _list_findings(group: EnvironmentGroup) -> list[tuple[str, str, str, str]]:
    """Key, detail, remediation, and members if not all, of the findings."""
    found = group.list_findings()
    rows = []
    for known in found[:MAXIMUM_FINDINGS]:
        entry = known.entry
        members = _plan_groups.describe_members(known.members, group)
        rows.append((entry["key"], entry["detail"], entry["remediation"], members))
    if len(found) > MAXIMUM_FINDINGS:
        rows.append(("more", f"{len(found) - MAXIMUM_FINDINGS} more findings", "see plan.json", ""))
    return rows


def render_plan_page(document: Mapping[str, Any], matrix: Mapping[str, Any]) -> str:
    """The plan's *document* and the *matrix* as one page that needs no network. What hosts say is escaped."""
    groups = _plan_groups.group_environments(document)
    parts = []
    for entry in document["findings"]:
        parts.append(
            f'<p class="note"><strong>{html.escape(entry["title"])}</strong>: {html.escape(entry["detail"])}; '
            f"{html.escape(entry['remediation'])}</p>"
        )
    rows = _plan_groups.summarize_steps(document, groups)
    if rows:
        parts.append(_render_steps(rows))
    blocked = _plan_groups.list_blocked(document)
    if blocked:
        parts += ["<h2>What blocks</h2>", _scroll(render_html_table("", _plan_groups.BLOCKED_COLUMNS, blocked))]
    unknown = _plan_groups.describe_unknown(document)
    if unknown:
        parts.append(f"<p>Unknown, because there is no inventory: {html.escape(unknown)}.</p>")
    stays = _plan_groups.list_stays(document)
    if stays:
        parts.append(_render_list(stays))
    idle = _plan_groups.list_idle(document)
    if idle:
        parts.append(f"<p>Nothing to do: {html.escape(idle)}.</p>")
    parts.append(draw_plan(document, groups))
    if document.get("waves"):
        items = "".join(f"<li>{html.escape(line.partition('. ')[2])}</li>" for line in _list_waves(document))
        parts.append(f"<h2>Waves</h2><ol>{items}</ol>")
    parts += [_render_group(group, document) for group in groups]
    if matrix["packages"]:
        parts.append(_scroll(render_matrix_section(matrix)))
    return render_html_document(_build_title(document), "\n".join(filter(None, parts)))


def _scroll(table: str) -> str:
    """*table*, which scrolls by itself where it is wider than the page."""
    return f'<div class="scroll">{table}</div>'


def _render_steps(rows: Sequence[_plan_groups.StepRow]) -> str:
    head = "".join(f"<th>{html.escape(title)}</th>" for title in _plan_groups.COLUMNS)
    body = []
    lengths = collections.Counter(row.values[0] for row in rows)
    before = ""
    for row in rows:
        number, name, hosts, *values = row.values
        first = ""
        if number != before:
            span = f'rowspan="{lengths[number]}"'
            first = f'<td {span}><a href="#environment-{number}">{number}</a></td>'
            first += f"<td {span}>{html.escape(name)}</td><td {span}>{html.escape(hosts)}</td>"
        cells = "".join(f"<td>{html.escape(value)}</td>" for value in values)
        kinds = " ".join(filter(None, ("first" if first else "", "urgent" if row.urgent else "")))
        body.append(f'<tr class="{kinds}">{first}{cells}</tr>')
        before = number
    table = f'<table class="steps"><thead><tr>{head}</tr></thead><tbody>\n' + "\n".join(body) + "\n</tbody></table>"
    return f"<h2>Steps</h2>{_scroll(table)}"


def _render_group(group: EnvironmentGroup, document: Mapping[str, Any]) -> str:
    title = html.escape(f"{group.number}. {group.names}, Python {group.python}")
    parts = [f'<h2 id="environment-{group.number}">{title}</h2>']
    parts.append(_render_list(f"{name}: {path} on {hosts}" for name, path, hosts in group.list_places()))
    steps = []
    for number in range(len(group.steps)):
        lines = [_describe_step(group, number, document), *_list_proof(group, number, document)]
        steps.append(". ".join(lines))
    parts.append(_render_list(steps))
    rows, classes = [], []
    for step in group.steps:
        for row in step["changes"]:
            way = f"{step['from']} -> {step['to']}"
            evidence = (row["move"], row["evidence"], row["date"] or "", row["reason"])
            rows.append((way, row["package"], row["from"] or "new", row["to"] or "gone", *evidence))
            classes.append(("", "", "", "", _choose_class(row), "", "", ""))
    if rows:
        parts.append(_scroll(render_html_table("Changes", CHANGE_COLUMNS, rows, classes)))
    cargo = _list_cargo(group)
    if cargo:
        parts.append(_render_list(cargo))
    parts.append(f"<p>{html.escape(_plan_groups.describe_risk(group))}</p>")
    parts.append(f"<p>{html.escape(_plan_groups.describe_downtime(group))}</p>")
    findings = [(key, detail + on, remedy) for key, detail, remedy, on in _list_findings(group)]
    if findings:
        parts.append(_scroll(render_html_table("Findings", ("key", "detail", "next step"), findings)))
    changes = [(to, ", ".join(gone), "; ".join(other)) for to, gone, other in _plan_groups.list_python_changes(group)]
    if changes:
        table = render_html_table("Python, of what it imports", ("to", "gone, and used", "behaves otherwise"), changes)
        parts.append(_scroll(table))
    return "\n".join(parts)


def _render_list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def _choose_class(row: Mapping[str, Any]) -> str:
    """The class of the cell that tells how the package of *row* moves."""
    if row["from"] is None or row["to"] is None:
        return "leaves" if row["to"] is None else "added"
    return "major" if row["move"] == "major" else "moves"
