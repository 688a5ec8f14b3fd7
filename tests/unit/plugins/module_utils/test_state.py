# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record, the lease and the events."""

import fcntl
import json
import multiprocessing
import os
import signal

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import (
    ApplicationState,
    LeaseHeldError,
    list_applications,
)


@pytest.fixture
def state(tmp_path):
    return ApplicationState(str(tmp_path / "state"), "billing")


def test_a_new_application_has_an_empty_record(state):
    assert state.read() == {"schema": 1, "application": "billing", "current": None, "generations": [], "history": []}


def test_the_record_is_private(state):
    state.write(state.read())
    assert os.stat(state.path).st_mode & 0o777 == 0o600
    assert os.stat(state.directory).st_mode & 0o777 == 0o700
    assert os.stat(state.root).st_mode & 0o777 == 0o700
    assert list_applications(state.root) == ["billing"]


def test_commit_replaces_the_record_in_one_step(state):
    state.write(dict(state.read(), current="0"))
    state.open_promotion(dict(state.read(), current="1"))
    assert state.is_open() and state.read()["current"] == "0"
    state.commit()
    assert not state.is_open() and state.read()["current"] == "1"


def test_commit_fails_when_the_promotion_was_undone_meanwhile(state):
    state.open_promotion(dict(state.read(), current="1"))
    os.rename(state.next_path, state.undone_path)
    with pytest.raises(OSError):
        state.commit()
    assert state.is_unsettled() and state.read()["current"] is None


def test_a_damaged_record_is_named(state):
    state.write(state.read())
    with open(state.path, "w") as stream:
        stream.write("{")
    with pytest.raises(ValueError) as caught:
        state.read()
    assert state.path in str(caught.value)


def test_the_lease_names_its_holder_and_is_removed(state):
    with state.hold_lease("run-1"):
        with pytest.raises(LeaseHeldError) as caught, ApplicationState(state.root, "billing").hold_lease("run-2"):
            pass
        assert caught.value.holder["run"] == "run-1" and caught.value.holder["pid"] == os.getpid()
        assert "run-1" in str(caught.value)
    assert not os.path.exists(state.lease_path)


def _hold_for_ever(root, ready):
    with ApplicationState(root, "billing").hold_lease("doomed"):
        ready.set()
        signal.pause()


def test_a_dead_holder_does_not_block(state):
    ready = multiprocessing.Event()
    holder = multiprocessing.Process(target=_hold_for_ever, args=(state.root, ready))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(LeaseHeldError), state.hold_lease("early"):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    assert state.read_lease_holder()["run"] == "doomed"
    with state.hold_lease("next"):
        assert state.read_lease_holder()["run"] == "next"


def test_a_symlink_in_place_of_the_lease_is_refused(state, tmp_path):
    os.makedirs(state.directory)
    os.symlink(str(tmp_path / "victim"), state.lease_path)
    with pytest.raises(OSError), state.hold_lease("run"):
        pass
    assert not (tmp_path / "victim").exists()


def test_a_lease_that_its_holder_removed_meanwhile_is_not_taken(state, monkeypatch):
    os.makedirs(state.directory)
    real, removed = fcntl.flock, []

    def lock(handle, how):
        # The previous holder ends between the open and the lock of the next one.
        if not removed:
            removed.append(state.lease_path)
            os.unlink(state.lease_path)
        return real(handle, how)

    monkeypatch.setattr(fcntl, "flock", lock)
    with state.hold_lease("run-1"):
        assert state.read_lease_holder()["run"] == "run-1"
        with pytest.raises(LeaseHeldError), ApplicationState(state.root, "billing").hold_lease("run-2"):
            pass


def test_events_are_appended(state):
    state.append_event("run-1", "promoted", to="1")
    state.append_event("run-1", "reverted", to="2")
    with open(os.path.join(state.root, "runs", "run-1.jsonl")) as stream:
        events = [json.loads(line) for line in stream]
    assert [(event["event"], event["to"]) for event in events] == [("promoted", "1"), ("reverted", "2")]


def test_looking_makes_nothing_but_sees_a_living_holder(state):
    with state.hold_lease("look", only_look=True):
        assert not os.path.exists(state.root)
    other = ApplicationState(state.root, "billing")
    with state.hold_lease("run-1"), pytest.raises(LeaseHeldError), other.hold_lease("look", only_look=True):
        pass
