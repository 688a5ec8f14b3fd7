# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of the dead man's switch."""

import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._application._state import ApplicationState
from ansible_collections.oxzep7.python.plugins.module_utils._transaction import _dead_man


def test_the_service_waits_for_its_file_systems_and_keeps_what_it_starts():
    state = ApplicationState("/var/lib/oxzep7", "billing")
    timer, service = _dead_man.render_units(state, 7, ["/srv/billing", "/srv/with blank", "/etc"])
    lines = service.splitlines()
    assert "RequiresMountsFor=/var/lib/oxzep7/applications/billing /etc /srv/billing" in lines
    assert "KillMode=process" in lines and "StartLimitIntervalSec=0" in lines
    assert 'ExecStart=/bin/sh "/var/lib/oxzep7/applications/billing/undo.sh"' in lines
    assert "OnUnitInactiveSec=7s" in timer.splitlines() and "WantedBy=timers.target" in timer.splitlines()
    assert _dead_man.get_timer_name(state) == "oxzep7-undo@billing.timer"
    other = ApplicationState("/srv/state", "billing")
    assert _dead_man.get_timer_name(other) != _dead_man.get_timer_name(state)


@pytest.mark.parametrize(
    "path, quoted", [("/a b", '"/a b"'), ('/a"b', '"/a\\"b"'), ("/50%$HOME", '"/50%%$$HOME"'), ("/a\\b", '"/a\\\\b"')]
)
def test_paths_are_words_of_a_unit(path, quoted):
    assert _dead_man.quote_unit_word(path) == quoted


def test_the_unit_of_earlier_versions_stays_while_one_of_their_changes_is_open(tmp_path, monkeypatch):
    monkeypatch.setattr(_dead_man, "UNIT_DIRECTORY", str(tmp_path))
    root = tmp_path / "state"
    name = "oxzep7-undo%s.service" % _dead_man._make_suffix(str(root))
    wants = tmp_path / "multi-user.target.wants"
    wants.mkdir()
    (tmp_path / name).write_text("")
    (wants / name).symlink_to(tmp_path / name)
    for application, text in (("old", "#!/bin/sh\nset -u\n"), ("new", "#!/bin/sh\nset -u\ntransaction=x\n")):
        (root / "applications" / application).mkdir(parents=True)
        (root / "applications" / application / "undo.sh").write_text(text)
    _dead_man._remove_former_boot_unit(str(root))
    assert (tmp_path / name).exists() and (wants / name).is_symlink()
    (root / "applications" / "old" / "undo.sh").unlink()
    for _time in range(2):
        _dead_man._remove_former_boot_unit(str(root))
        assert os.listdir(str(wants)) == [] and not (tmp_path / name).exists()
