# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of installed packages: what is in them, what is refused and why."""

import base64
import hashlib
import io
import json
import os
import pathlib
import re
import zipfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._copy import (
    CopyError,
    gather_package_files,
    pack_wheel,
)

METADATA = (
    "Metadata-Version: 2.1\nName: Own.Thing\nVersion: 1.0+vendor.2\nRequires-Python: >=3.6\n"
    "Requires-Dist: six (>=1.0)\n\nRequires-Dist: no header\n"
)


@pytest.fixture(name="site")
def site_fixture(tmp_path):
    """The site-packages of an empty environment."""
    site = tmp_path / "venv" / "lib" / "python3.8" / "site-packages"
    site.mkdir(parents=True)
    return site


def install(site, files, metadata=METADATA, info="Own.Thing-1.0+vendor.2.dist-info", recorded=()):
    """Put *files* (path from site-packages, content) there, with a RECORD of them and of the paths *recorded*."""
    everything = {**files, f"{info}/METADATA": metadata, f"{info}/INSTALLER": "pip\n"}
    for path, text in everything.items():
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
    names = [*everything, *recorded, f"{info}/RECORD"]
    (site / info / "RECORD").write_text("".join(f'"{path}",,\n' if "," in path else f"{path},,\n" for path in names))


def copy(site, name="own-thing"):
    return pack_wheel(gather_package_files(str(site.parents[2]), name))


def content(made):
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        return {entry: archive.read(entry).decode() for entry in archive.namelist()}


def test_a_package_is_copied_with_its_scripts_and_data_and_its_commands_are_left_to_installers(site):
    install(
        site,
        {
            "own/__init__.py": "",
            "own/a,b.txt": "x",
            "own/__pycache__/x.pyc": b"\0",
            "../../../bin/tool": "#!/old/venv/bin/python3.8\nprint(1)\n",
            "../../../bin/made": "#!/old/venv/bin/python\n",
            "../../../share/own/x.cfg": "y",
            "../../../bin/plain": "#!/bin/sh\n",
            "Own.Thing-1.0+vendor.2.dist-info/entry_points.txt": "[console_scripts]\nmade = own:main\n[other]\nx = y\n",
        },
    )
    made = copy(site)
    found = content(made)
    stem = "own_thing-1.0+vendor.2"
    assert sorted(found) == sorted(
        [
            "own/__init__.py",
            "own/a,b.txt",
            f"{stem}.data/scripts/tool",
            f"{stem}.data/scripts/plain",
            f"{stem}.data/data/share/own/x.cfg",
            f"{stem}.dist-info/entry_points.txt",
            f"{stem}.dist-info/METADATA",
            f"{stem}.dist-info/WHEEL",
            f"{stem}.dist-info/RECORD",
        ]
    )
    assert (
        found[f"{stem}.data/scripts/tool"].startswith("#!python\nprint")
        and found[f"{stem}.data/scripts/plain"] == "#!/bin/sh\n"
    )
    assert (made.version, made.requires, made.requires_python) == ("1.0+vendor.2", ["six (>=1.0)"], ">=3.6")
    assert re.match(r"^own_thing-1\.0\+vendor\.2-0_[0-9a-f]{16}-py3-none-any\.whl$", made.wheel)
    assert made == copy(site)


@pytest.mark.parametrize(
    "files, recorded, expected",
    [
        ({"own/_speed.cpython-38-x86_64-linux-gnu.so": b"\x7fELF"}, (), "compiled code"),
        ({"own/tool": b"\x7fELF\0"}, (), "compiled code"),
        ({}, ("own/gone.py",), "own/gone.py, which it records, does not exist"),
        ({}, ("../../../../../etc/passwd",), "outside the environment"),
        ({}, ("/etc/passwd",), "outside the environment"),
        (
            {"own-1.0.dist-info/x": "", "Own.Thing-1.0+vendor.2.dist-info/direct_url.json": "{"},
            (),
            "direct_url.json cannot be read",
        ),
        ({"Own.Thing-1.0+vendor.2.dist-info/entry_points.txt": "nonsense"}, (), "entry_points.txt cannot be read"),
    ],
)
def test_what_cannot_be_copied_is_refused_with_the_reason(site, files, recorded, expected):
    install(site, files, recorded=recorded)
    with pytest.raises(CopyError, match=expected):
        copy(site)


def test_a_pipe_is_not_waited_for(site):
    install(site, {"own.py": ""}, recorded=("pipe.py",))
    os.mkfifo(site / "pipe.py")
    with pytest.raises(CopyError, match="not a regular file"):
        copy(site)


def test_packages_that_do_not_record_their_files_are_refused(site):
    (site / "own_thing.egg-info").mkdir()
    for name, expected in (("own-thing", "does not record"), ("other", "is not in"), ("zipped", "does not record")):
        (site / "zipped-1.0-py3.8.egg").write_text("")
        with pytest.raises(CopyError, match=expected):
            copy(site, name)


def test_an_editable_package_stays_editable_without_credentials_unless_its_source_is_compiled(site, tmp_path):
    source = tmp_path / "my source"
    (source / "own").mkdir(parents=True)
    direct = {"url": source.as_uri(), "dir_info": {"editable": True}}
    files = {
        "__editable__.own.pth": f"{source}\n",
        "Own.Thing-1.0+vendor.2.dist-info/direct_url.json": json.dumps(direct),
    }
    install(site, files)
    found = content(copy(site))
    assert (
        found["__editable__.own.pth"] == f"{source}\n"
        and json.loads(found["own_thing-1.0+vendor.2.dist-info/direct_url.json"]) == direct
    )
    (source / "own" / "_fast.so").write_bytes(b"")
    with pytest.raises(CopyError, match=r"_fast\.so"):
        copy(site)
    direct = {"url": "https://me:topsecret@git.example.org/x", "vcs_info": {"vcs": "git", "commit_id": "0" * 40}}
    install(site, {**files, "Own.Thing-1.0+vendor.2.dist-info/direct_url.json": json.dumps(direct)})
    assert b"topsecret" not in copy(site).data and b"git.example.org" in copy(site).data


def test_a_developed_package_becomes_an_editable_one(site, tmp_path):
    source = tmp_path / "src"
    (source / "own_thing.egg-info").mkdir(parents=True)
    (source / "own_thing.egg-info" / "PKG-INFO").write_text(
        "Metadata-Version: 1.0\nName: own-thing\nVersion: 3.1\n\nText\n"
    )
    (source / "own_thing.egg-info" / "requires.txt").write_text("six\n\n[fast]\nujson>1\n")
    (source / "own_thing.egg-info" / "entry_points.txt").write_text("[console_scripts]\nx = y:z\n")
    (site / "own-thing.egg-link").write_text(f"{source}\n.")
    made = copy(site)
    found = content(made)
    assert made.version == "3.1" and made.requires == ["six", "ujson>1; extra == 'fast'"]
    assert (
        found["__editable__.own_thing.pth"] == f"{source}\n"
        and "[console_scripts]" in found["own_thing-3.1.dist-info/entry_points.txt"]
    )
    assert found["own_thing-3.1.dist-info/METADATA"] == (
        "Metadata-Version: 2.1\nName: own-thing\nVersion: 3.1\nRequires-Dist: six\n"
        "Requires-Dist: ujson>1; extra == 'fast'\nProvides-Extra: fast\n\nText\n"
    )
    (site / "own-thing.egg-link").write_text("/no/such/place\n.")
    with pytest.raises(CopyError, match="which does not exist"):
        copy(site)


def test_what_pip_installed_the_old_way_is_copied_by_its_list_of_files(site):
    info = site / "own_thing-1.0-py3.8.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Metadata-Version: 1.1\nName: own-thing\nVersion: 1.0\n")
    (info / "installed-files.txt").write_text(
        "../own.py\n../__pycache__/own.cpython-38.pyc\nPKG-INFO\ntop_level.txt\n./\n"
    )
    (info / "top_level.txt").write_text("own\n")
    (site / "own.py").write_text("x = 1\n")
    assert sorted(pathlib.PurePath(path).name for path in content(copy(site))) == [
        "METADATA",
        "RECORD",
        "WHEEL",
        "own.py",
        "top_level.txt",
    ]


def test_files_that_were_changed_by_hand_are_named(site):
    """As far as the record has their hashes."""
    info = "Own.Thing-1.0+vendor.2.dist-info"
    install(site, {"own/__init__.py": "a = 1\n", "own/other.py": "b = 2\n", "own/unhashed.py": ""})
    same = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(b"a = 1\n").digest()).rstrip(b"=").decode()
    old = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(b"b = 1\n").digest()).rstrip(b"=").decode()
    rows = ["own/__init__.py,%s,6" % same, "own/other.py,%s,6" % old, "own/unhashed.py,,", "%s/METADATA,," % info]
    (site / info / "RECORD").write_text("\n".join(rows) + "\n")
    assert copy(site).modified == ["own/other.py"]
