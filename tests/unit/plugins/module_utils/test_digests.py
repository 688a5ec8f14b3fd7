# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that arrive with another digest than the one that was declared are not used."""

import contextlib
import hashlib
import io
import json
import os
import tarfile

import pytest
from ansible.module_utils import basic
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._ask import InterpreterError
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import ArchiveOrder, install_archive
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheelhouse import WheelhouseError, unpack_bundle
from ansible_collections.oxzep7.python.plugins.modules import plan_delivery


def write_tar(path, name, data, mode=0o755):
    with tarfile.open(str(path), "w") as stream:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), mode
        stream.addfile(info, io.BytesIO(data))


def test_an_interpreter_with_another_digest_is_not_unpacked(tmp_path):
    write_tar(tmp_path / "archive", "python/bin/python3.9", b"#!/bin/sh\ntouch %s/ran\n" % str(tmp_path).encode())
    order = ArchiveOrder("3.9", None, str(tmp_path / "archive"), "0" * 64, "the archive")
    with pytest.raises(InterpreterError, match="was expected; it was not unpacked"):
        install_archive(order, str(tmp_path / "place"))
    assert os.listdir(str(tmp_path / "place")) == [".lock"] and not (tmp_path / "ran").exists()


def test_a_wheel_that_arrived_damaged_is_not_stored(tmp_path):
    write_tar(tmp_path / "bundle", "a-1-py3-none-any.whl", b"damaged")
    (tmp_path / "wheels").mkdir()
    entry = {"name": "a-1-py3-none-any.whl", "size": 7, "sha256": hashlib.sha256(b"whole").hexdigest()}
    with pytest.raises(WheelhouseError, match="arrived damaged"):
        unpack_bundle(str(tmp_path / "bundle"), [entry], str(tmp_path / "wheels"))
    assert os.listdir(str(tmp_path / "wheels")) == []
    entry["sha256"] = hashlib.sha256(b"damaged").hexdigest()
    unpack_bundle(str(tmp_path / "bundle"), [entry], str(tmp_path / "wheels"))
    assert os.listdir(str(tmp_path / "wheels")) == [entry["name"]]


def deliver(tmp_path, monkeypatch, locks):
    given = {"plan_dir": str(tmp_path), "state_dir": str(tmp_path / "state"), "plan": "{}", "locks": locks}
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        plan_delivery.main()
    return json.loads(said.getvalue().strip().splitlines()[-1])


def test_a_lock_that_is_not_what_its_name_says_is_not_stored(tmp_path, monkeypatch):
    name = hashlib.sha256(b"a==1\n").hexdigest()
    wrong = deliver(tmp_path, monkeypatch, {name: "a==2\n"})
    assert wrong["failed"] and "text does not match" in wrong["msg"]
    assert not (tmp_path / "state").exists()
    assert deliver(tmp_path, monkeypatch, {name: "a==1\n"})["changed"]
    assert (tmp_path / "state" / "locks" / (name + ".txt")).read_text() == "a==1\n"
