# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading site-packages and environments: packages, and files of no package."""

import base64
import csv
import hashlib
import io
import json
import os
import sys
import time
import zipfile

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import (
    _local_changes,
    _local_files,
    _originals,
    _site_packages,
    _survey,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._environments import (
    EnvironmentOptions,
    compute_fingerprint,
)
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._libraries import SharedLibraries
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._walk import WalkLimits
from ansible_collections.oxzep7.python.plugins.module_utils._packages import _record

SITE = "lib/python3.8/site-packages"


def record(data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return "sha256=%s,%d" % (digest, len(data))


class Venv:
    """An environment made of files."""

    def __init__(self, path, **values):
        self.path = path
        self.site = path.joinpath(*SITE.split("/"))
        self.site.mkdir(parents=True)
        (path / "bin").mkdir()
        settings = dict({"home": "/usr/bin", "version": "3.8.18"}, **values)
        (path / "pyvenv.cfg").write_text("".join("%s = %s\n" % pair for pair in sorted(settings.items())))
        os.symlink(sys.executable, str(path / "bin" / "python"))

    def write(self, path, text=""):
        target = self.path.joinpath(*path.split("/"))
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return target

    def package(self, name, version="1.0", files=None, rows=(), **metadata):
        info = "%s-%s.dist-info" % (name, version)
        contents = dict({name + ".py": "NAME = 1\n"} if files is None else files)
        contents[info + "/METADATA"] = "Metadata-Version: 2.1\nName: %s\nVersion: %s\n\nName: a trap\n" % (
            name,
            version,
        )
        contents.update({info + "/" + key: value for key, value in metadata.items()})
        lines = []
        for path, text in contents.items():
            target = self.write(SITE + "/" + path, text)
            lines.append("%s,%s" % (path, record(target.read_bytes())))
        self.write("%s/%s/RECORD" % (SITE, info), "\n".join(lines + list(rows) + [info + "/RECORD,,"]) + "\n")

    def describe(self, verify=False):
        limits = WalkLimits(set(), {}, time.monotonic() + 600)
        found = _survey.survey_roots(
            [str(self.path)], limits, EnvironmentOptions(verify, SharedLibraries(), {}, limits.deadline)
        )
        return found.environments[0]


@pytest.fixture
def venv(tmp_path):
    return Venv(tmp_path / "venv")


def named(entries):
    return [(entry["path"], entry["kind"]) for entry in entries]


def test_an_installed_package_is_all_that_is_there(venv):
    venv.package("one", INSTALLER="pip\n", REQUESTED="")
    venv.write(SITE + "/__pycache__/one.cpython-38.pyc")
    found = venv.describe(verify=True)
    (package,) = found["packages"]
    expected = {
        "name": "one",
        "version": "1.0",
        "installer": "pip",
        "requested": True,
        "editable": False,
        "direct_url": None,
        "format": "dist-info",
    }
    assert {key: package[key] for key in expected} == expected
    assert found["unmanaged"] == found["missing"] == found["modified"] == []
    assert (found["state"], found["kind"], found["python"]) == ("live", "venv", "3.8.18")


def test_direct_urls_lose_their_credentials(venv):
    venv.package(
        "one", **{"direct_url.json": json.dumps({"url": "https://me:secret@example.org/x.git", "vcs_info": {}})}
    )
    venv.package("two", **{"direct_url.json": json.dumps({"url": "file:///src", "dir_info": {"editable": True}})})
    one, two = venv.describe()["packages"]
    assert (one["direct_url"], one["editable"]) == ("https://example.org/x.git", False)
    assert (two["direct_url"], two["editable"]) == ("file:///src", True)


def test_missing_and_modified_files(venv):
    venv.package("one", files={"one.py": "LIMIT = 1\n", "gone.py": "", "pkg/data.bin": b"\0\1"})
    venv.write(SITE + "/one.py", "LIMIT = 2\n")
    venv.write(SITE + "/pkg/data.bin", b"\0\2")
    (venv.site / "gone.py").unlink()
    found = venv.describe(verify=True)
    assert found["missing"] == [{"path": SITE + "/gone.py", "package": "one"}]
    assert [(entry["path"], entry["text"], entry["version"]) for entry in found["modified"]] == [
        (SITE + "/one.py", "LIMIT = 2\n", "1.0"),
        (SITE + "/pkg/data.bin", None, "1.0"),
    ]
    assert venv.describe()["modified"] is None


def test_a_file_of_several_packages_is_as_one_of_them_recorded_it(venv):
    venv.package("one", files={"tests/__init__.py": "ONE = 1\n"})
    venv.package("two", files={"tests/__init__.py": "TWO = 2\n"})
    assert venv.describe(verify=True)["modified"] == []
    venv.write(SITE + "/tests/__init__.py", "ONE = 1\n")
    assert venv.describe(verify=True)["modified"] == []
    venv.write(SITE + "/tests/__init__.py", "THREE = 3\n")
    (entry,) = venv.describe(verify=True)["modified"]
    assert (entry["path"], entry["package"], entry["size"]) == (SITE + "/tests/__init__.py", "two", 10)
    assert entry["digest"] == "sha256:" + hashlib.sha256(b"THREE = 3\n").hexdigest()


WRAPPER = """#!/elsewhere/bin/python
# -*- coding: utf-8 -*-
import re
import sys
from one import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""
LONG_LINE = "#!/bin/sh\n'''exec' /a/b \"$0\" \"$@\"\n' '''"


@pytest.mark.parametrize(
    "text, seen",
    [
        (WRAPPER, []),
        (WRAPPER.replace("#!/elsewhere/bin/python", LONG_LINE), []),
        (WRAPPER.replace("    sys.exit", "    import os\n    sys.exit"), ["bin/one"]),
        (WRAPPER.replace("main()", "main(['--debug'])"), ["bin/one"]),
        ("#!/bin/sh\nexec true\n", ["bin/one"]),
    ],
)
def test_only_what_somebody_wrote_in_a_generated_program_is_a_change(venv, text, seen):
    venv.package("one", rows=["../../../bin/one," + record(b"#!/here/bin/python\n")])
    venv.write("bin/one", text)
    assert [entry["path"] for entry in venv.describe(verify=True)["modified"]] == seen


def test_an_environment_read_for_a_build_is_as_the_inventory_has_it(venv):
    venv.package("one", files={"one.py": "LIMIT = 1\n", "gone.py": ""})
    venv.write(SITE + "/one.py", "LIMIT = 2\n")
    (venv.site / "gone.py").unlink()
    venv.write(SITE + "/local/__init__.py", "x")
    venv.write(SITE + "/local/data.txt", "y")
    venv.write("bin/nightly", "#!/bin/sh\n")
    found, not_seen = _local_files.read_local_files(str(venv.path))
    described = venv.describe(verify=True)
    assert not_seen == []
    assert {key: described[key] for key in found} == found
    changes = _local_changes.list_local_changes(found)
    assert [(change.path, change.change, change.package, change.version) for change in changes] == [
        ("bin/nightly", "unmanaged", "", None),
        (SITE + "/local/", "unmanaged", "", None),
        (SITE + "/one.py", "modified", "one", "1.0"),
        (SITE + "/gone.py", "missing", "one", "1.0"),
    ]
    venv.write(SITE + "/local/data.txt", "z")
    again = _local_changes.list_local_changes(_local_files.read_local_files(str(venv.path))[0])
    assert [change.digest != other.digest for change, other in zip(changes, again)] == [False, True, False, False]


def test_only_environments_of_applications_are_compared_where_only_they_are_asked_for(venv):
    venv.package("one")
    venv.write(SITE + "/one.py", "LIMIT = 2\n")
    for verified, expected in ((frozenset([str(venv.path)]), [SITE + "/one.py"]), (frozenset(["/elsewhere"]), None)):
        limits = WalkLimits(set(), {}, time.monotonic() + 600)
        options = EnvironmentOptions(False, SharedLibraries(), {}, limits.deadline, verified)
        (found,) = _survey.survey_roots([str(venv.path)], limits, options).environments
        assert (found["modified"] and [entry["path"] for entry in found["modified"]]) == expected


def test_a_recorded_file_that_is_no_file_any_more(venv):
    venv.package("one")
    (venv.site / "one.py").unlink()
    os.mkfifo(str(venv.site / "one.py"))
    (entry,) = venv.describe(verify=True)["modified"]
    assert entry["problem"] == "not a regular file"


@pytest.mark.parametrize(
    "path, text, kind",
    [
        ("loose.py", "", "module"),
        ("loose/__init__.py", "", "module"),
        ("data.txt", "", "file"),
        ("x.pth", "/srv/lib\n", "pth"),
        ("x.pth", "/srv/lib\nimport os\n", "pth-code"),
        ("sitecustomize.py", "", "sitecustomize"),
        ("usercustomize.py", "", "usercustomize"),
        ("~ne-1.0.dist-info.py", "", "leftover"),
        ("_virtualenv.pth", "import evil\n", "pth-code"),
    ],
)
def test_what_no_package_accounts_for(venv, path, text, kind):
    venv.package("one")
    venv.write(SITE + "/" + path, text)
    top = path.split("/")[0] + ("/" if "/" in path else "")
    assert named(venv.describe()["unmanaged"]) == [(SITE + "/" + top, kind)]


def test_a_loose_file_inside_a_package_is_named_itself(venv):
    venv.package("one", files={"one/__init__.py": ""})
    venv.write(SITE + "/one/patch.py")
    venv.write(SITE + "/one/deep/er/patch.py")
    assert named(venv.describe()["unmanaged"]) == [
        (SITE + "/one/deep/er/patch.py", "module"),
        (SITE + "/one/patch.py", "module"),
    ]


def test_what_installers_leave_is_not_unmanaged(venv):
    for path, text in (
        ("README.txt", ""),
        ("_virtualenv.py", ""),
        ("_virtualenv.pth", "import _virtualenv"),
        ("easy-install.pth", "./x.egg\n"),
        ("old.py", ""),
        ("old.pyc", ""),
    ):
        venv.write(SITE + "/" + path, text)
    venv.write("bin/pip3.8")
    venv.write("bin/activate.fish")
    assert named(venv.describe()["unmanaged"]) == [(SITE + "/old.py", "module")]


def test_the_record_of_a_generation_is_not_unmanaged(venv):
    """Otherwise a generation of this collection could not be upgraded."""
    venv.write(".oxzep7-generation.json", "{}")
    assert venv.describe()["unmanaged"] == []


def test_scripts_and_data_beside_are_unmanaged(venv):
    venv.package("one", rows=["../../../bin/one,,", "../../../share/doc/one,,"])
    venv.write("bin/one")
    venv.write("share/doc/one")
    venv.write("bin/mine")
    venv.write("uploads/x")
    venv.write("settings.ini")
    found = venv.describe()
    assert (
        named(found["unmanaged"]) == [("bin/mine", "script"), ("settings.ini", "data"), ("uploads/", "data")]
        and found["missing"] == []
    )


def test_a_recorded_script_that_is_gone_is_missing(venv):
    venv.package("one", rows=["../../../bin/one,,", "/etc/passwd,sha256=x,1", "../../../../../outside,,"])
    assert venv.describe(verify=True)["missing"] == [{"path": "bin/one", "package": "one"}]


def test_legacy_formats(venv):
    venv.write(SITE + "/eggy-0.1-py3.8.egg-info/PKG-INFO", "Name: Eggy\nVersion: 0.1\n")
    venv.write(SITE + "/eggy-0.1-py3.8.egg-info/installed-files.txt", "../eggy.py\nPKG-INFO\n../../../../bin/eggy\n")
    venv.write(SITE + "/eggy.py")
    venv.write(SITE + "/topped-1-py3.8.egg-info/PKG-INFO", "Name: topped\nVersion: 1\n")
    venv.write(SITE + "/topped-1-py3.8.egg-info/top_level.txt", "topped\n")
    venv.write(SITE + "/topped/__init__.py")
    venv.write(SITE + "/flat-0.2.egg-info", "Name: flat\nVersion: 0.2\n")
    venv.write(SITE + "/linked-app.egg-link", "/src/linked\n.\n")
    venv.write(SITE + "/dir-0.3-py3.8.egg/EGG-INFO/PKG-INFO", "Name: dir\nVersion: 0.3\n")
    with zipfile.ZipFile(str(venv.site / "zip-0.4-py3.8.egg"), "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", "Name: zip\nVersion: 0.4\n")
    found = venv.describe()
    assert [(entry["name"], entry["version"], entry["format"], entry["installer"]) for entry in found["packages"]] == [
        ("dir", "0.3", "egg", "easy_install"),
        ("eggy", "0.1", "egg-info", None),
        ("flat", "0.2", "egg-info", "distutils"),
        ("linked-app", None, "egg-link", "setuptools"),
        ("topped", "1", "egg-info", None),
        ("zip", "0.4", "egg", "easy_install"),
    ]
    assert found["unmanaged"] == [] and found["missing"] == [{"path": "bin/eggy", "package": "eggy"}]


def test_damaged_metadata_is_named_after_its_directory(venv):
    venv.write(SITE + "/odd_name-2.0.dist-info/RECORD", "")
    (package,) = venv.describe()["packages"]
    assert (package["name"], package["version"], package["damaged"]) == ("odd-name", "2.0", True)


def test_states(tmp_path):
    dangling = Venv(tmp_path / "dangling")
    (dangling.path / "bin" / "python").unlink()
    os.symlink("/nonexistent/python", str(dangling.path / "bin" / "python"))
    assert (dangling.describe()["state"], dangling.describe()["interpreter"]) == ("dangling", None)
    assert Venv(tmp_path / "homeless", home="/nonexistent").describe()["state"] == "dangling"
    moved = Venv(tmp_path / "moved")
    moved.write("bin/tool", "#!/elsewhere/venv/bin/python\n")
    assert (moved.describe()["state"], moved.describe()["points_to"]) == ("moved", "/elsewhere/venv")
    generation = Venv(tmp_path / "app.generations" / "1-py3.8")
    assert (generation.describe()["state"], generation.describe()["points_to"]) == ("generation", str(tmp_path / "app"))


def test_a_used_up_time_budget_says_nothing_is_missing(venv):
    venv.package("one", files={"one/two/three.py": ""})
    site = _site_packages.SitePackages(str(venv.site), SITE, True, time.monotonic() - 1)
    handle = os.open(str(venv.site), os.O_RDONLY)
    try:
        site.read(handle)
    finally:
        os.close(handle)
    assert site.list_missing_files() == site.modified == site.unmanaged == []
    assert site.problems == [{"path": str(venv.site), "reason": "time budget used up"}]


@pytest.mark.parametrize(
    "files, kind",
    [
        ({"pipx_metadata.json": "{}"}, "pipx"),
        ({"uv-receipt.toml": ""}, "uv-tool"),
        ({"pyvenv.cfg": "home = /usr/bin\nvirtualenv = 20.1\n"}, "virtualenv"),
        ({}, "venv"),
    ],
)
def test_kinds(venv, files, kind):
    for path, text in files.items():
        venv.write(path, text)
    assert venv.describe()["kind"] == kind


def test_long_shebangs_are_named(venv):
    venv.write("bin/far", "#!/" + "x" * 130 + "/bin/python\n")
    venv.write("bin/near", "#!/x/bin/python\n")
    assert venv.describe()["long_shebangs"] == ["bin/far"]


def test_fingerprints_tell_what_can_share_a_lock(tmp_path):
    one, two, three = (Venv(tmp_path / name) for name in ("one", "two", "three"))
    for venv in (one, two):
        venv.package("same")
    three.package("same", "1.1")
    prints = [venv.describe()["fingerprint"] for venv in (one, two, three)]
    assert prints[0] == prints[1] != prints[2]
    package = {"name": "a", "version": "1", "direct_url": None}
    assert (
        compute_fingerprint("CPython", "3.8.1", [package])
        == compute_fingerprint("CPython", "3.8.18", [package])
        != compute_fingerprint("CPython", "3.9.1", [package])
    )


def test_an_original_is_found_in_another_environment(tmp_path):
    one, two = Venv(tmp_path / "one"), Venv(tmp_path / "two")
    for venv in (one, two):
        venv.package("same", files={"same.py": "LIMIT = 1\n"})
    one.write(SITE + "/same.py", "LIMIT = 2\n")
    found = [one.describe(verify=True), two.describe(verify=True)]
    _originals.add_host_diffs(found)
    (entry,) = found[0]["modified"]
    assert "-LIMIT = 1\n+LIMIT = 2\n" in entry["diff"] and "text" not in entry
    two.write(SITE + "/same.py", "LIMIT = 3\n")
    found = [one.describe(verify=True), two.describe(verify=True)]
    _originals.add_host_diffs(found)
    assert [entry["diff"] for environment in found for entry in environment["modified"]] == [None, None]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", []),
        ("a.py,sha256=x,1\nb.py,,\n", [("a.py", "sha256=x", "1"), ("b.py", "", "")]),
        ("a.py,sha256=x,1", [("a.py", "sha256=x", "1")]),
        ("a.py,sha256=x,1\r\nb.py,,\r\n", [("a.py", "sha256=x", "1"), ("b.py", "", "")]),
        ('"a,b.py",sha256=x,1\nc.py,,\n', [("a,b.py", "sha256=x", "1"), ("c.py", "", "")]),
        ("nonsense\na.py,sha256=x,1\n", [("a.py", "sha256=x", "1")]),
        ("a.py,sha256=x,one\n", [("a.py", "sha256=x", "")]),
        ("a,b,c,d\nx\na.py,sha256=x,1\n", [("a.py", "sha256=x", "1")]),
    ],
)
def test_rows(text, expected):
    assert list(zip(*_record.parse_record_rows(text))) == expected


def test_rows_are_what_csv_says():
    hypothesis = pytest.importorskip("hypothesis")
    strategies = hypothesis.strategies
    name = strategies.text(strategies.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1).filter(
        str.strip
    )

    @hypothesis.given(
        strategies.lists(
            strategies.tuples(
                name, strategies.sampled_from(["", "sha256=abc"]), strategies.sampled_from(["", "0", "17"])
            )
        )
    )
    def check(entries):
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(entries)
        assert list(zip(*_record.parse_record_rows(out.getvalue()))) == entries

    check()
