# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scan of the packages in an environment: whose uses they are, and what is left out."""

import json
import os

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import parse_core_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._source import _installed, _scan_memory
from ansible_collections.oxzep7.python.plugins.module_utils._source._installed import (
    find_live_directory,
    scan_declared,
    scan_environment,
)
from ansible_collections.oxzep7.python.plugins.module_utils._source._scan_memory import ScanMemory
from ansible_collections.oxzep7.python.plugins.module_utils._source._tree import ScanRequest, scan_application

SITE = "lib/python3.8/site-packages"


def put(root, files):
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def make_environment(root):
    """One package with RECORD, one with an older record, and a file of nobody."""
    put(
        root,
        {
            "pyvenv.cfg": "version = 3.8.18\n",
            f"{SITE}/bottle_web/__init__.py": "from .compat import configparser\nimport imp\n",
            f"{SITE}/bottle_web/compat.py": "import configparser\n",
            f"{SITE}/bottle_web/run.py": (
                "from .compat import configparser\ndef f():\n    configparser.SafeConfigParser()\n"
            ),
            f"{SITE}/bottle_web/tests/test_imp.py": "import imp\n",
            f"{SITE}/bottle_web/old.py": "print 'imp'\nimport imp\n",
            f"{SITE}/Bottle_Web-0.12.dist-info/RECORD": "".join(
                f"bottle_web/{name},sha256=x,1\n"
                for name in ("__init__.py", "compat.py", "run.py", "tests/test_imp.py", "old.py")
            ),
            f"{SITE}/elder.py": "def f():\n    import asyncore\n",
            f"{SITE}/elder-1.5-py3.8.egg-info/installed-files.txt": "../elder.py\nPKG-INFO\n",
            f"{SITE}/mine.py": "import imp\n",
        },
    )
    return root


NAMES = ["imp", "asyncore", "configparser.SafeConfigParser"]


def test_each_use_is_told_with_its_package_version_file_and_line(tmp_path):
    found = scan_environment(str(make_environment(tmp_path / "venv")), NAMES)
    assert sorted((row[0], row[1], row[2], row[3], row[4], row[6]) for row in found["uses"]) == [
        ("bottle-web", "0.12", f"{SITE}/bottle_web/__init__.py", "imp", 2, True),
        ("bottle-web", "0.12", f"{SITE}/bottle_web/run.py", "configparser.SafeConfigParser", 3, False),
        ("elder", "1.5", f"{SITE}/elder.py", "asyncore", 2, False),
    ]
    assert found["problems"] == []


def test_an_environment_without_packages_has_no_uses(tmp_path):
    assert scan_environment(str(tmp_path), NAMES) == {"uses": [], "problems": [], "files": 0}


def test_an_environment_that_is_missing_is_a_problem(tmp_path):
    found = scan_environment(str(tmp_path / "no"), NAMES)
    assert found["uses"] == [] and [row["path"] for row in found["problems"]] == [str(tmp_path / "no")]


def test_no_link_inside_is_followed(tmp_path):
    make_environment(tmp_path / "venv")
    put(tmp_path, {"secret/hidden.py": "import imp\n"})
    site = tmp_path / "venv" / SITE
    (site / "linked").symlink_to(tmp_path / "secret")
    (site / "linked.py").symlink_to(tmp_path / "secret" / "hidden.py")
    with (site / "Bottle_Web-0.12.dist-info" / "RECORD").open("a") as stream:
        stream.write("linked/hidden.py,,\nlinked.py,,\n")
    assert not [row for row in scan_environment(str(tmp_path / "venv"), NAMES)["uses"] if "linked" in row[2]]


def test_the_live_generation_is_scanned(tmp_path):
    make_environment(tmp_path / "venv.generations" / "1-py3.8")
    (tmp_path / "venv").symlink_to("venv.generations/1-py3.8")
    application = parse_core_declaration({"name": "billing", "environment": str(tmp_path / "venv")})
    assert find_live_directory(application) == str(tmp_path / "venv.generations" / "1-py3.8")
    scan = scan_declared(application, NAMES, [])
    assert {row[0] for row in scan["installed"]["uses"]} == {"bottle-web", "elder"}
    assert scan["uses"] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a link to another account")
def test_a_link_of_another_account_to_elsewhere_is_not_followed(tmp_path):
    make_environment(tmp_path / "elsewhere")
    (tmp_path / "venv").symlink_to("elsewhere")
    os.lchown(tmp_path / "venv", 12345, 12345)
    application = parse_core_declaration({"name": "billing", "environment": str(tmp_path / "venv")})
    found = scan_declared(application, NAMES, [])["installed"]
    assert found["uses"] == [] and len(found["problems"]) == 1


def test_a_long_chain_of_imports_is_followed_without_exceeding_the_stack(tmp_path):
    chain = 60
    files = {f"pkg/m{number}.py": f"from .m{number + 1} import configparser\n" for number in range(chain)}
    files[f"pkg/m{chain}.py"] = "import configparser\n"
    files["main.py"] = "from pkg.m57 import configparser\nconfigparser.SafeConfigParser()\n"
    put(tmp_path, files)
    found = scan_application(ScanRequest("app", str(tmp_path), [], []), NAMES, [])
    assert found["problems"] == [] and found["files"] == chain + 2
    assert [row[:3] for row in found["uses"]] == [("main.py", "configparser.SafeConfigParser", 2)]


def test_what_is_the_same_is_not_parsed_again(tmp_path, monkeypatch):
    root = str(make_environment(tmp_path / "venv"))
    state = tmp_path / "state"
    memory = ScanMemory(str(state))
    first = scan_environment(root, NAMES, memory=memory)
    memory.save()
    assert os.stat(state).st_mode & 0o777 == 0o700
    with monkeypatch.context() as patched:
        patched.setattr(_installed, "_scan_site", None)
        again = scan_environment(root, NAMES, memory=ScanMemory(str(state)))
    assert json.loads(json.dumps(first)) == again and again["uses"]

    def scan(names=NAMES):
        fresh = ScanMemory(str(state))
        found = scan_environment(root, names, memory=fresh)
        fresh.save()
        return sorted(row[3] for row in found["uses"])

    before = sorted(row[3] for row in first["uses"])
    # Bytecode is no change. The time of a file is set back by whoever wants to hide one.
    put(tmp_path / "venv", {f"{SITE}/bottle_web/__pycache__/run.pyc": "x"})
    place = tmp_path / "venv" / SITE / "elder.py"
    times = place.stat()
    place.write_text("def f():\n    import asyncori\n")
    os.utime(place, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert place.stat().st_size == times.st_size
    assert scan() == [name for name in before if name != "asyncore"]
    assert scan(["imp"]) == ["imp"] * before.count("imp")
    (state / "scans.json").write_text("{damaged")
    assert scan() == [name for name in before if name != "asyncore"]
    os.rename(root, root + ".gone")
    other = ScanMemory(str(state))
    scan_environment(str(make_environment(tmp_path / "other")), NAMES, memory=other)
    other.save()
    assert list(json.loads((state / "scans.json").read_text())) == [str(tmp_path / "other")]


def test_an_environment_that_is_too_large_is_scanned_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(_scan_memory, "MAX_ENTRIES", 3)
    memory = ScanMemory(str(tmp_path / "state"))
    assert scan_environment(str(make_environment(tmp_path / "venv")), NAMES, memory=memory)["uses"]
    memory.save()
    assert not (tmp_path / "state").exists()
