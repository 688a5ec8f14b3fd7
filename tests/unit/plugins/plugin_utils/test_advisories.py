# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Advisories: OSV records matched with versions."""

from __future__ import annotations

import json
import zipfile

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import (
    Advisories,
    AdvisoriesError,
    load_advisories,
)
from hypothesis import assume, given
from hypothesis import strategies as st


def record(identifier="PYSEC-1", package="Django", events=(), versions=(), kind="ECOSYSTEM", ecosystem="PyPI", **more):
    return {
        "id": identifier,
        "modified": "2026-01-02T03:04:05Z",
        "summary": "a hole",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": package},
                "ranges": [{"type": kind, "events": list(events)}],
                "versions": list(versions),
            }
        ],
        **more,
    }


def advisories(*records):
    found = Advisories()
    for one in records:
        found.add(one)
    return found


@pytest.mark.parametrize(
    "events, hit, missed",
    [
        ([{"introduced": "0"}, {"fixed": "3.1.7"}], ["0.9", "3.1.6", "3.1.7rc1"], ["3.1.7", "4.0"]),
        ([{"introduced": "3.0"}, {"last_affected": "3.1.6"}], ["3.0", "3.1.6"], ["2.9", "3.1.7"]),
        (
            [{"fixed": "2.5"}, {"introduced": "2.0"}, {"introduced": "3.0"}, {"fixed": "3.5"}],
            ["2.0", "2.4", "3.0", "3.4"],
            ["1.9", "2.5", "2.9", "3.5"],
        ),
        ([{"introduced": "1.0"}], ["1.0", "99"], ["0.9"]),
    ],
)
def test_ranges(events, hit, missed):
    found = advisories(record(events=events))
    assert [version for version in hit + missed if found.find_for_package("django", version)] == hit


def test_listed_versions_compare_as_pep_440():
    found = advisories(record(versions=["1.0", "2.0.0"]))
    assert (
        found.find_for_package("Django", "1.0")
        and found.find_for_package("django", "2.0.0")
        and not found.find_for_package("django", "1.1")
    )


def test_an_answer_has_what_a_report_needs():
    found = advisories(
        record(
            events=[{"introduced": "0"}, {"fixed": "3.1.7"}, {"introduced": "3.2"}, {"fixed": "3.2.1"}],
            aliases=["CVE-2021-1"],
            database_specific={"severity": "HIGH"},
        )
    )
    assert found.find_for_package("django", "3.1.6") == [
        {"id": "PYSEC-1", "aliases": ["CVE-2021-1"], "summary": "a hole", "severity": "high", "fixed": "3.1.7"}
    ]
    assert (found.date, found.count, found.has_packages, found.has_interpreters) == ("2026-01-02", 1, True, False)


def test_withdrawn_records_git_ranges_and_odd_versions_say_nothing():
    found = advisories(
        record(events=[{"introduced": "0"}], withdrawn="2026-01-03T00:00:00Z"),
        record("PYSEC-2", events=[{"introduced": "0"}], kind="GIT"),
    )
    assert found.find_for_package("django", "1.0") == []
    assert advisories(record(events=[{"introduced": "0"}])).find_for_package("django", "not a version") == []
    assert advisories(record(events=[{"introduced": "0"}])).find_for_package("django", None) == []


def test_interpreters_have_their_own_records():
    found = advisories(
        record("BIT-1", "python", [{"introduced": "3.8.0"}, {"fixed": "3.8.20"}], ecosystem="Bitnami", kind="SEMVER")
    )
    assert [entry["id"] for entry in found.find_for_interpreter("3.8.18")] == ["BIT-1"] and found.find_for_interpreter(
        "3.8.20"
    ) == []
    assert found.find_for_package("python", "3.8.18") == [] and not found.has_packages


def test_names_are_normalized():
    assert advisories(record(package="Foo.Bar_baz", events=[{"introduced": "0"}])).find_for_package("foo-bar-baz", "1")


@given(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
)
def test_a_range_is_half_open(first, second, version):
    assume(first != second)
    first, second = sorted((first, second))
    text = ".".join(map(str, version))
    found = advisories(
        record(events=[{"introduced": ".".join(map(str, first))}, {"fixed": ".".join(map(str, second))}])
    )
    assert bool(found.find_for_package("django", text)) == (first <= version < second)


def test_folders_and_zips(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x.json").write_text(json.dumps(record(events=[{"introduced": "0"}])))
    with zipfile.ZipFile(tmp_path / "a" / "all.zip", "w") as archive:
        archive.writestr("PYSEC-2.json", json.dumps(record("PYSEC-2", events=[{"introduced": "0"}])))
    assert [entry["id"] for entry in load_advisories(tmp_path / "a").find_for_package("django", "1")] == [
        "PYSEC-1",
        "PYSEC-2",
    ]
    assert [entry["id"] for entry in load_advisories(tmp_path / "a" / "all.zip").find_for_package("django", "1")] == [
        "PYSEC-2"
    ]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("x.json", b"{", "is no OSV record"),
        ("x.json", b"[]", "is no OSV record"),
        ("x.json", b'{"affected": [{"package": {}}]}', "is no OSV record"),
        ("x.zip", b"no zip", "cannot be read"),
        ("readme", b"", "holds no OSV record"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AdvisoriesError, match=message):
        load_advisories(tmp_path)


def test_an_absent_path_is_named(tmp_path):
    with pytest.raises(AdvisoriesError, match="cannot be read"):
        load_advisories(tmp_path / "nowhere")
