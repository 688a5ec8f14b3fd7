# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One table of findings: what the sources produce, what the table has and what the documentation lists are the same."""

import ast
import itertools
import os
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils import _finding
from ansible_collections.oxzep7.python.plugins.module_utils._finding import KEYS, SEVERITIES, build_finding

PLUGINS = os.path.dirname(os.path.dirname(_finding.__file__))
CONSTRUCTOR = "build_finding"
# Errors whose first argument is the key of the finding that they become.
KEYED_ERRORS = ("NoLockError", "BlockedStepError")
parses_all_sources = pytest.mark.skipif(
    sys.version_info < (3, 10), reason="the sources of the controller have newer syntax"
)


def list_sources():
    for folder, _folders, names in os.walk(PLUGINS):
        for name in sorted(names):
            if name.endswith(".py"):
                yield os.path.join(folder, name)


def list_calls(name):
    """Every call of *name* in the sources, with its place."""
    for path in list_sources():
        with open(path, encoding="utf-8") as stream:
            tree = ast.parse(stream.read(), path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield "%s:%d" % (path, node.lineno), node


def get_text(node):
    """The literal text of *node*, if it is one."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def list_produced_keys():
    produced = {}
    for place, call in list_calls(CONSTRUCTOR):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        assert not call.args and {"key", "detail", "remediation"} <= set(given), place
        assert set(given) <= {"key", "detail", "remediation", "where", "reduced"}, place
        assert get_text(given["key"]) is not None, "%s: the key is no literal" % place
        produced.setdefault(get_text(given["key"]), []).append(place)
    for place, call in itertools.chain(*map(list_calls, KEYED_ERRORS)):
        key = get_text(call.args[0])
        # A literal, or the key of an error that is raised again.
        assert key is not None or isinstance(call.args[0], ast.Attribute), place
        if key is not None:
            produced.setdefault(key, []).append(place)
    return produced


@parses_all_sources
def test_the_table_has_every_key_that_the_sources_produce_and_no_other():
    produced = list_produced_keys()
    unknown = {key: places for key, places in produced.items() if key not in KEYS}
    assert not unknown and not set(KEYS) - set(produced)


@parses_all_sources
def test_findings_are_made_by_the_constructor_only():
    wrong = []
    for path in list_sources():
        with open(path, encoding="utf-8") as stream:
            tree = ast.parse(stream.read(), path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict) and path != _finding.__file__:
                names = {get_text(key) for key in node.keys if key is not None}
                if "remediation" in names or {"key", "blocking"} <= names:
                    wrong.append("%s:%d" % (path, node.lineno))
    assert wrong == []


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_row_is_complete(key):
    kind = KEYS[key]
    assert kind.severity in SEVERITIES and kind.title and kind.meaning.endswith(".") and kind.action.endswith(".")
    assert kind.severity == "error" or not kind.blocking
    if kind.reduced:
        assert kind.reduced.severity in SEVERITIES and kind.reduced.condition
        assert SEVERITIES.index(kind.reduced.severity) > SEVERITIES.index(kind.severity) or kind.blocking


def test_severity_and_title_come_from_the_table():
    assert build_finding(key="unmanaged-files", detail="d", remediation="r") == {
        "key": "unmanaged-files",
        "severity": "error",
        "title": "files in no package",
        "detail": "d",
        "blocking": True,
        "remediation": "r",
    }
    reduced = build_finding(key="unmanaged-files", where="/srv/x", detail="d", remediation="r", reduced=True)
    assert (reduced["severity"], reduced["blocking"]) == ("warning", False)
    assert (reduced["where"], reduced["title"]) == ("/srv/x", "/srv/x: files in no package")
    with pytest.raises(KeyError):
        build_finding(key="made-up", detail="d", remediation="r")
    with pytest.raises(ValueError, match="one severity"):
        build_finding(key="clock-skewed", detail="d", remediation="r", reduced=True)
