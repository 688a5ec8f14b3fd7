# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Diagnoses of an application whose service systemd runs: its variables, its log and the removed name in it."""

from __future__ import annotations

import json

import pytest

from tests.faults.steady_host import (
    APPLICATION,
    FIRST,
    ORIGINAL,
    SECOND,
    build_promotion_options,
    require_module_success,
    start_steady_hosts,
)
from tests.fleet import fleet
from tests.fleet.hosts import write_file

DROP_IN = "/etc/systemd/system/steady-web.service.d/planted.conf"
ASK = 'import urllib.request; urllib.request.urlopen("http://127.0.0.1:8003/")'
PROGRAM = """
import runpy, sys
if sys.version_info[:2] == (3, 10):
    from collections import Mapping
runpy.run_path("/srv/steady/app.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def host():
    try:
        yield start_steady_hosts(1)[0]
    finally:
        fleet.stop_fleet()


@pytest.fixture
def promoted(host):
    """The host with the second generation live; the unit of the service is as it was installed."""
    host.run_script(f"mkdir -p {DROP_IN.rpartition('/')[0]} && rm -f {DROP_IN} && systemctl daemon-reload")
    host.run_actions(["reset"])
    done = host.run_actions(["module", "promotion", build_promotion_options(FIRST, "upgrade")])[0]
    require_module_success(done)
    return host


def diagnose(host, **options):
    given = {"application": APPLICATION, "commands": ["true"], "run_id": None, **options}
    return require_module_success(host.run_actions(["module", "diagnose", given])[0])


def test_a_generation_does_not_differ_from_itself(promoted):
    found = diagnose(promoted, before=FIRST, after=FIRST)
    assert (found["lines"], found["differences"], found["log"]) == ([], [], [])
    assert found["origin"] == "steady-web.service"


def test_an_upgrade_alone_brings_what_python_changed(promoted):
    found = diagnose(promoted)
    assert (found["before"]["id"], found["after"]["id"]) == (ORIGINAL, FIRST)
    assert [line for line in found["lines"] if "version mismatch: 0-py3.8 has cpython 3.8" in line], found["lines"]
    # What the tools and the new Python bring stands behind every difference of the application's own.
    assert [one for one in found["differences"] if one["rank"] > 45] == []


def test_the_unit_was_changed_since_the_service_was_started(promoted):
    promoted.run_script("install -d /etc/planted && echo 'API_TOKEN=planted-secret' >/etc/planted/environment")
    lines = (
        "[Service]\nEnvironment=PATH=/opt/planted/bin:/usr/bin\nEnvironmentFile=-/etc/planted/environment\nUMask=0077\n"
    )
    write_file(promoted.name, DROP_IN, lines)
    promoted.run_script("systemctl daemon-reload")
    found = diagnose(promoted)
    assert found["lines"][0].startswith(f"path: PATH is /opt/planted/bin:/usr/bin in {ORIGINAL}, "), found["lines"]
    assert any(line.startswith("environment variable: API_TOKEN differs: set in") for line in found["lines"])
    assert any("umask is 0077 in 0-py3.8, 0022 in 1-py3.9" in line for line in found["lines"]), found["lines"]
    assert "planted-secret" not in json.dumps(found)


def test_the_log_of_a_promotion_that_was_undone_names_the_removed_name(promoted):
    write_file(promoted.name, "/srv/steady/boot.py", PROGRAM)
    lines = "[Service]\nExecStart=\nExecStart=/srv/steady/venv/bin/python /srv/steady/boot.py\n"
    write_file(promoted.name, DROP_IN, lines)
    promoted.run_script("systemctl daemon-reload && systemctl restart steady-web.service")
    promoted.run_script(f"for try in $(seq 300); do python3 -c '{ASK}' && exit 0; sleep 0.2; done; exit 1")
    done = promoted.run_actions(["module", "promotion", build_promotion_options(SECOND, "upgrade")])[0]
    assert done["failed"] and done["outcome"] == "reverted", done
    found = diagnose(promoted)
    assert (found["before"]["id"], found["after"]["id"]) == (FIRST, SECOND)
    first = found["lines"][0]
    assert first.startswith("removed API: collections.Mapping is in Python 3.9."), found["lines"]
    assert "used in /srv/steady/boot.py; therefore the log has ImportError: cannot import name 'Mapping'" in first
