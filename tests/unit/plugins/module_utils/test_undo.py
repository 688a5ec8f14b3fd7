# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""undo.sh, run for real: every situation that a dead promotion can leave."""

import glob
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._promotion._swap import adopt_environment, repoint_symlink
from ansible_collections.oxzep7.python.plugins.module_utils._services.commands import CommandService
from ansible_collections.oxzep7.python.plugins.module_utils._services.unit import UnitService
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._deadline import Deadline, read_uptime
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._journal import get_token_name
from ansible_collections.oxzep7.python.plugins.module_utils._transaction._undo_script import (
    PromotionUndo,
    render_promotion_undo,
)

TRANSACTION = "20260101T000000Z-0a1b2c3d"
OPENED = json.dumps({"history": [{"transaction": TRANSACTION}]}, indent=2)


class Place:
    """An application in a scratch directory whose only service records its calls."""

    def __init__(self, root):
        self.root = root
        self.state = root / "state"
        self.live = root / "srv" / "venv"
        self.generations = root / "srv" / "venv.generations"
        self.original = self.generations / "0-py3.8"
        self.log = root / "log"
        self.state.mkdir()
        self.live.mkdir(parents=True)
        (self.live / "marker").write_text("old")
        (self.generations / "1-py3.9").mkdir(parents=True)
        (self.generations / "1-py3.9" / "marker").write_text("new")
        self.write_undo()
        self.token = root / "srv" / get_token_name(TRANSACTION)
        self.token.touch()
        (self.state / "state.next.json").write_text(OPENED)

    def write_undo(self, target="venv.generations/0-py3.8", start=None):
        def command(word):
            return ["sh", "-c", 'echo "$1" >> "$2"', "sh", word, str(self.log)]

        way = PromotionUndo(
            "billing",
            str(self.state),
            str(self.live),
            str(self.original),
            target,
            "venv.generations/1-py3.9",
            "0-py3.8",
            "1-py3.9",
            "run-1",
            "2026-01-01T00:00:00Z",
            TRANSACTION,
            None,
        )
        services = [
            CommandService(
                "web",
                "stop-start",
                {"start": list(start or command("start")), "stop": list(command("stop")), "status": ["true"]},
            )
        ]
        (self.state / "undo.sh").write_text(render_promotion_undo(way, services, get_current_identity(), False))

    def undo(self, *words):
        return subprocess.call(["/bin/sh", str(self.state / "undo.sh")] + list(words))

    def content(self):
        return (self.live / "marker").read_text()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def adopt_new(place):
    adopt_environment(str(place.live), str(place.original), "venv.generations/1-py3.9")


def test_before_the_swap_nothing_but_the_services_is_touched(place):
    assert place.undo("held") == 0
    assert place.content() == "old" and not place.live.is_symlink()
    assert place.log.read_text().split() == ["stop", "start"]


def test_before_the_exchange_the_prepared_link_is_removed(place):
    os.symlink("venv.generations/1-py3.9", str(place.original))
    assert place.undo("held") == 0
    assert place.content() == "old" and not place.original.is_symlink()


def test_after_the_adoption_the_original_is_live_again(place):
    adopt_new(place)
    assert place.content() == "new"
    assert place.undo("held") == 0
    assert place.content() == "old"
    assert os.readlink(str(place.live)) == "venv.generations/0-py3.8"


def test_between_the_two_renames_of_the_fallback(place):
    os.rename(str(place.live), str(place.original))
    assert place.undo("held") == 0
    assert place.content() == "old"


def test_after_a_later_promotion(place):
    adopt_new(place)
    repoint_symlink(str(place.live), "venv.generations/0-py3.8", TRANSACTION)
    repoint_symlink(str(place.live), "venv.generations/1-py3.9", TRANSACTION)
    assert place.undo("held") == 0
    assert place.content() == "old"


def test_leftovers_of_a_killed_undo_do_not_matter(place):
    adopt_new(place)
    for word in ("undo", "next"):
        os.symlink("nowhere", "%s.%s-%s" % (place.live, word, TRANSACTION))
    assert place.undo("held") == 0
    assert place.content() == "old"
    assert sorted(os.listdir(str(place.live.parent))) == [place.token.name, "venv", "venv.generations"]


def test_it_ends_by_renaming_the_record_and_then_does_nothing(place):
    adopt_new(place)
    assert place.undo("held") == 0
    assert sorted(os.listdir(str(place.state))) == ["state.undone.json", "undo.sh"]
    place.log.unlink()
    assert place.undo("held") == 0 and not place.log.exists()


def test_once_committed_it_does_nothing(place):
    adopt_new(place)
    (place.state / "state.next.json").unlink()
    assert place.undo() == 0
    assert place.content() == "new" and not place.log.exists()


def test_it_waits_for_a_living_holder_of_the_lease(place):
    adopt_new(place)
    with subprocess.Popen(
        ["flock", str(place.state / "lease"), "sh", "-c", "echo ready; exec sleep 30"], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"ready\n"
        assert place.undo() == 75
        assert place.content() == "new"
        subprocess.call(["pkill", "-P", str(holder.pid)])
        holder.wait()
    assert place.undo() == 0
    assert place.content() == "old" and not (place.state / "lease").exists()


def start_time(pid):
    with open("/proc/%d/stat" % pid) as stream:
        return stream.read().rpartition(")")[2].split()[19]


@pytest.fixture
def holder(place):
    """A process that holds the lease and does nothing else, as a module that hangs."""
    script = "import fcntl, sys, time; held = open(sys.argv[1], 'w'); fcntl.flock(held, fcntl.LOCK_EX); "
    script += "print('ready', flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(place.state / "lease")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


def promise(place, seconds, pid, began):
    with open("/proc/uptime") as stream:
        until = int(float(stream.read().split()[0])) + seconds
    (place.state / "deadline").write_text("%d %d %s\n" % (until, pid, began))


def test_a_holder_is_left_alone_until_its_deadline(place, holder):
    adopt_new(place)
    promise(place, 30, holder.pid, start_time(holder.pid))
    assert place.undo() == 75
    assert holder.poll() is None and place.content() == "new"


def test_a_holder_that_was_not_heard_of_in_time_is_killed_and_undone(place, holder):
    adopt_new(place)
    promise(place, -1, holder.pid, start_time(holder.pid))
    assert place.undo() == 0
    assert holder.wait(5) == -9 and place.content() == "old"
    assert sorted(os.listdir(str(place.state))) == ["state.undone.json", "undo.sh"]


def test_another_process_with_the_number_of_the_holder_is_not_killed(place, holder):
    adopt_new(place)
    with subprocess.Popen(["sleep", "60"]) as other:
        promise(place, -1, other.pid, "1")
        threading.Timer(1.0, holder.kill).start()
        assert place.undo() == 0 and place.content() == "old"
        assert other.poll() is None
        other.kill()


def test_a_lease_that_was_taken_anew_meanwhile_is_not_undone(place, holder):
    adopt_new(place)
    with subprocess.Popen(["sleep", "60"]) as other:
        promise(place, -1, other.pid, "1")

        def replace():
            (place.state / "lease").unlink()
            (place.state / "lease").write_text("of the next run")
            holder.kill()

        threading.Timer(1.0, replace).start()
        assert place.undo() == 75 and place.content() == "new"
        other.kill()


def test_what_was_committed_meanwhile_is_not_undone(place, holder):
    adopt_new(place)
    with subprocess.Popen(["sleep", "60"]) as other:
        promise(place, -1, other.pid, "1")

        def commit():
            (place.state / "state.next.json").unlink()
            holder.kill()

        threading.Timer(1.0, commit).start()
        assert place.undo() == 0 and place.content() == "new" and not place.log.exists()
        other.kill()


def test_what_it_puts_back_is_on_disk_before_that_is_recorded(place, tmp_path):
    adopt_new(place)
    tools, log = tmp_path / "tools", tmp_path / "calls"
    tools.mkdir()
    for name in ("sync", "mv"):
        (tools / name).write_text('#!/bin/sh\necho "%s $*" >>%s\nPATH=${PATH#*:} exec %s "$@"\n' % (name, log, name))
        (tools / name).chmod(0o755)
    path = str(tools) + ":" + os.environ["PATH"]
    assert subprocess.call(["/bin/sh", str(place.state / "undo.sh"), "held"], env=dict(os.environ, PATH=path)) == 0
    calls = [line.split() for line in log.read_text().splitlines()]
    assert [call[0] for call in calls] == ["mv", "sync", "mv", "sync"]
    assert calls[1][1:] == [str(place.live.parent)] and calls[3][1:] == [str(place.state)]
    assert calls[2][-1] == str(place.state / "state.undone.json")


def test_the_deadline_reaches_further_and_never_back(place):
    state = ApplicationState(str(place.root / "var"), "billing")
    os.makedirs(state.directory)
    alive = Deadline(state)
    alive.extend(100)
    with open(state.deadline_path) as stream:
        until, pid, began = stream.read().split()
    assert (int(pid), began) == (os.getpid(), start_time(os.getpid())) and 100 <= int(until) - read_uptime() <= 102
    alive.extend(5)
    with open(state.deadline_path) as stream:
        assert stream.read().split()[0] == until
    alive.clear()
    assert os.listdir(state.directory) == []


def test_a_service_that_does_not_start_is_told_but_the_swap_is_done(place):
    place.write_undo(start=["false"])
    adopt_new(place)
    assert place.undo("held") == 1
    assert place.content() == "old" and (place.state / "state.undone.json").exists()


def test_what_failed_is_written_down_until_the_next_undo(place):
    place.write_undo(start=["false"])
    assert place.undo("held") == 1
    assert (place.state / "undo.failures").read_text() == "service web did not start\n"
    (place.state / "state.undone.json").rename(place.state / "state.next.json")
    place.write_undo()
    assert place.undo("held") == 0 and not (place.state / "undo.failures").exists()


@pytest.mark.parametrize("times", [1, 2, 3])
def test_any_number_of_undos_gives_the_same(place, times):
    """As if each of them had been killed before its last rename."""
    adopt_new(place)
    for _time in range(times - 1):
        assert place.undo("held") == 0
        (place.state / "state.undone.json").rename(place.state / "state.next.json")
    assert place.undo("held") == 0
    assert place.content() == "old" and os.readlink(str(place.live)) == "venv.generations/0-py3.8"
    assert (place.original / "marker").read_text() == "old"
    assert (place.generations / "1-py3.9" / "marker").read_text() == "new"


def test_the_open_record_of_another_transaction_is_left_alone(place):
    adopt_new(place)
    (place.state / "state.next.json").write_text(OPENED.replace(TRANSACTION, "another"))
    assert place.undo() == 0
    assert place.content() == "new" and not place.log.exists()


def test_it_changes_nothing_and_stays_armed_until_its_file_system_is_mounted(place):
    adopt_new(place)
    disk, mounted = place.root / "disk", place.root / "srv"
    mounted.rename(disk)
    mounted.mkdir()
    assert place.undo() == 75
    assert list(mounted.iterdir()) == [] and not place.log.exists()
    assert (place.state / "state.next.json").exists() and not (place.state / "state.undone.json").exists()
    mounted.rmdir()
    disk.rename(mounted)
    assert place.undo() == 0 and place.content() == "old"


def test_no_dangling_link_goes_live(place):
    adopt_new(place)
    place.original.rename(place.root / "elsewhere")
    assert place.undo("held") == 1
    assert place.content() == "new" and not place.log.exists() and (place.state / "state.next.json").exists()


def test_a_link_of_somebody_else_in_the_place_of_the_original_stays(place):
    os.symlink("elsewhere", str(place.original))
    with pytest.raises(FileExistsError):
        adopt_new(place)
    assert place.undo("held") == 0
    assert os.readlink(str(place.original)) == "elsewhere" and place.content() == "old"


def test_a_started_service_does_not_hold_the_lease(place):
    daemon = 'setsid sleep 60 </dev/null >/dev/null 2>&1 & echo $! >"$0"'
    pidfile = place.root / "pid"
    place.write_undo(start=["sh", "-c", daemon, str(pidfile)])
    assert place.undo() == 0
    pid = int(pidfile.read_text())
    try:
        held = [os.readlink(entry) for entry in glob.glob("/proc/%d/fd/*" % pid)]
        assert held and not any("lease" in path for path in held)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_names_with_blanks_and_quotes_survive(tmp_path):
    root = tmp_path / 'it\'s a "place" $HOME'
    root.mkdir()
    strange = Place(root)
    adopt_new(strange)
    assert strange.undo("held") == 0
    assert strange.content() == "old"


def test_systemd_units_are_stopped_in_reverse_and_started_in_order():
    way = PromotionUndo(
        "a", "/s", "/l/v", "/l/v.generations/0", "v.generations/0", "", "0", "1", "r", "t", "x", "a.timer"
    )
    actions = {"one": "stop-start", "two": "restart", "three": "reload", "four": "none", "five": "stop-start"}
    services = [UnitService(f"{name}.service", action) for name, action in actions.items()]
    text = render_promotion_undo(way, services, get_current_identity(), True, 7.0, [["into-the", "pool again"]])
    lines = [line for line in text.splitlines() if line.startswith("timeout 7 systemctl")]
    assert lines == [
        "timeout 7 systemctl stop -- five.service || timeout 7 systemctl kill --signal=KILL -- five.service",
        "timeout 7 systemctl stop -- one.service || timeout 7 systemctl kill --signal=KILL -- one.service",
        "timeout 7 systemctl reset-failed -- one.service 2>/dev/null",
        "timeout 7 systemctl start -- one.service || fail 'service one.service did not start'",
        "timeout 7 systemctl reset-failed -- two.service 2>/dev/null",
        "timeout 7 systemctl restart -- two.service || fail 'service two.service did not start'",
        "timeout 7 systemctl reload-or-restart -- three.service || fail 'service three.service did not start'",
        "timeout 7 systemctl reset-failed -- five.service 2>/dev/null",
        "timeout 7 systemctl start -- five.service || fail 'service five.service did not start'",
    ]
    assert "\ntimeout 7 into-the 'pool again' || fail " in text
    assert "four.service" not in text
    assert "owner() { setpriv --reuid=" in text
    assert "systemctl stop --no-block -- a.timer" in text


def test_a_units_own_systemd_is_asked_as_its_user():
    who = get_current_identity()
    way = PromotionUndo("a", "/s", "/l/v", "/l/v.generations/0", "v.generations/0", "", "0", "1", "r", "t", "x", None)
    text = render_promotion_undo(way, [UnitService("mine.service", "stop-start", who.name)], who, False, 7.0)
    assert (
        "timeout 7 env XDG_RUNTIME_DIR=/run/user/%d systemctl --user start -- mine.service || fail " % who.uid in text
    )
