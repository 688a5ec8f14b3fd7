# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The zoo is found, every case of it; its clean twin has nothing; hostile plants are met and nothing happens."""

from __future__ import annotations

import json
import tarfile

import pytest

from tests.fleet import archives, fleet
from tests.fleet.hosts import copy_to_host, run_on_host, write_file
from tests.fleet.paths import ROOT
from tests.scenarios.conftest import PlaybookController
from tests.zoo import plant
from tests.zoo.found import FOUND

PACKAGES = (
    "anacron",
    "at",
    "attr",
    "git",
    "libapache2-mod-wsgi-py3",
    "libcap2-bin",
    "patchelf",
    "pypy3",
    "python3-venv",
    "rpm",
    "strace",
    "supervisor",
    "uwsgi-plugin-python3",
)
ADVISORIES = {
    "id": "ZOO-1",
    "modified": "2026-01-01T00:00:00Z",
    "summary": "for the zoo",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Django"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "3.0"}, {"fixed": "3.1.7"}]}],
        }
    ],
}


def supply(host, folder):
    """Unpack the interpreters that cases are made from, and bring the program that plants them."""
    run_on_host(host, "mkdir -p /root/zoo")
    for minor in ("3.8", "3.13"):
        with tarfile.open(archives.pack_interpreter(minor)) as archive:
            top = archive.getnames()[0]
        copy_to_host(archives.pack_interpreter(minor), host, "/root/zoo/python.tar.gz")
        run_on_host(host, f"cd /root/zoo && tar -xzf python.tar.gz && mv {top} {minor} && rm python.tar.gz")
    copy_to_host(ROOT / "tests" / "zoo" / "plant.py", host, "/root/zoo/plant.py")
    run_on_host(host, "rm -rf /root/zoo/3.13/lib/python3.13/site-packages/oxzep7_vendor")


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """The zoo and its twin, audited as an operator would; gives the controller's folder."""
    fleet.start_fleet([f"debian12+{','.join(PACKAGES)}"] * 2)
    folder = tmp_path_factory.mktemp("zoo")
    (folder / "advisories").mkdir()
    (folder / "advisories" / "ZOO-1.json").write_text(json.dumps(ADVISORIES))
    for host, what in (("host1", "zoo"), ("host2", "twin")):
        supply(host, folder)
        run_on_host(host, f"python3 /root/zoo/plant.py {what}")
        run_on_host(host, "mv /root/zoo /tmp/zoo-supplies")
    done = PlaybookController(folder)("audit", oxzep7_advisories="advisories")
    assert done.returncode == 0, done.stdout[-3000:]
    yield folder
    fleet.stop_fleet()


def inventory(folder, host):
    return json.loads((folder / "oxzep7" / "report" / "hosts" / f"{host}.json").read_text(encoding="utf-8"))


def fleet_of(folder):
    return json.loads((folder / "oxzep7" / "report" / "fleet.json").read_text(encoding="utf-8"))


def test_every_planted_case_has_a_question():
    assert [case.name for case in plant.CASES] == list(FOUND) and len(FOUND) >= 40


def test_every_case_is_found(audited):
    zoo = inventory(audited, "host1")
    missed = [name for name, question in FOUND.items() if not question(zoo)]
    print(
        f"found {len(FOUND) - len(missed)} of {len(FOUND)}:\n" + "\n".join(name for name in FOUND if name not in missed)
    )
    assert missed == []


def test_the_twin_has_none_of_them(audited):
    twin = inventory(audited, "host2")
    assert [name for name, question in FOUND.items() if question(twin)] == []
    assert [entry["path"] for entry in twin["environments"] if entry["kind"] != "prefix"] == ["/srv/clean/venv"]
    findings = fleet_of(audited)["hosts"]["host2"]["findings"]
    assert [(entry["key"], entry["where"], entry["detail"]) for entry in findings if entry["severity"] != "info"] == []


def test_no_secret_is_kept(audited):
    text = (audited / "oxzep7" / "report" / "hosts" / "host1.json").read_text(encoding="utf-8")
    assert "hunter2" not in text and "someone:secret" not in text


def test_findings_name_what_matters(audited):
    keys = {entry["key"] for entry in fleet_of(audited)["hosts"]["host1"]["findings"]}
    assert {
        "end-of-life",
        "file-capabilities",
        "executable-stack",
        "library-unresolved",
        "environment-dangling",
        "environment-moved",
        "code-at-startup",
        "unmanaged-files",
        "modified-files",
        "missing-files",
        "package-not-from-index",
        "package-advisory",
        "deleted-files-mapped",
        "embedded-interpreter",
        "long-shebang",
    } <= keys
    hits = []
    for environment in fleet_of(audited)["hosts"]["host1"]["environments"]:
        hits += environment["advisories"]
    (hit,) = hits
    assert (hit["id"], hit["package"], hit["fixed"]) == ("ZOO-1", "django", "3.1.7")


def test_the_host_keeps_its_inventory(audited):
    kept = json.loads(run_on_host("host1", "zcat /var/lib/oxzep7/host.json.gz"))
    assert kept["taken"] == inventory(audited, "host1")["taken"]
    assert run_on_host("host1", "stat -c '%a %U' /var/lib/oxzep7/host.json.gz /var/lib/oxzep7").split() == [
        "600",
        "root",
        "700",
        "root",
    ]


TRACED = """#!/bin/sh
exec strace -f -qq -y -e trace=open,openat,openat2,execve,execveat -o /var/tmp/trace.$$ /usr/bin/python3 "$@"
"""
# rpm's own macros start a shell.
ALLOWED = ("/usr/bin/dpkg-query", "/usr/bin/rpm", "/usr/bin/python3", "/bin/sh", "/usr/bin/bash")


@pytest.fixture(scope="module")
def hostile(audited):
    """The hostile plants on the zoo host; the traces of several audits of them, and what they found."""
    copy_to_host(ROOT / "tests" / "zoo" / "hostile.py", "host1", "/tmp/hostile.py")
    run_on_host("host1", "python3 /tmp/hostile.py")
    write_file("host1", "/usr/local/sbin/traced", TRACED, "755")
    for _round in range(4):
        done = PlaybookController(audited)(
            "audit",
            "--limit",
            "host1",
            oxzep7_roots=["/srv/hostile"],
            oxzep7_homes=False,
            oxzep7_report_dir="hostile",
            ansible_python_interpreter="/usr/local/sbin/traced",
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    yield (
        json.loads((audited / "hostile" / "hosts" / "host1.json").read_text(encoding="utf-8")),
        run_on_host("host1", "cat /var/tmp/trace.*"),
    )
    run_on_host("host1", "pkill -f '[s]wapped'")


def test_nothing_that_was_planted_is_run(hostile):
    _found, trace = hostile
    assert run_on_host("host1", "ls /tmp/executed 2>/dev/null || true") == ""
    assert not [line for line in trace.splitlines() if "execve" in line and ("/srv/" in line or "/outside" in line)]
    executed = [line for line in trace.splitlines() if "execve" in line and line.endswith("= 0")]
    started = {line.partition('("')[2].partition('"')[0] for line in executed}
    assert "/usr/bin/dpkg-query" in started and not [path for path in started if not path.startswith(ALLOWED)], started


def test_nothing_outside_the_roots_is_read(hostile):
    found, trace = hostile
    opened = [line for line in trace.splitlines() if "</outside" in line.rpartition("=")[2]]
    assert opened == [] and "</srv/hostile" in trace
    assert "outside-secret" not in json.dumps(found)
    assert not [entry for entry in found["environments"] if entry["path"].startswith("/outside")]


def test_what_is_odd_is_named_and_the_rest_is_found(hostile):
    found, _trace = hostile
    paths = [entry["path"] for entry in found["environments"]]
    assert "/srv/hostile/new\nline \\xff\\xfe" in paths and "/srv/hostile/odd" in paths and "/srv/hostile/runs" in paths
    odd = next(entry for entry in found["environments"] if entry["path"] == "/srv/hostile/odd")
    assert ("sparse", "1.0") in {(entry["name"], entry["version"]) for entry in odd["packages"]}
    reasons = {entry["path"]: entry["reason"] for entry in found["not_seen"]}
    site = "/srv/hostile/odd/lib/python3.9/site-packages"
    assert (
        reasons[f"{site}/fifo_metadata-1.0.dist-info"]
        == reasons[f"{site}/zero_metadata-1.0.dist-info"]
        == "not a regular file"
    )
    assert (
        reasons[f"{site}/zero.so"]
        == reasons[f"{site}/fifo.so"]
        == reasons["/srv/hostile/odd/bin/fifo"]
        == "not a regular file"
    )
    deep = [reason for path, reason in reasons.items() if path.startswith("/srv/hostile/deep/")]
    assert any("directories deep" in reason for reason in deep)
    assert not [entry for entry in found["interpreters"] if entry["path"].startswith("/srv/hostile")]
