# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a proof imports: modules of packages, entry points, programs of services, imports of the source."""

import sys

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._declaration._core import parse_core_declaration
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _units
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import make_reference
from ansible_collections.oxzep7.python.plugins.module_utils._generation import (
    _installer_proof,
    _programs,
    _source_probe,
    _targets,
)
from ansible_collections.oxzep7.python.plugins.module_utils._host._accounts import get_current_identity
from ansible_collections.oxzep7.python.plugins.module_utils._host._commands import CommandResult

VENV = "/srv/app/venv"


def install(environment, name, files, entry_points=""):
    site = environment / "lib" / "python3.8" / "site-packages"
    metadata = site / (name + "-1.0.dist-info")
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Name: %s\nVersion: 1.0\n" % name)
    (metadata / "RECORD").write_text("".join(path + ",,\n" for path in files))
    (metadata / "entry_points.txt").write_text(entry_points)


def list_names(environment, tests=False):
    return {found.package: found for found in _targets.list_package_modules(str(environment), tests)}


@pytest.mark.parametrize(
    "paths, first, others",
    [
        (["six.py"], ["six"], []),
        (["a/__init__.py", "a/b.py", "a/c/__init__.py"], ["a"], ["a.b", "a.c"]),
        (["google/protobuf/__init__.py", "google/protobuf/internal/__init__.py"], ["google.protobuf"],
         ["google.protobuf.internal"]),
        (["ruamel/yaml/__init__.py", "ruamel/yaml/main.py"], ["ruamel.yaml"], ["ruamel.yaml.main"]),
        (["azure/storage/blob/__init__.py"], ["azure.storage.blob"], []),
        (["zope/x.py"], [], ["zope.x"]),
        (["a/__init__.py", "a/_speed.cpython-38-x86_64-linux-gnu.so", "b.abi3.so"], ["a", "b"], ["a._speed"]),
        (["a/__init__.py", "a/templates/project/settings.py"], ["a"], []),
        (["a/__init__.py", "a/no-module.py", "../../../bin/a.py", "a-1.0.dist-info/x.py", "a/data.txt"], ["a"], []),
    ],
)  # fmt: skip
def test_modules_are_named_from_files(paths, first, others):
    assert _targets.list_modules(paths, set()) == (first, others)


def test_a_package_that_several_distributions_share_is_a_namespace(tmp_path):
    install(tmp_path, "google-a", ["google/__init__.py", "google/a/__init__.py"])
    install(tmp_path, "google-b", ["google/__init__.py", "google/b/__init__.py", "google/b/c.py"])
    found = list_names(tmp_path)
    assert found["google-a"].first == ["google.a"]
    assert found["google-b"].first == ["google.b"] and "google.b.c" in found["google-b"].others


def test_entry_points_of_every_group_are_names():
    text = """[console_scripts]
tool = pkg.cli:main [extra]
[my.plugins]
one=pkg.plugins.one:Plugin.make
whole = pkg.whole
# old = pkg.old:gone
bad = not-a-module:x
[distutils.commands]
build_it = pkg.build:Command
[setuptools.finalize_distribution_options]
order = pkg.build:finalize
"""
    assert _targets.parse_entry_points(text) == ["pkg.cli:main", "pkg.plugins.one:Plugin.make", "pkg.whole"]


def test_of_what_installs_packages_the_rest_is_not_imported(tmp_path):
    install(tmp_path, "setuptools", ["setuptools/__init__.py", "setuptools/command/__init__.py"])
    found = list_names(tmp_path)["setuptools"]
    assert (found.first, found.others) == (["setuptools"], [])
    assert found.skipped == {"build and install packages": ["setuptools.command"]}


def test_what_is_not_imported_is_kept_with_its_reason(tmp_path):
    install(
        tmp_path,
        "p",
        ["p/__init__.py", "p/__main__.py", "p/tests/__init__.py", "p/tests/test_a.py", "p/conftest.py", "p/b.py",
         "setup.py", "antigravity.py", "tests/__init__.py"],
    )  # fmt: skip
    found = list_names(tmp_path)["p"]
    assert (found.first, found.others) == (["p"], ["p.b"])
    assert found.skipped == {
        "__main__ modules": ["p.__main__"],
        "act when they are imported": ["antigravity"],
        "setup.py": ["setup"],
        "tests": ["tests", "p.conftest", "p.tests", "p.tests.test_a"],
    }
    assert set(list_names(tmp_path, tests=True)["p"].skipped) == {
        "__main__ modules",
        "act when they are imported",
        "setup.py",
    }


@pytest.mark.parametrize(
    "command, program",
    [
        (VENV + "/bin/gunicorn -b 127.0.0.1:8000 site.wsgi:application",
         (("site.wsgi:application",), "gunicorn", None)),
        (VENV + "/bin/gunicorn -b 127.0.0.1:8000 -k gevent --preload --workers=2 site.wsgi",
         (("site.wsgi:application",), "gunicorn", None)),
        (VENV + "/bin/gunicorn site.wsgi --worker-class gevent", (("site.wsgi:application",), "gunicorn", None)),
        (VENV + "/bin/python -m gunicorn -w 2 site", (("gunicorn", "site:application"), None, None)),
        (VENV + "/bin/gunicorn -c /etc/gunicorn.py", ((), "gunicorn", None)),
        (VENV + "/bin/gunicorn --paste site.ini -w 2 site.wsgi:make", (("site.wsgi:make",), "gunicorn", None)),
        (VENV + "/bin/uwsgi --http :80 --module site.wsgi --processes 2", (("site.wsgi",), "uwsgi", None)),
        (VENV + "/bin/uwsgi -w site.wsgi:app", (("site.wsgi:app",), "uwsgi", None)),
        (VENV + "/bin/python -u -m celery -A proj worker", (("celery", "proj"), None, None)),
        (VENV + "/bin/python3.8 -W ignore manage.py runserver 8000", ((), None, "/srv/app/manage.py")),
        ("venv/bin/python /opt/job.py", ((), None, "/opt/job.py")),
        (VENV + "/bin/python -c 'import x'", ((), None, None)),
        ("/usr/bin/env LANG=C nice -n 5 " + VENV + "/bin/celery --app=proj beat", (("proj",), "celery", None)),
        ("/bin/sh -c 'cd /srv && exec " + VENV + "/bin/uvicorn --factory app.main:create'",
         (("app.main:create",), "uvicorn", None)),
        ("cd /srv/app && . " + VENV + "/bin/activate; python -m app.job --now", (("app.job",), None, None)),
        ("gunicorn 'app:create_app(1)'", (("app:create_app",), "gunicorn", None)),
    ],
)  # fmt: skip
def test_programs_are_found_as_the_host_would(command, program, monkeypatch):
    there = {VENV + "/bin/python", VENV + "/bin/gunicorn"}
    monkeypatch.setattr(_programs.os, "access", lambda path, _mode: path in there)
    found = _programs.parse_program(command, VENV, "/srv/app", {"PATH": "/usr/bin:" + VENV + "/bin"})
    assert found == _programs.Program(*program, "/srv/app")


def test_commands_of_other_environments_are_none():
    for command in ("/usr/bin/python3 x.py", "/srv/other/venv/bin/python -m x", "", "'unclosed"):
        assert _programs.parse_program(command, VENV, None, {}) is None


def test_units_and_jobs_that_use_the_environment_count_once():
    application = parse_core_declaration({"name": "app", "environment": VENV})
    references = [
        make_reference(kind, kind, "/etc/x", "app", VENV + "/bin/job --all")
        for kind in ("service", "cron.d", "supervisor")
    ] + [make_reference("service", "other", "/etc/y", "app", "/usr/bin/true")]
    assert _programs.find_programs(application, references) == [_programs.Program((), "job", None, None)]


def test_programs_of_the_units_of_this_host_are_found(tmp_path, monkeypatch):
    (tmp_path / "web.service").write_text(
        "[Service]\nUser=app\nWorkingDirectory=/srv/app/code\nExecStartPre=/bin/true\n"
        "ExecStart=%s/bin/python -m site_app --port 80\n" % VENV
    )
    (tmp_path / "other.service").write_text("[Service]\nExecStart=/usr/bin/python3 -m other\n")
    (tmp_path / "job.timer").write_text("[Timer]\nOnCalendar=daily\n")
    (tmp_path / "job.service").write_text("[Service]\nExecStart=%s/bin/job\nWorkingDirectory=/srv\n" % VENV)
    monkeypatch.setattr(_units, "SYSTEM_UNIT_DIRECTORIES", [str(tmp_path)])
    monkeypatch.setattr(_units, "USER_UNIT_DIRECTORIES", [])
    application = parse_core_declaration({"name": "app", "environment": VENV})
    assert set(_programs.find_programs(application)) == {
        _programs.Program(("site_app",), None, None, "/srv/app/code"),
        _programs.Program((), "job", None, "/srv"),
    }


def answer(rc, stdout, stderr=""):
    return CommandResult(["pip"], rc, stdout, stderr)


@pytest.mark.parametrize(
    "verb, now, before, failure",
    [
        ("list", answer(1, "", "AttributeError: no 'ImpImporter'"), answer(0, ""), "ImpImporter"),
        ("list", answer(1, "", "AttributeError: x"), answer(1, "", "No module named pip"), None),
        ("check", answer(1, "", "AttributeError: x"),
         answer(1, "a 1 requires b, which is not installed.\n"), "AttributeError"),
        ("check", answer(1, "a 2 requires b, which is not installed.\n"),
         answer(1, "a 1 requires b, which is not installed.\n"), None),
        ("check", answer(1, "a 2 requires c, which is not installed.\n"),
         answer(1, "a 1 requires b, which is not installed.\n"), "a 2 requires c"),
        ("check", answer(1, "a 2 requires left, which is not installed.\n"), answer(0, ""), None),
        ("check", answer(1, "a 2 requires c, which is not installed.\n"), answer(1, "", "No module named pip"), None),
    ],
)  # fmt: skip
def test_only_what_pip_did_before_must_work(verb, now, before, failure, monkeypatch):
    answers = {("new", verb): now, ("live", verb): before}

    class Running:
        """A command of pip that has ended."""

        def __init__(self, environment, verb, _user):
            self.result = answers.get((environment, verb), answer(0, ""))

        def wait(self, _timeout):
            return self.result

    monkeypatch.setattr(_installer_proof, "_start_pip", Running)
    user = get_current_identity()
    found = _installer_proof.find_new_pip_failures(
        _installer_proof.start_pip_commands("new", user), "live", user, ["left"]
    )
    assert list(found) == ([f"python -m pip {verb}"] if failure else [])
    assert failure is None or failure in found[f"python -m pip {verb}"]["text"]


def examine(source, scripts=()):
    return _source_probe.examine(str(source), [], dict(scripts))


def test_imports_of_the_source_are_dotted_and_unconditional(tmp_path):
    (tmp_path / "app.py").write_text(
        "from __future__ import division\n"
        "import os.path, flask\n"
        "from werkzeug.utils import secure_filename as s, cached_property\n"
        "from six.moves import *\n"
        "from . import sibling\n"
        "try:\n    from collections import Mapping\nexcept ImportError:\n    from collections.abc import Mapping\n"
        "if PY2:\n    import ConfigParser\n"
        "def f():\n    import celery.app\n"
        "if __name__ == '__main__':\n    import waitress\n"
    )
    assert examine(tmp_path)["imports"] == [
        "celery.app",
        "flask",
        "os.path",
        "six.moves",
        "waitress",
        "werkzeug.utils:cached_property",
        "werkzeug.utils:secure_filename",
    ]


def test_own_modules_are_those_of_packages_that_only_define(tmp_path):
    for path, text in {
        "app/__init__.py": "",
        "app/views.py": "x = 1\n",
        "app/__main__.py": "",
        "app/tests/__init__.py": "",
        "app/tests/test_views.py": "",
        "src/lib/__init__.py": "",
        "scripts/tool.py": "import flask\n",
        "serve.py": "from app import views\nviews.run()\n",
        "guarded.py": "def main(): pass\nif __name__ == '__main__':\n    main()\n",
        "setup.py": "import setuptools\nsetuptools.setup()\n",
        ".hidden/x.py": "",
        "venv/pyvenv.cfg": "",
        "venv/x.py": "",
        "broken.py": "print 'two'\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    found = examine(tmp_path)
    assert sorted(found["modules"]) == ["app", "app.views", "guarded", "lib"]
    assert found["skipped"] == {
        "__main__ modules": ["app.__main__"],
        "act when they are imported": ["serve"],
        "setup.py": ["setup"],
        "tests": ["app.tests", "app.tests.test_views"],
    }
    assert list(found["failed"]) == ["broken.py"] and "flask" in found["imports"]
    assert not list(tmp_path.rglob("*.pyc"))


def test_scripts_are_read_for_their_imports_and_not_run(tmp_path):
    script, binary = tmp_path / "tool", tmp_path / "binary"
    script.write_text("#!%s\nfrom docutils.core import publish\nraise SystemExit\n" % sys.executable)
    binary.write_bytes(b"\x7fELF\0\0python")
    found = _source_probe.examine("", [], {"bin/tool": str(script), "bin/binary": str(binary), "/gone.py": "/gone.py"})
    assert found["imports"] == ["docutils.core:publish"] and found["failed"] == {} and found["modules"] == []
