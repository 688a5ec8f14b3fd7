# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What indexes and folders say of packages, and how their options reach uv."""

from __future__ import annotations

import http.server
import json
import threading
import zipfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._packages._wheel_build import (
    WheelBuildError,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._builder import RequiredWheel, WheelBuilder
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._index import IndexUnavailableError, PackageIndex
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._pages import JSON_TYPE, PackageFile, read_page
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._releases import build_releases, is_python_allowed
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import DEFAULT_SOURCES, PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._transport import Answer, Transport

PLATFORM = "x86_64-manylinux_2_36"
HTML = """<html><body>
<a href="../files/a-1.0.tar.gz#sha256=abc" data-upload-time="2020-02-03T01:02:03Z">a-1.0.tar.gz</a>
<a href="a-1.1-cp39-cp39-manylinux2014_x86_64.whl#sha256=def" data-requires-python="&gt;=3.6,&lt;3.10">x</a>
<a href="a-2.0-py3-none-any.whl" data-yanked="broken">x</a><a href="a-3.0-py3-none-any.whl">x</a>
<a href="a-x.whl">odd</a></body></html>"""


def seen(text, kind, minor):
    found = {}
    for entry in build_releases(read_page(text, kind, "https://h/simple/a/"), minor, PLATFORM):
        found[entry.version] = (entry.wheel, bool(entry.source), entry.excluded, entry.yanked, entry.universal)
    return found


def test_a_page_in_html_tells_wheels_sources_bounds_days_and_what_was_withdrawn():
    assert seen(HTML, "text/html", (3, 9)) == {
        "1.0": (False, True, None, False, False),
        "1.1": (True, False, None, False, False),
        "2.0": (True, False, None, True, True),
        "3.0": (True, False, None, False, True),
    }
    assert seen(HTML, "text/html", (3, 10))["1.1"] == (False, False, ">=3.6,<3.10", False, False)
    first = read_page(HTML, "text/html", "https://h/simple/a/")[0]
    assert (first.location, first.sha256, first.published) == (
        "https://h/simple/files/a-1.0.tar.gz",
        "abc",
        "2020-02-03",
    )


def test_a_page_in_json_tells_the_same():
    text = json.dumps(
        {
            "files": [
                {
                    "filename": "a-1.0.tar.gz",
                    "url": "../../files/a-1.0.tar.gz",
                    "hashes": {"sha256": "abc"},
                    "upload-time": "2020-02-03T01:02:03Z",
                },
                {
                    "filename": "a-1.1-cp39-cp39-manylinux2014_x86_64.whl",
                    "url": "x",
                    "hashes": {},
                    "requires-python": ">=3.6,<3.10",
                    "yanked": False,
                },
            ]
        }
    )
    assert seen(text, JSON_TYPE, (3, 9)) == {
        "1.0": (False, True, None, False, False),
        "1.1": (True, False, None, False, False),
    }


@pytest.mark.parametrize(
    "bound, minor, expected",
    [
        ("", (3, 12), True),
        (">=3.6", (3, 12), True),
        ("<3.10", (3, 10), False),
        ("<3.10", (3, 9), True),
        (">=3.9.2", (3, 9), True),
        ("!=3.9.0", (3, 9), True),
        ("!=3.9.*", (3, 9), False),
        ("<4", (3, 12), True),
        (">=2.7,!=3.0.*,<3.10", (3, 11), False),
        ("nonsense", (3, 9), True),
    ],
)
def test_upper_bounds_count(bound, minor, expected):
    assert is_python_allowed(bound, minor) is expected


def test_credentials_are_no_part_of_options_and_come_from_the_environment(monkeypatch):
    with pytest.raises(ValueError, match="contains credentials.*UV_INDEX_OWN_USERNAME") as caught:
        PackageSources.from_options([{"name": "own", "url": "https://me:secret@h/simple"}], [], False)
    assert "secret" not in str(caught.value)
    for wrong in ("ftp://h/simple", {"name": "a b", "url": "https://h"}, {"name": "x"}):
        with pytest.raises(ValueError, match="oxzep7_indexes"):
            PackageSources.from_options([wrong], [], False)
    sources = PackageSources.from_options([{"name": "own", "url": "https://h/simple"}, "https://i/simple"], [], False)
    assert sources.build_uv_options() == [
        "--index",
        "own=https://h/simple",
        "--default-index",
        "index2=https://i/simple",
    ]
    monkeypatch.setenv("UV_INDEX_OWN_USERNAME", "me")
    monkeypatch.setenv("UV_INDEX_OWN_PASSWORD", "p:w")
    assert sources.find_login("https://h/simple/a/") == ("me", "p:w") and sources.find_login("https://i/simple") is None
    settings = sources.build_uv_environment()
    assert (settings["UV_INDEX_OWN_USERNAME"], settings["UV_INDEX_OWN_PASSWORD"]) == ("me", "p:w")
    assert not [name for name in settings if name.startswith(("PIP_", "UV_INDEX_INDEX2"))]
    assert "p:w" not in repr(sources) and DEFAULT_SOURCES.build_uv_options() == []


def test_without_a_network_only_folders_are_asked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(
            "a-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Python: <3.10\n"
        )
    (tmp_path / "a-1.1.tar.gz").write_bytes(b"")
    sources = PackageSources.from_options([], [str(tmp_path)], True)
    assert sources.build_uv_options() == ["--offline", "--no-index", "--find-links", str(tmp_path)]
    index = PackageIndex(sources, tmp_path / "cache")
    assert [(entry.version, entry.wheel) for entry in index.list_releases("a", (3, 9), PLATFORM)] == [
        ("1.0", True),
        ("1.1", False),
    ]
    assert index.find_release("a", "1.0", (3, 12), PLATFORM).excluded == "<3.10" and index.list_files("b") == []
    assert index.has_version("a", "1.0") and not index.has_version("a", "2.0")
    assert index.has_version("a", "1.0.0") and not index.has_version("a", "unknown")
    with pytest.raises(ValueError, match="no/such/folder is not a directory"):
        PackageSources.from_options([], ["no/such/folder"], True)


def make_transport(sources):
    """A transport that does not wait."""
    return Transport(sources, report=lambda text: None, sleep=lambda seconds: None)


@pytest.fixture
def served():
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            status = {"/simple/a/": 200, "/simple/b/": 404}.get(self.path, 500)
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(HTML.encode() if status == 200 else b"")

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple", asked
    server.shutdown()


def test_pages_are_asked_once_and_kept_without_credentials(served, tmp_path, monkeypatch):
    url, asked = served
    monkeypatch.setenv("UV_INDEX_OWN_USERNAME", "me")
    monkeypatch.setenv("UV_INDEX_OWN_PASSWORD", "topsecret")
    sources = PackageSources.from_options([{"name": "own", "url": url}], [], False)
    for _again in range(2):
        index = PackageIndex(sources, tmp_path)
        index.load(["a", "b"])
        assert len(index.list_files("a")) == 5 and index.list_files("b") == []
    assert sorted(path for path, _authorization in asked) == ["/simple/a/", "/simple/b/"]
    assert all(authorization for _path, authorization in asked)
    kept = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert "topsecret" not in kept and "topsecret" not in " ".join(map(str, tmp_path.rglob("*")))
    with pytest.raises(IndexUnavailableError, match="answers 500") as caught:
        PackageIndex(sources, tmp_path, transport=make_transport(sources)).list_files("c")
    assert "topsecret" not in str(caught.value)


def test_a_private_source_is_asked_with_the_credentials_of_its_index(served, tmp_path, monkeypatch):
    url, asked = served
    monkeypatch.setenv("UV_INDEX_OWN_USERNAME", "me")
    monkeypatch.setenv("UV_INDEX_OWN_PASSWORD", "topsecret")
    sources = PackageSources.from_options(["http://127.0.0.1:9/other", {"name": "own", "url": url}], [], False)
    location = url.replace("/simple", "/files/a-1.0.tar.gz")
    wanted = RequiredWheel("a", "1.0", PackageFile("a-1.0.tar.gz", "", None, False, location, None), (3, 12), PLATFORM)
    with pytest.raises(WheelBuildError, match="is not available: the index .* answers 500") as caught:
        WheelBuilder(tmp_path, "uv", sources, transport=make_transport(sources)).fetch_source(wanted, tmp_path)
    assert "topsecret" not in str(caught.value)
    assert {(path, bool(authorization)) for path, authorization in asked} == {("/files/a-1.0.tar.gz", True)}
    assert (
        sources.find_login("http://127.0.0.1:9/files/a-1.0.tar.gz") is None
        and sources.find_login("https://elsewhere/a-1.0.tar.gz") is None
    )


@pytest.mark.parametrize(
    "installed, expected",
    [
        ("2.0.0+cpu", True),
        ("2.2.0+cpu", True),
        ("2.3.0+cpu", False),
        ("2.0.0+cu118", False),
        ("2.0.0+acme.1", True),
        ("2.0.0+acme.3", True),
        ("2.2.0", False),
        ("2.1.0", True),
    ],
)
def test_a_later_version_of_the_same_variant_is_provided(tmp_path, installed, expected):
    for version in ("2.2.0+cpu", "2.0.0+acme.2", "2.1.0", "2.4.0+other"):
        (tmp_path / f"torch-{version}-py3-none-any.whl").write_bytes(b"")
    if installed == "2.0.0+acme.3":
        (tmp_path / "torch-2.0.1+acme.1-py3-none-any.whl").write_bytes(b"")
    sources = PackageSources.from_options([], [str(tmp_path)], True)
    assert PackageIndex(sources, tmp_path / "cache").has_variant("torch", installed) is expected


def test_a_default_index_with_credentials_is_asked_with_them_and_kept_without(served, tmp_path, monkeypatch):
    url, asked = served
    private = url.replace("://", "://me:topsecret@")
    monkeypatch.setenv("UV_DEFAULT_INDEX", private)
    found = PackageIndex(DEFAULT_SOURCES, tmp_path).list_files("a")
    assert [(path, bool(authorization)) for path, authorization in asked] == [("/simple/a/", True)]
    assert found and all("topsecret" not in entry.location for entry in found)
    kept = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    assert kept and "topsecret" not in kept
    assert DEFAULT_SOURCES.find_login(url + "/a-1.0.tar.gz") == ("me", "topsecret")
    assert DEFAULT_SOURCES.find_login("https://elsewhere/a-1.0.tar.gz") is None
    assert "topsecret" not in " ".join(DEFAULT_SOURCES.build_uv_options())
    assert DEFAULT_SOURCES.build_uv_environment()["UV_INDEX_DEFAULT_PASSWORD"] == "topsecret"


def test_pages_whose_files_have_credentials_are_not_kept(tmp_path, monkeypatch):
    sources = PackageSources.from_options(["http://127.0.0.1:9/simple"], [], False)
    entry = PackageFile("a-1.0.tar.gz", "", None, False, "https://h/a-1.0.tar.gz?X-Amz-Signature=topsecret", None)
    index = PackageIndex(sources, tmp_path)
    page = json.dumps({"files": [{"filename": entry.name, "url": entry.location}]})
    monkeypatch.setattr(index._transport, "read", lambda *_asked: Answer(200, page, {"content-type": JSON_TYPE}))
    assert index.list_files("a") == [entry] and list(tmp_path.rglob("*.json")) == []


def test_an_index_with_a_token_is_refused_as_one_with_a_password_is():
    with pytest.raises(ValueError, match="contains credentials") as caught:
        PackageSources.from_options(["https://h/simple?access_token=topsecret"], [], False)
    assert "topsecret" not in str(caught.value)
