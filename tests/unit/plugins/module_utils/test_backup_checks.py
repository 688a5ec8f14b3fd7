# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups that are not used, and what is on disk when one counts or is restored."""

import os
import socket

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._backup import _check, _restore, _store
from ansible_collections.oxzep7.python.plugins.module_utils._backup._parts import BackupError, BackupPart
from ansible_collections.oxzep7.python.plugins.module_utils._backup.engines._archive import ArchiveEngine
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._extract import DamagedArchiveError
from ansible_collections.oxzep7.python.plugins.module_utils._backup.layers._sealing import EncryptionSettings


@pytest.fixture
def place(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_bytes(os.urandom(50000))
    return tmp_path


def make_backup(place, engine=None):
    parts = [BackupPart("source", str(place / "tree"))]
    made = _store.make_backup(
        str(place / "backups"), "app", parts, {"run": "r"}, engine or ArchiveEngine(EncryptionSettings()), True
    )
    return _check.find_backup(str(place / "backups"), "app", made.identifier)


def check(backup, foreign=False, application="app"):
    _check.check_backup(backup, application, ["source"], foreign, ArchiveEngine(EncryptionSettings()))


def test_a_backup_is_used_as_long_as_every_byte_is_there(place):
    backup = make_backup(place)
    check(backup)
    path = os.path.join(backup.directory, backup.layers["source"].archive)
    with open(path, "r+b") as stream:
        stream.seek(1000)
        byte = stream.read(1)
        stream.seek(1000)
        stream.write(bytes([byte[0] ^ 1]))
    with pytest.raises(BackupError, match="is damaged"):
        check(backup)


def test_a_manifest_that_was_changed_is_no_backup(place):
    backup = make_backup(place)
    path = os.path.join(backup.directory, "manifest.json")
    with open(path) as stream:
        text = stream.read()
    with open(path, "w") as stream:
        stream.write(text.replace('"run": "r"', '"run": "s"'))
    with pytest.raises(BackupError, match="is damaged"):
        _check.find_backup(str(place / "backups"), "app", backup.identifier)


def test_a_backup_of_another_application_or_host_is_used_on_request_only(place):
    backup = make_backup(place)
    with pytest.raises(BackupError, match="set `foreign`"):
        check(backup, application="other")
    elsewhere = backup._replace(about=dict(backup.about, host="not " + socket.gethostname()))
    with pytest.raises(BackupError, match="set `foreign`"):
        check(elsewhere)
    check(elsewhere, foreign=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of root in a tree of another account")
def test_a_backup_of_another_host_brings_no_program_that_would_run_as_root(place):
    os.chmod(str(place / "tree" / "file"), 0o4755)
    os.chown(str(place / "tree"), 65533, 65532)
    backup = make_backup(place)
    check(backup)
    with pytest.raises(BackupError, match="would run as root"):
        check(backup, foreign=True)


class ForgetfulEngine(ArchiveEngine):
    """An engine whose archives do not give back what was written."""

    def read_back(self, directory, layer, name):
        raise DamagedArchiveError("it gives back something else")


def test_a_backup_that_cannot_be_read_back_does_not_count(place):
    with pytest.raises(BackupError, match="it gives back something else"):
        make_backup(place, ForgetfulEngine(EncryptionSettings()))
    assert os.listdir(str(place / "backups" / "app")) == []


def test_an_archive_is_read_to_its_end(place):
    engine = ArchiveEngine(EncryptionSettings())
    layer = engine.store_layer(str(place), "source", str(place / "tree"), None)
    engine.read_back(str(place), layer, "source")
    path = str(place / layer.archive)
    os.truncate(path, os.path.getsize(path) - 20000)
    with pytest.raises(Exception, match="early|incomplete|zstd"):
        engine.read_back(str(place), layer, "source")


@pytest.fixture
def calls(watch_calls):
    """The calls that make something durable, and renames, which are made all the same."""
    return watch_calls("fsync", "rename", "sync")


def test_a_backup_is_on_disk_before_it_counts(place, calls):
    backup = make_backup(place)
    incoming = backup.directory.replace(backup.identifier, ".incoming-" + backup.identifier)
    manifest = calls.index(("rename", incoming + "/manifest.json"))
    assert ("fsync", os.path.join(incoming, backup.layers["source"].archive)) in calls[:manifest]
    assert calls.index(("rename", incoming + "/manifest.sha256")) < manifest
    assert calls[-2:] == [("rename", backup.directory), ("fsync", os.path.dirname(backup.directory))]


def test_a_backup_is_no_backup_on_disk_before_its_files_go(place, calls):
    backup = make_backup(place)
    del calls[:]
    _store.remove_backup(backup, Always(ArchiveEngine(EncryptionSettings())))
    home = os.path.dirname(backup.directory)
    assert calls == [("rename", os.path.join(home, ".going-" + backup.identifier)), ("fsync", home)]
    assert os.listdir(home) == []


class Always:
    """Engines of which each backup has the same."""

    def __init__(self, engine):
        self._engine = engine

    def get_for_backup(self, backup):
        return self._engine


def test_a_restored_tree_is_on_disk_before_it_has_its_name(place, calls):
    backup = make_backup(place)
    del calls[:]
    target = str(place / "restored")
    _restore.restore_layer(backup, backup.layers["source"], target, ArchiveEngine(EncryptionSettings()))
    assert calls == [("sync", "everything"), ("rename", "restored"), ("fsync", str(place))]
