# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small pure parts of the controller's side."""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import threading

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._files import make_file_name, write_private
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages import _resolver, _wheels
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._metadata import WheelMetadata
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._platforms import list_platform_tags
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._resolver import (
    ResolutionError,
    ResolutionRequest,
    Resolver,
    find_uv_platform,
)
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._sources import PackageSources
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _drills

from .index_server import write_wheel


@pytest.mark.parametrize(
    "version, expected",
    [
        ("2.17", "x86_64-manylinux_2_17"),
        ("2.19", "x86_64-manylinux_2_17"),
        ("2.31", "x86_64-manylinux_2_31"),
        ("2.36", "x86_64-manylinux_2_36"),
        ("2.41", "x86_64-manylinux_2_40"),
        ("2.99", "x86_64-manylinux_2_40"),
    ],
)
def test_the_platform_is_the_nearest_that_uv_knows(version, expected):
    assert find_uv_platform("x86_64", {"name": "glibc", "version": version}) == expected


@pytest.mark.parametrize(
    "libc", [{"name": "musl", "version": None}, {"name": "glibc", "version": "2.12"}, {"name": None, "version": None}]
)
def test_other_libraries_are_refused(libc):
    with pytest.raises(ResolutionError, match="glibc 2.17"):
        find_uv_platform("x86_64", libc)


def test_wheel_tags_contain_every_older_glibc_and_the_legacy_names():
    tags = list_platform_tags("x86_64", "2.18")
    assert tags[0] == "manylinux_2_18_x86_64" and tags[-1] == "linux_x86_64"
    assert {"manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "manylinux_2_5_x86_64"} < set(tags)
    assert "manylinux_2_19_x86_64" not in tags


def test_the_explanation_is_uvs_own_words_on_one_line():
    text = (
        "  × No solution found when resolving dependencies:\n"
        "  ╰─▶ Because nothing has usable wheels\n      your requirements are unsatisfiable.\n"
    )
    assert _resolver.extract_uv_message(text) == (
        "No solution found when resolving dependencies: Because nothing has usable wheels "
        "your requirements are unsatisfiable."
    )


FAKE = r"""#!/bin/sh
echo "$@" >> {log}
sleep 0.2
for word in "$@"; do last=$word; done
sed 's/\(.*\)>=\(.*\)/[[packages]]\nname = "\1"\nversion = "\2"\n'\
'wheels = [{{path = "\1-\2-py3-none-any.whl", hashes = {{sha256 = "{digest}"}}}}]/' "$last"
"""


@pytest.fixture
def fake_uv(tmp_path):
    script = tmp_path / "uv"
    script.write_text(FAKE.format(log=tmp_path / "log", digest="0" * 64))
    script.chmod(0o755)
    return script


@pytest.fixture
def sources(tmp_path):
    """A folder with the wheels of the questions, and no network."""
    for name in ("six", "attrs"):
        write_wheel(tmp_path / "links", name, "1.0")
    return PackageSources((), (str(tmp_path / "links"),), offline=True)


class KnownMetadata:
    """A store of wheels that require nothing."""

    def read_metadata(self, package):
        return WheelMetadata()


def question(name="six", minor=(3, 9)):
    return ResolutionRequest((f"{name}>=1.0",), minor, "x86_64-manylinux_2_36", ())


def test_equal_questions_are_asked_once_even_at_the_same_time(tmp_path, fake_uv, sources):
    resolver = Resolver(tmp_path / "cache", str(fake_uv), sources, KnownMetadata())
    start = threading.Barrier(8)

    def ask(index):
        start.wait()
        return resolver.lock(question("six" if index % 2 else "attrs")).pins

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert answers == [{"attrs": "1.0"}, {"six": "1.0"}] * 4
    assert resolver.calls == 2
    again = Resolver(tmp_path / "cache", "/no/such/uv", sources, KnownMetadata())
    assert again.lock(question()).pins == {"six": "1.0"} and again.calls == 0


def test_a_failed_question_is_explained_and_not_cached(tmp_path):
    script = tmp_path / "uv"
    script.write_text("#!/bin/sh\necho 'error: no index' >&2\nexit 2\n")
    script.chmod(0o755)
    with pytest.raises(ResolutionError, match="error: no index"):
        Resolver(tmp_path / "cache", str(script)).lock(question())
    assert not list((tmp_path / "cache" / "resolutions").glob("*"))


def test_host_data_are_private(tmp_path):
    write_private(tmp_path / "a" / "b.json", "{}")
    assert (tmp_path / "a" / "b.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in pathlib.Path(tmp_path, "a").iterdir()] == ["b.json"]


def test_a_program_is_read_once_while_it_stays_the_same(tmp_path, monkeypatch):
    program, cache = tmp_path / "uv", tmp_path / "cache"
    program.write_bytes(b"one")
    first = _wheels.describe_program(cache, program, "uv")
    assert first["name"] == f"uv-{first['sha256'][:12]}" and first["size"] == 3 and first["executable"]
    read = []
    monkeypatch.setattr(_wheels, "compute_sha256", lambda path: read.append(path) or "f" * 64)
    assert _wheels.describe_program(cache, program, "uv") == first and not read
    program.write_bytes(b"another")
    assert _wheels.describe_program(cache, program, "uv")["sha256"] == "f" * 64 and read == [str(program)]


def test_known_wheels_are_those_that_are_still_there(tmp_path):
    assert _wheels.read_known_files(tmp_path, "l") is None
    write_private(tmp_path / "locks" / "l.json", json.dumps([{"name": "a.whl", "size": 1, "sha256": "0"}]))
    assert _wheels.read_known_files(tmp_path, "l") is None
    write_private(tmp_path / "wheels" / "a.whl", "x")
    assert _wheels.read_known_files(tmp_path, "l") == [{"name": "a.whl", "size": 1, "sha256": "0"}]
    write_private(tmp_path / "wheels" / "a.whl", "xy")
    assert _wheels.read_known_files(tmp_path, "l") is None


def test_drills_that_did_not_pass():
    good = {"drill_application": "x", "passed": True, "recovery_seconds": 2.5}
    bad = {"drill_application": "x", "failed": True, "problems": ["sick"]}
    failed = []
    for one in (good, bad):
        results = _drills.collect_drill_results({"a": {"drill_results": {"results": [one]}}}, ["a"])
        failed.append(_drills.list_failed_drills(results))
    assert failed == [{}, {"a": "x: failed: sick"}]
    drilled = _drills.collect_drill_results({"c": {}}, ["c"])
    assert _drills.list_failed_drills(drilled) == {
        "c": "it: unknown: nothing was drilled"
    } and "- problem: nothing was drilled" in _drills.format_drill_page("r", drilled)


@pytest.mark.parametrize(
    "host, expected",
    [
        ("web-1.example.org", "web-1.example.org"),
        ("a/b", "a_b"),
        ("../x", "_._x"),
        ("..", "_."),
        ("-x", "_x"),
        ("a b\n", "a_b_"),
        ("", "_"),
    ],
)
def test_the_name_of_a_host_is_one_component_of_a_path(host, expected):
    assert make_file_name(host) == expected
