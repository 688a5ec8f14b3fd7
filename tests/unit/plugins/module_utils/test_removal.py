# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which directories below ``*.generations`` may be removed, and whose they are."""

import itertools
import json
import os
import subprocess
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application import _claims, _directory_record
from ansible_collections.oxzep7.python.plugins.module_utils._application._claims import (
    HostRecord,
    find_claims,
    find_shared_environments,
    locate_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._directory_record import (
    GENERATION,
    DirectoryRecord,
    format_directory_record,
    parse_directory_record,
    read_directory_record,
    write_directory_record,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._generation import _removal
from ansible_collections.oxzep7.python.plugins.module_utils._generation._build import _choose_number
from ansible_collections.oxzep7.python.plugins.module_utils._generation._removal import (
    Directories,
    DirectoryFacts,
    find_reason_to_keep,
    remove_directory,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity

PLACE = "/srv/a/venv"
OWN = DirectoryRecord(GENERATION, "1-py3.9", "a", PLACE, PLACE, "r", "2026-01-01T00:00:00Z")


def list_all_facts():
    """Every combination of facts."""
    owns = [None, OWN, OWN._replace(complete=True), OWN._replace(place="/srv/b/venv")]
    needs = [((), ("x",))] * 4
    for own, expendable, use in itertools.product(owns, (False, True), (None, "process 1 uses it")):
        for live, recorded, unreadable, backups in itertools.product(*needs):
            yield DirectoryFacts(PLACE, own, expendable, live, recorded, unreadable, backups, use)


def test_only_what_says_itself_that_it_is_unfinished_or_is_expendable_goes_and_only_if_nothing_needs_it():
    removed = [facts for facts in list_all_facts() if find_reason_to_keep(facts) is None]
    for facts in removed:
        assert not (facts.live or facts.recorded or facts.unreadable or facts.backups or facts.use)
        assert facts.own is None or facts.own.place == PLACE
        assert facts.expendable or (facts.own is not None and not facts.own.complete)
    assert sorted((facts.own is not None, facts.expendable) for facts in removed) == [
        (False, True),
        (True, False),
        (True, True),
        (True, True),
    ]


def test_a_record_is_what_it_was_written_as(tmp_path):
    about = {"python": "3.9.18"}
    for record in (OWN, OWN._replace(complete=True, about=about)):
        write_directory_record(str(tmp_path), format_directory_record(record))
        assert read_directory_record(str(tmp_path)) == record


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        json.dumps(dict(format_directory_record(OWN), schema=2)),
        json.dumps(dict(format_directory_record(OWN), kind="other")),
        json.dumps(dict(format_directory_record(OWN), place=None)),
        json.dumps({"schema": 1, "complete": False}),
    ],
)
def test_anything_else_is_no_record(text):
    assert parse_directory_record(text) is None


def test_a_pipe_or_a_symlink_in_place_of_the_record_is_none(tmp_path):
    record = tmp_path / _directory_record.DIRECTORY_RECORD_NAME
    os.mkfifo(str(record))
    assert read_directory_record(str(tmp_path)) is None
    record.unlink()
    (tmp_path / "real").write_text(json.dumps(format_directory_record(OWN)))
    os.symlink("real", str(record))
    assert read_directory_record(str(tmp_path)) is None


class Host:
    """Application ``a`` with generations on disk; tests add what they need."""

    def __init__(self, root):
        self.live = root / "srv" / "venv"
        self.generations = root / "srv" / "venv.generations"
        self.generations.mkdir(parents=True)
        self.live.mkdir()
        self.application = parse_application(validate_declaration({"name": "a", "environment": str(self.live)}))
        self.state = ApplicationState(str(root / "state"), "a")
        self.state.write(self.state.read())
        self.directories = Directories(self.application, self.state, get_current_identity(), "r")

    def make(self, name, kind=GENERATION, **changes):
        path = self.generations / name
        self.directories.create(str(path), kind)
        (path / "lib").mkdir()
        (path / "lib" / "module.py").write_text("x = 1\n")
        own = read_directory_record(str(path))
        write_directory_record(str(path), format_directory_record(own._replace(**changes)))
        # As if another process had made it.
        self.directories = Directories(self.application, self.state, get_current_identity(), "r")
        return path

    def remove(self, path, expendable=False):
        reason = self.directories.find_reason(str(path), expendable)
        if reason is None:
            assert self.directories.remove_now(str(path)) is None and not path.exists()
        return reason


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_an_unfinished_build_goes(host):
    assert host.remove(host.make("1-py3.9")) is None
    assert host.remove(host.make("1-py3.9", complete=True)) == "its own record says that it is complete"
    assert host.remove(host.generations / "1-py3.9", expendable=True) is None


BUILD = """
import sys
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application, validate_declaration)
from ansible_collections.oxzep7.python.plugins.module_utils._generation._removal import Directories
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
application = parse_application(validate_declaration({"name": "a", "environment": sys.argv[1]}))
state = ApplicationState(sys.argv[2], "a")
directories = Directories(application, state, get_current_identity(), "r")
directories.create(sys.argv[1] + ".generations/" + sys.argv[3], "generation")
print("made", flush=True)
sys.stdin.readline()
"""


def test_a_build_that_another_state_directory_knows_of_stays(host, tmp_path):
    """The lease is in the state directory, so it does not tell of one that is under another."""
    words = [sys.executable, "-c", BUILD, str(host.live), str(tmp_path / "other"), "1-py3.9"]
    path = host.generations / "1-py3.9"
    paths = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=paths) as build:
        assert build.stdout.readline() == b"made\n"
        assert host.remove(path) == "process %d has opened %s" % (build.pid, path)
        build.communicate(b"\n")
    assert host.remove(path) is None


def test_what_cannot_be_removed_is_no_error(host, monkeypatch):
    path = host.make("1-py3.9")

    def refuse(_path):
        raise PermissionError(1, "Operation not permitted", str(path / "lib"))

    monkeypatch.setattr(_removal, "remove_directory", refuse)
    assert host.directories.remove(str(path)).startswith("it could not be removed: [Errno 1]") and path.exists()


def test_what_a_live_path_leads_to_stays(host, tmp_path):
    path = host.make("1-py3.9")
    host.live.rmdir()
    os.symlink("venv.generations/1-py3.9", str(host.live))
    assert host.remove(path) == "%s leads to it" % host.live
    host.live.unlink()
    host.live.mkdir()
    elsewhere = tmp_path / "other"
    os.symlink(str(path / "lib"), str(elsewhere))
    other = ApplicationState(host.state.root, "b")
    other.write(dict(other.read(), live=str(elsewhere)))
    assert host.remove(path, expendable=True) == "%s leads to it" % elsewhere


@pytest.mark.parametrize("name", ["path", "next_path", "undone_path"])
def test_what_a_record_or_an_open_promotion_of_any_application_has_stays(host, name):
    path = host.make("1-py3.9")
    other = ApplicationState(host.state.root, "b")
    os.makedirs(other.directory)
    record = dict(other.read(), generations=[{"id": "1-py3.9", "path": str(path), "complete": False}])
    with open(getattr(other, name), "w") as stream:
        json.dump(record, stream)
    assert host.remove(path, expendable=True) == "the record of application b has it"
    with open(getattr(other, name), "w") as stream:
        stream.write("{")
    assert host.remove(path) == "the record of application b cannot be read"


def test_what_the_own_record_has_as_complete_stays_unless_it_is_expendable(host):
    path = host.make("1-py3.9")
    host.state.write(dict(host.state.read(), generations=[{"id": "1-py3.9", "path": str(path), "complete": True}]))
    assert host.remove(path) == "the record of application a has it"
    assert host.remove(path, expendable=True) is None


@pytest.mark.parametrize("layers, expected", [(["databases"], "backup b-1 needs it"), (None, "backup b-1 needs it")])
def test_what_a_backup_without_a_copy_was_made_of_stays(host, layers, expected):
    path = host.make("1-py3.9", complete=True)
    row = {"generation": "1-py3.9", "layers": layers}
    known = os.path.join(host.state.directory, "backups.json")
    with open(known, "w") as stream:
        json.dump({"b-1": row}, stream)
    assert host.remove(path, expendable=True) == expected
    with open(known, "w") as stream:
        json.dump({"b-1": dict(row, layers=["databases", "environment"]), "b-2": dict(row, generation="2")}, stream)
    assert host.remove(path, expendable=True) is None


def test_a_removal_that_is_interrupted_leaves_what_can_be_removed(host, monkeypatch):
    path = host.make("1-py3.9")
    genuine = os.unlink

    def stop(name, *arguments, **options):
        if str(name).endswith(_directory_record.DIRECTORY_RECORD_NAME):
            raise KeyboardInterrupt
        return genuine(name, *arguments, **options)

    monkeypatch.setattr(os, "unlink", stop)
    with pytest.raises(KeyboardInterrupt):
        remove_directory(str(path))
    monkeypatch.undo()
    assert os.listdir(str(path)) == [_directory_record.DIRECTORY_RECORD_NAME]
    assert host.remove(path) is None
    empty = host.generations / "2-py3.9"
    empty.mkdir()
    assert host.remove(empty) is None


def test_numbers_avoid_everything_that_exists():
    record = {"generations": [{"id": "2-py3.9"}], "last_number": 3}
    assert _choose_number(record, []) == 4
    assert _choose_number(record, ["7-py3.12", "lost+found", "x-py3.9", "12345"]) == 8
    assert _choose_number(record, [".building-9-py3.12", ".rehearsal-3.12"]) == 10


def test_two_declarations_of_one_environment_are_found_through_symlinks(tmp_path):
    real = tmp_path / "data"
    (real / "venv").mkdir(parents=True)
    os.symlink(str(real), str(tmp_path / "srv"))
    os.symlink(str(real / "venv"), str(tmp_path / "direct"))
    os.symlink(str(real / "venv.generations"), str(tmp_path / "third.generations"))
    inside = real / "venv.generations" / "1-py3.9"
    inside.mkdir(parents=True)
    paths = {
        "a": real / "venv",
        "b": tmp_path / "srv" / "venv",
        "c": tmp_path / "direct",
        "d": tmp_path / "third",
        "e": inside,
        "f": real / "venv2",
    }
    found = find_shared_environments([locate_environment(name, str(path)) for name, path in paths.items()])
    assert sorted(found) == ["a", "b", "c", "d", "e"]
    assert sorted(name for name, _what in found["a"]) == ["b", "c", "d", "e"]
    assert dict(found["a"])["d"] == "the directory of generations %s" % (real / "venv.generations")


def test_a_record_claims_its_live_path_and_the_directory_of_its_generations(host):
    def claims(**values):
        return find_claims(host.application, [HostRecord("b", values.get("live"), values.get("generations", []))])

    assert claims() == [] and claims(live="/srv/elsewhere") == []
    assert claims(live=str(host.live)) == ["b"]
    assert claims(generations=[{"path": str(host.generations / "1-py3.9")}]) == ["b"]
    assert find_claims(host.application, [HostRecord("a", str(host.live), [])]) == []


def test_the_records_of_a_host_include_open_promotions_and_name_unreadable_ones(host):
    other = ApplicationState(host.state.root, "b")
    os.makedirs(other.directory)
    with open(other.next_path, "w") as stream:
        json.dump({"live": "/srv/b", "generations": [{"path": "/srv/b.generations/1"}]}, stream)
    found = {record.name: record for record in _claims.read_host_records(host.state.root)}
    assert found["b"].live == "/srv/b" and len(found["b"].generations) == 1 and found["b"].problem is None
    with open(other.path, "w") as stream:
        stream.write("{")
    assert (
        "is not valid JSON"
        in {record.name: record for record in _claims.read_host_records(host.state.root)}["b"].problem
    )
