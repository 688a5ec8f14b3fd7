# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a transaction ends: signals at every line, errors after the commit, and the health after an undo."""

import contextlib
import os
import signal
import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._complete import (
    parse_application,
    validate_declaration,
)
from ansible_collections.oxzep7.python.plugins.module_utils._errors import (
    PromotionReverted,
    UndoFailedError,
    UnhealthyAfterUndoError,
)
from ansible_collections.oxzep7.python.plugins.module_utils._health._application import run_health_checks
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._transaction import (
    _dead_man,
    _settlement,
    _transaction,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import Journal, Place
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._signals import InterruptedBySignalError
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._transaction import (
    ApplicationChange,
    TransactionOptions,
    run_transaction,
)
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import (
    UndoDetails,
    render_undo_script,
)

OPTIONS = TransactionOptions("run", 0.0, 0.0, dead_man_interval=3600)
TRACED = ("_transaction/_transaction.py", "_transaction/_settlement.py", "_transaction/_signals.py")


@pytest.fixture(autouse=True)
def as_outside(monkeypatch):
    """The handlers of this process afterwards, and the switch that leaves nothing in /etc."""
    monkeypatch.setattr(_dead_man, "detect_dead_man", lambda: "process")
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)
    handlers = [(number, signal.getsignal(number)) for number in numbers]
    yield
    for number, handler in handlers:
        signal.signal(number, handler)


class Change:
    """A change of the file ``value`` from old to new. Its application is healthy while no file ``broken`` exists."""

    def __init__(self, root, tolerated=()):
        self.root = root
        root.mkdir(exist_ok=True)
        self.state = ApplicationState(str(root / "var"), "mill")
        os.makedirs(self.state.directory)
        self.value = root / "value"
        self.value.write_text("old")
        check = {"name": "works", "command": {"cmd": ["test", "!", "-e", str(root / "broken")]}}
        me = get_current_identity().name
        declared = {"name": "mill", "environment": str(root), "user": me, "checks": [check]}
        self.application = parse_application(validate_declaration(declared))
        journal = Journal(self.state)
        details = UndoDetails(
            "mill", self.state.directory, "it", "it", "run", "now", journal.identifier, [str(root)], None
        )
        entry = {"time": "now", "run": "run", "event": "promoted", "kind": "upgrade", "from": "0", "to": "1"}
        self.change = ApplicationChange(
            self.application,
            self.state,
            journal,
            dict(self.state.read(), current="1", live=str(root), history=[entry]),
            render_undo_script(details, [], "echo old >%s\n" % self.value),
            [Place(str(root), get_current_identity())],
            "now",
            "generation 1 of mill",
            "0 is live again",
            lambda application: run_health_checks(application, None, None),
            tolerated,
        )

    def run(self, act=None):
        return run_transaction(self.change, OPTIONS, act or self.act)

    def act(self):
        self.value.write_text("new")

    def expect_wholeness(self, committed):
        """The change was made completely or not at all, and nothing of it is left."""
        assert self.value.read_text().strip() == ("new" if committed else "old")
        assert self.state.read()["current"] == ("1" if committed else None)
        assert self.state.list_leftovers() == []
        assert [name for name in os.listdir(str(self.root)) if "oxzep7" in name] == []


def send_at_line(number, count):
    """A trace function that sends SIGTERM at line *number* of the traced files; counts lines in *count*."""

    def trace(frame, event, _argument):
        if not frame.f_code.co_filename.endswith(TRACED):
            return None
        if event == "line":
            count[0] += 1
            if count[0] == number:
                os.kill(os.getpid(), signal.SIGTERM)
        return trace

    return trace


def run_traced(change, number, count):
    """What the transaction raised, or None."""
    sys.settrace(send_at_line(number, count))
    try:
        change.run()
    except (PromotionReverted, InterruptedBySignalError) as error:
        return error
    finally:
        sys.settrace(None)
    return None


def test_a_signal_at_any_line_leaves_one_whole_state(tmp_path):
    total = [0]
    assert run_traced(Change(tmp_path / "first"), 0, total) is None and total[0] > 50
    ends = set()
    for number in range(1, total[0] + 1):
        change = Change(tmp_path / str(number))
        error = run_traced(change, number, [0])
        change.expect_wholeness(committed=error is None)
        ends.add(type(error))
        history = change.state.read()["history"]
        expected = {type(None): ["promoted"], PromotionReverted: ["reverted"], InterruptedBySignalError: []}
        assert [entry["event"] for entry in history] == expected[type(error)]
    assert ends == {type(None), PromotionReverted, InterruptedBySignalError}


def fail(*_arguments):
    raise OSError(5, "Input/output error", "/somewhere")


def test_what_fails_after_the_commit_is_a_warning(tmp_path, monkeypatch):
    change = Change(tmp_path)
    monkeypatch.setattr(_settlement, "disarm_dead_man", fail)
    result = change.run()
    assert result.warnings == ["[Errno 5] Input/output error: '/somewhere'"]
    change.expect_wholeness(committed=True)


def test_a_commit_that_could_not_be_synced_is_a_commit(tmp_path, monkeypatch):
    change = Change(tmp_path)
    commit = change.state.commit

    def commit_and_fail():
        commit()
        fail()

    monkeypatch.setattr(change.state, "commit", commit_and_fail)
    assert "the change was committed, and then" in change.run().warnings[0]
    change.expect_wholeness(committed=True)


def test_leftovers_that_cannot_be_removed_do_not_stop_the_next_run(tmp_path, monkeypatch):
    change = Change(tmp_path)
    monkeypatch.setattr(_settlement, "remove_quietly", fail)
    assert len(change.run().warnings) == 6
    assert _settlement.settle_promotion(change.state, "next", application=change.application) is None
    monkeypatch.undo()
    monkeypatch.setattr(_dead_man, "detect_dead_man", lambda: "process")
    assert _settlement.settle_promotion(change.state, "next", application=change.application) is None
    change.expect_wholeness(committed=True)


def test_reverted_means_healthy_on_the_old_one(tmp_path):
    change = Change(tmp_path)

    def act():
        change.act()
        raise OSError(28, "No space left on device")

    with pytest.raises(PromotionReverted, match="0 is live again: .*No space left"):
        change.run(act)
    change.expect_wholeness(committed=False)
    assert change.state.read()["history"][-1]["event"] == "reverted"


def break_for_good(change):
    def act():
        change.act()
        (change.root / "broken").touch()

    return act


def test_an_undo_after_which_it_is_not_healthy_has_failed(tmp_path):
    change = Change(tmp_path)
    with pytest.raises(UnhealthyAfterUndoError) as caught:
        change.run(break_for_good(change))
    assert "mill is not healthy although 0 is live again: check 'works' (command)" in str(caught.value)
    assert [result["passed"] for result in caught.value.evidence["checks"]] == [False]
    change.expect_wholeness(committed=False)
    entry = change.state.read()["history"][-1]
    assert entry["event"] == "failed" and "check 'works'" in entry["problem"]


def test_what_failed_before_may_fail_after_an_undo(tmp_path):
    change = Change(tmp_path, tolerated=["works"])
    with pytest.raises(PromotionReverted):
        change.run(break_for_good(change))
    change.expect_wholeness(committed=False)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("broken", [True, False])
def test_the_next_run_asks_for_health_after_an_undo_of_the_dead_man(tmp_path, monkeypatch, known, broken):
    change = Change(tmp_path)
    with contextlib.suppress(ZeroDivisionError):
        monkeypatch.setattr(_transaction, "_undo_change", lambda *_arguments: 1 / 0)
        change.run(lambda: fail())
    assert os.system("/bin/sh %s 2>/dev/null" % change.state.undo_path) == 0 and not change.state.is_open()
    if broken:
        (tmp_path / "broken").touch()
    with open(change.state.failures_path, "w") as stream:
        stream.write("service web did not start\n" if broken else "")
    entry = _settlement.settle_promotion(change.state, "next", application=change.application if known else None)
    assert entry["event"] == ("failed" if broken else "reverted")
    if broken:
        assert ("check 'works'" if known else "service web did not start") in entry["problem"]
    change.expect_wholeness(committed=False)


def test_while_the_undo_is_armed_nothing_that_it_needs_is_removed(tmp_path):
    change = Change(tmp_path)
    beside = tmp_path / "beside"

    def act():
        beside.write_text("what the undo needs")
        change.change.journal.note(beside=[str(beside)])
        change.act()
        with open(change.state.undo_path) as stream:
            text = stream.read()
        with open(change.state.undo_path, "w") as stream:
            stream.write(text.replace("echo old", "[ ! -e %s/stuck ] || exit 1\necho old" % tmp_path))
        (tmp_path / "stuck").touch()
        fail()

    with pytest.raises(UndoFailedError, match="stays armed"):
        change.run(act)
    for _time in range(2):
        with pytest.raises(UndoFailedError):
            _settlement.settle_promotion(change.state, "next")
        assert _settlement.remove_undo(change.state) != [] and beside.exists()
    (tmp_path / "stuck").unlink()
    assert _settlement.settle_promotion(change.state, "next", application=change.application)["event"] == "reverted"
    assert not beside.exists()
    change.expect_wholeness(committed=False)
