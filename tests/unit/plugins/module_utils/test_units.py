# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading unit files."""

from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _units

UNIT = """\
# ExecStart=/srv/commented/venv/bin/python
[Service]
User=billing
Environment="PATH=/srv/billing/venv/bin:/usr/bin" PYTHONPATH=/srv/lib
ExecStart=/srv/billing/venv/bin/gunicorn \\
    --config /etc/billing.py app
Description=uses /srv/other/venv/bin/python in words
"""


def test_paths_are_found_in_commands_and_environment_only():
    unit = _units.parse("billing.service", [UNIT])
    assert unit.user == "billing"
    assert "/srv/billing/venv/bin/gunicorn" in unit.paths and "/srv/billing/venv/bin" in unit.paths and "/etc/billing.py" in unit.paths
    assert not any(path.startswith(("/srv/commented", "/srv/other")) for path in unit.paths)


def test_a_unit_uses_only_the_environment_it_names():
    unit = _units.parse("billing.service", [UNIT])
    assert _units.by_environment([unit], ["/srv/billing/venv", "/srv/billing/ven", "/srv/b"]) == {
        "/srv/billing/venv": ["billing.service"], "/srv/billing/ven": [], "/srv/b": []}


def test_the_first_directory_wins_and_drop_ins_add(tmp_path):
    etc, lib = tmp_path / "etc", tmp_path / "lib"
    (etc / "a.service.d").mkdir(parents=True)
    lib.mkdir()
    (etc / "a.service").write_text("[Service]\nExecStart=/opt/new/bin/python\n")
    (lib / "a.service").write_text("[Service]\nExecStart=/opt/old/bin/python\n")
    (etc / "a.service.d" / "user.conf").write_text("[Service]\nUser=app\n")
    (unit,) = _units.services([str(etc), str(lib)])
    assert (unit.name, unit.user, unit.paths) == ("a.service", "app", ["/opt/new/bin/python"])
