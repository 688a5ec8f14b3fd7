# Copyright (c) 2026, oxzep7.python contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading references to a Python in units, crontabs, configurations of supervisors and scripts."""

import pytest
from ansible_collections.oxzep7.python.plugins.module_utils._discovery import _cron, _scripts, _supervisors, _units
from ansible_collections.oxzep7.python.plugins.module_utils._discovery._references import parse_python_variables
from ansible_collections.oxzep7.python.plugins.module_utils._host._untrusted import HostReader

UNIT = """\
# ExecStart=/srv/commented/venv/bin/python
[Service]
User=billing
Environment="PATH=/srv/billing/venv/bin:/usr/bin" PYTHONPATH=/srv/lib SECRET=hunter2
EnvironmentFile=-/etc/billing.env
WorkingDirectory=/srv/billing/app
ExecStartPre=-/bin/true
ExecStart=@!/srv/billing/venv/bin/gunicorn gunicorn \\
    --config /etc/billing.py app
Description=uses /srv/other/venv/bin/python in words
"""


def unit(*texts, **more):
    return _units.parse_unit(more.get("name", "billing.service"), ["file"], list(texts))


def test_a_unit_is_read():
    found = unit(UNIT)
    assert (
        found.user == "billing"
        and found.directory == "/srv/billing/app"
        and found.environment_files == ["/etc/billing.env"]
    )
    assert found.commands == ["/bin/true", "/srv/billing/venv/bin/gunicorn gunicorn      --config /etc/billing.py app"]
    assert found.variables == {"PATH": "/srv/billing/venv/bin:/usr/bin", "PYTHONPATH": "/srv/lib"}


def test_a_drop_in_resets_and_adds():
    found = unit(UNIT, "[Service]\nExecStart=\nExecStart=/opt/new/bin/python\nUser=other\n")
    assert found.commands == ["/bin/true", "/opt/new/bin/python"] and found.user == "other"


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("worker@blue.service", "%i %p %n %N %%", "blue worker worker@blue.service worker@blue %"),
        ("plain.service", "%p", "plain"),
        ("path@srv-app.service", "%I", "srv/app"),
    ],
)
def test_specifiers(name, text, expected):
    assert unit("ExecStart=/bin/echo " + text, name=name).commands == ["/bin/echo " + expected]


def test_files_of_a_unit_are_found_in_systemds_order(tmp_path):
    etc, lib = tmp_path / "etc", tmp_path / "lib"
    for path in (etc / "a@.service.d", etc / "a@one.service.d", lib / "a@.service.d", etc / "a-.service.d"):
        path.mkdir(parents=True)
    for path in (
        lib / "a@.service",
        etc / "a@.service",
        etc / "a@.service.d" / "10.conf",
        etc / "a@one.service.d" / "20.conf",
        lib / "a@.service.d" / "10.conf",
        lib / "a@.service.d" / "05.conf",
    ):
        path.write_text("")
    assert _units.find_unit_files("a@one.service", [str(etc), str(lib)], HostReader()) == [
        str(etc / "a@.service"),
        str(lib / "a@.service.d" / "05.conf"),
        str(etc / "a@.service.d" / "10.conf"),
        str(etc / "a@one.service.d" / "20.conf"),
    ]


def test_units_instances_and_drop_ins_without_a_unit(tmp_path):
    (tmp_path / "multi-user.target.wants").mkdir()
    (tmp_path / "w@.service").write_text("[Service]\nExecStart=/srv/%i/bin/python\n")
    (tmp_path / "multi-user.target.wants" / "w@blue.service").symlink_to("../w@.service")
    (tmp_path / "late.service.d").mkdir()
    (tmp_path / "late.service.d" / "x.conf").write_text("[Service]\nExecStart=/opt/bin/python\n")
    found = {entry.name: entry.commands for entry in _units.read_units([str(tmp_path)], HostReader())}
    assert found == {
        "w@.service": ["/srv//bin/python"],
        "w@blue.service": ["/srv/blue/bin/python"],
        "late.service": ["/opt/bin/python"],
    }


def test_only_variables_that_choose_a_python_are_kept():
    assert parse_python_variables("PASSWORD=x PATH=/a:/b 'PYTHONHOME=/with space' VIRTUAL_ENV=/v") == {
        "PATH": "/a:/b",
        "PYTHONHOME": "/with space",
        "VIRTUAL_ENV": "/v",
    }
    assert parse_python_variables('export PATH="/quoted"') == {"PATH": "/quoted"}


CRONTAB = """\
# a comment
PATH=/srv/venv/bin:/usr/bin
MAILTO=root
*/5 * * * * python -m app  # not a comment to cron
@daily cd /srv && venv/bin/python x.py%this is input\\%
broken line
0 1 * * mon-fri python\\%y
"""


def test_a_users_crontab():
    jobs = _cron.parse_crontab(CRONTAB, False)
    assert [(job.line, job.user, job.command) for job in jobs] == [
        (4, None, "python -m app  # not a comment to cron"),
        (5, None, "cd /srv && venv/bin/python x.py"),
        (7, None, "python%y"),
    ]
    assert jobs[0].variables == {"PATH": "/srv/venv/bin:/usr/bin"}


def test_the_systems_crontab_names_a_user():
    (job,) = _cron.parse_crontab("1 2 3 4 5 www-data /srv/venv/bin/python -m app\n", True)
    assert (job.user, job.command) == ("www-data", "/srv/venv/bin/python -m app")


def test_anacron():
    text = (
        "START_HOURS_RANGE=3-22\n1\t5\tcron.daily\trun-parts /etc/cron.daily\n"
        "@monthly 15 reports /srv/venv/bin/python x\n# 1 2 no job\n"
    )
    assert _cron.parse_anacrontab(text) == [
        (2, "cron.daily", "run-parts /etc/cron.daily"),
        (3, "reports", "/srv/venv/bin/python x"),
    ]


def test_at_keeps_what_follows_the_environment():
    text = (
        "#!/bin/sh\n# atrun uid=0 gid=0\numask 22\nSECRET=hunter2; export SECRET\ncd /srv/app || {\n"
        "\t echo 'Execution directory inaccessible' >&2\n\t exit 1\n}\n/srv/venv/bin/python x.py\n"
    )
    assert _cron.parse_at_job(text) == ("/srv/app", ["/srv/venv/bin/python x.py"])
    delimited = (
        "#!/bin/sh\ncd / || {\n exit 1\n}\n${SHELL:-/bin/sh} << 'marcinDELIMITER1234'\n"
        "/srv/venv/bin/python y\nmarcinDELIMITER1234\n"
    )
    assert _cron.parse_at_job(delimited) == ("/", ["/srv/venv/bin/python y"])


def test_supervisor():
    text = (
        "[supervisord]\nlogfile=/x\n[program:web]\ncommand=/srv/venv/bin/gunicorn app ; a comment\n"
        "user=web\ndirectory=/srv/app\n"
        'environment=PATH="/srv/venv/bin",PASSWORD="hunter2"\n[program:other]\ncommand=/bin/true\n'
    )
    first, second = _supervisors.parse_supervisor("/etc/s.conf", text)
    assert (first.name, first.user, first.commands, first.directory, first.variables) == (
        "web",
        "web",
        ["/srv/venv/bin/gunicorn app"],
        "/srv/app",
        {"PATH": "/srv/venv/bin"},
    )
    assert second.user == "root"
    assert _supervisors.parse_supervisor("/etc/s.conf", "not a configuration") == []


def test_programs_of_supervisor_have_the_names_by_which_it_controls_them(tmp_path, monkeypatch):
    programs = tmp_path / "programs.conf"
    programs.write_text(
        "[program:web]\ncommand=/srv/venv/bin/web\n[program:alone]\ncommand=/srv/venv/bin/alone\n"
        "[program:many]\ncommand=/srv/venv/bin/many\nnumprocs=3\nprocess_name=%(program_name)s_%(process_num)02d\n"
        "[program:called]\ncommand=/srv/venv/bin/called\nprocess_name=other\n"
        "[program:pooled]\ncommand=/srv/venv/bin/pooled\nnumprocs=2\nprocess_name=%(process_num)d\n"
    )
    (tmp_path / "groups.conf").write_text("[group:shop]\nprograms=web, absent\n[group:pool]\nprograms=pooled\n")
    monkeypatch.setattr(_supervisors, "CONFIGURATION_DIRECTORIES", [("supervisor", [str(tmp_path)], (".conf",))])
    names = {
        reference.commands[0].rpartition("/")[2]: reference.name
        for reference in _supervisors.find_supervisor_references([], HostReader())
        if reference.source == str(programs)
    }
    assert names == {
        "web": "shop:web",
        "alone": "alone",
        "many": "many:*",
        "called": "called:*",
        "pooled": "pool:*",
    }


@pytest.mark.parametrize(
    "text",
    [
        "[uwsgi]\nvirtualenv = /srv/venv\nuid = web\nchdir = /srv/app\n",
        "uwsgi:\n  virtualenv: /srv/venv\n  uid: web\n  chdir: /srv/app\n",
        "<uwsgi>\n  <virtualenv>/srv/venv</virtualenv>\n  <uid>web</uid>\n  <chdir>/srv/app</chdir>\n</uwsgi>\n",
    ],
)
def test_uwsgi_in_its_forms(text):
    found = _supervisors.parse_uwsgi("/etc/uwsgi/x", text)
    assert (found.commands, found.user, found.directory) == (["/srv/venv"], "web", "/srv/app")


def test_uwsgi_without_a_python_is_none():
    assert _supervisors.parse_uwsgi("/etc/uwsgi/x.ini", "[uwsgi]\nplugins = php\n") is None


def test_mod_wsgi():
    text = (
        "WSGIPythonHome /opt/py\n# WSGIPythonHome /no\n"
        '  WSGIDaemonProcess site user=web python-home="/srv/venv" threads=2\nWSGIDaemonProcess plain\n'
    )
    found = _supervisors.parse_mod_wsgi("/etc/apache2/x.conf", text)
    assert [(entry.name, entry.line, entry.commands, entry.user) for entry in found] == [
        ("WSGIPythonHome", 1, ["/opt/py"], None),
        ("site", 3, ["/srv/venv"], "web"),
    ]


def test_gunicorn_is_searched_and_not_run():
    found = _supervisors.parse_gunicorn(
        "/srv/app/gunicorn.conf.py", "import os; os.abort()\nchdir = '/srv/app'\nuser = \"web\"\n"
    )
    assert (found.commands, found.user, found.directory) == (["/srv/app"], "web", "/srv/app")


@pytest.mark.parametrize(
    "head, interpreter, calls",
    [
        (b"#!/srv/venv/bin/python3.9 -I\n", "/srv/venv/bin/python3.9", []),
        (b"#! /usr/bin/env python3\n", "python3", []),
        (b"#!/usr/bin/env -S python3 -u\n", "python3", []),
        (b"#!/bin/sh\n'''exec' \"/srv/a b/bin/python\" \"$0\" \"$@\"\n' '''\n", "/srv/a b/bin/python", []),
        (b"#!/bin/sh\n'''exec' /srv/venv/bin/python \"$0\" \"$@\"\n' '''\n", "/srv/venv/bin/python", []),
        (
            b"#!/bin/bash\n# python2 once\n. /srv/venv/bin/activate\nexec python -m app\n",
            "/bin/bash",
            ["/srv/venv/bin/activate", "python"],
        ),
        (b"#!/bin/sh\nx=$(/opt/py/bin/python3.8 -c pass)\n", "/bin/sh", ["/opt/py/bin/python3.8"]),
    ],
)
def test_scripts(head, interpreter, calls):
    assert _scripts.parse_script(head) == (interpreter, calls)


@pytest.mark.parametrize(
    "head", [b"", b"\x7fELF", b"#!", b"#!/usr/bin/perl\nuse python;\n", b"#!/bin/sh\necho mypython pythonic\n"]
)
def test_what_runs_no_python(head):
    assert _scripts.parse_script(head) is None
