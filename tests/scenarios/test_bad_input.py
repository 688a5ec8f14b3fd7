# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input gets one clear error, and the application is as it was."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from tests.fleet import fleet
from tests.fleet.hosts import run_on_host
from tests.fleet.paths import WORK

SERVER = f"http://{fleet.SUBNET[1]}:{fleet.PORT}"
CLOSED = f"http://{fleet.SUBNET[1]}:9"
SNAPSHOT = """
readlink /srv/ledger/venv || echo directory
find /srv/ledger/venv/ /srv/ledger/venv.generations -maxdepth 2 2>/dev/null | grep -v __pycache__ | sort | sha256sum
ls /opt/oxzep7/interpreters 2>/dev/null || true
cat /var/lib/oxzep7/applications/ledger/state.json 2>/dev/null || true
systemctl show --property=MainPID,NRestarts,ActiveState ledger-web.service ledger-worker.service
curl -fsS http://127.0.0.1:8001/health
"""


def application(**changes):
    return [{**fleet.declare_ledger(), **changes}]


def hostile(name, member):
    """An archive served to hosts whose only content is *member*; returns an interpreter source."""
    path = WORK / "archives" / f"{name}.tar.gz"
    with tarfile.open(path, "w:gz") as stream:
        stream.addfile(member, io.BytesIO(b"x" * member.size))
    return {
        "source": "archive",
        "version": "3.9",
        "url": f"{SERVER}/{path.name}",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def member(name, kind=tarfile.REGTYPE, link="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def archive(**changes):
    return [
        {
            "source": "archive",
            "version": "3.9",
            "url": f"{SERVER}/oxzep7-3.9.18-linux-x86_64.tar.gz",
            "sha256": "0" * 64,
            **changes,
        }
    ]


CASES = {
    "unknown target": (lambda: {"oxzep7_target": "3.99"}, "Python 3.99 is not a released version"),
    "no target": (dict, "oxzep7_target is not set"),
    "target below": (lambda: {"oxzep7_target": "3.7"}, "the target 3.7 is below the current version 3.8"),
    "not an environment": (
        lambda: {"oxzep7_target": "3.9", "oxzep7_applications": application(environment="/srv/ledger/app")},
        "/srv/ledger/app has no pyvenv.cfg (not-an-environment)",
    ),
    "no such environment": (
        lambda: {"oxzep7_target": "3.9", "oxzep7_applications": application(environment="/srv/nowhere")},
        "/srv/nowhere does not exist (environment-not-found)",
    ),
    "missing service": (
        lambda: {"oxzep7_target": "3.9", "oxzep7_applications": application(services=[{"name": "no-such.service"}])},
        "no such service on this host: no-such.service (service-not-found)",
    ),
    "unknown option": (lambda: {"oxzep7_target": "3.9", "oxzep7_applications": application(surprise=1)}, "surprise"),
    "no source": (
        lambda: {"oxzep7_target": "3.9", "oxzep7_interpreters": []},
        "no source for Python 3.9 (interpreter-source-missing); add an entry",
    ),
    "wrong sha256": (
        lambda: {"oxzep7_target": "3.9", "oxzep7_interpreters": archive()},
        f"but {'0' * 64} was expected; it was not unpacked",
    ),
    "unreachable URL": (
        lambda: {"oxzep7_target": "3.9", "oxzep7_interpreters": archive(url=f"{CLOSED}/x.tar.gz")},
        f"{CLOSED}/x.tar.gz cannot be downloaded from this host",
    ),
    "absent archive": (
        lambda: {"oxzep7_target": "3.9", "oxzep7_interpreters": archive(url=f"{SERVER}/none")},
        "HTTP Error 404",
    ),
    "traversal": (
        lambda: {"oxzep7_target": "3.9", "oxzep7_interpreters": [hostile("traversal", member("../evil", size=1))]},
        "was refused: member '../evil' leads outside with '..'",
    ),
    "absolute symlink": (
        lambda: {
            "oxzep7_target": "3.9",
            "oxzep7_interpreters": [hostile("link", member("python", tarfile.SYMTYPE, "/etc"))],
        },
        "links to '/etc', outside the archive",
    ),
}


# Check mode downloads nothing, so it cannot know of these.
DOWNLOADS = {"wrong sha256", "traversal", "absolute symlink"}


@pytest.mark.parametrize(
    "case, check",
    [(case, check) for case in sorted(CASES) for check in (False, True) if not (check and case in DOWNLOADS)],
)
def test_bad_input(hosts, controller, case, check):
    variables, expected = CASES[case]
    before = run_on_host("host1", SNAPSHOT)
    words = ["--limit", "host1", *(["--check"] if check else [])]
    done = controller("upgrade", *words, warnings={"blocked: host1: ledger: ": "the bad input"}, **variables())
    assert done.returncode != 0 and expected in done.stdout + done.stderr, done.stdout[-3000:] + done.stderr[-3000:]
    assert run_on_host("host1", SNAPSHOT) == before
    assert (
        run_on_host("host1", "find /opt/oxzep7 /opt/evil /evil -name '.incoming*' -o -name evil 2>/dev/null || true")
        == ""
    )


def test_full_disk_while_building(hosts, controller):
    before = run_on_host("host1", SNAPSHOT)
    run_on_host("host1", "rm -rf /var/lib/oxzep7 /opt/oxzep7")
    run_on_host(
        "host1",
        "mkdir /srv/ledger/venv.generations && mount -t tmpfs -o size=8m,mode=755 tmpfs /srv/ledger/venv.generations"
        " && "
        "chown ledger: /srv/ledger/venv.generations",
    )
    try:
        looked = controller("upgrade", "--limit", "host1", oxzep7_target="3.9", oxzep7_blocked="stop")
        assert (
            looked.returncode == 2
            and "/srv/ledger/venv.generations has 8 MiB free" in looked.stdout
            and "disk-space-short" in looked.stdout
        )
        assert (
            run_on_host("host1", "ls /var/lib/oxzep7") == "locks\nplan.json\nscans.json\n"
            and run_on_host("host1", "ls /opt/oxzep7 2>/dev/null || true") == ""
        )
        done = controller(
            "upgrade",
            "--limit",
            "host1",
            oxzep7_target="3.9",
            oxzep7_stability_window=0,
            oxzep7_known_findings=["disk-space-short", "generations-elsewhere"],
        )
        assert done.returncode == 2 and "No space left on device" in done.stdout, done.stdout[-3000:]
        assert "generation 1-py3.9 of ledger was not built" in done.stdout
        assert run_on_host("host1", "ls -A /srv/ledger/venv.generations") == ""
    finally:
        run_on_host(
            "host1",
            "umount /srv/ledger/venv.generations && rmdir /srv/ledger/venv.generations"
            " && rm -rf /var/lib/oxzep7 /opt/oxzep7/interpreters",
        )
    assert run_on_host("host1", SNAPSHOT) == before


def test_postgresql_variant_is_upgraded_in_at_most_six_round_trips_a_step(hosts, controller):
    done = controller("upgrade", "--limit", "host2", "-vvv", oxzep7_target="3.10", oxzep7_stability_window=0)
    assert done.returncode == 0, done.stdout[-3000:]
    assert '"python": "3.10.13"' in run_on_host("host2", "curl -fsS http://127.0.0.1:8001/health")
    executions = done.stdout.partition("PLAY [Upgrade in waves]")[2].count("Using module file")
    assert 2 * 1 <= executions <= 2 * 6
    again = controller("upgrade", "--limit", "host2", oxzep7_target="3.10")
    assert again.returncode == 0 and "changed=0" in again.stdout


def test_ansible_interpreter_inside_the_environment(hosts, controller):
    before = run_on_host("host2", SNAPSHOT)
    done = controller(
        "upgrade",
        "--limit",
        "host2",
        warnings={"blocked: host2: ledger: ": "the bad input"},
        oxzep7_target="3.11",
        ansible_python_interpreter="/srv/ledger/venv/bin/python",
    )
    assert done.returncode != 0 and "(ansible-interpreter-inside)" in done.stdout + done.stderr, done.stdout[-3000:]
    assert run_on_host("host2", SNAPSHOT) == before
