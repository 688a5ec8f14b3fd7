# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text and the page of diagnoses."""

from __future__ import annotations

from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _diagnoses

RUN = {"rc": 1, "seconds": 0.5, "memory": 20480, "stdout": "", "stderr": "<boom>"}
ENTRY = {
    "diagnose_application": "billing",
    "before": {"id": "0-py3.8", "path": "/a", "python": "3.8.18"},
    "after": {"id": "1-py3.9", "path": "/b", "python": "3.9.18"},
    "lines": ["exit status: <b>"],
    "reason": "",
    "origin": "billing.service",
    "differences": [{"culprit": "path", "area": "variables", "name": "PATH", "before": "/a", "after": "/b"}],
    "facts": [["version", "3.8.18", "3.9.18"], ["umask", "0022", "0022"]],
    "runs": [{"command": "x", "cause": "boom", "before": {**RUN, "rc": 0}, "after": RUN, "differs": ["exit status"]}],
    "log": [{"kind": "new", "before": 0, "after": 2, "example": "ERROR <i>"}],
}


def collect(*results):
    hostvars = {"a": {"diagnose_results": {"results": list(results)}}, "b": {}}
    return _diagnoses.collect_diagnoses(hostvars, ["a", "b"])


def test_text_has_the_likely_cause_first():
    equal = {**ENTRY, "diagnose_application": "wiki", "lines": []}
    assert _diagnoses.format_diagnoses(collect(ENTRY, equal)) == [
        "a: billing: 0-py3.8 (Python 3.8.18) and 1-py3.9 (Python 3.9.18): 1 difference",
        "  1. exit status: <b>",
        "a: wiki: 0-py3.8 (Python 3.8.18) and 1-py3.9 (Python 3.9.18): no difference",
        "b: it did not answer",
    ]


def test_text_is_short_and_says_what_it_leaves_out():
    text = _diagnoses.format_diagnoses(collect({**ENTRY, "lines": ["x"] * 14}))
    assert text[0].endswith("14 differences") and "  and 4 more, which the page has" in text


def test_failures_name_their_hosts_and_an_application_without_a_promotion_is_none():
    never = {"diagnose_application": "wiki", "lines": [], "reason": "no promotion is recorded"}
    broken = {"diagnose_application": "billing", "failed": True, "msg": "no such user"}
    entries = collect(never, broken)
    assert _diagnoses.list_failures(entries) == {"a": "no such user", "b": "it did not answer"}
    assert _diagnoses.format_diagnoses(entries)[0] == "a: wiki: no promotion is recorded"


def test_page_escapes_what_hosts_report():
    page = _diagnoses.render_diagnoses_page("r1", collect(ENTRY))
    assert "exit status: &lt;b&gt;" in page and "&lt;boom&gt;" in page and "ERROR &lt;i&gt;" in page
    assert "<i>" not in page and '<td class="moves">3.9.18</td>' in page and '<td class="">0022</td>' in page


def test_host_without_applications_is_no_failure():
    entries = _diagnoses.collect_diagnoses({"a": {"diagnose_results": {"skipped": True, "results": []}}}, ["a"])
    assert _diagnoses.list_failures(entries) == {}
    assert _diagnoses.format_diagnoses(entries) == ["a: no application is declared"]
    assert "no application is declared" in _diagnoses.render_diagnoses_page("r", entries)
