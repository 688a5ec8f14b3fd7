# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading locks and metadata."""

import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages import _installed, _lockfile

LOCK = """\
django==3.1.6 \\
    --hash=sha256:169e2e7b4839a7910b393eec127fd7cbae62e80fa55f89c6510426abf673fe5f
Ruamel.yaml==0.16.12
"""


def test_pins_are_normalized():
    assert _lockfile.parse_pins(LOCK) == {"django": "3.1.6", "ruamel-yaml": "0.16.12"}


@pytest.fixture
def environment(tmp_path):
    site = tmp_path / "lib" / "python3.8" / "site-packages"
    info = site / "Foo_Bar-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\n\nVersion: 9 in the description\n"
    )
    (info / "RECORD").write_text(
        "foo/__init__.py,,\nfoo/sub/x.py,,\nsingle.py,,\n_fast.cpython-38-x86_64-linux-gnu.so,,\nabi.abi3.so,,\n"
        "Foo_Bar-1.0.dist-info/RECORD,,\n../../../bin/foo,,\n__pycache__/single.cpython-38.pyc,,\n"
        'not-a-name.py,,\ndata/readme.txt,,\n"quoted,name.py",,\n'
    )
    return tmp_path


def test_packages_come_from_headers_only(environment):
    assert [(package.name, package.version) for package in _installed.list_installed_packages(str(environment))] == [
        ("foo-bar", "1.0")
    ]


def test_top_level_modules_come_from_records(environment):
    assert _installed.list_top_level_modules(str(environment)) == ["_fast", "abi", "foo", "single"]


def test_legacy_metadata_is_read(environment):
    site = environment / "lib" / "python3.8" / "site-packages"
    (site / "old.egg-info").write_text("Name: old\nVersion: 0.1\n")
    (site / "older.egg-info").mkdir()
    (site / "older.egg-info" / "PKG-INFO").write_text("Name: older\nVersion: 0.2\n")
    assert [package.name for package in _installed.list_installed_packages(str(environment))] == [
        "foo-bar",
        "old",
        "older",
    ]


def test_a_fifo_in_place_of_metadata_does_not_block(environment):
    info = environment / "lib" / "python3.8" / "site-packages" / "trap-1.dist-info"
    info.mkdir()
    os.mkfifo(str(info / "METADATA"))
    assert [package.name for package in _installed.list_installed_packages(str(environment))] == ["foo-bar"]


def test_a_symlink_in_place_of_metadata_is_not_followed(environment, tmp_path):
    info = environment / "lib" / "python3.8" / "site-packages" / "link-1.dist-info"
    info.mkdir()
    (tmp_path / "secret").write_text("Name: secret\nVersion: 1\n")
    (info / "METADATA").symlink_to(tmp_path / "secret")
    assert [package.name for package in _installed.list_installed_packages(str(environment))] == ["foo-bar"]


def test_what_was_delivered_is_what_is_whole(tmp_path):
    assert _lockfile.read_delivery(str(tmp_path / "not")) == {"plan": None, "locks": []}
    lock = "six==1.15.0\n"
    (tmp_path / "locks").mkdir()
    for name, text in ((_lockfile.compute_lock_id(lock), lock), ("0" * 64, "six==1\n")):
        (tmp_path / "locks" / (name + ".txt")).write_text(text)
    (tmp_path / "plan.json").write_text("{}")
    assert _lockfile.read_delivery(str(tmp_path)) == {
        "plan": _lockfile.compute_lock_id("{}"),
        "locks": [_lockfile.compute_lock_id(lock)],
    }
