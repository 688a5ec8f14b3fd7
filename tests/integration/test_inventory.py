# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""host_info and fleet_report on this machine: check, do, do again, check again."""

from __future__ import annotations

import gzip
import json
import pathlib
import subprocess

import pytest
from ansible_collections.oxzep7.python.plugins.plugin_utils._planning._hosts import build_planned_host


@pytest.fixture
def places(tmp_path, interpreters):
    """An environment to find, and where an audit writes."""
    (tmp_path / "srv").mkdir()
    subprocess.run([interpreters[0][1], "-m", "venv", str(tmp_path / "srv" / "venv")], check=True)
    return {
        "roots": [str(tmp_path / "srv")],
        "state_dir": str(tmp_path / "state"),
        "interpreter_dir": str(tmp_path / "interpreters"),
        "report_dir": str(tmp_path / "report"),
        "store": True,
        "verify": True,
        "homes": False,
    }


def files(tmp_path):
    return sorted(
        str(path.relative_to(tmp_path))
        for place in ("state", "report")
        for path in (tmp_path / place).rglob("*")
        if path.is_file()
    )


def test_an_inventory_changes_nothing_and_is_kept(module, tmp_path, places):
    checked = module("host_info", check=True, **places)
    assert not checked["changed"] and "report" not in checked and "stored" not in checked and files(tmp_path) == []
    done, again = module("host_info", **places), module("host_info", **places)
    assert not done["changed"] and not again["changed"] and "inventory" not in done
    # Other processes of this machine, and the interpreters only they run, come and go.
    counted = ("environments", "packages", "projects", "unmanaged", "missing", "modified")
    results = [done, again, module("host_info", check=True, **places)]
    counts = [[result["summary"][key] for key in counted] for result in results]
    assert counts[0] == counts[1] == counts[2] and counts[0][0] == 1 and counts[0][2:] == [0, 0, 0, 0]
    assert files(tmp_path) == ["report/hosts/localhost.json", "state/host.json.gz"]
    kept = json.loads(gzip.decompress((tmp_path / "state" / "host.json.gz").read_bytes()))
    assert (
        kept["environments"][0]["path"] == str(tmp_path / "srv" / "venv") and kept["environments"][0]["modified"] == []
    )
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700 and (
        tmp_path / "state" / "host.json.gz"
    ).stat().st_mode & 0o777 == 0o600
    detailed = module("host_info", detail=True, **places)
    assert [entry["name"] for entry in detailed["inventory"]["environments"][0]["packages"]][:1] == ["pip"]


def test_a_plan_sees_the_settings_that_name_the_interpreter(module, tmp_path, places, interpreters):
    environment, interpreter = tmp_path / "srv" / "venv", pathlib.Path(interpreters[0][1])
    library = interpreter.parent.parent / "lib"
    (tmp_path / "srv" / "supervisord.conf").write_text(
        f"[program:web]\ncommand={environment}/bin/uwsgi\nenvironment=LD_LIBRARY_PATH={library}\n"
        f"[program:job]\ncommand={environment}/bin/python job.py\n"
    )
    application = {"name": "app", "environment": str(environment)}
    roots = [str(tmp_path / "srv"), str(interpreter.parent.parent)]
    taken = module("host_info", applications=[application], **{**places, "roots": roots, "verify": False})
    host = build_planned_host("host1", {"taken": taken}, {"inventories": "taken", "copies": "none"}, [])
    (row,) = host.applications[0]["pinned"]
    assert (row["name"], row["setting"], row["named"]) == ("web", "LD_LIBRARY_PATH", str(library))


def test_a_diff_comes_from_a_wheel_on_the_controller(module, tmp_path, places):
    site = next((tmp_path / "srv" / "venv" / "lib").glob("python3*/site-packages"))
    (version,) = (path.name.split("-")[1][: -len(".dist")] for path in site.glob("pip-*.dist-info"))
    original = (site / "pip" / "__init__.py").read_text(encoding="utf-8")
    (site / "pip" / "__init__.py").write_text(original + "PATCHED = True\n", encoding="utf-8")
    without = module("host_info", detail=True, **places)["inventory"]["environments"][0]["modified"]
    assert [(entry["diff"], "text" in entry) for entry in without] == [(None, False)]
    import zipfile

    (tmp_path / "originals").mkdir()
    with zipfile.ZipFile(tmp_path / "originals" / f"pip-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr("pip/__init__.py", original)
    (entry,) = module("host_info", detail=True, originals_dir=str(tmp_path / "originals"), **places)["inventory"][
        "environments"
    ][0]["modified"]
    assert "+PATCHED = True" in entry["diff"]


def test_of_applications_every_file_is_compared(module, tmp_path, places):
    real = tmp_path / "srv" / "venv"
    live = tmp_path / "srv" / "live"
    live.symlink_to("venv")
    (site,) = real.glob("lib/python3*/site-packages")
    (site / "pip" / "__init__.py").write_text("PATCHED = True\n", encoding="utf-8")
    (site / "pip" / "__main__.py").unlink()
    (site / "mine.py").write_text("MINE = 1\n", encoding="utf-8")
    given = {**places, "verify": False, "report_dir": None, "store": False}
    applications = [{"name": "greeter", "environment": str(live)}]
    below = str(site.relative_to(real))
    for check in (True, False, False, True):
        found = module(
            "host_info", check=check, detail=True, verify_applications=True, applications=applications, **given
        )
        for environment in (found["applications"][0]["environment"], found["inventory"]["environments"][0]):
            seen = {
                kind: [entry["path"] for entry in environment[kind]] for kind in ("unmanaged", "modified", "missing")
            }
            assert seen == {
                "unmanaged": [f"{below}/mine.py"],
                "modified": [f"{below}/pip/__init__.py"],
                "missing": [f"{below}/pip/__main__.py"],
            }
            assert not found["changed"] and environment["modified"][0]["size"] == len("PATCHED = True\n")
    unasked = module("host_info", applications=applications, **given)["applications"][0]["environment"]
    assert unasked["modified"] is None


def test_a_state_directory_that_cannot_be_written_is_a_warning(module, tmp_path, places):
    (tmp_path / "state").write_text("a file")
    done = module("host_info", **{**places, "store": True})
    assert not done.get("failed") and "the inventory could not be stored on the host" in done["warnings"][0]


def test_bad_input_has_one_error(module):
    assert "nonsense" in module.expect_failure(
        "host_info", applications=[{"name": "x", "environment": "/srv/x", "nonsense": 1}]
    )


def report(tmp_path, **more):
    return {"report_dir": str(tmp_path / "report"), "hosts": ["localhost", "never.example.org"], **more}


def test_a_report_merges_what_was_gathered(module, tmp_path, places):
    module("host_info", **places)
    (tmp_path / "report" / "hosts" / "broken.json").write_text("{")
    (tmp_path / "report" / "hosts" / "older.json").write_text('{"schema": 1}')
    before = files(tmp_path)
    checked = module("fleet_report", check=True, **report(tmp_path))
    assert files(tmp_path) == before and not checked["changed"]
    done = module("fleet_report", **report(tmp_path))
    again = module("fleet_report", **report(tmp_path))
    assert (
        not done["changed"] and done["totals"] == again["totals"] == checked["totals"] and done["totals"]["hosts"] == 1
    )
    assert done["unknown"] == ["never.example.org"] and done["earlier"] == ["localhost"]
    assert files(tmp_path) == sorted(
        [
            *before,
            *(
                f"report/{name}"
                for name in (
                    "applications.suggested.yml",
                    "fleet.csv",
                    "fleet.html",
                    "fleet.json",
                    "sbom/localhost.cdx.json",
                )
            ),
        ]
    )
    bill = (tmp_path / "report" / "sbom" / "localhost.cdx.json").stat().st_mtime_ns
    module("fleet_report", **report(tmp_path))
    assert (tmp_path / "report" / "sbom" / "localhost.cdx.json").stat().st_mtime_ns == bill


def test_advisories_that_cannot_be_read_are_named(module, tmp_path):
    message = module.expect_failure("fleet_report", **report(tmp_path, advisories=str(tmp_path / "nowhere")))
    assert "nowhere cannot be read" in message and "oxzep7_advisories" in message
