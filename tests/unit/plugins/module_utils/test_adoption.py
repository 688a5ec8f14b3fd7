# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A renamed application takes its record over, and a lost record is made again."""

import json
import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application import _adoption, _directory_record
from ansible_collections.oxzep7.python.plugins.module_utils._application._adoption import adopt_record, is_adoption_due
from ansible_collections.oxzep7.python.plugins.module_utils._application._backups import (
    read_known_backups,
    write_known_backups,
)
from ansible_collections.oxzep7.python.plugins.module_utils._application._declaration import ApplicationError
from ansible_collections.oxzep7.python.plugins.module_utils._application._live import load_record
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    LeaseHeldError,
    list_applications,
)
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import PromotionRefused

GENERATION = {"id": "1-py3.9", "path": "/nowhere", "complete": True}


class Host:
    """Application ``old`` with a record, which is called ``new`` now."""

    def __init__(self, root):
        self.root = str(root / "state")
        self.live = root / "venv"
        self.live.mkdir()
        self.old, self.new = ApplicationState(self.root, "old"), ApplicationState(self.root, "new")
        self.record = dict(self.old.read(), live=str(self.live), generations=[GENERATION], current="1-py3.9")
        self.old.write(self.record)

    def declare(self, **options):
        given = dict({"name": "new", "environment": str(self.live), "formerly": "old"}, **options)
        return parse_application(validate_declaration(given))

    def adopt(self, declared=("new",), check_mode=False, **options):
        adopt_record(self.declare(**options), declared, self.root, "r", check_mode)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_the_record_gets_the_new_name_and_the_old_one_is_free(host):
    assert is_adoption_due(host.declare(), host.root) and not is_adoption_due(host.declare(formerly=None), host.root)
    host.adopt(check_mode=True)
    assert list_applications(host.root) == ["old"]
    host.adopt()
    assert list_applications(host.root) == ["new"] and os.listdir(host.new.directory) == ["state.json"]
    assert host.new.read() == dict(host.record, application="new")
    assert not is_adoption_due(host.declare(), host.root)


def test_backups_of_both_names_stay_known(host):
    write_known_backups(host.old, {"b-1": {"generation": "1-py3.9"}})
    write_known_backups(host.new, {"b-2": {"generation": "1-py3.9"}})
    host.adopt()
    assert sorted(read_known_backups(host.new)) == ["b-1", "b-2"]


def write_own_record(host):
    host.new.write(dict(host.new.read(), generations=[GENERATION]))


def leave_a_file(host):
    host.new.write(host.new.read())
    with open(os.path.join(host.new.directory, "notes"), "w"):
        pass


def open_promotion(host):
    host.old.open_promotion(host.record)


def forget_live_path(host):
    host.old.write(dict(host.record, live=None))


@pytest.mark.parametrize(
    "prepare, options, expected",
    [
        (write_own_record, {}, "application new has a record of its own"),
        (leave_a_file, {}, "application new has a record of its own"),
        (open_promotion, {}, "a promotion of old is open"),
        (forget_live_path, {}, "the record of old is for None"),
        (None, {"environment": "/srv/elsewhere"}, "the record of old is for "),
        (None, {"declared": ("new", "old")}, "application old is declared, too"),
    ],
)
def test_what_forbids_it_is_named_and_nothing_is_changed(host, prepare, options, expected):
    if prepare:
        prepare(host)
    for check_mode in (True, False):
        with pytest.raises(ApplicationError, match=expected):
            host.adopt(check_mode=check_mode, **options)
    assert host.old.read()["generations"] == [GENERATION] and host.old.read()["application"] == "old"


def test_it_waits_for_who_changes_the_application(host):
    with host.old.hold_lease("other"), pytest.raises(LeaseHeldError):
        host.adopt()


@pytest.mark.parametrize("call", ["write_known_backups", "remove_quietly", "sync_directory"])
def test_a_run_that_dies_leaves_the_record_under_one_of_the_names(host, monkeypatch, call):
    write_known_backups(host.old, {"b-1": {"generation": "1-py3.9"}})

    def die(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(_adoption, call, die)
    with pytest.raises(KeyboardInterrupt):
        host.adopt()
    monkeypatch.undo()
    there = [name for name in ("old", "new") if ApplicationState(host.root, name).read()["generations"]]
    assert len(there) == 1
    if is_adoption_due(host.declare(), host.root):
        host.adopt()
    assert list_applications(host.root) == ["new"]
    assert host.new.read() == dict(host.record, application="new") and list(read_known_backups(host.new)) == ["b-1"]


class LostHost:
    """Application ``a`` with generations on disk and no record."""

    def __init__(self, root):
        self.live = root / "venv"
        self.generations = root / "venv.generations"
        self.state = ApplicationState(str(root / "state"), "a")
        self.declare()

    def declare(self, **options):
        given = dict({"name": "a", "environment": str(self.live)}, **options)
        self.application = parse_application(validate_declaration(given))

    def make(self, name, own=True, **changes):
        path = self.generations / name
        path.mkdir(parents=True)
        (path / "pyvenv.cfg").write_text("version = 3.9.18\n")
        about = {"python": "3.9.18", "interpreter": "/opt/python", "lock": "x"}
        record = _directory_record.DirectoryRecord(
            "generation", name, "a", str(self.live), str(self.live), "r", "2026-01-01T00:00:00Z", True, about
        )._replace(**changes)
        if own:
            _directory_record.write_directory_record(str(path), _directory_record.format_directory_record(record))
        return path

    def point_to(self, name):
        if os.path.islink(str(self.live)):
            self.live.unlink()
        os.symlink("venv.generations/" + name, str(self.live))

    def load(self):
        record, rebuilt = load_record(self.application, self.state)
        return rebuilt, record["current"], sorted(entry["id"] for entry in record["generations"])


@pytest.fixture
def lost(tmp_path):
    return LostHost(tmp_path.resolve())


def test_a_lost_record_is_made_again_from_what_the_directories_say(lost):
    lost.make("0-py3.8", own=False)
    lost.make("1-py3.9")
    lost.make("2-py3.10")
    lost.make("3-py3.11", complete=False)
    lost.make("4-py3.11", application="b")
    lost.make("5-py3.11", place="/srv/other")
    lost.make("6-py3.11", identifier="7-py3.11")
    lost.make("8-py3.11", about={"python": 3})
    lost.make("9-py3.11", own=False)
    lost.make(".rehearsal-3.11", kind="trial")
    lost.point_to("2-py3.10")
    assert lost.load() == (True, "2-py3.10", ["0-py3.8", "1-py3.9", "2-py3.10"])
    record = load_record(lost.application, lost.state)[0]
    assert record["last_number"] == 2 and all(entry["found"] for entry in record["generations"])
    lost.point_to("0-py3.8")
    assert lost.load()[1] == "0-py3.8"


@pytest.mark.parametrize("name", ["3-py3.11", "4-py3.11"])
def test_a_live_generation_that_nothing_describes_is_refused(lost, name):
    lost.make("3-py3.11", own=False)
    lost.make("4-py3.11", application="b")
    lost.point_to(name)
    with pytest.raises(PromotionRefused, match="neither a record of this host nor one in that directory"):
        lost.load()


def test_the_old_name_counts_where_the_declaration_has_it(lost):
    lost.make("4-py3.11", application="b")
    lost.point_to("4-py3.11")
    lost.declare(formerly="b")
    assert lost.load() == (True, "4-py3.11", ["4-py3.11"])


def test_a_record_that_is_there_or_a_live_path_elsewhere_is_left_alone(lost):
    lost.make("1-py3.9")
    lost.live.mkdir()
    assert lost.load() == (False, None, [])
    lost.live.rmdir()
    elsewhere = lost.live.parent / "elsewhere"
    elsewhere.mkdir()
    os.symlink("elsewhere", str(lost.live))
    assert lost.load() == (False, None, [])
    lost.point_to("1-py3.9")
    lost.state.write(dict(lost.state.read(), current="x"))
    assert lost.load() == (False, "x", [])
    # An open promotion is closed first, and knows what was live.
    os.unlink(lost.state.path)
    with open(lost.state.next_path, "w") as stream:
        json.dump({}, stream)
    assert lost.load() == (False, None, [])
