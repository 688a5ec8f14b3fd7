# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interpreter sources: a made-up one takes part everywhere as soon as the registry has it."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._changes import Changes
from ansible_collections.oxzep7.python.plugins.module_utils._credentials import redact
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._install import get_file_name
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter._source import InterpreterRequest, PathSource
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._arguments import flatten_options
from ansible_collections.oxzep7.python.plugins.module_utils._interpreter.sources._registry import INTERPRETER_SOURCES
from ansible_collections.oxzep7.python.plugins.module_utils._preflight import check_interpreter
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters import _registry, uv
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._documentation import (
    document_entries,
    document_source_options,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._registry import (
    choose_from_entries,
    get_controller_source,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._interpreters._source import (
    InterpreterSourceError,
    InterpreterWish,
)


class ShareSource(PathSource):
    """An interpreter on a shared file system."""

    name = "share"
    documentation = r"""
description: V(share) for an interpreter on a shared file system.
options:
  path:
    description: With V(share), path of the interpreter.
    type: path
  mount:
    description: With V(share), path of the share.
    type: path
"""
    options = {"path": {"type": "path"}, "mount": {"type": "path"}}
    entry_required = ("version", "mount")


@pytest.fixture
def share(monkeypatch):
    monkeypatch.setitem(INTERPRETER_SOURCES, "share", ShareSource())
    return INTERPRETER_SOURCES["share"]


def make_wish(minor, patch=None):
    return InterpreterWish(minor, patch, "x86_64", {}, [], lambda _entry, _architecture: [])


def test_a_new_source_is_chosen_with_its_own_options(share):
    entry = {"source": "share", "version": "3.9", "mount": "/mnt", "url": "not an option of it"}
    expected = {"source": "share", "version": "3.9", "mount": "/mnt"}
    assert choose_from_entries([entry], make_wish((3, 9))) == expected
    assert choose_from_entries([entry], make_wish((3, 10))) is None
    assert get_controller_source("share").list_needed_files(entry) == []


def test_a_new_source_is_documented(share):
    entries = document_entries()
    assert "share" in entries["options"]["source"]["choices"]
    assert ["source", "share", ["version", "mount"]] in entries["required_if"]
    options = document_source_options()
    assert options["mount"] == {"description": "With V(share), path of the share.", "type": "path"}
    assert options["path"]["description"][-1] == "With V(share), path of the interpreter."


def test_preflight_checks_a_new_source(share, tmp_path):
    entry = {"source": "share", "version": "3.9", "path": "/nowhere/python3.9"}
    needed, finding = check_interpreter(entry, str(tmp_path), False)
    assert needed is None and finding["key"] == "interpreter-unobtainable"
    assert not share.needs_controller(InterpreterRequest("3.9", entry), str(tmp_path))


def test_a_source_that_does_not_exist_is_refused():
    with pytest.raises(InterpreterSourceError, match="tape is not an interpreter source; use one of archive, "):
        choose_from_entries([{"source": "tape"}], make_wish((3, 9)))


def test_options_in_one_dictionary_are_those_of_a_task():
    entry = {"source": "uv", "version": "3.9", "mirror": None}
    assert flatten_options({"interpreter": entry, "directory": "/d", "path": None}) == {**entry, "directory": "/d"}
    both = {"interpreter": entry, "source": "uv"}
    assert flatten_options(both) == both


class LackingHost:
    """A host without the interpreter; it keeps the options with which an archive is sent."""

    check_mode = False

    def run_module(self, options):
        return {"installed": False, "architecture": "x86_64"}

    def send_archive(self, source, options):
        return {"installed": True, "options": dict(options)}


@pytest.mark.parametrize("chosen", [{}, {"directory": "/srv/interpreters"}])
def test_the_archive_of_uv_is_installed_in_the_directory_of_the_task_or_the_default_one(monkeypatch, chosen):
    monkeypatch.setattr(uv, "find_uv", lambda: "uv")
    monkeypatch.setattr(uv, "fetch_managed_archive", lambda *_arguments: (pathlib.Path("archive"), "0" * 64))
    options = {"source": "uv", "version": "3.11", "cache_dir": "/cache", "offline": False, **chosen}
    sent = get_controller_source("uv").provide_interpreter(options, LackingHost())["options"]
    assert {key: sent[key] for key in sent if key == "directory"} == chosen
    assert (sent["source"], sent["sha256"], sent["origin"]) == ("archive", "0" * 64, "uv: 3.11")


def test_a_source_that_lacks_a_library_is_not_taken_for_one_without_a_part_on_the_controller(share, monkeypatch):
    def import_module(name):
        raise ModuleNotFoundError("No module named 'tomli'", name="tomli")

    monkeypatch.setattr(_registry.importlib, "import_module", import_module)
    with pytest.raises(ModuleNotFoundError, match="tomli"):
        get_controller_source("share")


SECRET_ENTRY = {
    "source": "archive",
    "version": "3.9",
    "url": "https://me:Planted7@h/python.tar.gz?sig=Planted7",
    "sha256": "https://Planted7-token@h/sha256",
}


def test_a_plan_takes_credentials_from_the_options_again():
    planned = redact(SECRET_ENTRY)
    assert "Planted7" not in str(planned) and planned["sha256"] == "https://h/sha256"
    asked = {**planned, "version": "3.9.18", "directory": "/opt"}
    others = [{"source": "uv"}, {"source": "archive", "url": "https://other/python.tar.gz"}]
    restored = _registry.restore_credentials(asked, [*others, SECRET_ENTRY])
    assert restored == {**SECRET_ENTRY, "version": "3.9.18", "directory": "/opt"}
    assert _registry.restore_credentials(asked, others) == asked
    assert _registry.restore_credentials(SECRET_ENTRY, [planned]) == SECRET_ENTRY


@pytest.mark.parametrize("key", ["mirror", "downloads"])
def test_credentials_are_no_words_of_a_command(tmp_path, monkeypatch, key):
    url = f"https://me:Planted7@h/{key}"
    calls = tmp_path / "calls"
    fake = tmp_path / "uv"
    row = '{"implementation": "cpython", "variant": "default", "os": "linux", "libc": "gnu", "arch": "x86_64"'
    row += ', "version": "3.9.18", "key": "k", "url": "https://h/releases/download/x/python.tar.gz"}'
    fake.write_text(
        f"""#!/bin/sh
echo "$@" >>{calls}
env | grep ^UV_PYTHON >>{calls}.env
case "$*" in *" install "*)
    mkdir -p "$UV_PYTHON_CACHE_DIR"
    echo archive >"$UV_PYTHON_CACHE_DIR/python.tar.gz"
    exit 0;;
esac
echo '[{row}]'
"""
    )
    fake.chmod(0o755)
    uv.list_managed_interpreters.cache_clear()
    path, _digest = uv.fetch_managed_archive(tmp_path / "cache", str(fake), "3.9", "x86_64", {key: url})
    assert path.read_text() == "archive\n"
    assert "Planted7" not in calls.read_text() and url in pathlib.Path(f"{calls}.env").read_text()
    kept = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert kept and not any("Planted7" in file.read_text() for file in kept)


def test_the_name_of_a_file_is_that_of_its_url_without_parameters():
    assert get_file_name("https://me:pw@h/a/python.tar.gz?sig=x/y#z") == "python.tar.gz"
    assert get_file_name("/srv/python.tar.gz") == "python.tar.gz" and get_file_name("") == ""


def test_an_archive_is_named_without_credentials():
    source = INTERPRETER_SOURCES["archive"]
    changes = Changes()
    request = InterpreterRequest("3.9.18", {**SECRET_ENTRY, "sha256": "0" * 64})
    source.obtain_interpreter(request, "/nowhere", True, changes)
    told = str(changes.result())
    assert "https://h/python.tar.gz?sig=***" in told and "Planted7" not in told
