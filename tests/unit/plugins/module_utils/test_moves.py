# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores in place, killed at every act and undone any number of times by the real undo.sh."""

import os
import subprocess

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._backup._moves import (
    Move,
    apply_moves,
    list_places,
    render_undo_moves,
)
from ansible_collections.oxzep7.python.plugins.module_utils._backup._replace import render_undo_command
from ansible_collections.oxzep7.python.plugins.module_utils._backup._restore import make_beside_path
from ansible_collections.oxzep7.python.plugins.module_utils._backup.databases._database import UndoCommand
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._transaction import _settlement
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import Journal, Place
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import (
    UndoDetails,
    render_undo_script,
)

# Renames of `Restore.act`, acts that are written down, and loads.
RENAMES, ACTS, LOADS = 8, 6, 1


class Killed(BaseException):
    """The process that restores has died."""


class Restore:
    """A restore in place of a tree, two files, the journal of a database, and a database that is loaded over."""

    def __init__(self, root):
        self.home = root / "home"
        self.state = ApplicationState(str(root / "var"), "mill")
        self.journal = Journal(self.state)
        self.words = root / "words"
        self.left = 0
        os.makedirs(self.state.directory)
        stamp = self.journal.identifier
        parts = [("live", True), ("file", True), ("db", True), ("db-wal", False), ("absent", True)]
        self.moves = []
        for name, replaces in parts:
            path = str(self.home / name)
            beside = make_beside_path(stamp, path)
            before = "%s.before-%s" % (path, stamp)
            self.moves.append(Move(path, beside, replaces, before, get_current_identity()))
            if replaces and name == "live":
                os.mkdir(beside)
                (self.home / os.path.basename(beside) / "what").write_text("restored")
            elif replaces:
                (self.home / os.path.basename(beside)).write_text("restored")
        self.before = "%s/words.before-%s" % (self.state.directory, stamp)
        undo = UndoCommand(["dd", "status=none", "of=%s" % self.words], get_current_identity(), source=self.before)
        details = UndoDetails("mill", self.state.directory, "it", "it", "run", "now", stamp, [str(self.home)], None)
        body = render_undo_moves(self.moves) + render_undo_command(0, undo)
        with open(self.state.undo_path, "w") as stream:
            stream.write(render_undo_script(details, [], body))
        self.journal.note(beside=[move.beside for move in self.moves])
        self.journal.note_places(list_places(self.moves))
        record = {"live": "", "history": [{"transaction": stamp, "kind": "restore", "event": "restored"}]}
        self.state.open_promotion(record)

    def note_act(self, act):
        self.journal.note_act(act)
        self.step()

    def step(self):
        self.left -= 1
        if self.left < 0:
            raise Killed

    def act(self, steps):
        """Restore, and be killed after so many acts and renames; returns whether it was."""
        self.left = steps
        rename = os.rename

        def counted(*words):
            self.step()
            rename(*words)

        os.rename = counted
        try:
            apply_moves(self.moves, self.note_act)
            self.note_act("load 0")
            with open(self.before, "w") as stream:
                stream.write(self.words.read_text())
            self.step()
            self.words.write_text("restored")
        except Killed:
            return True
        finally:
            os.rename = rename
        return False

    def undo(self, environment=None):
        return subprocess.call(["/bin/sh", self.state.undo_path, "held"], env=environment)

    def open_again(self):
        """As if the undo had been killed before its last rename."""
        os.rename(self.state.undone_path, self.state.next_path)


def fill(root):
    home = root / "home"
    (home / "live").mkdir(parents=True)
    (home / "live" / "what").write_text("mine")
    for name in ("file", "db", "db-wal"):
        (home / name).write_text("mine")
    (root / "words").write_text("mine")
    # What an earlier restore of the same backup has left.
    for name in ("live", "file", "db", "db-wal", "absent"):
        (home / (name + ".before-20260101T000000Z-00000000")).write_text("stale")


def content(root):
    """The files by path, without those of the state and those that are made beside."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_file() and ".restoring" not in name and ".oxzep7" not in name and not name.startswith("var/"):
            found[name] = path.read_text()
    return found


ALL_STEPS = RENAMES + ACTS + LOADS
STEPS = list(range(ALL_STEPS + 1))


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("steps", STEPS)
def test_it_is_undone_any_number_of_times_however_far_it_came(tmp_path, steps, times):
    fill(tmp_path)
    before = content(tmp_path)
    restore = Restore(tmp_path)
    killed = restore.act(steps)
    assert killed == (steps < ALL_STEPS)
    for time in range(times):
        if time:
            restore.open_again()
        assert restore.undo() == 0
        assert content(tmp_path) == before
    assert _settlement.settle_promotion(restore.state, "run")["event"] == "reverted"
    assert [name for name in os.listdir(str(restore.home)) if "restoring" in name or "oxzep7" in name] == []
    assert restore.state.list_leftovers() == []


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("failing", range(1, 5))
def test_an_undo_that_failed_in_the_middle_goes_on_where_it_was(tmp_path, steps, failing):
    fill(tmp_path)
    before = content(tmp_path)
    restore = Restore(tmp_path)
    restore.act(steps)
    # The command mv fails once, at its call number `failing`.
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "mv").write_text(
        '#!/bin/sh\necho x >>%s\n[ $(wc -l <%s) != %d ] || exit 1\nexec /bin/mv "$@"\n'
        % (tmp_path / "count", tmp_path / "count", failing)
    )
    (tools / "mv").chmod(0o755)
    environment = dict(os.environ, PATH="%s:%s" % (tools, os.environ["PATH"]))
    if restore.undo(environment) != 0:
        assert restore.state.is_open()
        # What cleans up meanwhile touches nothing that the undo needs.
        assert _settlement.remove_undo(restore.state) != []
        assert restore.undo(environment) == 0
    (tmp_path / "count").unlink()
    (tools / "mv").unlink()
    assert content(tmp_path) == before


def test_the_journal_of_a_restored_database_never_meets_the_old_one(tmp_path):
    fill(tmp_path)
    (tmp_path / "home" / "db-wal").unlink()
    restore = Restore(tmp_path)
    restore.act(99)
    (tmp_path / "home" / "db-wal").write_text("of the restored one")
    assert restore.undo() == 0
    assert (tmp_path / "home" / "db").read_text() == "mine" and not (tmp_path / "home" / "db-wal").exists()
    # Its services were started, and it is killed before its last rename.
    (tmp_path / "home" / "db-wal").write_text("of the old one")
    (tmp_path / "words").write_text("written since")
    restore.open_again()
    assert restore.undo() == 0
    assert (tmp_path / "home" / "db-wal").read_text() == "of the old one"
    assert (tmp_path / "words").read_text() == "written since"


def test_what_was_committed_keeps_what_it_replaced(tmp_path):
    fill(tmp_path)
    restore = Restore(tmp_path)
    restore.act(99)
    restore.state.commit()
    assert _settlement.settle_promotion(restore.state, "run") is None
    assert (tmp_path / "home" / "live" / "what").read_text() == "restored"
    for move in restore.moves[:4]:
        assert os.path.lexists(move.before)
    assert os.path.exists(restore.before) and restore.state.list_leftovers() == []
    assert [name for name in os.listdir(str(restore.home)) if "oxzep7" in name] == []


def test_nothing_is_touched_where_the_file_system_is_not_mounted(tmp_path):
    fill(tmp_path)
    restore = Restore(tmp_path)
    restore.act(99)
    restore.home.rename(tmp_path / "disk")
    restore.home.mkdir()
    assert restore.undo() == 75
    assert list(restore.home.iterdir()) == [] and restore.state.is_open()


def test_directories_that_are_moved_themselves_are_not_looked_for():
    me = get_current_identity()
    moves = [Move(path, "", True, "", me) for path in ("/srv/app/venv", "/srv/app", "/etc/app/a", "/etc/app/b")]
    assert list_places(moves) == [Place("/etc/app", me), Place("/srv", me)]
