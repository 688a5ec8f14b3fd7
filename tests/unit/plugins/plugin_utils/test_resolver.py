# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What uv resolves from an index on this machine, and what becomes of its answers."""

from __future__ import annotations

import hashlib
import json
import os
import time

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    ResolutionError,
    ResolutionRequest,
    ResolvedLock,
    find_uv,
    parse_uv_lock,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import IndexUnavailableError

from .index_server import PLATFORM, Controller, serve_index, write_wheel


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "served"


@pytest.fixture
def served(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    folder.mkdir()
    with serve_index(folder) as index:
        yield index


def hash_file(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_lock_has_one_file_for_each_package_and_who_requires_it_by_metadata(folder, served, tmp_path):
    write_wheel(folder, "web", "1.0", ("sockets>=10 ; python_version < '4'", "gone ; python_version < '3.9'"))
    for tag in ("cp36-abi3-manylinux2010_x86_64", "cp311-cp311-manylinux2014_x86_64"):
        wheel = write_wheel(folder, "sockets", "10.1", tag=tag)
    write_wheel(folder, "sockets", "10.1", tag="cp311-cp311-manylinux2014_aarch64")
    write_wheel(folder, "sockets", "10.1", tag="cp311-cp311-musllinux_1_1_x86_64")
    found = Controller(served.url, tmp_path / "cache").lock(
        "sockets>=10.1", "web>=1.0", constraints=("sockets!=9.0", "web<2")
    )
    assert found.requirers == {"sockets": {"web"}, "web": frozenset()}
    assert found.packages["sockets"].hashes == (hash_file(wheel),)
    assert found.packages["sockets"].source == served.url.replace("/simple", f"/files/{wheel.name}")
    assert ResolvedLock.parse(found.text) == found


@pytest.mark.parametrize("hashes, metadata", [(True, True), (True, False), (False, False)])
def test_an_index_may_lack_hashes_and_metadata(folder, served, tmp_path, hashes, metadata):
    served.hashes, served.metadata = hashes, metadata
    write_wheel(folder, "a", "1.0", ("b[x]",))
    write_wheel(folder, "b", "2.0", ("c ; extra == 'x'",))
    wheel = write_wheel(folder, "c", "3.0")
    controller = Controller(served.url, tmp_path / "cache")
    found = controller.lock("a>=1.0")
    assert found.requirers == {"a": frozenset(), "b": {"a"}, "c": {"b"}}
    assert controller.store.fetch(found.packages["c"]) == (tmp_path / "cache" / "wheels" / wheel.name, hash_file(wheel))
    assert list((tmp_path / "cache" / "wheels").glob("*.whl")) != [] or metadata


def test_a_wheel_of_a_folder_is_known_by_its_name(served, folder, tmp_path):
    wheel = write_wheel(tmp_path / "links", "b", "2.2.0+cpu")
    write_wheel(folder, "b", "2.2.0")
    found = Controller(served.url, tmp_path / "cache", (str(tmp_path / "links"),)).lock("b==2.2.0+cpu")
    assert (found.pins, found.packages["b"].source) == ({"b": "2.2.0+cpu"}, wheel.name)


def test_a_wheel_that_was_built_stands_for_its_package_whatever_the_index_has(served, folder, tmp_path):
    write_wheel(folder, "a", "1.0", text="OTHER = 1\n")
    built = write_wheel(tmp_path / "cache" / "built", "a", "1.0")
    controller = Controller(served.url, tmp_path / "cache")
    found = controller.lock("a>=1.0", built=((built.name, hash_file(built)),))
    assert (found.packages["a"].hashes, found.packages["a"].source) == ((hash_file(built),), built.name)
    assert controller.store.fetch(found.packages["a"])[0].read_bytes() == built.read_bytes()


@pytest.mark.parametrize("failure", [(429, {"Retry-After": "7"}), (503, {}), (500, {}), None])
def test_a_failure_that_passes_is_waited_for_and_told(folder, served, tmp_path, failure):
    write_wheel(folder, "a", "1.0")
    controller = Controller(served.url, tmp_path / "cache")
    served.failures = [failure, failure]
    controller.store._index.load(["a"])
    assert len(controller.waits) == 2 and all(wait > 0 for wait in controller.waits)
    assert all("/simple/a/" in text and "trying again in" in text for text in controller.told)
    if failure and failure[1]:
        assert controller.waits == [7.0, 7.0] and "answers 429" in controller.told[0]
    assert controller.lock("a>=1.0").pins == {"a": "1.0"}


FLAKY = """#!/bin/sh
if [ -e {marker} ]; then exec {uv} "$@"; fi
touch {marker}
echo 'error: Request failed after 3 retries' >&2
echo '  Caused by: Failed to fetch: `{url}/a/`' >&2
echo '  Caused by: dns error: failed to lookup address information: Temporary failure in name resolution' >&2
exit 2
"""


def test_uv_is_run_again_when_a_name_was_not_resolved_for_a_moment(folder, served, tmp_path):
    write_wheel(folder, "a", "1.0")
    script = tmp_path / "uv"
    script.write_text(FLAKY.format(marker=tmp_path / "marker", uv=find_uv(), url=served.url))
    script.chmod(0o755)
    controller = Controller(served.url, tmp_path / "cache")
    controller.resolver._uv = str(script)
    assert controller.lock("a>=1.0").pins == {"a": "1.0"}
    assert len(controller.waits) == 1 and "Temporary failure in name resolution" in controller.told[0]


def test_an_index_that_stays_away_is_no_conflict(folder, served, tmp_path, monkeypatch):
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    write_wheel(folder, "a", "1.0")
    controller = Controller(served.url, tmp_path / "cache")
    served.failures = [(503, {})] * 1000
    with pytest.raises(IndexUnavailableError, match="503"):
        controller.lock("a>=1.0")
    assert len(controller.waits) == 5


def test_a_conflict_is_told_at_once(folder, served, tmp_path):
    write_wheel(folder, "a", "1.0", ("b<1",))
    write_wheel(folder, "b", "1.0")
    controller = Controller(served.url, tmp_path / "cache")
    with pytest.raises(ResolutionError, match="of a depend on b<1"):
        controller.lock("a>=1.0", "b>=1.0")
    assert controller.waits == []


def test_an_answer_is_kept_until_it_is_old_or_an_index_lists_something_else(folder, served, tmp_path):
    def ask():
        controller = Controller(served.url, tmp_path / "cache")
        return controller.lock("a>=1.0").pins, controller.resolver.calls

    served.headers = {"Cache-Control": "max-age=0"}
    write_wheel(folder, "a", "1.0", ("b",))
    write_wheel(folder, "b", "1.0")
    assert ask() == ({"a": "1.0", "b": "1.0"}, 1)
    assert ask() == ({"a": "1.0", "b": "1.0"}, 0)
    write_wheel(folder, "b", "2.0")
    assert ask() == ({"a": "1.0", "b": "2.0"}, 1)
    assert ask() == ({"a": "1.0", "b": "2.0"}, 0)
    (kept,) = (path for path in (tmp_path / "cache" / "resolutions").glob("*.json"))
    record = json.loads(kept.read_text())
    kept.write_text(json.dumps({**record, "resolved": time.time() - 8 * 86400}))
    assert ask() == ({"a": "1.0", "b": "2.0"}, 1)
    kept.write_text("damaged")
    assert ask() == ({"a": "1.0", "b": "2.0"}, 1)


def test_settings_of_pip_and_uv_for_other_work_do_not_count(folder, served, tmp_path, monkeypatch):
    write_wheel(folder, "a", "1.0")
    wheel = write_wheel(tmp_path / "elsewhere", "a", "1.0.1")
    home = tmp_path / "home"
    for path, text in {
        "uv/uv.toml": f'find-links = ["{wheel.parent}"]\nno-index = true\n',
        "pip/pip.conf": f"[global]\nno-index = true\nfind-links = {wheel.parent}\n",
    }.items():
        (home / path).parent.mkdir(parents=True)
        (home / path).write_text(text)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    for variable in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(variable, str(wheel.parent))
    for name, value in {"UV_NO_INDEX": "1", "PIP_NO_INDEX": "1", "UV_EXCLUDE_NEWER": "2001-01-01"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("UV_RESOLUTION", "highest")
    controller = Controller(served.url, tmp_path / "cache")
    assert controller.lock("a>=1.0").pins == {"a": "1.0"}
    assert "UV_FIND_LINKS" in os.environ


def test_what_uv_says_in_a_way_of_its_own_is_refused():
    question = ResolutionRequest(("a>=1",), (3, 11), PLATFORM, ())
    for text in ("", "packages = 3", '[[packages]]\nversion = "1"', '[[packages]]\nname = "a"\nversion = "1"', "{"):
        with pytest.raises(ResolutionError):
            parse_uv_lock(text, question)
