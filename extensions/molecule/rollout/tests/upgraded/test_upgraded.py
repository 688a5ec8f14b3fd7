# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After every host was upgraded in its wave."""


def test_runs_wholly_on_the_target(one):
    one.assert_whole("1-py3.9", "3.9")


def test_a_backup_was_made_before(one):
    assert len(one.run(f"ls /var/lib/oxzep7/backups/{one.application}").split()) == 1


def test_the_host_wrote_down_what_it_did(one):
    events = one.run("cat /var/lib/oxzep7/runs/happy.jsonl")
    for event in ("backup made", "generation complete", "promotion opened", "promoted"):
        assert f'"event": "{event}"' in events
