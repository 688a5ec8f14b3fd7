# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole promotions by the module, of an application whose service is a file, with real checks and a real undo.sh."""

import contextlib
import io
import json
import os
import signal

import pytest
from ansible.module_utils import basic
from ansible_collections.oxzep7.python.plugins.module_utils._promotion import _preconditions
from ansible_collections.oxzep7.python.plugins.module_utils._transaction import _dead_man
from ansible_collections.oxzep7.python.plugins.modules import promotion

OLD, NEW = "0-py3.8", "1-py3.9"


class Place:
    """An application with one more generation in a scratch directory."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.monkeypatch = monkeypatch
        # As on a host with neither systemd nor cron, so that nothing outside of the scratch directory is touched.
        for room in (_dead_man, _preconditions):
            monkeypatch.setattr(room, "detect_dead_man", lambda: "process")
        self.live = root / "srv" / "venv"
        self.state = root / "state" / "applications" / "x"
        self.log = root / "log"
        new = root / "srv" / "venv.generations" / NEW
        for number, environment in enumerate((self.live, new)):
            environment.mkdir(parents=True)
            (environment / "pyvenv.cfg").write_text("version = 3.%d.1\n" % (8 + number))
            (environment / "marker").write_text(["old", "new"][number])
        self.state.mkdir(parents=True)
        built = {
            "id": NEW,
            "path": str(new),
            "target": "venv.generations/" + NEW,
            "python": "3.9.1",
            "origin": "built",
            "lock": None,
            "complete": True,
            "created": "2026-01-01T00:00:00Z",
        }
        record = {"schema": 1, "application": "x", "current": None, "generations": [built], "history": []}
        (self.state / "state.json").write_text(json.dumps(record))

    def promote(self, script="true", start="true", **options):
        """The result of the module, with one check, the shell *script*, and the command *start* of the service."""
        command = {verb: ["sh", "-c", word] for verb, word in (("start", start), ("stop", "true"), ("status", "true"))}
        application = {
            "name": "x",
            "environment": str(self.live),
            "user": os.environ.get("USER") if os.geteuid() else "root",
            "services": [dict(command, name="x")],
            "checks": [{"name": "own", "command": {"cmd": ["sh", "-c", "cd %s; %s" % (self.root, script)]}}],
        }
        given = {
            "application": application,
            "generation": NEW,
            "state_dir": str(self.root / "state"),
            "backup_dir": str(self.root / "backups"),
            "timeout": 0,
            "stability_window": 0,
            "dead_man_interval": 1,
        }
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": dict(given, **options)}).encode()
        self.monkeypatch.setattr(basic, "_ANSIBLE_ARGS", arguments)
        self.monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            promotion.main()
        return json.loads(said.getvalue().strip().splitlines()[-1])

    def content(self):
        return (self.live / "marker").read_text()

    def read_log(self):
        return self.log.read_text().split()


@pytest.fixture
def place(tmp_path, monkeypatch):
    return Place(tmp_path, monkeypatch)


def test_it_is_committed_after_its_checks(place):
    seen = "if [ -e state/applications/x/state.next.json ]; then echo open; else echo closed; fi >> log"
    assert place.promote(seen)["outcome"] == "promoted"
    assert place.read_log()[0] == "closed" and set(place.read_log()[1:]) == {"open"}
    assert place.content() == "new" and json.loads((place.state / "state.json").read_text())["current"] == NEW


def test_one_whose_check_fails_afterwards_is_undone(place):
    result = place.promote("grep -q old srv/venv/marker")
    assert result["failed"] and result["outcome"] == "reverted" and place.content() == "old"
    assert sorted(os.listdir(str(place.state))) == ["state.json"]


def test_one_that_does_not_stay_healthy_is_undone(place):
    # The first round of checks after the swap passes, the next one does not.
    seen = "grep -q old srv/venv/marker || { echo x >> log; [ $(wc -l < log) -lt 2 ]; }"
    result = place.promote(seen, stability_window=1.5)
    assert result["failed"] and result["outcome"] == "reverted" and place.content() == "old"


def test_one_that_is_not_healthy_after_its_undo_either_has_failed(place):
    result = place.promote("[ ! -e used ] && touch used")
    assert result["failed"] and result["outcome"] == "failed" and place.content() == "old"


def test_an_application_that_is_not_healthy_is_left_alone(place):
    result = place.promote("grep -q new srv/venv/marker", start="echo started >> %s" % place.log)
    assert result["failed"] and result["outcome"] == "refused" and place.content() == "old" and not place.log.exists()


def test_a_failure_that_is_accepted_stops_nothing(place):
    assert place.promote("false", accept_unhealthy=["own"])["outcome"] == "promoted"


def test_the_dead_mans_switch_is_armed_while_it_is_open(place):
    each = "for one in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$one; echo; done 2>/dev/null"
    seen = each + ' | grep -c "[w]hile sleep 1.*$PWD" >> log; true'
    assert place.promote(seen)["dead_man"] == "process"
    counts = [int(word) for word in place.read_log()]
    assert counts[0] == 0 and counts[1] > 0


def test_a_signal_undoes_it(place):
    once = "mkdir %s/sent 2>/dev/null && kill -TERM %d; true" % (place.root, os.getpid())
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        result = place.promote(start=once)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert result["outcome"] == "reverted" and "signal 15" in result["msg"] and place.content() == "old"


def test_it_is_refused_without_the_switch_that_is_demanded(place):
    result = place.promote(dead_man="required")
    assert result["outcome"] == "refused" and "neither systemd nor cron" in result["msg"] and place.content() == "old"
