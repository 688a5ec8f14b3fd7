# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and identifiers are single components of paths, and never options or shell text."""

import copy

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oxzep7.python.plugins.module_utils import _names
from ansible_collections.oxzep7.python.plugins.module_utils._application._journal import read_events
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    list_applications,
)
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import build_application_options
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import (
    UndoDetails,
    render_undo_script,
)

NAMES = [kind for kind in vars(_names).values() if isinstance(kind, _names.NameType)]
HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "/etc",
    "-rf",
    "--help",
    "a\n",
    "\na",
    "a\nrm -rf b",
    "a\0b",
    "a\x1bb",
    "a;b",
    "a$(b)",
    "a`b`",
    "a'b",
    'a"b',
    "a&b",
    "a|b",
    "a>b",
    "a*",
    "~a",
    "x" * 300,
]


@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: kind.subject)
@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_what_could_be_a_path_or_shell_text_is_refused(kind, value):
    assert not kind.matches(value)
    with pytest.raises(_names.NameRefusedError, match=kind.subject + " cannot be .*; use "):
        kind(value)


@pytest.mark.parametrize("value", [None, True, 1.5, [], {}])
def test_only_text_and_whole_numbers_are_names(value):
    with pytest.raises(ValueError):
        _names.RUN_ID(value)
    assert _names.RUN_ID(4711) == "4711"


@pytest.mark.parametrize(
    "kind,value",
    [
        (_names.RUN_ID, "20261129T231455Z"),
        (_names.RUN_ID, "change-4711"),
        (_names.GENERATION_ID, "before:20261129T231455Z"),
        (_names.GENERATION_ID, "2026-11-20T18:00:00Z"),
        (_names.GENERATION_ID, "1-py3.9"),
        (_names.BACKUP_ID, "20261129T231455Z-0123abcd"),
        (_names.ACCOUNT_NAME, "CORP\\svc_app"),
        (_names.ACCOUNT_NAME, "app@example.org"),
        (_names.ACCOUNT_NAME, "machine$"),
        (_names.SERVICE_NAME, "srv-data\\x2dbase.mount"),
        (_names.SERVICE_NAME, "worker@1.service"),
        (_names.SERVICE_NAME, "group:program"),
        (_names.DATABASE_NAME, "Größe 1"),
    ],
)
def test_ordinary_names_are_accepted(kind, value):
    assert kind(value) == value


def validate(spec, **parameters):
    outcome = ArgumentSpecValidator(_names.restrict_names(spec)).validate(parameters)
    return outcome.error_messages, outcome.validated_parameters


def test_argument_specs_refuse_identifiers_by_the_names_of_their_options():
    spec = {
        "run_id": {"type": "str", "default": "manual"},
        "run": {"type": "str", "default": ""},
        "backup": {"type": "dict"},
        "other": {"type": "str"},
    }
    assert validate(spec)[1] == {"run_id": "manual", "run": "", "backup": None, "other": None}
    assert validate(spec, run_id=12, run="", backup={}, other="a/b\n")[0] == []
    for wrong in ("a/b", "a\nb", "..", ""):
        (said,) = validate(spec, run_id=wrong)[0]
        assert "'run_id'" in said and "the identifier of a run cannot be " + repr(wrong) in said
        assert "use at most 100 letters" in said and "oxzep7_run_id" in said
    assert validate(spec, run="../x")[0]
    assert validate({"application": {"required": True}}, application="../x")[0]
    assert validate({"application": {"type": "dict"}}, application={"name": "../x"})[0] == []
    assert spec["run_id"]["type"] == "str" and type(spec["run_id"]["type"]) is str


def test_the_declaration_of_an_application_refuses_names():
    options = build_application_options()
    good = {"name": "a", "environment": "/e", "user": "u", "services": [{"name": "a.service", "user": "u"}]}

    def refuse(**changed):
        return ArgumentSpecValidator(copy.deepcopy(options)).validate(dict(good, **changed)).error_messages

    assert refuse() == []
    for changed in (
        {"name": "a\n"},
        {"name": "../a"},
        {"user": "-u"},
        {"user": "a b"},
        {"services": [{"name": "a\nb"}]},
        {"services": [{"name": "--now"}]},
        {"services": [{"name": "a", "user": "x/y"}]},
        {"checks": [{"name": "c", "systemd": {"unit": "-x"}}]},
        {"backup": {"databases": [{"name": "a\n", "sqlite": "/d"}]}},
        {"backup": {"databases": [{"postgresql": {"database": "postgresql://user@host/x"}}]}},
        {"backup": {"databases": [{"postgresql": {"database": "host=other"}}]}},
        {"backup": {"databases": [{"mysql": {"database": "--help"}}]}},
    ):
        assert len(refuse(**changed)) == 1, changed


def test_a_type_of_names_is_documented_as_text():
    assert _names.RUN_ID == "str" and callable(_names.RUN_ID) and copy.deepcopy(_names.RUN_ID) is _names.RUN_ID


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\n", "-a", "A"])
def test_no_state_is_kept_under_another_name(tmp_path, name):
    with pytest.raises(_names.NameRefusedError):
        ApplicationState(str(tmp_path), name)


@pytest.mark.parametrize("run", ["", "..", "a/b", "a\n", "a b", "-a"])
def test_no_journal_and_no_undo_script_names_another_run(tmp_path, run):
    state = ApplicationState(str(tmp_path), "a")
    with pytest.raises(_names.NameRefusedError):
        state.append_event(run, "x")
    with pytest.raises(_names.NameRefusedError), state.hold_lease(run):
        pass
    with pytest.raises(_names.NameRefusedError):
        read_events(str(tmp_path), run)
    with pytest.raises(_names.NameRefusedError):
        render_undo_script(UndoDetails("a", "/d", "back", "before", run, "now", "x", (), None), [], "")
    assert list(tmp_path.iterdir()) == []


def test_other_entries_of_the_state_directory_are_no_applications(tmp_path):
    for name in ("billing", "lost+found", ".hidden", "Upper"):
        (tmp_path / "applications" / name).mkdir(parents=True)
    assert list_applications(str(tmp_path)) == ["billing"]
