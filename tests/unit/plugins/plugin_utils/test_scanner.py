# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scanner against a labelled corpus: the names in each snippet that are removed between 3.8 and its version."""

from __future__ import annotations

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._source._scan import scan_source
from ansible_collections.oxzep7.python.plugins.module_utils._source._watch import WatchedNames
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning import _stdlib_changes

from .scanner.corpus import read_corpus, score_snippets


def names_in(code, target):
    watch = WatchedNames(_stdlib_changes.list_watched_names((3, 8), target))
    found = scan_source(code, watch)
    assert found.problem is None, code
    return {entry.change.name for entry in _stdlib_changes.find_broken_uses(found.uses, (3, 8), target)}


def test_the_corpus_is_large_and_its_names_are_unique():
    known = read_corpus()
    named = [snippet.name for snippet in known if snippet.name]
    assert len(known) >= 400 and len(named) >= len(known) / 2
    assert len(set(named)) == len(named)
    assert 0.2 < sum(snippet.held_out for snippet in known) / len(known) < 0.3


def test_what_the_scanner_was_made_with_is_read_without_mistakes():
    score = score_snippets(snippet for snippet in read_corpus() if not snippet.held_out)
    assert score.right > 200 and not score.faults, "\n".join(score.faults)


def test_the_part_that_was_held_out_has_few_mistakes():
    score = score_snippets(snippet for snippet in read_corpus() if snippet.held_out)
    assert score.right > 50 and score.precision >= 0.97 and score.recall >= 0.97, "\n".join(score.faults)


def test_a_text_that_is_not_parsed_has_nothing_to_find():
    plain = [snippet for snippet in read_corpus() if len(snippet.files) == 1 and not snippet.held_out]
    for snippet in plain:
        assert names_in(snippet.files["main.py"], snippet.target) == snippet.expected, snippet


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
