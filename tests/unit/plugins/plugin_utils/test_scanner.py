# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scanner against a labelled corpus: the names in each snippet that are removed between 3.8 and its version."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._source._scan import scan_source
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _stdlib_changes

CORPUS = pathlib.Path(__file__).resolve().parent / "scanner" / "corpus.txt"


def snippets():
    for part in CORPUS.read_text(encoding="utf-8").split("### ")[1:]:
        head, _newline, code = part.partition("\n")
        target, _colon, names = head.partition(": ")
        yield tuple(map(int, target.split("."))), frozenset(names.split()) - {"-"}, code


def names_in(code, target):
    watch = WatchedNames(_stdlib_changes.list_watched_names((3, 8), target))
    found = scan_source(code, watch)
    assert found.problem is None, code
    return {entry.change.name for entry in _stdlib_changes.find_broken_uses(found.uses, (3, 8), target)}


def test_precision_and_recall_on_the_corpus():
    right = wrong = missed = count = 0
    faults = []
    for target, expected, code in snippets():
        count += 1
        found = names_in(code, target)
        right += len(found & expected)
        wrong += len(found - expected)
        missed += len(expected - found)
        if found != expected:
            faults.append(f"{target}: found {sorted(found)}, expected {sorted(expected)}\n{code}")
    precision, recall = right / (right + wrong), right / (right + missed)
    print(f"{count} snippets, precision {precision:.3f}, recall {recall:.3f}")
    assert count >= 150
    assert precision >= 0.95 and recall >= 0.95, "\n".join(faults)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "code, on_import",
    [
        ("import imp\n", True),
        ("def f():\n    import imp\n", False),
        ("class C:\n    import imp\n", True),
        ("f = lambda: __import__('imp')\n", False),
        ("@__import__('imp').x\ndef f(): pass\n", True),
    ],
)
def test_what_an_import_runs_is_told_from_what_a_call_runs(code, on_import):
    uses = scan_source(code, WatchedNames(["imp"])).uses
    assert [use.on_import for use in uses] == [on_import]


def test_imports_that_only_running_tells_are_named_and_not_judged():
    found = scan_source(
        "import importlib\nimportlib.import_module(name)\n__import__('x' + y)\nimportlib.import_module('json')\n",
        WatchedNames(["imp"]),
        every=True,
    )
    assert found.dynamic == [2, 3] and found.uses == []


def test_what_does_not_parse_is_named_with_its_line():
    found = scan_source("import json\nprint 'imp'\n", WatchedNames(["imp"]), every=True)
    assert "line 2" in found.problem and found.imports == ["json"]


def test_a_text_without_any_of_the_words_is_not_parsed():
    assert scan_source("this is no Python at all", WatchedNames(["imp"])).problem is None


def test_the_walk_does_not_depend_on_the_order_of_definitions():
    assert names_in("def f():\n    return c.Mapping\nimport collections as c\n", (3, 10)) == {"collections.Mapping"}
