# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wheels of a lock come from where it says, whatever else indexes and folders have."""

from __future__ import annotations

import hashlib
import socket

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._lockfile import LockedPackage, format_lock
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import Transport
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._wheels import DownloadError, WheelStore

from .index_server import serve_index, write_wheel


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "served").mkdir()
    return tmp_path / "served"


@pytest.fixture
def served(folder):
    with serve_index(folder) as index:
        yield index


def hash_file(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_store(url, cache, folders=(), offline=False):
    sources = PackageSources((("own", url),), folders, offline)
    transport = Transport(sources, report=lambda text: None, sleep=lambda seconds: None)
    return WheelStore(cache, sources, PackageIndex(sources, cache, transport=transport), transport)


def lock_file_of(wheel, served, source=None, digest=None):
    name, version = wheel.name.split("-")[:2]
    where = served.url.replace("/simple", f"/files/{wheel.name}") if source is None else source
    return LockedPackage(name.replace("_", "-"), version, (digest or hash_file(wheel),), where)


def list_names(cache):
    return sorted(path.name for path in (cache / "wheels").iterdir() if not path.name.endswith(".lock"))


def test_wheels_are_fetched_once_from_where_the_lock_says(folder, served, tmp_path):
    wheel = write_wheel(folder, "a", "1.0", ("b>dev", "c (>=2004d)"))
    write_wheel(folder, "a", "1.0.1")
    lock = tmp_path / "lock.txt"
    lock.write_text(format_lock([lock_file_of(wheel, served)]))
    for _again in range(2):
        (file,) = make_store(served.url, tmp_path / "cache").fetch_lock(lock, "l")
        assert file == {
            "name": wheel.name,
            "size": wheel.stat().st_size,
            "sha256": hash_file(wheel),
            "executable": False,
        }
    assert served.list_paths() == [f"/files/{wheel.name}"]
    assert list_names(tmp_path / "cache") == [wheel.name]
    # What was lost is fetched again.
    (tmp_path / "cache" / "wheels" / wheel.name).write_bytes(b"")
    make_store(served.url, tmp_path / "cache").fetch_lock(lock, "l")
    assert (tmp_path / "cache" / "wheels" / wheel.name).read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize("source", [None, ""])
def test_a_file_that_moved_is_found_by_its_hash(folder, served, tmp_path, source):
    wheel = write_wheel(folder, "a", "1.0")
    place = served.url.replace("/simple", "/gone/a-1.0-py3-none-any.whl") if source is None else source
    package = lock_file_of(wheel, served, place)
    assert make_store(served.url, tmp_path / "cache").fetch(package)[1] == hash_file(wheel)


def test_another_file_in_its_place_is_refused_and_not_kept(folder, served, tmp_path):
    wheel = write_wheel(folder, "a", "1.0")
    package = lock_file_of(wheel, served, digest="0" * 64)
    with pytest.raises(
        DownloadError, match=f"a 1.0 .*has the SHA-256 {hash_file(wheel)}, which the lock does not have"
    ):
        make_store(served.url, tmp_path / "cache").fetch(package)
    assert list_names(tmp_path / "cache") == []


def test_all_wheels_that_lack_are_named_at_once(folder, served, tmp_path):
    wheel = write_wheel(folder, "a", "1.0")
    packages = [lock_file_of(wheel, served, "nowhere-1.0-py3-none-any.whl", digest=letter * 64) for letter in "01"]
    with pytest.raises(DownloadError) as caught:
        make_store(served.url, tmp_path / "cache").fetch_all([packages[0], packages[1]._replace(name="b")])
    assert "no source has the wheel of a 1.0" in str(caught.value) and "wheel of b 1.0" in str(caught.value)


def test_folders_and_what_was_built_are_enough_without_a_network(folder, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
    local = write_wheel(tmp_path / "links", "a", "1.0")
    built = write_wheel(tmp_path / "cache" / "built", "b", "2.0+cpu")
    store = make_store(url, tmp_path / "cache", (str(tmp_path / "links"),), offline=True)
    packages = [LockedPackage(wheel.name[0], "1", (hash_file(wheel),), wheel.name) for wheel in (local, built)]
    assert [path.name for path, _digest in store.fetch_all(packages)] == [local.name, built.name]
    with pytest.raises(DownloadError, match="no source has the wheel of c 1"):
        store.fetch(LockedPackage("c", "1", ("0" * 64,), f"{url}/c-1-py3-none-any.whl"))


def test_a_broken_download_is_repeated(folder, served, tmp_path):
    wheel = write_wheel(folder, "a", "1.0")
    served.failures = [None, (503, {"Retry-After": "1"})]
    assert make_store(served.url, tmp_path / "cache").fetch(lock_file_of(wheel, served))[1] == hash_file(wheel)


def test_a_source_with_a_path_names_a_file_alone(folder, served, tmp_path):
    secret = write_wheel(tmp_path, "a", "1.0")
    package = lock_file_of(secret, served, f"../../{secret.name}")
    with pytest.raises(DownloadError):
        make_store(served.url, tmp_path / "cache", (str(folder),)).fetch(package)
