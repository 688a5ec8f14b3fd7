# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet report: findings, merging, and its forms."""

from __future__ import annotations

import base64
import csv
import datetime
import hashlib
import io
import json
import zipfile

import pytest
import yaml
from ansible_collections.oxzep7.python.plugins.action.fleet_report import list_recorded_runs
from ansible_collections.oxzep7.python.plugins.module_utils._finding import SEVERITIES
from ansible_collections.oxzep7.python.plugins.plugin_utils import _lifecycle
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages import _originals
from ansible_collections.oxzep7.python.plugins.plugin_utils._packages._advisories import Advisories
from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _csv, _findings, _fleet, _html, _suggestions

from .inventories import dependent, environment, interpreter, inventory, package

TODAY = datetime.date(2026, 11, 21)
DEBIAN = {"id": "debian", "version": "12", "name": "Debian"}


def keys(found):
    return {entry["key"]: entry["severity"] for entry in found}


def known(**affected):
    found = Advisories()
    for name, version in affected.items():
        ecosystem, called = ("Bitnami", "python") if name == "python" else ("PyPI", name)
        found.add(
            {
                "id": f"ID-{name}",
                "modified": "2026-01-01",
                "affected": [
                    {
                        "package": {"ecosystem": ecosystem, "name": called},
                        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": version}]}],
                    }
                ],
            }
        )
    return found


def of_interpreter(users=("/srv/app/venv",), advisories=None, **more):
    return keys(_findings.collect_interpreter_findings(interpreter(**more), DEBIAN, advisories, TODAY, users))


def test_end_of_life_weighs_by_use():
    assert of_interpreter()["end-of-life"] == "error" and of_interpreter(users=())["end-of-life"] == "warning"
    assert "end-of-life" not in of_interpreter(version="3.13.9")


def test_end_of_life_is_that_of_the_origin():
    system = {"path": "/usr/bin/python3.9", "default": True, "os_package": "python3.9", "origin": "system"}
    assert "end-of-life" not in of_interpreter(version="3.9.2", **system)
    assert (
        _lifecycle.find_interpreter_end(interpreter(version="3.9.2", **system), DEBIAN).basis
        == "long term support of debian 12"
    )
    later = interpreter(version="3.9.2", **{**system, "default": False})
    assert _lifecycle.find_interpreter_end(later, DEBIAN).basis == "CPython 3.9"


@pytest.mark.parametrize(
    "identifier, version, date",
    [
        ("debian", "11", "2026-08-31"),
        ("ubuntu", "22.04", "2027-06-01"),
        ("rhel", "8.10", "2029-05-31"),
        ("rocky", "9.4", "2032-05-31"),
        ("plan9", "4", None),
        (None, None, None),
    ],
)
def test_ends_of_distributions(identifier, version, date):
    end = _lifecycle.find_distribution_end(identifier, version).date
    assert (end.isoformat() if end else None) == date


def test_soon_unknown_and_old():
    soon = next(release for release in _lifecycle.load_releases().values() if release.end_of_life > TODAY)
    eve = soon.end_of_life - datetime.timedelta(days=10)
    found = _findings.collect_interpreter_findings(
        interpreter(version=f"{_lifecycle.format_minor(soon.minor)}.0"), DEBIAN, None, eve, []
    )
    assert keys(found)["end-of-life-soon"] == "warning"
    assert {"end-of-life-unknown", "version-unknown"} <= set(of_interpreter(version=None))
    assert of_interpreter(version="2.7.18")["end-of-life"] == "error"
    assert "end-of-life-unknown" in of_interpreter(implementation="PyPy", version="3.9.16")


def test_interpreters_findings():
    assert of_interpreter(version="3.13.1")["patch-available"] == "info"
    assert "patch-available" not in of_interpreter(version="3.13.1", os_package="python3.13")
    assert of_interpreter(advisories=known(python="3.8.20"))["interpreter-advisory"] == "error"
    assert "interpreter-advisory" not in of_interpreter(advisories=known(python="3.8.20"), os_package="python3.8")
    assert of_interpreter(capabilities=["cap_net_raw"])["file-capabilities"] == "warning"
    assert of_interpreter(executable_stack=True)["executable-stack"] == "warning"
    assert of_interpreter(libpython="unresolved: libpython3.8.so.1.0")["library-unresolved"] == "error"
    loose = [{"path": "x.py", "kind": "module", "files": 1, "size": 1}]
    assert of_interpreter(unmanaged=loose)["vendor-modules"] == "info"
    assert of_interpreter(unmanaged=loose, origin="system")["unmanaged-files"] == "warning"


@pytest.mark.parametrize(
    "more, key, severity",
    [
        ({"state": "dangling"}, "environment-dangling", "warning"),
        ({"state": "dangling", "services": ["x"]}, "environment-dangling", "error"),
        ({"state": "moved", "points_to": "/x"}, "environment-moved", "warning"),
        ({"nested_in": "/srv"}, "environment-nested", "info"),
        ({"unmanaged": [{"path": "x.pth", "kind": "pth-code"}]}, "code-at-startup", "warning"),
        ({"unmanaged": [{"path": "x.py", "kind": "module"}]}, "unmanaged-files", "warning"),
        ({"modified": [{"path": "x.py"}]}, "modified-files", "error"),
        ({"missing": [{"path": "x.py"}]}, "missing-files", "warning"),
        ({"unresolved": [{"library": "l", "path": "p"}]}, "library-unresolved", "error"),
        ({"long_shebangs": ["bin/x"]}, "long-shebang", "warning"),
        ({"packages": [package("a", "1", editable=True)]}, "package-not-from-index", "warning"),
        ({"packages": [package("a", "1", damaged=True)]}, "metadata-damaged", "warning"),
        ({"dependents": [dependent("cron.d", "x:1")]}, "dependent-not-restarted", "info"),
    ],
)
def test_environments_findings(more, key, severity):
    assert keys(_findings.collect_environment_findings(environment(**more), None)) == {key: severity}
    assert _findings.collect_environment_findings(environment(), None) == []


@pytest.mark.parametrize(
    "services, told",
    [
        ([], "supervisor shop:web, supervisor shop:worker, timer job.timer"),
        (["shop:web", "job.timer"], "supervisor shop:worker"),
        (["shop:*", "job.timer"], None),
    ],
)
def test_dependents_that_a_promotion_restarts_are_no_finding(services, told):
    users = [
        dependent(kind, name)
        for kind, name in (
            ("supervisor", "shop:web"),
            ("supervisor", "shop:worker"),
            ("timer", "job.timer"),
            ("service", "app.service"),
        )
    ]
    path = {"path": "/srv/app/venv", "resolved": "/srv/app/venv"}
    declared = {"name": "app", "environment": path, "findings": [], "services": services, "backups": []}
    taken = inventory(environments=[environment()], dependents=users, applications=[declared])
    found = {entry["key"]: entry["detail"] for entry in _findings.collect_host_findings(taken, None, TODAY)}
    assert found.get("dependent-not-restarted") == (f"also used by {told}" if told else None)


def test_advisories_of_packages_weigh_by_use():
    found = environment(packages=[package("django", "3.1.6"), package("flask", "1.0")])
    assert keys(_findings.collect_environment_findings(found, known(django="3.1.7"))) == {"package-advisory": "warning"}
    assert keys(_findings.collect_environment_findings({**found, "services": ["x"]}, known(django="3.1.7"))) == {
        "package-advisory": "error"
    }
    assert _findings.collect_environment_findings(found, known(django="3.1.6")) == []


def test_dependents_findings():
    process = dependent("process", "12", deleted=["/x"], unit="x.service", program=None)
    assert keys(
        _findings.collect_dependent_findings([process, dependent("embedder", "/x"), dependent("alternative", "python")])
    ) == {"deleted-files-mapped": "warning", "embedded-interpreter": "warning", "system-link": "warning"}
    assert (
        _findings.collect_dependent_findings(
            [dependent(), {**process, "deleted": []}, dependent("alternative", "python", os_package="python3")]
        )
        == []
    )


def test_a_backup_that_nobody_has_restored_is_unverified():
    old, new = (
        {"backup": "b1", "verified": True, "drill": {"passed": True, "problems": []}},
        {"backup": "b2", "verified": False, "drill": None},
    )
    failed = {"backup": "b3", "verified": False, "drill": {"passed": False, "problems": ["sick"]}}
    found = [
        _findings.collect_backup_findings([{"name": "x", "backups": backups}])
        for backups in ([], [old], [old, new], [new, failed])
    ]
    assert [[(one["key"], one["severity"]) for one in some] for some in found] == [
        [("backup-missing", "info")],
        [],
        [("backup-unverified", "warning")],
        [("backup-unverified", "error")],
    ]
    assert (
        "b2 is unverified: no drill has restored it" in found[2][0]["detail"]
        and "its drill failed: sick" in found[3][0]["detail"]
    )


def test_what_is_not_known_is_a_finding():
    bare = inventory(
        verified=False, not_seen=[{"path": "/a", "reason": "Permission denied"}, {"path": "/b", "reason": "excluded"}]
    )
    bare["host"]["privileged"] = False
    found = _findings.collect_host_findings(bare, None, TODAY)
    assert {entry["key"] for entry in found} == {
        "unprivileged",
        "content-not-verified",
        "advisories-unknown",
        "not-seen",
    }
    assert [entry["detail"] for entry in found if entry["key"] == "not-seen"] == ["1 places: /a"]
    assert "advisories-unknown" not in keys(
        _findings.collect_host_findings(inventory(), known(django="1", python="3"), TODAY)
    )


def test_a_finding_has_every_part_and_errors_come_first():
    found = _findings.collect_host_findings(
        inventory(interpreters=[interpreter()], environments=[environment(), environment("/srv/b", state="moved")]),
        None,
        TODAY,
    )
    assert all(
        set(entry) == {"key", "severity", "title", "where", "detail", "blocking", "remediation"}
        and entry["remediation"]
        for entry in found
    )
    assert [entry["severity"] for entry in found] == sorted(
        (entry["severity"] for entry in found), key=SEVERITIES.index
    )
    assert "used by /srv/app/venv, /srv/b" in found[0]["detail"]


@pytest.fixture
def fleet():
    first = inventory(
        interpreters=[interpreter()],
        environments=[environment(packages=[package("django", "3.1.6")])],
        dependents=[dependent()],
    )
    second = inventory(
        taken="2026-10-01T00:00:00Z",
        interpreters=[interpreter(version="3.13.9")],
        environments=[
            environment("/srv/app/venv", packages=[package("django", "3.1.6")]),
            environment("/srv/=x", fingerprint="1" * 16),
        ],
    )
    return _fleet.summarize_fleet(
        {"one": first, "two": second}, ["one"], ["one", "three"], known(django="3.1.7"), TODAY
    )


def test_a_fleet_keeps_who_was_not_seen_and_names_who_never_was(fleet):
    assert {name: (host["seen"], host["taken"][:10]) for name, host in fleet["hosts"].items()} == {
        "one": ("now", "2026-11-21"),
        "two": ("earlier", "2026-10-01"),
    }
    assert fleet["unknown"] == ["three"]
    assert fleet["end_of_life"] == [
        {"python": "3.8", "end_of_life": "2024-10-07", "of": "CPython 3.8", "hosts": ["one"]}
    ]
    (group,) = fleet["locks"]
    assert [(one["host"], one["path"]) for one in group["environments"]] == [
        ("one", "/srv/app/venv"),
        ("two", "/srv/app/venv"),
    ]
    assert fleet["hosts"]["one"]["environments"][0]["advisories"][0]["package"] == "django"
    assert fleet["hosts"]["one"]["interpreters"][0]["advisories"] is None


def test_what_runs_on_a_python_past_its_end_is_told_first():
    old, new = interpreter(), interpreter("/opt/python3.13/bin/python3.13", "3.13.9")
    declared = {"name": "wiki", "current": None, "generations": [], "findings": []}
    place = {"path": "/srv/wiki/venv", "resolved": "/srv/wiki/venv.generations/0-py3.8", "python": "3.8.18"}
    environments = [
        environment("/srv/wiki/venv.generations/0-py3.8"),
        environment("/srv/app/venv"),
        environment("/srv/new/venv", "3.13.9", interpreter=new["path"]),
    ]
    dependents = [
        dependent(name="wiki.service", environment="/srv/wiki/venv.generations/0-py3.8"),
        dependent(),
        dependent(kind="process", name="4711", deleted=[]),
        dependent(name="new.service", environment="/srv/new/venv"),
        dependent(kind="cron", name="root:3", environment=None, interpreter=old["path"]),
        dependent(kind="cron", name="root:4", environment=None, interpreter="/usr/bin/python3"),
    ]
    one = inventory(
        interpreters=[old, new],
        environments=environments,
        dependents=dependents,
        applications=[{**declared, "environment": place}],
    )
    two = inventory(interpreters=[old], environments=environments[1:2], dependents=dependents[1:2])
    fleet = _fleet.summarize_fleet({"one": one, "two": two}, ["one"], [], None, TODAY)
    assert [(row["kind"], row["name"], row["hosts"]) for row in fleet["ended_users"]] == [
        ("application", "wiki", ["one"]),
        ("cron", "root:3", ["one"]),
        ("service", "app.service", ["one", "two"]),
    ]
    assert {(row["python"], row["end_of_life"], row["of"]) for row in fleet["ended_users"]} == {
        ("3.8", "2024-10-07", "CPython 3.8")
    }


def test_csv_has_a_row_for_everything_and_no_formula(fleet):
    rows = list(csv.DictReader(io.StringIO(_csv.format_fleet_csv(fleet))))
    assert [(row["host"], row["what"]) for row in rows] == [
        ("one", "interpreter"),
        ("one", "environment"),
        ("one", "dependent"),
        ("two", "interpreter"),
        ("two", "environment"),
        ("two", "environment"),
        ("three", "unknown"),
    ]
    assert rows[1]["advisories"] == "1" and rows[0]["end_of_life"] == "2024-10-07"
    text = _csv.format_fleet_csv({"hosts": {"=cmd": fleet["hosts"]["one"]}, "unknown": ["@x"]})
    assert "'=cmd" in text and "'@x" in text and "\n=" not in text


def test_the_page_holds_the_data_and_nothing_that_ends_it(fleet):
    fleet["hosts"]["one"]["environments"][0]["path"] = "</script><b>&"
    text = _html.render_fleet_page(fleet)
    data = text.split('id="data">')[1].split("</script>")[0]
    assert json.loads(data)["hosts"]["one"]["environments"][0]["path"] == "</script><b>&"
    assert len(json.loads(data)["package_sets"]) == 2 and text.count("</script>") == 2
    assert "http://" not in text.replace("https://www.gnu.org", "") and 'src="' not in text


def test_a_bill_of_materials_is_valid():
    pytest.importorskip("cyclonedx")
    from ansible_collections.oxzep7.python.plugins.plugin_utils._report import _sbom

    text = _sbom.render_sbom(
        "one",
        inventory(
            interpreters=[interpreter()],
            environments=[
                environment(packages=[package("django", "3.1.6"), package("django", "3.1.6"), package("odd", None)]),
                environment("/srv/b"),
            ],
        ),
    )
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == "one" and text == _sbom.render_sbom(
        "one",
        inventory(
            interpreters=[interpreter()],
            environments=[
                environment(packages=[package("django", "3.1.6"), package("django", "3.1.6"), package("odd", None)]),
                environment("/srv/b"),
            ],
        ),
    )
    purls = [part["purl"] for component in bill["components"] for part in component.get("components", [])]
    assert purls == ["pkg:pypi/django@3.1.6", "pkg:pypi/odd"]
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator

        error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    except ImportError:
        pytest.skip("the validator's own requirements are not installed")
    assert error is None


def suggested(**more):
    return _suggestions.suggest_applications(inventory(environments=[environment(services=["app.service"])], **more))


def test_an_application_is_suggested_for_what_services_use():
    process = dependent("process", "12", unit="app.service", listens=["0.0.0.0:8001", "192.0.2.1:9"])
    (found,) = suggested(dependents=[dependent(directory="/srv/app/src", user="web"), process])
    assert found == {
        "name": "app",
        "environment": "/srv/app/venv",
        "source": "/srv/app/src",
        "user": "web",
        "services": [{"name": "app.service"}],
        "checks": [{"name": "port 8001", "tcp": {"port": 8001}}],
    }


@pytest.mark.parametrize(
    "path, services, name",
    [
        ("/srv/billing/venv", ["b.service"], "billing"),
        ("/opt/venv", ["shop-web.service"], "shop-web"),
        ("/srv/My App/.venv", ["x.service"], "my-app"),
        ("/home/ops/env", ["x.service"], "ops"),
    ],
)
def test_names_come_from_paths_or_services(path, services, name):
    found = _suggestions.suggest_applications(
        inventory(
            environments=[environment(path, services=services)],
            dependents=[dependent(name=one, environment=path) for one in services],
        )
    )
    assert [entry["name"] for entry in found] == [name]
    assert found[0]["checks"] == [{"name": f"{services[0]} is active", "systemd": {"unit": services[0]}}]


def test_an_application_is_suggested_for_programs_of_supervisor():
    program = dependent("supervisor", "shop:worker", directory="/srv/app/src", user="app")
    (found,) = _suggestions.suggest_applications(inventory(environments=[environment()], dependents=[program]))
    assert found == {
        "name": "shop-worker",
        "environment": "/srv/app/venv",
        "source": "/srv/app/src",
        "services": [{"supervisor": "shop:worker"}],
    }
    listening = dependent("process", "12", unit="supervisor.service", listens=["127.0.0.1:8001"])
    other = dependent("process", "13", unit="supervisor.service", listens=["127.0.0.1:8002"], environment="/srv/b/venv")
    (found,) = suggested(dependents=[dependent(), program, listening, other])
    assert found["services"] == [{"name": "app.service"}, {"supervisor": "shop:worker"}]
    assert found["checks"] == [{"name": "port 8001", "tcp": {"port": 8001}}]


def test_equal_names_are_told_apart_and_others_are_left_out():
    environments = [
        environment(path, kind=kind, state=state)
        for path, kind, state in (
            ("/srv/a/venv", "venv", "live"),
            ("/opt/a/venv", "venv", "live"),
            ("/srv/c/venv", "conda", "live"),
            ("/srv/d/venv", "venv", "dangling"),
            ("/srv/unused/venv", "venv", "live"),
        )
    ]
    users = [
        dependent(name=f"{number}.service", environment=entry["path"]) for number, entry in enumerate(environments[:4])
    ]
    assert [
        entry["name"]
        for entry in _suggestions.suggest_applications(inventory(environments=environments, dependents=users))
    ] == ["a", "a-2"]


def test_a_suggestion_keeps_the_live_path():
    found = environment("/srv/app/venv.generations/1-py3.9", state="generation", points_to="/srv/app/venv")
    (entry,) = _suggestions.suggest_applications(
        inventory(environments=[found], dependents=[dependent(environment=found["path"])])
    )
    assert entry["environment"] == "/srv/app/venv"


def test_the_suggested_file_is_one_list_or_one_for_each_host():
    busy = inventory(
        environments=[environment("/srv/billing/venv")], dependents=[dependent(environment="/srv/billing/venv")]
    )
    same = yaml.safe_load(_suggestions.format_suggestions({"one": busy, "two": busy}))
    assert [entry["name"] for entry in same["oxzep7_applications"]] == ["billing"]
    mixed = yaml.safe_load(_suggestions.format_suggestions({"one": busy, "idle": inventory()}))
    assert list(mixed["oxzep7_suggested"]) == ["one"] and "inventory_hostname" in mixed["oxzep7_applications"]


def test_an_original_comes_from_the_packages_own_wheel(tmp_path):
    original = b"LIMIT = 1\n"
    recorded = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(original).digest()).rstrip(b"=").decode()
    with zipfile.ZipFile(tmp_path / "my_pkg-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("my_pkg/x.py", original)
    entry = {
        "path": "lib/python3.8/site-packages/my_pkg/x.py",
        "package": "my-pkg",
        "version": "1.0",
        "recorded": recorded,
        "text": "LIMIT = 2\n",
        "diff": None,
    }
    other = {**entry, "recorded": "sha256=" + "A" * 43}
    found = inventory(
        environments=[
            environment(modified=[entry, other, {"path": "y", "package": "p", "version": "1", "problem": "gone"}])
        ]
    )
    _originals.add_wheel_diffs(found, tmp_path, download=False)
    first, second, _third = found["environments"][0]["modified"]
    assert "-LIMIT = 1\n+LIMIT = 2\n" in first["diff"]
    assert second["diff"] is None and "text" not in first and "text" not in second


def test_runs_are_read_from_their_records(tmp_path):
    assert list_recorded_runs(tmp_path) == []
    good = {
        "run": "b",
        "kind": "upgrade",
        "began": "2",
        "ended": "3",
        "closed": "",
        "ledger": [{"outcome": "upgraded"}, {"outcome": "upgraded"}],
    }
    for name, text in (
        ("b", json.dumps(good)),
        ("a", json.dumps({**good, "run": "a", "began": "1"})),
        ("damaged", "{"),
        ("old", "{}"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    assert [(row["run"], row["counts"]) for row in list_recorded_runs(tmp_path)] == [
        ("a", {"upgraded": 2}),
        ("b", {"upgraded": 2}),
    ]
